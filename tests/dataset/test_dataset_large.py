"""Files with more text than is held in memory.

One has that much; for the others the limit is lower.
"""

from __future__ import annotations

import csv
import gc
import json
import os
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pytest
from pyarrow import parquet

from tasks_lib._errors import DatasetError, PrerequisiteError
from tasks_lib.dataset import (
    FieldSpec,
    MemoryDataset,
    Sample,
    check_ids,
    dataset_digest,
    file_dataset,
    json_dataset,
)
from tasks_lib.dataset._files import lines_of
from tasks_lib.dataset._lines import SPOOL_BYTES, json_array, json_lines
from tasks_lib.dataset._reading import HELD_BYTES
from tasks_lib.dataset._source import Source
from tasks_lib.dataset._stream import StreamedDataset
from tests.dataset._large import (
    FORMATS,
    ROWS,
    SPEC,
    as_lines,
    rows,
    samples,
    streamed,
    write_array,
    write_lines,
    write_parquet,
)


@pytest.mark.parametrize(("name", "write"), FORMATS, ids=[name for name, _ in FORMATS])
def test_large_files_are_streamed(tmp_path: Path, name: str, write: Callable[[Path], None]) -> None:
    write(tmp_path / name)

    dataset = streamed(tmp_path / name)

    assert isinstance(dataset, StreamedDataset)
    assert list(dataset) == samples()
    assert dataset[ROWS - 1] == samples()[-1]
    assert dataset_digest(dataset) == dataset_digest(samples())
    assert check_ids(dataset) is dataset
    location = str(tmp_path / name)
    assert (dataset.name, dataset.location) == (name.split(".")[0], location)


