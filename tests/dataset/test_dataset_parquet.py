"""Parquet and Arrow files: types of values, rows in errors, and files that are none."""

from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from tasks_lib._errors import DatasetError, MissingFileError, PrerequisiteError
from tasks_lib.dataset import FieldSpec, MemoryDataset, Sample, file_dataset
from tasks_lib.schema import ChatMessageUser


def write_stream(table: pa.Table, file: str) -> None:
    with pa.OSFile(file, "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


def write_file(table: pa.Table, file: str) -> None:
    with pa.OSFile(file, "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def write_lz4(table: pa.Table, file: str) -> None:
    feather.write_feather(table, file, compression="lz4")


FORMATS: list[Any] = [
    pytest.param("d.parquet", parquet.write_table, id="parquet"),
    pytest.param("d.arrow", write_file, id="arrow file"),
    pytest.param("d.arrow", write_stream, id="arrow stream"),
    pytest.param("d.FEATHER", write_lz4, id="feather"),
]

ROWS = [
    {"input": "a", "target": 1, "choices": ["x", "y"], "id": 7, "metadata": {"k": 0.5, "l": [1]}},
    {"input": "b", "target": None, "choices": None, "id": None, "metadata": None},
    {"input": "c", "target": 3, "choices": [], "id": 9, "metadata": {"k": None, "l": []}},
]
SAMPLES = [
    Sample(input="a", target="1", choices=["x", "y"], id=7, metadata={"k": 0.5, "l": [1]}),
    Sample(input="b"),
    Sample(input="c", target="3", choices=[], id=9, metadata={"k": None, "l": []}),
]


@pytest.mark.parametrize(("name", "write"), FORMATS)
def test_formats(tmp_path: Path, name: str, write: Callable[[pa.Table, str], None]) -> None:
    path = str(tmp_path / name)
    write(pa.Table.from_pylist(ROWS), path)

    dataset = file_dataset(path)

    assert isinstance(dataset, MemoryDataset)
    assert list(dataset) == SAMPLES
    assert (dataset.name, dataset.location, dataset.shuffled) == ("d", path, False)


@pytest.mark.parametrize(("name", "write"), FORMATS)
def test_no_rows(tmp_path: Path, name: str, write: Callable[[pa.Table, str], None]) -> None:
    write(pa.table({"input": pa.array([], pa.string())}), str(tmp_path / name))

    assert list(file_dataset(str(tmp_path / name))) == []


MOMENT = dt.datetime(2024, 2, 29, 12, 30, 5)
NANOSECONDS = 1_709_209_805_000_001_234


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        pytest.param([1, None], pa.int8(), [1, None], id="integer"),
        pytest.param([2**64 - 1], pa.uint64(), [2**64 - 1], id="large integer"),
        pytest.param([0.1, None], pa.float64(), [0.1, None], id="double"),
        pytest.param([0.5], pa.float16(), [0.5], id="half"),
        pytest.param([True, None], pa.bool_(), [True, None], id="bool"),
        pytest.param(["é", None], pa.large_string(), ["é", None], id="text"),
        pytest.param([None], pa.null(), [None], id="null"),
        pytest.param(
            ["a", "b", "a"], pa.dictionary(pa.int8(), pa.string()), ["a", "b", "a"], id="category"
        ),
        pytest.param([Decimal("1.50"), None], pa.decimal128(9, 2), ["1.50", None], id="decimal"),
        pytest.param([MOMENT.date(), None], pa.date32(), ["2024-02-29", None], id="date"),
        pytest.param([MOMENT], pa.timestamp("s"), ["2024-02-29T12:30:05"], id="time stamp"),
        pytest.param(
            [NANOSECONDS], pa.timestamp("ns"), ["2024-02-29T12:30:05.000001"], id="nanoseconds"
        ),
        pytest.param(
            [MOMENT],
            pa.timestamp("us", "UTC"),
            ["2024-02-29T12:30:05+00:00"],
            id="time stamp with zone",
        ),
        pytest.param([MOMENT.time()], pa.time64("ns"), ["12:30:05"], id="time"),
        pytest.param(
            [dt.timedelta(seconds=90, milliseconds=500)], pa.duration("ns"), [90.5], id="duration"
        ),
        pytest.param([b"\x00\xff", None], pa.binary(), ["AP8=", None], id="binary"),
        pytest.param([[1, 2], [], None], pa.list_(pa.int32()), [[1, 2], [], None], id="list"),
        pytest.param([[1, 2]], pa.list_(pa.int32(), 2), [[1, 2]], id="list of fixed size"),
        pytest.param(
            [[("a", MOMENT.date())]],
            pa.map_(pa.string(), pa.date32()),
            [{"a": "2024-02-29"}],
            id="map",
        ),
        pytest.param(
            [[(1, "x")]], pa.map_(pa.int8(), pa.string()), [{"1": "x"}], id="map of numbers"
        ),
        pytest.param(
            [{"bytes": b"ab", "path": None}, None],
            pa.struct({"bytes": pa.binary(), "path": pa.string()}),
            [{"bytes": "YWI=", "path": None}, None],
            id="image",
        ),
        pytest.param(
            [[{"when": MOMENT, "what": [Decimal("0.1")]}]],
            pa.list_(
                pa.struct({"when": pa.timestamp("ms"), "what": pa.list_(pa.decimal128(3, 1))})
            ),
            [[{"when": "2024-02-29T12:30:05", "what": ["0.1"]}]],
            id="nested",
        ),
    ],
)
def test_values(tmp_path: Path, values: list[Any], kind: pa.DataType, expected: list[Any]) -> None:
    path = str(tmp_path / "d.arrow")
    table = pa.table({"input": ["q"] * len(values), "value": pa.array(values, kind)})
    write_stream(table, path)

    dataset = file_dataset(path, FieldSpec(metadata=["value"]))

    assert [(sample.metadata or {})["value"] for sample in dataset] == expected


