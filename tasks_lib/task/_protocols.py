"""The roles that a task gives away: who solves, scores and measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, Unpack, runtime_checkable

from tasks_lib.model import CachePolicy
from tasks_lib.schema import GenerateConfigArgs, SampleScore, Score, Target, Value
from tasks_lib.task._state import TaskState


@runtime_checkable
class Generate(Protocol):
    """Asks the evaluated model for the next message."""

    async def __call__(
        self,
        state: TaskState,
        tool_calls: Literal["loop", "single", "none"] = "loop",
        cache: bool | CachePolicy = False,
        **kwargs: Unpack[GenerateConfigArgs],
    ) -> TaskState:
        """Return the state with the model's answer as its output and last message.

        Args:
            state: The conversation so far.
            tool_calls: What happens when the model calls tools: ask again until it does
                not ("loop"), answer them once ("single"), or leave them ("none").
            cache: Whether an earlier answer to the same request may be used, and how long.
            **kwargs: Generate options of this call; they win over all others.
        """
        ...


@runtime_checkable
class Solver(Protocol):
    """Works on a sample."""

    async def __call__(self, state: TaskState, generate: Generate) -> TaskState:
        """Return the state, changed or replaced."""
        ...


class AgentLike(Protocol):
    """An agent, as far as a task knows it; `solvers.agents` says what it is."""

    async def __call__(self, state: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the state of the conversation, changed or replaced."""
        ...


AnySolver: TypeAlias = Solver | AgentLike
"""What a task takes as a solver."""


@runtime_checkable
class Scorer(Protocol):
    """Judges a sample."""

    async def __call__(self, state: TaskState, target: Target) -> Score | None:
        """Return the verdict, or None when the sample cannot be scored."""
        ...


@runtime_checkable
class Metric(Protocol):
    """Makes a number of all samples' scores."""

    def __call__(self, scores: list[SampleScore]) -> Value:
        """Return the metric: a number, or several by name."""
        ...


MetricProtocol = Metric
"""Another name of `Metric`."""


@runtime_checkable
class ScoreReducer(Protocol):
    """Makes one score of the scores that a sample got in its epochs."""

    def __call__(self, scores: list[Score]) -> Score:
        """Return the one score; `scores` holds at least one."""
        ...


ScoreReducers: TypeAlias = str | ScoreReducer | Sequence[str | ScoreReducer]
"""One or more reducers, some by name."""

MetricsSpec: TypeAlias = (
    Sequence[Metric | Mapping[str, Sequence[Metric]]] | Mapping[str, Sequence[Metric]]
)
"""Metrics of a scorer: a list for whole scores; a dict per key of dict scores, where a key
may be a glob; or a list of both."""


@dataclass(frozen=True)
class SolverSpec:
    """A solver by its registered name."""

    solver: str
    args: dict[str, Any] = field(default_factory=dict)
