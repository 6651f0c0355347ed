"""The keyword arguments of `score`, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flows._options import EvalOptions, TaskRuns, parameter_error, read_options
from tasks_lib._errors import ParameterError, nearest_hint
from tasks_lib.context import DisplayType
from tasks_lib.model import Model, RoleModel
from tasks_lib.task import MetricsSpec

ScoreAction = Literal["append", "overwrite"]
"""Whether new scores join those that the samples have, or replace all of them."""


class ScoreArgs(TypedDict, total=False):
    """The keyword arguments of `score` besides its first four. None: not set."""

    metrics: MetricsSpec | None
    model: str | Model | None
    model_roles: dict[str, RoleModel] | None
    model_cost_config: str | dict[str, Any] | None
    output: str | None
    overwrite: bool
    display: DisplayType | None
    log_level: str | None
    fail_on_error: bool | float | None
    errors_as_incorrect: bool | None
    max_samples: int | None
    task_runs: TaskRuns | None


class ScoreOptions(BaseModel):
    """Checked arguments of a call of `score`, defaults filled in."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, frozen=True)

    metrics: Any = None
    """Computed of all scores in place of the log's; None: the log's, or the scorers' own."""
    model: str | Model | None = None
    """What stands for the evaluated model where a scorer asks it; None: that of the log."""
    model_roles: dict[str, str | Model | dict[str, Any]] | None = None
    """Models by role; they win over those of the log."""
    output: str | None = None
    """Folder or URL for scored logs; None: beside the log, or nowhere for a log in memory."""
    overwrite: bool = False
    """Whether a scored log replaces its original."""
    fail_on_error: bool | float | None = Field(default=None, ge=0)
    """When scorers that raise stop the scoring of a log, as in `eval`; None: as it is logged."""
    errors_as_incorrect: bool | None = None
    """Whether metrics count samples that ended with an error as incorrect; None: as logged."""
    max_samples: int | None = Field(default=None, ge=1)
    """Samples at once, per log."""
    task_runs: TaskRuns = "auto"
    action: ScoreAction = "append"
    session: EvalOptions = Field(default_factory=EvalOptions)
    """What a session needs to know: display, log levels, prices."""


_OF_SESSION = ("display", "log_level", "model_cost_config")


def read_score_options(function: str, action: object, args: Mapping[str, Any]) -> ScoreOptions:
    """Return the checked options of a call of `function`; arguments that are None don't count.

    Raises:
        ParameterError: An argument's name or value is wrong; the nearest name is offered.
    """
    given = {name: value for name, value in args.items() if value is not None}
    known = ScoreArgs.__annotations__
    for name in given:
        if name not in known:
            hint = nearest_hint(name, known)
            raise ParameterError(
                function, "argument name", name, f"a known one. {hint}".rstrip(".")
            )
    session = {name: given.pop(name) for name in _OF_SESSION if name in given}
    if action is not None:
        given["action"] = action
    try:
        options = ScoreOptions(**given, session=read_options("eval", session))
    except ValidationError as error:
        raise parameter_error(function, error) from error
    if options.overwrite and options.output is not None:
        expected = "nothing beside overwrite=True, which writes to the log itself"
        raise ParameterError(function, "output", options.output, expected)
    return options
