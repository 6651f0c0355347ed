"""The arguments of `eval` and `eval_set`, as documented, checked and put in order."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from flows._named import by_name
from tasks_lib import Epochs
from tasks_lib._errors import ParameterError, nearest_hint
from tasks_lib._util._yaml import read_yaml
from tasks_lib.approval import ApprovalSource
from tasks_lib.context import DisplayType
from tasks_lib.log import LogFormat
from tasks_lib.model import Model, RoleModel
from tasks_lib.schema import GenerateConfig, GenerateConfigArgs
from tasks_lib.task import AnySolver, Scorer, SolverSpec

F = TypeVar("F", bound=Callable[..., object])

TaskRuns = Literal["auto", "stage", "sample", "shard"]
"""What is a Prefect task run: a stage of a sample, a sample, or a block of samples."""

LOG_SHARED_S = 10
"""Seconds that `log_shared=True` stands for."""

_LOG_FORMAT_VARIABLES = ("EVAL_LOG_FORMAT", "INSPECT_LOG_FORMAT")

LATER: Mapping[str, object] = {
    "bundle_dir": None,
    "debug_errors": False,
    "max_sandboxes": None,
    "retry_on_error": 0,
    "sandbox": None,
    "sandbox_cleanup": True,
    "score_display": True,
    "trace": False,
}
"""Documented arguments that are not implemented yet, each with the value that is what happens
anyway. Any other value is refused."""


def is_for_later(name: str, value: object) -> bool:
    """Tell whether an argument asks for something that is not implemented yet."""
    return name in LATER and value is not None and value != LATER[name]


class SharedArgs(GenerateConfigArgs, total=False):
    """The keyword arguments that `eval` and `eval_set` share. None: not set."""

    model_base_url: str | None
    model_args: dict[str, Any] | str | None
    model_roles: dict[str, RoleModel] | None
    model_cost_config: str | dict[str, Any] | None
    task_args: dict[str, Any] | str | None
    sandbox: object
    sandbox_cleanup: bool | None
    solver: AnySolver | SolverSpec | list[AnySolver] | str | dict[str, Any] | None
    scorer: Scorer | list[Scorer] | str | dict[str, Any] | None
    tags: list[str] | None
    metadata: dict[str, Any] | None
    trace: bool | None
    display: DisplayType | None
    approval: ApprovalSource | None
    log_level: str | None
    log_level_transcript: str | None
    log_format: LogFormat | None
    limit: int | tuple[int, int] | None
    sample_id: str | int | list[str] | list[int] | list[str | int] | None
    epochs: int | Epochs | None
    fail_on_error: bool | float | None
    errors_as_incorrect: bool | None
    retry_on_error: int | None
    debug_errors: bool | None
    message_limit: int | None
    token_limit: int | None
    time_limit: int | None
    working_limit: int | None
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
    message_limit: int | None = Field(default=None, ge=0)
    token_limit: int | None = Field(default=None, ge=0)
    time_limit: int | None = Field(default=None, ge=0)
    working_limit: int | None = Field(default=None, ge=0)
    max_samples: int | None = Field(default=None, ge=1)
    max_tasks: int | None = Field(default=None, ge=1)
    max_subprocesses: int | None = Field(default=None, ge=1)
    """Processes that `tasks_lib.util.subprocess` runs at once; None: one for each CPU."""
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

    @field_validator("display")
    @classmethod
    def _known_display(cls, value: str | None) -> str | None:
        if value == "conversation":
            raise NotImplementedError("display='conversation' is not implemented yet.")
        return value


def argument_names(function: str) -> frozenset[str]:
    """Return the names of the keyword arguments of `eval`, `eval_async` or `eval_set`."""
    if function == "eval_set":
        return frozenset(EvalSetArgs.__annotations__) | {"log_dir"}
    return frozenset(EvalArgs.__annotations__)


def read_options(function: str, args: Mapping[str, Any]) -> EvalOptions:
    """Return the checked options of a call of `function`; arguments that are None don't count.

    Raises:
        ParameterError: An argument's name or value is wrong; the nearest name is offered.
        NotImplementedError: An argument is documented but not implemented yet.
    """
    given = {name: value for name, value in args.items() if value is not None}
    known = argument_names(function)
    for name in given:
        if name not in known:
            hint = nearest_hint(name, known)
            raise ParameterError(
                function, "argument name", name, f"a known one. {hint}".rstrip(".")
            )
        if is_for_later(name, given[name]):
            raise NotImplementedError(f"{function}: {name} is not implemented yet; leave it out.")
    for name in (*LATER, "bundle_overwrite"):  # without bundle_dir nothing is overwritten
        given.pop(name, None)
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
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    reason = str(first["msg"]).removeprefix("Value error, ")
    return ParameterError(function, name, first["input"], reason[:1].lower() + reason[1:])
