"""Which samples of a dataset a run evaluates."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from fnmatch import translate
from itertools import islice
from typing import overload

from tasks_lib._errors import ParameterError, PrerequisiteError
from tasks_lib.schema import Sample

logger = logging.getLogger(__name__)

SampleId = str | int
"""An id as users write it: digits mean a number, "task:id" is meant for one task only, and
`*`, `?` and `[…]` stand for what they do in names of files."""

Limit = int | Sequence[int] | None
"""The first n samples, or those from a to before b, counted from 0."""

_GLOB = re.compile(r"[*?\[]")

_MOST_LISTED = 10
"""How many ids a message shows."""


class SampleView(Sequence[Sample]):
    """Some samples of a dataset, in the dataset's order, read when they are asked for."""

    def __init__(self, samples: Sequence[Sample], positions: Sequence[int]) -> None:
        """Show the samples of `samples` that are at `positions`, which count from 0."""
        self.positions = positions
        self._samples = samples

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> SampleView: ...

    def __getitem__(self, index: int | slice) -> Sample | SampleView:
        if isinstance(index, slice):
            return SampleView(self._samples, self.positions[index])
        return self._samples[self.positions[index]]

    def __len__(self) -> int:
        return len(self.positions)

    def __iter__(self) -> Iterator[Sample]:
        return map(self._samples.__getitem__, self.positions)


def select_samples(
    dataset: Sequence[Sample],
    limit: Limit = None,
    sample_id: SampleId | Sequence[SampleId] | None = None,
    task_name: str | None = None,
) -> SampleView:
    """Return the samples of `dataset` that a run shall evaluate.

    Call it on a dataset whose samples have ids (`check_ids`).

    Ids made only of digits are numbers: 2, "2" and "002" select the same sample. In
    "task:id" the part before the first colon must be the name of the task (with or without
    its package, in any case); an id for another task is left to that task, and if there are
    only such ids nothing is selected. An id that contains a colon itself is found as well.
    An id that the dataset lacks is warned about.

    `*` stands for any text, `?` for any character and `[abc]` for one of these: "add-*",
    "task:add-*". An id that is written just so, asterisks and brackets included, is meant
    itself. Upper and lower case differ.

    Args:
        dataset: Samples, all with an id.
        limit: n: the first n; (a, b): those from a to before b, counted from 0; None: all.
        sample_id: An id or a list of ids; None: all.
        task_name: Name of the task that the dataset belongs to.

    Raises:
        ParameterError: `limit` is no such thing, or a range after the last sample; or both
            `limit` and `sample_id` are given.
        PrerequisiteError: None of the ids is in the dataset.
    """
    check_selection(limit, sample_id)
    if sample_id is not None:
        wanted = [sample_id] if isinstance(sample_id, str | int) else list(sample_id)
        return SampleView(dataset, _positions(dataset, wanted, task_name))
    every = range(len(dataset))
    if limit is None:
        return SampleView(dataset, every)
    if isinstance(limit, int):
        return SampleView(dataset, every[:limit])
    start, end = limit
    if start >= len(dataset) and start < end:
        whose = f" of task {task_name!r}" if task_name else ""
        expected = f"a range that begins before the end of the {len(dataset)} samples{whose}"
        raise ParameterError("eval", "limit", limit, expected)
    return SampleView(dataset, every[start:end])


def check_selection(
    limit: Limit, sample_id: SampleId | Sequence[SampleId] | None, *, function: str = "eval"
) -> None:
    """Check what `select_samples` is given, without a dataset.

    Raises:
        ParameterError: The limit is wrong, or both are given. Names `function`.
    """
    if limit is not None and sample_id is not None:
        expected = f"None because sample_id is given too ({sample_id!r}): use one of the two"
        raise ParameterError(function, "limit", limit, expected)
    if limit is None:
        return
    parts = [limit] if isinstance(limit, int) else limit
    pair = not isinstance(limit, int)
    if (
        isinstance(parts, str)
        or not isinstance(parts, Sequence)
        or (pair and len(parts) != 2)
        or not all(type(part) is int and part >= 0 for part in parts)
        or (pair and parts[0] > parts[1])
    ):
        expected = "a number of samples (0 or more), or a range (start, end) with start <= end"
        raise ParameterError(function, "limit", limit, expected)