def test_csv_is_streamed(tmp_path: Path) -> None:
    with (tmp_path / "d.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows()[0]))
        writer.writeheader()
        for row in rows():
            writer.writerow({**row, "choices": "x,y", "input": row["input"] + "\n,"})

    dataset = streamed(tmp_path / "d.csv", FieldSpec())

    assert isinstance(dataset, StreamedDataset)
    changes: list[dict[str, Any]] = [
        {"metadata": None, "input": f"{s.input}\n,"} for s in samples()
    ]
    assert list(dataset) == [
        sample.model_copy(update=change) for sample, change in zip(samples(), changes, strict=True)
    ]


def test_a_file_above_the_limit(tmp_path: Path) -> None:
    large = rows("x" * (HELD_BYTES // ROWS))
    path = str(tmp_path / "d.jsonl")
    Path(path).write_text("\n".join(map(json.dumps, large)))

    dataset = file_dataset(path, SPEC)

    assert isinstance(dataset, StreamedDataset)
    assert dataset[5] == samples()[5]


def test_many_short_samples_are_streamed_too(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text('{"input": "q"}\n' * 100)

    assert isinstance(streamed(path, FieldSpec(), held_bytes=100_000), StreamedDataset)
    assert isinstance(streamed(path, FieldSpec(), held_bytes=200_000), MemoryDataset)


def test_text_above_what_is_spooled_in_memory(tmp_path: Path) -> None:
    large = [*rows("é" * (SPOOL_BYTES // ROWS // 2))[:-1], rows()[-1]]
    large[0]["padding"] *= 2
    parquet.write_table(pa.Table.from_pylist(large), tmp_path / "d.parquet")

    assert list(streamed(tmp_path / "d.parquet")) == samples()


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    file = tmp_path / "d.jsonl"
    write_lines(file)
    return file


@pytest.mark.parametrize(
    "options",
    [
        {"limit": 23},
        {"limit": 0},
        {"limit": 9, "shuffle": 0},
        {"shuffle": True, "seed": 0, "shuffle_choices": True, "auto_id": True},
        {"shuffle_choices": 7},
        {"shuffle_choices": 0, "seed": 3},
        {"auto_id": True},
    ],
    ids=str,
)
def test_options_have_the_outcome_of_a_small_file(lines: Path, options: dict[str, Any]) -> None:
    expected = json_dataset(str(lines), SPEC, **options)

    dataset = streamed(lines, **options)

    assert isinstance(expected, MemoryDataset)
    assert list(dataset) == list(expected)
    assert (dataset.name, dataset.shuffled) == (expected.name, expected.shuffled)


def test_no_more_is_read_than_the_limit_needs(lines: Path) -> None:
    with lines.open("ab") as file:
        file.write(b"broken")

    assert list(streamed(lines, limit=ROWS - 1)) == samples()[:-1]
    with pytest.raises(DatasetError, match=rf"d\.jsonl:{ROWS + 1}: not valid JSON at column 1"):
        streamed(lines)


@pytest.mark.parametrize("name", ["d.jsonl", "d.jsonl.gz"])
def test_remote_files_are_read_once(name: str) -> None:
    with fsspec.open(f"memory://large/{name}", "wb", compression="infer") as file:
        file.write(as_lines())

    dataset = streamed(f"memory://large/{name}")
    fsspec.filesystem("memory").rm("/large", recursive=True)

    assert list(dataset) == samples()


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-8-sig", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "d.jsonl"
    file.write_bytes(as_lines(encoding))

    assert list(streamed(file, lines=lines_of(Source(str(file)), encoding))) == samples()


@pytest.mark.parametrize(
    ("encoding", "message"),
    [
        pytest.param("utf-8", r"d\.jsonl:1: not utf-8 text \(byte 0xe4\)", id="byte"),
        pytest.param("latin-0", "encoding is 'latin-0'", id="no encoding"),
    ],
)
def test_wrong_encodings(tmp_path: Path, encoding: str, message: str) -> None:
    file = tmp_path / "d.jsonl"
    file.write_bytes(as_lines("latin-1"))

    with pytest.raises(PrerequisiteError, match=message):
        streamed(file, lines=lines_of(Source(str(file)), encoding))


def as_marked(text: str) -> str:
    return f"<{text}>"


@pytest.mark.parametrize(
    ("name", "write", "read"),
    [("d.jsonl", write_lines, json_lines), ("d.json", write_array, json_array)],
    ids=["lines", "array"],
)
def test_reader_arguments(tmp_path: Path, name: str, write: Any, read: Any) -> None:
    write(tmp_path / name)
    records = read(Source(str(tmp_path / name)), "utf-8", {"parse_int": as_marked})

    assert streamed(tmp_path / name, lines=records)[3].metadata == {"n": "<3>"}


def none_or_several(record: dict[str, Any]) -> list[Sample]:
    return [Sample(input=f"{record['input']} {part}") for part in range(2 * (record["n"] % 3))]


def test_records_of_none_or_several_samples(lines: Path) -> None:
    expected = [sample.input for row in rows() for sample in none_or_several(row)]

    dataset = streamed(lines, none_or_several, auto_id=True)

    assert [sample.input for sample in dataset] == expected
    assert [sample.id for sample in dataset] == list(range(1, len(expected) + 1))
    assert dataset[5].input == expected[5]
    assert check_ids(dataset) is dataset


def test_a_function_that_changes_its_mind(lines: Path) -> None:
    counts = iter([2] * ROWS + [1])
    dataset = streamed(lines, lambda record: [Sample(input="q")] * next(counts))

    with pytest.raises(DatasetError) as error:
        dataset[3]

    assert str(error.value) == (
        f"{lines}:2: made 1 samples, but more when the dataset was loaded. Large datasets call "
        "sample_fields again whenever a sample is read: it must always return the same for the "
        "same record."
    )


def test_a_changed_file(lines: Path) -> None:
    dataset = streamed(lines)
    with lines.open("r+b") as changed:
        changed.seek(lines.read_bytes().index("q5 ä".encode()))
        changed.write(b"Q")
        changed.seek(0, os.SEEK_END)
        changed.write(b'{"input": "new"}\n')

    assert dataset[4] == samples()[4]
    with pytest.raises(DatasetError) as error:
        dataset[5]
    assert str(error.value) == (
        f"{lines}:6: the line is another one than when the dataset was loaded. Leave the file as "
        "it is while it is evaluated, or write the new one beside it and rename it."
    )


def test_a_replaced_file(lines: Path) -> None:
    dataset = streamed(lines)

    lines.with_name("new").write_text("{}")
    lines.with_name("new").replace(lines)

    assert list(dataset) == samples()


def test_every_row_is_checked(lines: Path) -> None:
    with lines.open("ab") as file:
        file.write(b'{"output": "q"}\n')

    with pytest.raises(DatasetError) as error:
        streamed(lines)

    place = (error.value.location, error.value.line, error.value.field)
    assert place == (str(lines), ROWS + 1, "input")


def test_duplicate_ids(lines: Path) -> None:
    with lines.open("ab") as file:
        file.write(b'{"input": "q", "id": "id4"}\n')

    dataset = streamed(lines)

    with pytest.raises(DatasetError, match=f"samples 5 and {ROWS + 1} have the same id 'id4'"):
        check_ids(dataset)


def test_files_are_closed_with_the_dataset(tmp_path: Path, lines: Path) -> None:
    write_parquet(tmp_path / "d.parquet")
    gc.collect()
    before = open_files()

    datasets = [streamed(tmp_path / name) for name in ("d.jsonl", "d.parquet")]
    assert [list(dataset) for dataset in datasets] == [samples()] * 2
    assert open_files() == before + 2
    datasets.clear()
    gc.collect()

    assert open_files() == before


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(
    ("options", "most"),
    [
        pytest.param({}, 34, id="in the order of the file"),
        pytest.param({"shuffle": 1, "shuffle_choices": 1}, 66, id="shuffled"),
    ],
)
def test_memory_per_sample(tmp_path: Path, options: dict[str, Any], most: int) -> None:
    count = 800
    file = tmp_path / "d.jsonl"
    file.write_text(f"{json.dumps(rows()[0] | {'id': None})}\n" * count)
    streamed(file, limit=5, **options)  # so that what is loaded once doesn't count

    gc.collect()
    tracemalloc.start()
    dataset = check_ids(streamed(file, **options))
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(dataset) == count
    assert held / count < most


def test_reading_in_threads(lines: Path) -> None:
    dataset = streamed(lines)

    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(dataset.__getitem__, list(range(ROWS)) * 20))

    assert read == samples() * 20
