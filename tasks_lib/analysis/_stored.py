"""What a log's columns say of its samples, without their transcripts.

Fields of a sample (and of its summary, where they differ) are made from the columns of the
log: numbers and text as Arrow arrays, the rest as plain data, parsed when asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cached_property
from hashlib import md5
from typing import Any, NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import TypeAdapter
from pydantic_core import from_json

from tasks_lib.log import sample_id_text
from tasks_lib.schema import ChatMessage, EvalSample, EvalSampleSummary

Values: TypeAlias = "pa.ChunkedArray | list[Any]"
"""A value for each sample."""

KEY_COLUMNS = ("eval_id", "sample_id", "sample_id_type", "epoch", "uuid", "details")
"""Columns that are always read; few samples have `details`."""

_MESSAGES: TypeAdapter[list[ChatMessage]] = TypeAdapter(list[ChatMessage])
_SURROGATES = 0x800
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class SampleKey(NamedTuple):
    """What tells samples of a log apart; 1 and "1" are different."""

    id: str
    """As the column `sample_id` has it."""
    is_int: bool
    epoch: int

    @classmethod
    def of(cls, sample: EvalSample | EvalSampleSummary) -> SampleKey:
        """Return the key of a sample."""
        return cls(sample_id_text(sample.id), isinstance(sample.id, int), sample.epoch)


class StoredSamples:
    """The rows of a log, sorted by epoch and id as its samples are."""

    def __init__(self, table: pa.Table) -> None:
        """Take a table with `KEY_COLUMNS` and those that will be asked for."""
        self._table = _sorted(table)

    def __len__(self) -> int:
        return int(self._table.num_rows)

    @cached_property
    def keys(self) -> list[SampleKey]:
        """The key of each sample."""
        names = ("sample_id", "sample_id_type", "epoch")
        rows = zip(*(self.column(name).to_pylist() for name in names), strict=True)
        return [SampleKey(id, kind == "int", epoch) for id, kind, epoch in rows]

    @cached_property
    def positions(self) -> dict[SampleKey, int]:
        """The row of each sample."""
        return {key: row for row, key in enumerate(self.keys)}

    @cached_property
    def ids(self) -> list[str]:
        """The unique id of each sample: its uuid, else a digest of its log, id and epoch."""
        ids: list[str] = self.column("uuid").to_pylist()
        if None not in ids:
            return ids
        evals = self.eval_ids
        return [
            uuid or digest_id(evals[row], f"{self.keys[row].id}_{self.keys[row].epoch}")
            for row, uuid in enumerate(ids)
        ]

    @cached_property
    def eval_ids(self) -> list[str]:
        """The id of each sample's log."""
        ids: list[str] = self.column("eval_id").to_pylist()
        return ids

    def column(self, name: str) -> pa.ChunkedArray:
        """Return a column of the log."""
        return self._table.column(name)

    def json(self, name: str) -> list[Any]:
        """Return the data in a column of JSON."""
        return parsed(self.text(name))

    def text(self, name: str) -> pa.ChunkedArray:
        """Return a column of text or JSON, where lone surrogates are replaced."""
        column = self.column(name)
        blocks = self._details_and_blocks[1]
        if not blocks:
            return column
        texts = column.to_pylist()
        for row, block in blocks.items():
            if texts[row] is not None:
                texts[row] = _without_block(texts[row], block)
        return pa.chunked_array([pa.array(texts, pa.string())])

    @property
    def details(self) -> dict[int, dict[str, Any]]:
        """What no other column holds faithfully, by row, of those rows that have any."""
        return self._details_and_blocks[0]

    @cached_property
    def _details_and_blocks(self) -> tuple[dict[int, dict[str, Any]], dict[int, int]]:
        """Also where lone surrogates were moved to, of the rows that have some."""
        column = self.column("details")
        if column.null_count == len(column):
            return {}, {}
        rows = pc.indices_nonzero(pc.is_valid(column)).to_pylist()
        details = dict(zip(rows, parsed(column.drop_null()), strict=True))
        blocks = {row: item["surrogates"] for row, item in details.items() if "surrogates" in item}
        for row, block in blocks.items():
            details[row] = from_json(_without_block(column[row].as_py(), block))
        return details, blocks


def digest_id(base: str, part: str) -> str:
    """Return an id of 22 letters and digits that is the same for the same arguments."""
    number = int.from_bytes(
        md5(f"{base}_{part}".encode(errors="replace"), usedforsecurity=False).digest()
    )
    letters = []
    for _ in range(22):
        number, index = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[index])
    return "".join(reversed(letters))


def parsed(texts: pa.ChunkedArray) -> list[Any]:
    """Return the data in texts of JSON; None for those that are missing."""
    items = ["null" if text is None else text for text in texts.to_pylist()]
    try:
        return list(from_json(f"[{','.join(items)}]"))  # one call: a tenth of the time
    except ValueError:  # one of them is deeper than pydantic goes
        return [_parsed(item) for item in items]


def messages_of(items: Sequence[dict[str, Any]]) -> list[ChatMessage]:
    """Return stored messages as messages; those without an id get none."""
    return _MESSAGES.validate_python([{"id": None, **item} for item in items])


def _parsed(text: str) -> Any:
    try:
        return from_json(text)
    except ValueError:
        return json.loads(text)


def _without_block(text: str, block: int) -> str:
    return re.sub(f"[{chr(block)}-{chr(block + _SURROGATES - 1)}]", "\ufffd", text)


def _sorted(table: pa.Table) -> pa.Table:
    """Return the table by epoch and id: numbers by value, before text."""
    is_text = pc.not_equal(table.column("sample_id_type"), "int")
    digits = pc.if_else(is_text, None, table.column("sample_id"))
    # Longer numbers are larger; of numbers of equal length the order is that of text.
    negative = pc.starts_with(digits, "-")
    if pc.any(negative).as_py():
        return _sorted_slowly(table)
    keys = pa.table(
        {
            "epoch": table.column("epoch"),
            "is_text": is_text,
            "length": pc.fill_null(pc.utf8_length(digits), 0),
            "id": table.column("sample_id"),
        }
    )
    order = [(name, "ascending") for name in keys.column_names]
    places = pc.sort_indices(keys, order)
    return table if _is_ascending(places) else table.take(places)


def _is_ascending(places: pa.Array) -> bool:
    return len(places) < 2 or bool(pc.all(pc.greater(places[1:], places[:-1])).as_py())


def _sorted_slowly(table: pa.Table) -> pa.Table:
    names = ("epoch", "sample_id_type", "sample_id")
    rows = zip(*(table.column(name).to_pylist() for name in names), strict=True)
    keys = [
        (epoch, kind != "int", int(id) if kind == "int" else 0, id, row)
        for row, (epoch, kind, id) in enumerate(rows)
    ]
    return table.take(pa.array([key[-1] for key in sorted(keys)], pa.int64()))
