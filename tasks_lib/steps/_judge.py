"""What scorers do with a state, in an evaluation and over a log."""

from __future__ import annotations

from collections.abc import Iterable

from tasks_lib._errors import PrerequisiteError
from tasks_lib._util._models import build
from tasks_lib.context import span, transcript
from tasks_lib.schema import Score, ScoreEvent, utc_now
from tasks_lib.task import Scorer, TaskState


async def judge(
    state: TaskState,
    target: str | list[str],
    scorers: Iterable[tuple[str, Scorer]],
    scores: dict[str, Score],
) -> None:
    """Let scorers judge a state one after another; each sees the verdicts before its own.

    Each verdict is recorded in the transcript. What scorers raise is raised.

    Args:
        state: What is judged.
        target: As events show it.
        scorers: With their names.
        scores: Gets the verdicts as they come; a scorer that returns None gives none.

    Raises:
        PrerequisiteError: A scorer returned something else.
    """
    with span("scorers"):
        for name, scorer in scorers:
            with span(name, type="scorer"):
                verdict = await scorer(state, state.target)
                if verdict is None:
                    continue
                if not isinstance(verdict, Score):
                    raise PrerequisiteError(
                        f"The scorer {name!r} returned {type(verdict).__name__}, expected a Score "
                        "or None."
                    )
                event = build(ScoreEvent, timestamp=utc_now(), score=verdict, target=target)
                transcript().record(event)
                scores[name] = verdict
                state.scores = {**(state.scores or {}), name: verdict}
