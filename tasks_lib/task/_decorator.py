"""`@task`: names a function that makes a task, so that it can be found and repeated."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ParamSpec, overload

from tasks_lib._errors import ParameterError, PrerequisiteError
from tasks_lib._util._params import plain_params
from tasks_lib._util._registry import register_factory, registry_name
from tasks_lib.task._task import Task

P = ParamSpec("P")


@overload
def task(function: Callable[P, Task], /) -> Callable[P, Task]: ...


@overload
def task(
    *, name: str | None = None, **attribs: Any
) -> Callable[[Callable[P, Task]], Callable[P, Task]]: ...


def task(
    function: Callable[P, Task] | None = None, /, *, name: str | None = None, **attribs: Any
) -> Callable[P, Task] | Callable[[Callable[P, Task]], Callable[P, Task]]:
    """Register a function (or a subclass of `Task`) that makes a task.

    Every task that it makes remembers its name, file and arguments. Usable as `@task` and as
    `@task(name="…", light=True)`.

    Args:
        function: What is decorated.
        name: Name of the task; by default the function's.
        **attribs: Anything to find the task by: `list_tasks(filter=…)` sees it, logs too.

    Raises:
        ParameterError: The function is async; nobody would await it.
    """
    if function is not None:
        return _registered(function, name, attribs)
    return lambda decorated: _registered(decorated, name, attribs)


def _registered(
    factory: Callable[P, Task], name: str | None, attribs: Mapping[str, object]
) -> Callable[P, Task]:
    if not callable(factory) or inspect.iscoroutinefunction(factory):
        raise ParameterError("task", "function", factory, "a function that is not async")
    signature = inspect.signature(factory)
    file = _file(factory)

    @functools.wraps(factory, updated=())
    def create(*args: P.args, **kwargs: P.kwargs) -> Task:
        made = factory(*args, **kwargs)
        if not isinstance(made, Task):
            label = name or factory.__name__
            raise PrerequisiteError(f"The task function {label!r} returned {made!r}, not a Task.")
        bound = signature.bind(*args, **kwargs)
        made.task_args_passed = plain_params(_flat(bound))
        bound.apply_defaults()
        made.task_args = plain_params(_flat(bound))
        return made

    def place(made: Task) -> Task:
        if file is not None:
            made.task_file = str(file)
            made.run_dir = str(file.parent)
        return made

    made_by = register_factory("task", create, name, attribs, check=place)
    if "/" in registry_name(made_by):
        file = None
    return made_by


def _flat(bound: inspect.BoundArguments) -> dict[str, object]:
    """Return arguments by name, those of `**kwargs` among them."""
    flat: dict[str, object] = {}
    for name, value in bound.arguments.items():
        if bound.signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            flat.update(value)
        else:
            flat[name] = value
    return flat


def _file(factory: Callable[..., object]) -> Path | None:
    try:
        file = Path(inspect.getfile(factory)).absolute()
    except (TypeError, OSError):
        return None
    return file if file.is_file() else None
