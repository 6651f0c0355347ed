"""The arguments of `eval` and `eval_set`, as documented, checked and put in order."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypedDict, TypeVar, cast

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from flows._budget import BudgetLimits
from flows._named import by_name
from tasks_lib import Epochs
from tasks_lib._errors import ParameterError, nearest_hint
from tasks_lib._util._yaml import read_yaml
from tasks_lib.approval import ApprovalSource
from tasks_lib.context import DisplayType
from tasks_lib.log import LogFormat
from tasks_lib.model import SAME_ERRORS, Model, RoleModel
from tasks_lib.schema import GenerateConfig, GenerateConfigArgs
from tasks_lib.task import AnySolver, Scorer, SolverSpec

F = TypeVar("F", bound=Callable[..., object])

Change = Literal["solvers", "scorers", "config", "samples", "limits", "approval", "version"]
"""What may have changed since an earlier run that an eval set goes on with all the same."""

STALL_TIMEOUT_S = 3600.0
"""Seconds without an event after which a sample counts as stalled, unless told."""

TaskRuns = Literal["auto", "stage", "sample", "shard"]
"""What is a Prefect task run: a stage of a sample, a sample, or a block of samples."""

LOG_SHARED_S = 10
"""Seconds that `log_shared=True` stands for."""

_LOG_FORMAT_VARIABLES = ("EVAL_LOG_FORMAT", "INSPECT_LOG_FORMAT")


class RunArgs(TypedDict, total=False):
    """The keyword arguments of all functions that run evaluations. None: not set."""

    model_base_url: str | None
    model_args: dict[str, Any] | str | None
    model_roles: dict[str, RoleModel] | None
    model_cost_config: str | dict[str, Any] | None
    sandbox_cleanup: bool | None
    trace: bool | None
    display: DisplayType | None
    log_level: str | None
    log_level_transcript: str | None
    log_format: LogFormat | None
    fail_on_error: bool | float | None
    errors_as_incorrect: bool | None
    retry_on_error: int | None
    stall_timeout: float | None
    same_errors: int | None
    budget: dict[str, float] | BudgetLimits | None
    debug_errors: bool | None
    max_samples: int | None
    max_tasks: int | None
    max_subprocesses: int | None
    max_sandboxes: int | None
    log_samples: bool | None
    log_realtime: bool | None
    log_images: bool | None
    log_buffer: int | None
    log_shared: bool | int | None
    log_header_only: bool | None
    score: bool
    score_display: bool | None
    task_runs: TaskRuns | None


class SharedArgs(GenerateConfigArgs, RunArgs, total=False):
    """The keyword arguments that `eval` and `eval_set` share. None: not set."""

    task_args: dict[str, Any] | str | None
    sandbox: object
    solver: AnySolver | SolverSpec | list[AnySolver] | str | dict[str, Any] | None
    scorer: Scorer | list[Scorer] | str | dict[str, Any] | None
    tags: list[str] | None
    metadata: dict[str, Any] | None
    approval: ApprovalSource | None
    limit: int | tuple[int, int] | None
    sample_id: str | int | list[str] | list[int] | list[str | int] | None
    epochs: int | Epochs | None
    message_limit: int | None
    token_limit: int | None
    time_limit: int | None
    working_limit: int | None


class EvalArgs(SharedArgs, total=False):
    """The keyword arguments of `eval`."""

    log_dir: str | None


class EvalSetArgs(SharedArgs, total=False):
    """The keyword arguments of `eval_set`; its `log_dir` is required."""

    retry_attempts: int | None
    retry_wait: float | None
    retry_connections: float | None
    retry_cleanup: bool | None
    bundle_dir: str | None
    bundle_overwrite: bool
    log_dir_allow_dirty: bool | None
    ignore_changes: list[Change] | None


def _default_log_format() -> LogFormat:
    variables = (os.environ.get(name) for name in _LOG_FORMAT_VARIABLES)
    # Checked by pydantic like a value that was passed.
    return cast(LogFormat, next(filter(None, variables), "parquet"))


class EvalOptions(BaseModel):
    """Checked arguments of a call, defaults filled in."""

    model_config = ConfigDict(
        extra="forbid", arbitrary_types_allowed=True, frozen=True, validate_default=True
    )

    model_base_url: str | None = None
    model_args: dict[str, Any] = Field(default_factory=dict)
    model_roles: dict[str, str | Model | dict[str, Any]] | None = None
    model_cost_config: str | dict[str, Any] | None = None
    """Prices of models: a file or its content, see `tasks_lib.model.load_prices`."""
    task_args: dict[str, Any] = Field(default_factory=dict)
    sandbox: Any = None
    """Where tools run, in place of the tasks' own: see `tasks_lib.sandbox`."""
    sandbox_cleanup: bool = True
    """Whether sandboxes are removed; if not, how to do it is said at the end."""
    solver: Any = None
    """Replaces the tasks' own solvers: itself, by name, or `{name: …, argument: …}`; or a list."""
    scorer: Any = None
    """Replaces the tasks' own scorers: itself, by name, or `{name: …, argument: …}`; or a list."""
    approval: Any = None
    """Who decides on calls of tools, in place of the tasks' own: see `resolve_approval`."""
    tags: list[str] | None = None
    metadata: dict[str, Any] | None = None
    display: DisplayType | None = None
    log_level: str | None = None
    log_dir: str | None = None
    limit: int | tuple[int, int] | None = None
    sample_id: str | int | list[str | int] | None = None
    epochs: Epochs | None = None
    fail_on_error: bool | float | None = None
    errors_as_incorrect: bool = False
    """Whether metrics count samples that end with an error, as incorrect; else none does."""
    retry_on_error: int | None = Field(default=None, ge=0)
    """How often a sample that fails is run again before its error counts; None: 0."""
    stall_timeout: float = Field(default=STALL_TIMEOUT_S, ge=0)
    """Seconds without any event after which a sample ends as stalled; 0: never."""
    same_errors: int = Field(default=SAME_ERRORS, ge=0)
    """The same error of a request, or of a sample's attempts, so many times in a row is not
    tried again; 0: it always is."""
    budget: BudgetLimits | None = None
    """What the whole run may use up; then nothing new starts, and the next run goes on."""
    debug_errors: bool = False
    """Whether an error that ends a task is raised to the caller, once its log is written."""
    message_limit: int | None = Field(default=None, ge=0)
    token_limit: int | None = Field(default=None, ge=0)
    time_limit: int | None = Field(default=None, ge=0)
    working_limit: int | None = Field(default=None, ge=0)
    max_samples: int | None = Field(default=None, ge=1)
    max_tasks: int | None = Field(default=None, ge=1)
    max_subprocesses: int | None = Field(default=None, ge=1)
    """Processes that `tasks_lib.util.subprocess` runs at once; None: one for each CPU."""
    max_sandboxes: int | None = Field(default=None, ge=1)
    """Sandboxes of a kind at once; None: as many as the kind allows."""
    log_level_transcript: str | None = None
    log_format: LogFormat = Field(default_factory=_default_log_format)
    log_samples: bool = True
    """Whether samples are logged at all; without, there is nothing to resume from."""
    log_realtime: bool = True
    """Whether a finished sample can be read within a second or two; else within 30 s."""
    log_images: bool = True
    """Whether images are logged, those of the input as what they were when the sample ran."""
    log_buffer: int | None = Field(default=None, ge=1)
    """Samples after which a part of the log is written, if time does not come first."""
    log_shared: int | None = Field(default=None, ge=1)
    """Seconds after which a finished sample is on the store at the latest; True: 10."""
    log_header_only: bool = False
    score: bool = True
    score_display: bool = True
    """Whether metrics are shown while samples are still running."""
    task_runs: TaskRuns = "auto"
    retry_attempts: int = Field(default=10, ge=0)
    """Attempts at each task in total; 0 and 1 mean a single one."""
    retry_wait: float = Field(default=30.0, ge=0)
    """Seconds before the second attempt; doubled before each further one, at most an hour."""
    retry_connections: float = Field(default=0.5, gt=0, le=1)
    """By what `max_connections` is multiplied with each further attempt; with "auto", what it
    allows at that moment, from where it climbs again."""
    retry_cleanup: bool = True
    """Whether logs of failed attempts are removed once a later one has taken over."""
    bundle_dir: str | None = None
    """Folder or URL that gets a copy of all logs, to be published, at the end."""
    bundle_overwrite: bool = False
    """Whether what is at `bundle_dir` is replaced."""
    log_dir_allow_dirty: bool = False
    """Whether the log directory may hold logs of tasks that are not in the set."""
    ignore_changes: tuple[Change, ...] = ()
    """What may differ from an earlier run whose samples are reused all the same."""
    config: GenerateConfig = Field(default_factory=GenerateConfig)

    @field_validator("epochs", mode="before")
    @classmethod
    def _as_epochs(cls, value: object) -> object:
        return Epochs(value) if isinstance(value, int) else value

    @field_validator("solver", "scorer", mode="before")
    @classmethod
    def _as_names(cls, value: object, info: ValidationInfo) -> object:
        return by_name(info.field_name or "", value)

    @field_validator("log_shared", mode="before")
    @classmethod
    def _as_seconds(cls, value: object) -> object:
        return {True: LOG_SHARED_S, False: None}[value] if isinstance(value, bool) else value