def _positions(
    dataset: Sequence[Sample], wanted: Sequence[SampleId], task_name: str | None
) -> Sequence[int]:
    """Return the positions of the samples whose ids are wanted, in the dataset's order."""
    lookup = _Lookup(dataset, wanted)
    found: set[int] = set()
    missing: list[SampleId] = []
    for sample_id in wanted:
        own = _own_positions(sample_id, lookup, task_name)
        if own is None:
            continue
        found.update(own)
        if not own:
            missing.append(sample_id)
    if missing and not found:
        ids = [sample.id for sample in islice(dataset, _MOST_LISTED)]
        raise PrerequisiteError(
            f"sample_id {_listed(missing)} is not in the dataset"
            f"{f' of task {task_name!r}' if task_name else ''}. "
            f"Its ids: {_listed(ids, len(dataset))}."
        )
    if missing:
        logger.warning(
            "sample_id %s is not in the dataset of task %r; the others are evaluated.",
            _listed(missing),
            task_name,
        )
    return sorted(found)


class _Lookup:
    """Where in a dataset the ids are that may be meant. The dataset is read once."""

    def __init__(self, dataset: Sequence[Sample], wanted: Sequence[SampleId]) -> None:
        texts = {text for sample_id in wanted for text in _meanings(sample_id)}
        globs = {text: re.compile(translate(text)) for text in texts if _GLOB.search(text)}
        self._positions: dict[str, list[int]] = {}
        """By the text that was written, as an id."""
        self._matches: dict[str, list[int]] = {}
        """By the text that was written, as a pattern."""
        for position, sample in enumerate(dataset):
            text = _normalised(sample.id)
            if text in texts:
                self._positions.setdefault(text, []).append(position)
            for glob, pattern in globs.items():
                if pattern.match(str(sample.id)):
                    self._matches.setdefault(glob, []).append(position)

    def has_id(self, text: str) -> bool:
        """Whether there is an id that is just this text."""
        return text in self._positions

    def find(self, text: str) -> list[int]:
        """Return the positions of the id `text` or, if there is none, of those it matches."""
        return self._positions.get(text) or self._matches.get(text) or []


def _meanings(sample_id: SampleId) -> tuple[str, str]:
    """Return what an id may be in a dataset: the whole of it, or what follows a task's name."""
    whole = _normalised(sample_id)
    return whole, _normalised(whole.partition(":")[2])


def _own_positions(sample_id: SampleId, lookup: _Lookup, task_name: str | None) -> list[int] | None:
    """Return the positions that an id means in this task; None: it is for another one."""
    whole, rest = _meanings(sample_id)
    task, colon, _ = whole.partition(":")
    if not colon or lookup.has_id(whole):
        return lookup.find(whole)
    names = {(task_name or "").casefold(), (task_name or "").rsplit("/", 1)[-1].casefold()}
    if task.casefold() in names:
        return lookup.find(rest)
    return lookup.find(whole) or None


def _normalised(sample_id: object) -> str:
    text = str(sample_id)
    return text.lstrip("0") or "0" if text.isascii() and text.isdigit() else text


def _listed(ids: Sequence[object], count: int | None = None) -> str:
    """Return the first of `ids` as text; `count` is how many there are, if not all are given."""
    count = len(ids) if count is None else count
    shown = ", ".join(repr(sample_id) for sample_id in ids[:_MOST_LISTED])
    return f"{shown} … ({count} in all)" if count > _MOST_LISTED else shown
