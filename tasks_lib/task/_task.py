"""Tasks: what is asked, how it is solved, and how answers are scored."""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack

from pydantic import JsonValue

from tasks_lib._errors import ParameterError, nearest_hint
from tasks_lib._util._registry import is_registered, registry_info
from tasks_lib.approval import ApprovalPolicy, ApprovalSource, resolve_approval
from tasks_lib.dataset import Dataset
from tasks_lib.model import Model
from tasks_lib.sandbox import resolve_sandbox
from tasks_lib.schema import (
    GenerateConfig,
    Sample,
    SandboxEnvironmentSpec,
    SandboxEnvironmentType,
)
from tasks_lib.task._arguments import (
    as_dataset,
    as_scorers,
    as_solver,
    check_cleanup,
    check_fail_on_error,
    check_limit,
    check_metrics,
    check_model,
)
from tasks_lib.task._epochs import Epochs
from tasks_lib.task._protocols import (
    AnySolver,
    MetricsSpec,
    Scorer,
    ScoreReducer,
    ScoreReducers,
    Solver,
)
from tasks_lib.task._state import TaskState

NO_CONFIG = GenerateConfig()
"""Sets nothing; configs are merged into new ones, so one object serves all tasks."""

Cleanup = Callable[[TaskState], Awaitable[None]]
"""Called with the last state of a sample, also when it failed."""


class TaskArgs(TypedDict, total=False):
    """The arguments of `Task`."""

    dataset: Dataset | Sequence[Sample] | None
    setup: AnySolver | Sequence[AnySolver] | None
    solver: AnySolver | Sequence[AnySolver] | None
    cleanup: Cleanup | None
    scorer: Scorer | Sequence[Scorer] | None
    metrics: MetricsSpec | None
    model: str | Model | None
    config: GenerateConfig
    model_roles: Mapping[str, str | Model] | None
    sandbox: SandboxEnvironmentType | None
    approval: ApprovalSource | None
    epochs: int | Epochs | None
    fail_on_error: bool | float | None
    message_limit: int | None
    token_limit: int | None
    time_limit: int | None
    working_limit: int | None
    name: str | None
    version: int | str
    metadata: dict[str, Any] | None


class TaskDeprecatedArgs(TypedDict, total=False):
    """Old names of arguments of `Task`; each warns."""

    plan: AnySolver | Sequence[AnySolver]
    max_messages: int | None
    epochs_reducer: ScoreReducers | None
    tool_environment: SandboxEnvironmentType | None


class Task:
    """A dataset with what solves and scores its samples.

    All arguments are checked here, before anything runs. A plain class on purpose: Prefect
    walks dataclasses and pydantic models, and with them the whole dataset.
    """

    dataset: Dataset
    """The samples; at least one."""
    setup: Solver | None
    """Runs before the solver, also before one that replaces the task's."""
    solver: Solver | None
    """What answers; None: the model is asked once, tools included."""
    cleanup: Cleanup | None
    """Called when a sample is done, with its last state, also after an error."""
    scorer: list[Scorer] | None
    """What judges the answers; None: nothing does."""
    metrics: MetricsSpec | None
    """Metrics of all scorers, in place of those that they bring along."""
    model: str | Model | None
    """Model of this task, wins over the eval's; None: the eval's."""
    config: GenerateConfig
    """Options for the evaluated model; the eval's win over them."""
    model_roles: dict[str, str | Model] | None
    """Models by role, wins as a whole over the eval's."""
    sandbox: SandboxEnvironmentSpec | None
    """Where tools run and files of samples go; None: where samples say, or nowhere."""
    approval: list[ApprovalPolicy] | None
    """Who decides on calls of tools, a file's policies included; None: all are done."""
    epochs: int | None
    """How often every sample is evaluated; None: once."""
    epochs_reducer: list[str | ScoreReducer] | None
    """What makes one score of a sample's epochs, functions or names; None: the mean."""
    fail_on_error: bool | float | None
    """True or None: the first failed sample fails the task; False: none does; below 1: this
    share of the samples; else: this number of them."""
    message_limit: int | None
    """Messages that a sample's conversation may have, its input included."""
    token_limit: int | None
    """Tokens that a sample may use, over all models."""
    time_limit: int | None
    """Seconds that a sample may take."""
    working_limit: int | None
    """Seconds that a sample may take, waiting for connections and retries left out."""
    version: int | str
    """Version of the task, to tell results of different ones apart."""
    metadata: dict[str, Any] | None
    """Goes to the log."""
    task_file: str | None
    """Absolute path of the file with the task's function, unless a package holds it."""
    run_dir: str
    """Folder that relative paths of the task are meant for: that of its file, or the current."""
    task_args: dict[str, JsonValue]
    """Arguments of the task's function, those left at their defaults included."""
    task_args_passed: dict[str, JsonValue]
    """Arguments that were passed to the task's function."""

    def __init__(  # noqa: PLR0913 - the documented signature
        self,
        dataset: Dataset | Sequence[Sample] | None = None,
        setup: AnySolver | Sequence[AnySolver] | None = None,
        solver: AnySolver | Sequence[AnySolver] | None = None,
        cleanup: Cleanup | None = None,
        scorer: Scorer | Sequence[Scorer] | None = None,
        metrics: MetricsSpec | None = None,
        model: str | Model | None = None,
        config: GenerateConfig = NO_CONFIG,
        model_roles: Mapping[str, str | Model] | None = None,
        sandbox: SandboxEnvironmentType | None = None,
        approval: ApprovalSource | None = None,
        epochs: int | Epochs | None = None,
        fail_on_error: bool | float | None = None,
        message_limit: int | None = None,
        token_limit: int | None = None,
        time_limit: int | None = None,
        working_limit: int | None = None,
        name: str | None = None,
        version: int | str = 0,
        metadata: dict[str, Any] | None = None,
        **kwargs: Unpack[TaskDeprecatedArgs],
    ) -> None:
        """Make a task. What the arguments mean is said at the attributes of their names.

        A dataset of None is one sample with the input "prompt". A list of solvers becomes one
        that runs them in turn. `epochs` brings its reducer along when it is an `Epochs`.

        Raises:
            DatasetError: The dataset is empty.
            ParameterError: An argument has a value that makes no sense.
            PrerequisiteError: A solver or scorer is not registered.
        """
        self._name = None
        self.epochs_reducer = None
        self.task_file = None
        self.run_dir = str(Path.cwd())
        self.task_args = {}
        self.task_args_passed = {}
        arguments: TaskArgs = {
            "dataset": dataset,
            "setup": setup,
            "solver": solver,
            "cleanup": cleanup,
            "scorer": scorer,
            "metrics": metrics,
            "model": model,
            "config": config,
            "model_roles": model_roles,
            "sandbox": sandbox,
            "approval": approval,
            "epochs": epochs,
            "fail_on_error": fail_on_error,
            "message_limit": message_limit,
            "token_limit": token_limit,
            "time_limit": time_limit,
            "working_limit": working_limit,
            "name": name,
            "version": version,
            "metadata": metadata,
        }
        _assign(self, {**arguments, **_modern(kwargs, epochs)})

    def __repr__(self) -> str:
        return f"Task(name={self.name!r}, {len(self.dataset)} samples)"

    @property
    def name(self) -> str:
        """The name given, or else that of the task's function, or "task"."""
        return self._name or self.registry_name or "task"

    @property
    def registry_name(self) -> str | None:
        """Name under which `@task` registered the task's function, with its package."""
        return registry_info(self).name if is_registered(self) else None

    @property
    def attribs(self) -> dict[str, object]:
        """What `@task` was given beside the name."""
        return dict(registry_info(self).metadata) if is_registered(self) else {}

    _name: str | None


