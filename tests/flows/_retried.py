"""A task that fails now and then, for the tests of `eval_retry`."""

from __future__ import annotations

from pathlib import Path

from scorers import Score, Scorer, Target, accuracy, match, scorer
from solvers import Generate, Solver, TaskState, generate, solver
from tasks_lib import Task, task
from tasks_lib.schema import Sample

CALLS: list[str] = []
"""What `retried_notes` was called for, as id/epoch/model."""
FAILING: set[int] = set()
"""Ids of the samples that `retried_notes` fails."""


@solver
def retried_notes(*words: str, suffix: str = "") -> Solver:
    """Note each call, fail for some samples, and answer with the model."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        CALLS.append(f"{state.sample_id}/{state.epoch}/{state.model}")
        if state.sample_id in FAILING:
            raise ValueError("not now")
        state = await generate(state)
        state.metadata["said"] = " ".join(words) + suffix
        return state

    return solve


@scorer(metrics=[accuracy()])
def retried_scorer() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        return Score(value="C")

    return score


@task
def notes_again(
    count: int = 3, how: Solver | None = None, levels: tuple[int, int] = (0, 1)
) -> Task:
    """Some questions, each noted."""
    assert isinstance(levels, tuple)
    samples = [Sample(input=f"q{i}", target="x") for i in range(count)]
    return Task(samples, solver=how or [retried_notes(), generate()], scorer=match())


class Opaque:
    """Something that no log can hold."""


@task
def retried_opaque(what: object = None) -> Task:
    return Task([Sample(input="q")], solver=retried_notes(), metadata={"what": type(what).__name__})


@task
def retried_typed(what: Opaque | None = None, where: Path | None = None) -> Task:
    return Task([Sample(input="q")], solver=retried_notes())