def argument_names(function: str) -> frozenset[str]:
    """Return the names of the keyword arguments of `eval`, `eval_async` or `eval_set`."""
    if function == "eval_set":
        return frozenset(EvalSetArgs.__annotations__) | {"log_dir"}
    return frozenset(EvalArgs.__annotations__)


def read_options(function: str, args: Mapping[str, Any]) -> EvalOptions:
    """Return the checked options of a call of `function`; arguments that are None don't count.

    Raises:
        ParameterError: An argument's name or value is wrong; the nearest name is offered.
    """
    given = {name: value for name, value in args.items() if value is not None}
    known = argument_names(function)
    for name in given:
        if name not in known:
            hint = nearest_hint(name, known)
            raise ParameterError(
                function, "argument name", name, f"a known one. {hint}".rstrip(".")
            )
    if given.pop("trace", False):
        given["display"] = _display_of_trace(function, given.get("display"))
    generate = {name: given.pop(name) for name in list(given) if name in _GENERATE_NAMES}
    for name in ("model_args", "task_args"):
        if isinstance(given.get(name), str):
            given[name] = read_arguments(function, name, given[name])
    if given.get("retry_connections") == 0:
        del given["retry_connections"]
    try:
        return EvalOptions(**given, config=GenerateConfig(**generate))
    except ValidationError as error:
        raise parameter_error(function, error) from error


