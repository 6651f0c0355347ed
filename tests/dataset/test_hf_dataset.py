import csv
import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from tasks_lib._errors import (
    DatasetError,
    MissingFileError,
    MissingPackageError,
    ParameterError,
    UnknownNameError,
)
from tasks_lib.dataset import Dataset, FieldSpec, MemoryDataset, Sample, hf_dataset, json_dataset

ROWS = [{"question": f"{n}+1?", "answer": str(n + 1)} for n in range(10)]
FIELDS = FieldSpec(input="question", target="answer")
SAMPLES = [Sample(input=row["question"], target=row["answer"]) for row in ROWS]


def write_lines(file: Path, rows: list[dict[str, Any]]) -> None:
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


def write_csv(file: Path, rows: list[dict[str, Any]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_parquet(file: Path, rows: list[dict[str, Any]]) -> None:
    parquet.write_table(pyarrow.Table.from_pylist(rows), file)


class Reader:
    """Reads datasets of a folder; what `datasets` caches is the test's own."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "qa"
        self.folder.mkdir()
        self.cache = str(tmp_path / "cache")

    def __call__(self, split: str = "test", **options: Any) -> Dataset:
        options = {"sample_fields": FIELDS, "cache_dir": self.cache, **options}
        return hf_dataset(str(self.folder), split, **options)


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    monkeypatch.setenv("EVAL_CACHE_DIR", str(tmp_path / "kept"))
    return Reader(tmp_path)


@pytest.fixture
def ten(reader: Reader) -> Reader:
    write_lines(reader.folder / "test.jsonl", ROWS)
    return reader


@pytest.mark.parametrize(
    ("ending", "write"),
    [
        pytest.param("jsonl", write_lines, id="JSON lines"),
        pytest.param("parquet", write_parquet, id="Parquet"),
        pytest.param("csv", write_csv, id="CSV"),
    ],
)
def test_splits_of_a_folder(reader: Reader, ending: str, write: Any) -> None:
    write(reader.folder / f"train.{ending}", ROWS[:3])
    write(
        reader.folder / f"test.{ending}", [{**row, "question": row["question"] * 2} for row in ROWS]
    )

    # CSV tells no text from numbers; as a target both are the same text.
    dataset = reader("train")

    assert list(dataset) == SAMPLES[:3]
    assert (dataset.name, dataset.location, dataset.shuffled) == ("qa", str(reader.folder), False)
    assert [sample.input for sample in reader("test[4:6]")] == ["4+1?4+1?", "5+1?5+1?"]


def test_format_with_data_files(ten: Reader) -> None:
    file = str(ten.folder / "test.jsonl")

    dataset = hf_dataset(
        "json", "train", sample_fields=FIELDS, data_files=file, cache_dir=ten.cache
    )

    assert list(dataset) == SAMPLES
    assert (dataset.name, dataset.location) == ("json", "json")


def test_data_dir_and_configuration(reader: Reader) -> None:
    (reader.folder / "easy").mkdir()
    write_lines(reader.folder / "easy" / "test.jsonl", ROWS[:2])
    write_lines(reader.folder / "hard.jsonl", ROWS[5:])
    configs = "configs:\n- config_name: hard\n  data_files:\n  - {split: test, path: hard.jsonl}\n"
    (reader.folder / "README.md").write_text(f"---\n{configs}---\n", encoding="utf-8")

    assert list(reader(name="hard")) == SAMPLES[5:]
    (reader.folder / "README.md").unlink()
    assert list(reader(data_dir="easy")) == SAMPLES[:2]


def test_local_files_that_change_are_read_again(ten: Reader) -> None:
    assert len(ten()) == 10
    write_lines(ten.folder / "test.jsonl", ROWS[:4])

    assert list(ten()) == SAMPLES[:4]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="all"),
        pytest.param({"limit": 3}, id="the first"),
        pytest.param({"limit": 0}, id="none"),
        pytest.param({"shuffle": True, "seed": 0}, id="seed 0"),
        pytest.param({"shuffle": 0, "limit": 4}, id="shuffle is the seed 0"),
        pytest.param({"shuffle": 7, "limit": 4, "auto_id": True}, id="numbered before the shuffle"),
    ],
)
def test_order_is_that_of_json_dataset(ten: Reader, options: dict[str, Any]) -> None:
    expected = json_dataset(str(ten.folder / "test.jsonl"), FIELDS, **options)

    dataset = ten(**options)

    assert list(dataset) == list(expected)
    assert dataset.shuffled == expected.shuffled == ("shuffle" in options)


def test_choices_are_shuffled_with_their_targets(reader: Reader) -> None:
    rows = [{"input": f"q{n}", "choices": ["x", "y", "z"], "target": "B"} for n in range(5)]
    write_lines(reader.folder / "test.jsonl", rows)
    expected = json_dataset(str(reader.folder / "test.jsonl"), shuffle_choices=3)

    assert list(reader(sample_fields=None, shuffle_choices=3)) == list(expected)
    assert len({sample.target for sample in expected if isinstance(sample.target, str)}) > 1


def test_limit_reads_no_further(reader: Reader) -> None:
    write_lines(reader.folder / "test.jsonl", [*ROWS, {"question": None, "answer": "1"}])

    assert list(reader(limit=10)) == SAMPLES
    with pytest.raises(DatasetError, match="expected text or a list of messages, found null"):
        reader()


def halves(row: dict[str, Any]) -> list[Sample]:
    if row["answer"] == "1":
        return []
    return [Sample(input=row["question"]), Sample(input=row["answer"])]


def test_a_function_from_a_row_to_samples(ten: Reader) -> None:
    expected = json_dataset(str(ten.folder / "test.jsonl"), halves, auto_id=True, limit=5)

    assert list(ten(sample_fields=halves, auto_id=True, limit=5)) == list(expected)


IMAGE = {"bytes": b"\x89PNG\xff", "path": "a.png"}


def write_image(file: Path) -> None:
    """Write a row as it is on the hub: what is an image says the schema."""
    features = {"image": {"_type": "Image"}, "day": {"_type": "Value", "dtype": "date32"}}
    info = json.dumps({"info": {"features": features}})
    row = {"image": IMAGE, "day": date(2024, 5, 17)}
    table = pyarrow.Table.from_pylist([row]).replace_schema_metadata({"huggingface": info})
    parquet.write_table(table, file)


def seen(row: dict[str, Any]) -> Sample:
    return Sample(input=repr(row))


def test_a_function_gets_values_as_they_are_stored(reader: Reader) -> None:
    write_image(reader.folder / "test.parquet")

    (sample,) = reader(sample_fields=seen)

    assert sample.input == repr({"image": IMAGE, "day": date(2024, 5, 17)})


def test_fields_get_values_that_json_has(reader: Reader) -> None:
    write_image(reader.folder / "test.parquet")

    (sample,) = reader(sample_fields=FieldSpec(input="day", metadata=["image", "day"]))

    assert sample == Sample(
        input="2024-05-17",
        metadata={"image": {"bytes": "iVBOR/8=", "path": "a.png"}, "day": "2024-05-17"},
    )


def test_fields_of_messages_that_other_messages_have(reader: Reader) -> None:
    """Arrow gives every message the fields of all, as null where a row has none."""
    messages = [
        {"role": "system", "content": "Be brief.", "tool_call_id": None},
        {"role": "tool", "content": "3", "tool_call_id": "c1"},
    ]
    write_parquet(reader.folder / "test.parquet", [{"input": messages, "files": {"a": "1"}}])

    (sample,) = reader(sample_fields=None)

    assert isinstance(sample.input, list)
    assert [(message.role, message.text) for message in sample.input] == [
        ("system", "Be brief."),
        ("tool", "3"),
    ]


def test_large_tables_are_read_when_they_are_asked_for(reader: Reader) -> None:
    samples = [
        Sample(input=f"{n}", choices=["x", "y"], target="AB"[n % 2], id=n) for n in range(1, 21)
    ]
    padding = "x" * 3_500_000
    rows = [{**sample.model_dump(exclude_none=True), "padding": padding} for sample in samples]
    write_parquet(reader.folder / "test.parquet", rows)
    expected = MemoryDataset(samples)
    expected.shuffle(5)
    expected.shuffle_choices(5)

    options: dict[str, Any] = {"shuffle": 5, "shuffle_choices": 5, "auto_id": True}
    dataset = reader(sample_fields=None, **options, limit=15)

    assert not isinstance(dataset, MemoryDataset)
    assert list(dataset) == list(expected[:15])
    assert (dataset[3], dataset.shuffled) == (expected[3], True)


def test_files_beside_local_data(reader: Reader) -> None:
    (reader.folder / "a.sh").write_text("true")
    write_lines(reader.folder / "test.jsonl", [{"input": "q", "setup": "a.sh"}])

    assert reader(sample_fields=None)[0].setup == str(reader.folder.resolve() / "a.sh")


@pytest.mark.parametrize("split", ["train", "test"])
def test_folder_that_was_saved(ten: Reader, tmp_path: Path, split: str) -> None:
    import datasets

    rows = {"train": ROWS[:3], "test": ROWS[3:]}
    tables = {name: datasets.Dataset.from_list(part) for name, part in rows.items()}
    saved = tmp_path / "saved"
    datasets.DatasetDict(tables).save_to_disk(saved)

    dataset = hf_dataset(str(saved), split, sample_fields=FIELDS)

    assert list(dataset) == (SAMPLES[:3] if split == "train" else SAMPLES[3:])
    with pytest.raises(UnknownNameError, match=r"No split of '.*saved' is named 'tests'.*'test'"):
        hf_dataset(str(saved), "tests")
    with pytest.raises(ParameterError, match=r"revision is 'v1', expected None: .*save_to_disk"):
        hf_dataset(str(saved), split, revision="v1")


def test_one_split_that_was_saved(ten: Reader, tmp_path: Path) -> None:
    import datasets

    saved = tmp_path / "saved"
    datasets.Dataset.from_list(ROWS, split="test").save_to_disk(saved)

    assert list(hf_dataset(str(saved), "test", sample_fields=FIELDS)) == SAMPLES
    with pytest.raises(UnknownNameError, match=r"is named 'train'\. Known: 'test'"):
        hf_dataset(str(saved), "train")


def test_row_without_its_field(ten: Reader) -> None:
    with pytest.raises(DatasetError) as error:
        ten(sample_fields=FieldSpec(input="q"))

    place = f"{ten.folder}[test]"
    assert str(error.value) == (
        f"{place}:1: field 'q': missing. Fields of this row: ['question', 'answer']. "
        'Map it with FieldSpec(input="…").'
    )
    assert (error.value.location, error.value.line, error.value.field) == (place, 1, "q")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"split": "tests"}, 'Unknown split "tests". Should be one of', id="split"),
        pytest.param({"name": "main"}, "BuilderConfig 'main' not found", id="configuration"),
        pytest.param({"data_files": "none.jsonl"}, "Unable to find", id="file"),
        pytest.param({"sep": "\t"}, "'sep'|sep", id="argument"),
    ],
)
def test_what_cannot_be_loaded(ten: Reader, options: dict[str, Any], message: str) -> None:
    with pytest.raises(DatasetError, match=message) as error:
        ten(**options)

    assert str(error.value).startswith(f"{ten.folder}: cannot be loaded: ")
    assert "\n" not in str(error.value)


def test_broken_file(reader: Reader) -> None:
    (reader.folder / "test.parquet").write_text("PAR1, not really")

    with pytest.raises(DatasetError, match="cannot be loaded: ArrowInvalid: Parquet magic bytes"):
        reader()


def test_code_is_not_run(reader: Reader, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    (reader.folder / "qa.py").write_text(f"open({str(mark)!r}, 'w')")

    with pytest.raises(DatasetError, match="Dataset scripts are no longer supported"):
        hf_dataset(str(reader.folder / "qa.py"), "test", trust=True, cache_dir=reader.cache)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        pytest.param({"path": ""}, ParameterError, "path is '', expected a name", id="no path"),
        pytest.param(
            {"split": ["test", "train"]},
            ParameterError,
            r"split is \['test', 'train'\], expected the name of one split",
            id="several splits",
        ),
        pytest.param(
            {"streaming": True}, ParameterError, "streaming is True, expected nothing", id="stream"
        ),
        pytest.param({"limit": -1}, ParameterError, "hf_dataset: limit is -1", id="limit"),
        pytest.param(
            {"sample_fields": "q"}, ParameterError, "expected a FieldSpec", id="sample_fields"
        ),
        pytest.param(
            {"path": "./none"}, MissingFileError, "dataset './none' does not exist", id="no folder"
        ),
    ],
)
def test_wrong_arguments(
    reader: Reader, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        hf_dataset(**{"path": str(reader.folder), "split": "test", **options})


def test_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)

    with pytest.raises(MissingPackageError, match=r"pip install 'prefect-evals\[hf\]'"):
        hf_dataset("owner/qa", "test")
