"""`multi_scorer`: one verdict out of those of several scorers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scorers._reducer_names import create_reducers
from tasks_lib._errors import ParameterError, PrerequisiteError
from tasks_lib._util._registry import is_registered, unqualified_name
from tasks_lib.context import collect
from tasks_lib.schema import Score, Target
from tasks_lib.task import Scorer, ScoreReducer, TaskState


def multi_scorer(scorers: list[Scorer], reducer: str | ScoreReducer) -> Scorer:
    """Let several scorers judge a sample at the same time and reduce their verdicts to one.

    What it returns has no name of its own, so a task cannot take it as it is: return it from
    a function of yours that `@scorer(metrics=[…])` decorates.

    A scorer that returns None, or an unscored score, has no say; when none has, the sample
    is unscored. When one fails the others are cancelled, and its error is the sample's. What
    each of them said is in the metadata, as `scores`: a list of dicts with `scorer` (its
    name), `value` (None: no verdict), `answer`, `explanation` and `metadata`. Where the
    reducer gives no explanation, it names the scorers with their values.

    Args:
        scorers: The scorers, at least one.
        reducer: Makes one score of all; a function, or the name of one: "mean", "median",
            "mode", "max", "at_least_2", …

    Raises:
        ParameterError: There are no scorers, or one of them cannot be called.
        UnknownNameError: No reducer has the name.
        PrerequisiteError: When it scores: a scorer or the reducer returned something else
            than a score.
    """
    members = list(scorers)
    if not members or not all(callable(member) for member in members):
        raise ParameterError("multi_scorer", "scorers", scorers, "a list of scorers")
    names = [_name(member) for member in members]
    if isinstance(reducer, str):
        [(_, reduce)] = create_reducers(reducer)
    elif callable(reducer):
        reduce = reducer
    else:
        expected = "the name of a reducer, or a function"
        raise ParameterError("multi_scorer", "reducer", reducer, expected)

    async def score(state: TaskState, target: Target) -> Score:
        verdicts = await collect(*(member(state, target) for member in members))
        for name, verdict in zip(names, verdicts, strict=True):
            if verdict is not None:
                _check_score(f"the scorer {name!r}", verdict)
        given = [one for one in verdicts if one is not None and not one.is_unscored]
        records = [_record(name, one) for name, one in zip(names, verdicts, strict=True)]
        if not given:
            explanation = f"None of the scorers gave a verdict.\n{_said(records)}"
            return Score.unscored(explanation=explanation, metadata={"scores": records})
        reduced = _check_score("the reducer", reduce(given))
        # Reducers hand on the metadata of the first, which is in the records.
        own = reduced.metadata if reduced.metadata != given[0].metadata else None
        return Score(
            value=reduced.value,
            answer=reduced.answer,
            explanation=reduced.explanation or _said(records),
            metadata={**(own or {}), "scores": records},
        )

    return score


def _name(scorer: Scorer) -> str:
    if is_registered(scorer):
        return unqualified_name(scorer)
    return getattr(scorer, "__name__", type(scorer).__name__)


def _check_score(who: str, verdict: object) -> Score:
    if isinstance(verdict, Score):
        return verdict
    returned = type(verdict).__name__
    raise PrerequisiteError(f"multi_scorer: {who} returned {returned}, expected a Score.")


def _record(name: str, score: Score | None) -> dict[str, Any]:
    """Return what a scorer said, as the metadata keeps it."""
    if score is None:
        return {"scorer": name, "value": None}
    value = None if score.is_unscored else score.value
    return {"scorer": name, **score.model_dump(exclude={"value"}), "value": value}


def _said(records: Sequence[dict[str, Any]]) -> str:
    """Return a line for each scorer with its value."""
    return "\n".join(
        f"{record['scorer']}: {'no verdict' if record['value'] is None else record['value']}"
        for record in records
    )
