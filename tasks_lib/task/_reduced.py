"""Scores reduced over epochs: a sequence that costs next to no memory."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TypeAlias, cast, overload

from tasks_lib._util._models import build
from tasks_lib._util._spool import Spool
from tasks_lib.schema import INCORRECT, SampleScore, Scalar, Score
from tasks_lib.task._protocols import ScoreReducer
from tasks_lib.task._score_table import ScoreTable, read_score, score_record

_Value: TypeAlias = Scalar | list[Scalar] | dict[str, Scalar | None]


class ReducedScores:
    """One score per sample, reduced over its epochs. `close` it: it has a temporary file."""

    def __init__(self, table: ScoreTable, scorer: str) -> None:
        self.table = table
        self.scorer = scorer
        self.key_counts: Counter[str] = Counter()
        """For scores that are dicts: samples (per epoch) that have a value for the key."""
        self._entries = array("I")
        self._scores = Spool()

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: int, score: Score) -> None:
        """Append a score of the sample that the table has as `entry`."""
        self._entries.append(entry)
        self._scores.append(score_record(score))

    def value(self, position: int) -> _Value:
        """Return the value of a score."""
        return read_score(self._scores[position]).value

    def read(self, position: int, key: str | None = None) -> SampleScore:
        """Return a score with its sample; with a key, only what it says of that."""
        score = read_score(self._scores[position])
        if key is not None:
            score.value = cast(Scalar, cast(dict[str, Scalar | None], score.value)[key])
        sample_id, metadata = self.table.sample(self._entries[position])
        return build(
            SampleScore,
            score=score,
            sample_id=sample_id,
            sample_metadata=metadata,
            scorer=self.scorer,
        )

    def close(self) -> None:
        """Give the temporary file back."""
        self._scores.close()


class LazyScores(Sequence[SampleScore]):
    """Some of the reduced scores. Each is read, and made anew, when it is asked for."""

    def __init__(
        self, scores: ReducedScores, positions: Sequence[int], key: str | None = None
    ) -> None:
        self._scores = scores
        self._positions = positions
        self._key = key

    def __len__(self) -> int:
        return len(self._positions)

    @overload
    def __getitem__(self, index: int) -> SampleScore: ...

    @overload
    def __getitem__(self, index: slice) -> LazyScores: ...

    def __getitem__(self, index: int | slice) -> SampleScore | LazyScores:
        if isinstance(index, slice):
            return LazyScores(self._scores, self._positions[index], self._key)
        return self._scores.read(self._positions[index], self._key)

    def __iter__(self) -> Iterator[SampleScore]:
        for position in self._positions:
            yield self._scores.read(position, self._key)


@contextmanager
def reduce_scores(
    table: ScoreTable,
    scorer: str,
    reducer: ScoreReducer,
    *,
    errors_as_incorrect: bool,
    keys: Iterable[str] = (),
) -> Iterator[ReducedScores]:
    """Yield the scores of one scorer, reduced to one per sample; ids in order.

    Args:
        table: The scores of all samples.
        scorer: Name of the scorer.
        reducer: Makes one score of those of a sample.
        errors_as_incorrect: Whether samples that ended with an error were scored as wrong: with
            "I", or False or 0 where the scorer gives bools or numbers; with that for every
            key or element where it gives dicts or lists.
        keys: Keys of such a score when no sample has one to show them.

    Raises:
        ValueError: The scores of a sample's epochs have different shapes.
    """
    wrong = Score(value=dict.fromkeys(keys, INCORRECT) or INCORRECT)
    if errors_as_incorrect:
        wrong = next(_wrong_scores(table, scorer), wrong)
    with closing(ReducedScores(table, scorer)) as reduced:
        for sample in table.scored_samples(scorer, with_errors=errors_as_incorrect):
            given = [score for score in sample.scores if score is not None]
            for score in given:
                if isinstance(score.value, dict):
                    reduced.key_counts.update(k for k, v in score.value.items() if v is not None)
            if len(given) < len(sample.scores):
                its_wrong = _incorrect_like(given[0]) if given else wrong
                given = [score or its_wrong for score in sample.scores]
            score = reducer(given)
            if score.is_unscored and len(given) < table.epochs:
                continue  # too few epochs were scored, for `pass_at_5` say
            reduced.add(sample.entry, score)
        yield reduced


def _wrong_scores(table: ScoreTable, scorer: str) -> Iterator[Score]:
    """Yield wrong scores in the shape of the scorer's own."""
    for sample in table.scored_samples(scorer, with_errors=False):
        yield from (_incorrect_like(score) for score in sample.scores if score is not None)


def _incorrect_like(score: Score) -> Score:
    """Return a wrong score of the same shape as a given one."""
    value = score.value
    if isinstance(value, dict):
        return Score(value={key: _incorrect(item) for key, item in value.items()})
    if isinstance(value, list):
        return Score(value=[_incorrect(item) for item in value])
    return Score(value=_incorrect(value))


def _incorrect(value: Scalar | None) -> Scalar:
    return INCORRECT if value is None or isinstance(value, str) else type(value)(0)