def test_messages(tmp_path: Path) -> None:
    path = str(tmp_path / "d.parquet")
    parquet.write_table(pa.table({"input": [[{"role": "user", "content": "hi"}]]}), path)

    (sample,) = file_dataset(path)

    assert isinstance(sample.input, list)
    (message,) = sample.input
    assert isinstance(message, ChatMessageUser)
    assert (message.content, message.source) == ("hi", "input")


@pytest.mark.parametrize(("name", "write"), FORMATS)
def test_errors_name_the_row(
    tmp_path: Path, name: str, write: Callable[[pa.Table, str], None]
) -> None:
    path = str(tmp_path / name)
    inputs = ["q"] * 2500 + [None, "q"]
    write(pa.table({"input": inputs}), path)

    with pytest.raises(DatasetError) as error:
        file_dataset(path)

    assert str(error.value).startswith(f"{path}:2501: field 'input': expected text or a list")


def broken(tmp_path: Path, name: str, content: bytes) -> str:
    (tmp_path / name).write_bytes(content)
    return str(tmp_path / name)


@pytest.mark.parametrize("name", ["d.parquet", "d.arrow", "d.feather"])
@pytest.mark.parametrize(
    "content",
    [b"", b"PAR1", b"ARROW1\0\0", b"FEA1 old", b'{"input": "a"}\n' * 9],
    ids=["empty", "parquet", "arrow", "old feather", "text"],
)
def test_files_that_are_none(tmp_path: Path, name: str, content: bytes) -> None:
    path = broken(tmp_path, name, content)

    with pytest.raises(DatasetError) as error:
        file_dataset(path)

    assert str(error.value).startswith(f"{path}: cannot be read: ")


def test_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "d.parquet"
    parquet.write_table(pa.table({"input": [f"text {n}" for n in range(5000)]}), path)
    content = path.read_bytes()
    path.write_bytes(content[:200] + bytes(2000) + content[2200:])

    with pytest.raises(DatasetError, match=r"d\.parquet: cannot be read: "):
        file_dataset(str(path))


def test_a_column_without_a_form_in_json(tmp_path: Path) -> None:
    path = str(tmp_path / "d.arrow")
    span = pa.array([(1, 2, 3)], pa.month_day_nano_interval())
    write_stream(pa.table({"input": ["q"], "span": span}), path)

    with pytest.raises(DatasetError) as error:
        file_dataset(path)

    assert str(error.value) == (
        f"{path}: field 'span': the column has the type month_day_nano_interval: its values "
        "cannot be read one by one. Write it with another type, such as text."
    )


def test_a_value_that_python_has_not(tmp_path: Path) -> None:
    path = str(tmp_path / "d.arrow")
    far = pa.array([2**60], pa.timestamp("us"))
    write_stream(pa.table({"input": ["q"], "when": far}), path)

    with pytest.raises(DatasetError, match="field 'when': the column cannot be read as timestamp"):
        file_dataset(path)


def test_two_columns_with_the_same_name(tmp_path: Path) -> None:
    path = str(tmp_path / "d.arrow")
    write_stream(pa.Table.from_arrays([pa.array(["q"])] * 2, names=["input", "input"]), path)

    with pytest.raises(DatasetError) as error:
        file_dataset(path)

    assert str(error.value) == f"{path}: several columns have the same name: ['input']"


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"d\.parquet' does not exist"):
        file_dataset(str(tmp_path / "d.parquet"))


def test_a_limit_reads_no_further(tmp_path: Path) -> None:
    path = str(tmp_path / "d.parquet")
    parquet.write_table(pa.table({"input": ["a", None, None]}), path)

    assert [sample.input for sample in file_dataset(path, FieldSpec(), limit=0)] == []
    with pytest.raises(PrerequisiteError, match=":2: field 'input'"):
        file_dataset(path)


def test_a_compressed_file(tmp_path: Path) -> None:
    plain = tmp_path / "d.parquet"
    parquet.write_table(pa.Table.from_pylist(ROWS), plain)
    packed = broken(tmp_path, "d.parquet.gz", gzip.compress(plain.read_bytes()))

    assert list(file_dataset(packed)) == SAMPLES