def _display_of_trace(function: str, display: object) -> str:
    if display not in (None, "conversation"):
        expected = f"None because display is given too ({display!r}): use one of the two"
        raise ParameterError(function, "trace", True, expected)
    return "conversation"


def read_arguments(function: str, name: str, path: str) -> dict[str, Any]:
    """Return the arguments that a YAML or JSON file holds.

    Raises:
        ParameterError: There is no such file, or it holds something else.
    """
    try:
        content = read_yaml(Path(path).read_text(encoding="utf-8")).content
    except (OSError, ValueError, yaml.YAMLError) as error:
        expected = f"a dict, or a YAML or JSON file that can be read ({error})"
        raise ParameterError(function, name, path, expected) from error
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise ParameterError(function, name, path, "a file that holds names with values")
    return content


def with_signature(args: type) -> Callable[[F], F]:
    """Let a function whose `**kwargs` take `args` (a TypedDict) show each of them by name."""

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        more = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
            for name, kind in args.__annotations__.items()
            if name not in signature.parameters
        ]
        function.__signature__ = signature.replace(parameters=own + more)  # type: ignore[attr-defined]
        return function

    return decorate


_GENERATE_NAMES = frozenset(GenerateConfigArgs.__annotations__)


def parameter_error(function: str, error: ValidationError) -> ParameterError:
    """Return what is wrong with the arguments of `function`, as an error of ours."""
    first, *others = error.errors()
    name = _argument_name(first["loc"])
    same = [first, *(other for other in others if _argument_name(other["loc"]) == name)]
    reasons = [str(one["msg"]).removeprefix("Value error, ") for one in same]
    expected = ", or ".join(dict.fromkeys(f"{text[:1].lower()}{text[1:]}" for text in reasons))
    return ParameterError(function, name, first["input"], expected)


def _argument_name(location: tuple[int | str, ...]) -> str:
    """Return the path of what is wrong, without the types among which pydantic has looked."""
    return ".".join(str(part) for part in location if not _TYPE.fullmatch(str(part)))


_TYPE = re.compile(r"bool|int|float|str|none|(list|tuple|dict|function|is-instance|literal)\[?.*")
