"""The task of a log, made anew."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from tasks_lib import Task
from tasks_lib._errors import MissingFileError, ParameterError, UnknownNameError
from tasks_lib._util._registry import registry_lookup, registry_name, unqualified_name
from tasks_lib.schema import EvalLog
from tasks_lib.task import (
    TaskInfo,
    load_tasks,
    logged_arguments,
    registered_in,
    source_module,
)

_LOADED = "evals_task_file_"
"""How the modules of task files that we import are called."""

TaskFactory = Callable[..., Task]


def task_of_log(log: EvalLog) -> Task:
    """Return the task of a log, made by its function with the arguments that were passed then.

    The function is that of the task file, which is looked for from the working folder; one
    that this process has imported from there is not imported again. Without a task file it is
    the registered one.

    Raises:
        MissingFileError: The task file is not there, or nothing but the log knows the task.
        UnknownNameError: The file has no such task any more.
        ParameterError: An argument was something that a log cannot hold, or is none any more.
        PrerequisiteError: The file cannot be imported, or the function fails.
    """
    spec = log.eval
    name = spec.task_registry_name or spec.task
    factory = _factory(log, name)
    arguments = _arguments(name, factory, spec.task_args_passed)
    named = TaskInfo(file=str(spec.task_file), name=registry_name(factory))
    # By its file, the function runs in the folder of that; but a module that was imported in
    # the usual way would be imported once more.
    [task] = load_tasks(named if factory.__module__.startswith(_LOADED) else factory, arguments)
    return task


def _factory(log: EvalLog, name: str) -> TaskFactory:
    spec = log.eval
    if spec.task_file is None:
        registered: Any = registry_lookup("task", name)
        if registered is None:
            hint = (
                f"The log {log.location!r} does not say which @task function made it, or no "
                "installed package has it. Import what defines it, or evaluate the task again."
            )
            raise MissingFileError("task", name, hint)
        return registered  # type: ignore[no-any-return]  # only @task registers tasks
    file = Path(spec.task_file).absolute()
    if not file.is_file():
        hint = (
            f"The log {log.location!r} names it; it was searched in {str(Path.cwd())!r}. Go to "
            "the folder that the evaluation was started in."
        )
        raise MissingFileError("task file", spec.task_file, hint)
    functions = registered_in(source_module(file), "task")
    for function in functions:
        if name in (registry_name(function), unqualified_name(function)):
            return function
    known = [unqualified_name(function) for function in functions]
    raise UnknownNameError(f"task in {spec.task_file!r}", name, known)


def _arguments(name: str, factory: TaskFactory, logged: Mapping[str, Any]) -> dict[str, object]:
    """Return the arguments as they were passed.

    Raises:
        ParameterError: One does not fit what the function takes: the log could not hold it.
    """
    restored = logged_arguments(name, factory, logged)
    try:
        hints = get_type_hints(inspect.unwrap(factory))
    except (NameError, TypeError):  # types that only a type checker sees
        return restored
    return {
        key: _fitting(name, key, value, hints[key])
        if key in hints and value == logged[key]
        else value
        for key, value in restored.items()
    }


def _fitting(name: str, key: str, value: object, hint: Any) -> object:
    """Return a logged value as what the annotation says; JSON knows no tuples and no models."""
    try:
        adapter: TypeAdapter[object] = TypeAdapter(
            hint, config=ConfigDict(arbitrary_types_allowed=True)
        )
    except PydanticUserError:  # of models, which have a config of their own, and of odd types
        try:
            adapter = TypeAdapter(hint)
        except PydanticUserError:
            return value
    try:
        fitting = adapter.validate_python(value)
    except ValidationError as error:
        expected = "something that can be made from a log: what was passed is not of its type"
        raise ParameterError(name, key, value, expected) from error
    return fitting if isinstance(value, list | dict) else value
