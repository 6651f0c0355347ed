"""A small dataset in every format, read as if it were a large one."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import feather, parquet

from tasks_lib.dataset import Dataset, FieldSpec, Sample
from tasks_lib.dataset._files import lines_of
from tasks_lib.dataset._lines import Lines
from tasks_lib.dataset._reading import Order, Rows, make_dataset
from tasks_lib.dataset._source import Source

ROWS = 24
SPEC = FieldSpec(metadata=["n"])


def streamed(
    path: Path | str,
    sample_fields: Any = SPEC,
    *,
    lines: Lines | None = None,
    auto_id: bool = False,
    held_bytes: int = 100,
    **order: Any,
) -> Dataset:
    """Read a small file as if it were a large one."""
    source = Source(str(path))
    options = {"shuffle": False, "seed": None, "shuffle_choices": None, "limit": None, **order}
    return make_dataset(
        lines or lines_of(source),
        source,
        Rows(sample_fields, auto_id, None),
        Order("test", **options),
        held_bytes=held_bytes,
    )


def rows(padding: str = "") -> list[dict[str, Any]]:
    return [
        {
            "input": f"q{n} ä",
            "target": "AB"[n % 2],
            "choices": ["x", "y"],
            "id": f"id{n}",
            "n": n,
            "padding": padding,
        }
        for n in range(ROWS)
    ]


def samples() -> list[Sample]:
    return [
        Sample(
            input=row["input"],
            target=row["target"],
            choices=row["choices"],
            id=row["id"],
            metadata={"n": row["n"]},
        )
        for row in rows()
    ]


def as_lines(encoding: str = "utf-8", end: str = "\n") -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + end for row in rows()).encode(encoding)


def write_lines(file: Path) -> None:
    file.write_bytes(as_lines())


def write_lines_with_mark(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf\n\n" + as_lines(end="\r\n \r\n"))


def write_lines_of_old_mac(file: Path) -> None:
    file.write_bytes(as_lines(end="\r").removesuffix(b"\r"))


def write_gzip(file: Path) -> None:
    file.write_bytes(gzip.compress(as_lines(), 1))


def write_array(file: Path) -> None:
    file.write_bytes(json.dumps(rows(), ensure_ascii=False, indent=1).encode())


def write_parquet(file: Path) -> None:
    parquet.write_table(pa.Table.from_pylist(rows()), file, row_group_size=10)


def write_feather(file: Path) -> None:
    feather.write_feather(pa.Table.from_pylist(rows()), str(file), chunksize=7)


def write_arrow_stream(file: Path) -> None:
    table = pa.Table.from_pylist(rows())
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=5)


FORMATS: list[tuple[str, Callable[[Path], None]]] = [
    ("d.jsonl", write_lines),
    ("mark.jsonl", write_lines_with_mark),
    ("mac.jsonl", write_lines_of_old_mac),
    ("d.jsonl.gz", write_gzip),
    ("d.json", write_array),
    ("d.parquet", write_parquet),
    ("d.feather", write_feather),
    ("d.arrow", write_arrow_stream),
]
