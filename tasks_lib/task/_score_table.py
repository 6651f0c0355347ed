"""The scores of all samples of an evaluation, in little memory."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeAlias

from tasks_lib._util._json import decode, encode
from tasks_lib._util._models import build
from tasks_lib._util._spool import Spool
from tasks_lib.schema import EvalSample, Score, is_nan

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    _Entries: TypeAlias = NDArray[np.uint32]

_ID_BYTES = 24
"""How much of an id that is text counts for the order of samples."""
_EXACT_FLOAT = 2**53
"""Up to here every integer is a float of its own."""


class ScoredSample(NamedTuple):
    """A sample with what one scorer says of its epochs."""

    entry: int
    """Where the table has the sample's first epoch; see `ScoreTable.sample`."""
    scores: list[Score | None]
    """In the order of the epochs; None for one that ended with an error."""


class ScoreTable:
    """Counts samples as they end, and keeps their scores for `compute_results`.

    A sample costs about twenty bytes of memory (and twelve for each further scorer): ids,
    metadata, values, answers and the scores' metadata go to a temporary file, as the JSON that
    the log holds of them. That is what reducers and metrics see; explanations are in the log
    only.

    What is unscored (`Score.is_unscored`) is no score here. In a dict with other values NaN
    becomes None: the key has no score. In a list it stays, for the sake of the positions.

    Use it as a context manager, or `close` it: the temporary file goes then.
    """

    def __init__(self, scorers: Sequence[str] = ()) -> None:
        """Make an empty table.

        Args:
            scorers: Names of scorers in the order that `names` has; names that turn up in
                samples come behind.
        """
        self.completed = 0
        """Samples (per epoch) that ended without an error."""
        self.errored = 0
        """Samples that ended with an error."""
        self.limited = 0
        """Completed samples that a limit ended."""
        self.scored = 0
        """Completed samples with at least one score."""
        self._samples = Spool()
        self._errors = array("I")
        self._epochs = 0
        self._columns = {name: _Column() for name in scorers}
        self._order: tuple[_Entries, _Entries] | None = None

    @property
    def unscored(self) -> int:
        """Completed samples without any score."""
        return self.completed - self.scored

    @property
    def names(self) -> list[str]:
        """Names of the scorers, those of samples in the order in which they turned up."""
        return list(self._columns)

    @property
    def epochs(self) -> int:
        """The last epoch of any sample that ended, 0 if none did."""
        return self._epochs

    def scored_by(self, scorer: str) -> int:
        """Return how many completed samples (per epoch) have a score of that name."""
        return len(self._columns[scorer].entries) if scorer in self._columns else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def snapshot(self) -> ScoreTable:
        """Return what the table holds now, to be read in another thread and then closed."""
        copy = ScoreTable()
        copy.completed, copy.errored = self.completed, self.errored
        copy.limited, copy.scored = self.limited, self.scored
        copy._samples = self._samples.snapshot()
        copy._errors = self._errors[:]
        copy._epochs = self._epochs
        copy._columns = {name: column.snapshot() for name, column in self._columns.items()}
        return copy

    def close(self) -> None:
        """Give the temporary files back. The counts stay, the scores don't."""
        self._samples.close()
        for column in self._columns.values():
            column.scores.close()

    def add(self, sample: EvalSample) -> None:
        """Count a sample (in one of its epochs) and keep its scores; nothing else is kept.

        Raises:
            ScratchSpaceError: The temporary file cannot be written.
        """
        entry = len(self._samples)
        self._epochs = max(self._epochs, sample.epoch)
        if sample.error is not None:
            self.errored += 1
            self._errors.append(entry)
            self._keep(sample)
            return
        self.completed += 1
        self.limited += sample.limit is not None
        is_scored = False
        for name, score in (sample.scores or {}).items():
            column = self._columns.get(name)
            if column is None:
                column = self._columns[name] = _Column()
            if not score.is_unscored:
                is_scored = True
                column.entries.append(entry)
                column.scores.append(score_record(score))
        if is_scored:
            self.scored += 1
            self._keep(sample)

    def sample(self, entry: int) -> tuple[int | str, dict[str, Any]]:
        """Return id and metadata of a sample."""
        head, _, metadata = self._samples[entry].partition(b"\n")
        return decode(head)[0], decode(metadata) if metadata else {}

    def scored_samples(self, scorer: str, *, with_errors: bool) -> Iterator[ScoredSample]:
        """Yield all samples that have a score of that name, epochs together.

        They come in the order of their ids: numbers first, then text, as in a log. (Of ids
        that have the first 24 bytes in common the order is arbitrary, yet always the same.)
        Ids 1 and "1" are different samples.

        Args:
            scorer: The name of the scores.
            with_errors: Whether samples that ended with an error belong to them.
        """
        import numpy as np

        column = self._columns.get(scorer) or _Column()
        own = np.array(column.entries, np.uint32)
        wanted = np.zeros(len(self._samples), bool)
        wanted[own] = True
        if with_errors:
            wanted[np.array(self._errors, np.uint32)] = True
        entries, groups = self._ordered()
        entries, groups = entries[wanted[entries]], groups[wanted[entries]]
        # Entries of a column only grow, so where one is in the column is found by bisection.
        positions = np.searchsorted(own, entries)
        sample: ScoredSample | None = None
        group = -1
        for entry, its_group, position in zip(entries, groups, positions, strict=True):
            is_scored = position < len(own) and own[position] == entry
            score = read_score(column.scores[int(position)]) if is_scored else None
            if sample is not None and its_group == group:
                sample.scores.append(score)
                continue
            if sample is not None:
                yield sample
            sample, group = ScoredSample(int(entry), [score]), its_group
        if sample is not None:
            yield sample

    def _keep(self, sample: EvalSample) -> None:
        metadata = _json(sample.metadata) if sample.metadata else b""
        self._samples.append(b"%b\n%b" % (_json([sample.id, sample.epoch]), metadata))
        self._order = None

    def _ordered(self) -> tuple[_Entries, _Entries]:
        """Return all entries in order, and for each a number that is the same for a sample."""
        if self._order is None:
            self._order = self._sorted()
        return self._order

    def _sorted(self) -> tuple[_Entries, _Entries]:
        import numpy as np

        count = len(self._samples)
        is_text, numbers = np.zeros(count, bool), np.zeros(count, np.float64)
        texts = np.zeros(count, f"S{_ID_BYTES}")
        digests, more_digests = np.zeros((2, count), np.uint64)
        epochs = np.zeros(count, np.int64)
        for entry in range(count):
            id, epochs[entry] = decode(self._samples[entry].partition(b"\n")[0])
            if isinstance(id, str):
                text = id.encode("utf-8", "surrogatepass")
                is_text[entry], texts[entry] = True, text[:_ID_BYTES]
                is_exact = len(text) <= _ID_BYTES and not text.endswith(b"\0")
            else:
                numbers[entry] = _as_float(id)
                is_exact = abs(id) <= _EXACT_FLOAT
            if not is_exact:
                digest = blake2b(str(id).encode("utf-8", "surrogatepass"), digest_size=16)
                digests[entry], more_digests[entry] = memoryview(digest.digest()).cast("Q")
        keys = (more_digests, digests, texts, numbers, is_text)
        order = np.lexsort((epochs, *keys))
        is_first = np.zeros(count, bool)
        for key in keys:
            ordered = key[order]
            is_first[1:] |= ordered[1:] != ordered[:-1]
        return order.astype(np.uint32), np.cumsum(is_first, dtype=np.uint32)


class _Column:
    """The scores of one name."""

    def __init__(self) -> None:
        self.entries = array("I")
        """The sample of each score."""
        self.scores = Spool()

    def snapshot(self) -> _Column:
        copy = _Column()
        copy.entries = self.entries[:]
        copy.scores = self.scores.snapshot()
        return copy


def score_record(score: Score) -> bytes:
    """Return how a score is kept: without its explanation."""
    value = score.value
    if isinstance(value, dict):
        value = {key: None if is_nan(item) else item for key, item in value.items()}
    record: dict[str, object] = {"value": value}
    # Null is left out: JSON with nulls takes longer, for they might stand for NaN.
    if score.answer is not None:
        record["answer"] = score.answer
    if score.metadata is not None:
        record["metadata"] = score.metadata
    return _json(record)


def read_score(record: bytes) -> Score:
    """Return what `score_record` kept."""
    return build(Score, **decode(record))


def _as_float(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _json(value: object) -> bytes:
    encoded = encode(value)
    return encoded if isinstance(encoded, bytes) else encoded.encode("utf-8", "surrogatepass")