def task_with(task: Task, **overrides: Unpack[TaskArgs]) -> Task:
    """Change arguments of `task`, in place, and return it.

    What is not passed stays as it is. Takes the arguments of `Task`; raises what it raises.
    """
    _assign(task, overrides)
    return task


def _assign(task: Task, arguments: Mapping[str, Any]) -> None:
    """Check the arguments and set them on the task; nothing is set when one is wrong."""
    changes: dict[str, object] = {}
    for name, value in arguments.items():
        if name not in TaskArgs.__annotations__:
            raise _unknown_argument(name)
        changes.update(_attributes(name, value))
    for name, value in changes.items():
        setattr(task, name, value)


def _unknown_argument(name: str) -> ParameterError:
    hint = nearest_hint(name, TaskArgs.__annotations__).rstrip(".")
    return ParameterError("Task", "argument name", name, f"one that Task has ({hint})")


def _attributes(name: str, value: Any) -> dict[str, object]:
    """Return the attributes that an argument sets."""
    match name:
        case "dataset":
            return {name: as_dataset(value)}
        case "setup" | "solver":
            return {name: as_solver(name, value)}
        case "scorer":
            return {name: as_scorers(value)}
        case "message_limit" | "token_limit" | "time_limit" | "working_limit":
            return {name: check_limit(name, value)}
        case "approval":
            return {name: resolve_approval(value)}
        case "sandbox":
            return {name: resolve_sandbox(value, "Task")}
        case "epochs":
            return _epochs(value)
        case "name":
            return {"_name": value}
        case _:
            check = _CHECKS.get(name)
            return {name: check(value) if check else value}


def _epochs(value: int | Epochs | None) -> dict[str, object]:
    """Return count and reducer; a count alone leaves the reducer as it is."""
    if value is None:
        return {"epochs": None, "epochs_reducer": None}
    if isinstance(value, Epochs):
        return {"epochs": value.epochs, "epochs_reducer": value.reducer}
    return {"epochs": Epochs(value).epochs}


def _roles(value: Mapping[str, str | Model] | None) -> dict[str, str | Model] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping) or not all(
        isinstance(m, str | Model) for m in value.values()
    ):
        expected = "a dict from roles to models or their names"
        raise ParameterError("Task", "model_roles", value, expected)
    return dict(value)


def _config(value: object) -> GenerateConfig:
    if not isinstance(value, GenerateConfig):
        raise ParameterError("Task", "config", value, "a GenerateConfig")
    return value


_CHECKS: dict[str, Callable[[Any], object]] = {
    "cleanup": check_cleanup,
    "metrics": check_metrics,
    "model": check_model,
    "model_roles": _roles,
    "config": _config,
    "fail_on_error": check_fail_on_error,
}


def _modern(old: Mapping[str, Any], epochs: int | Epochs | None) -> dict[str, Any]:
    """Translate deprecated arguments, each with a warning; `epochs` is the modern one."""
    advice = {
        "plan": "solver",
        "max_messages": "message_limit",
        "tool_environment": "sandbox",
        "epochs_reducer": "epochs=Epochs(count, reducer)",
    }
    modern: dict[str, Any] = {}
    for name, value in old.items():
        if name not in advice:
            raise _unknown_argument(name)
        message = f"Task({name}=…) is deprecated, use {advice[name]}."
        warnings.warn(message, DeprecationWarning, stacklevel=3)
        if name == "epochs_reducer":
            count = epochs.epochs if isinstance(epochs, Epochs) else epochs
            modern["epochs"] = Epochs(1 if count is None else count, value)
        else:
            modern[advice[name]] = value
    return modern
