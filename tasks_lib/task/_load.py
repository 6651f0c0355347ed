"""From whatever names tasks (files, folders, names, functions, tasks) to tasks."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from tasks_lib._errors import (
    MissingFileError,
    ParameterError,
    PrerequisiteError,
    UnknownNameError,
    nearest_hint,
)
from tasks_lib._util._registry import (
    check_arguments,
    is_registered,
    known_names,
    registry_lookup,
    registry_name,
    unqualified_name,
)
from tasks_lib.task._discover import TaskInfo, task_files, tasks_in
from tasks_lib.task._import import explained, shown, task_functions, working_in
from tasks_lib.task._task import Task

OneTask: TypeAlias = str | TaskInfo | Task | Callable[..., Task] | type[Task]
"""What names one task or, if it is text, several."""

Tasks: TypeAlias = OneTask | Sequence[OneTask] | None
"""What to evaluate: registered names, `file.py`, `file.py@name`, folders, globs, `@task`
functions, `TaskInfo`, `Task`; a list of these; or None: all task files below the current
folder."""


def load_tasks(tasks: Tasks = None, task_args: Mapping[str, object] | None = None) -> list[Task]:
    """Return the tasks that `tasks` names, in order. Each call makes new ones.

    Text is looked up as a registered name first, then as `file.py@name`, then as a path or
    glob. Task functions run with the folder of their file as the current one.

    Args:
        tasks: See `Tasks`. None or [] yields nothing when there are no task files.
        task_args: Arguments for the task functions. Each gets those that it has; one that
            none of them has is an error. Tasks that are made already don't get any.

    Raises:
        UnknownNameError: Text is neither a registered name nor a path, or the file has no
            task of this name.
        MissingFileError: A path or glob matches nothing.
        ParameterError: A task has no such argument, or needs one that is missing.
        PrerequisiteError: A file has no tasks or cannot be imported, or a task function
            fails. Names file and line.
    """
    sources = list(_sources(tasks))
    arguments = dict(task_args or {})
    factories = [source for source in sources if isinstance(source, _Factory)]
    _check_names(factories, arguments)
    given = [
        source.accepted(arguments) if isinstance(source, _Factory) else {} for source in sources
    ]
    return [
        source.create(args) if isinstance(source, _Factory) else source
        for source, args in zip(sources, given, strict=True)
    ]


@dataclass(frozen=True)
class _Factory:
    """A task function, and the file that it was found in, if it was."""

    make: Callable[..., Task]
    file: Path | None = None

    @property
    def name(self) -> str:
        return registry_name(self.make)

    def accepted(self, arguments: Mapping[str, object]) -> dict[str, object]:
        """Return the arguments that the function has; raise unless it can be called so."""
        parameters = inspect.signature(self.make).parameters.values()
        names = {parameter.name for parameter in parameters}
        takes_all = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)
        mine = {name: arg for name, arg in arguments.items() if takes_all or name in names}
        check_arguments(self.name, self.make, mine)
        return mine

    def create(self, arguments: Mapping[str, object]) -> Task:
        place = nullcontext() if self.file is None else working_in(self.file.parent)
        with explained(f"creating task {self.name!r}", self.file), place:
            return self.make(**arguments)


def _sources(tasks: Tasks) -> Iterator[Task | _Factory]:
    if tasks is None or (isinstance(tasks, Sequence) and len(tasks) == 0):
        for file in task_files(".", Path.cwd()):
            yield from _file_factories(file, searched=True)
    elif isinstance(tasks, Sequence) and not isinstance(tasks, str):
        for one in tasks:
            yield from _source(one)
    else:
        yield from _source(tasks)


def _source(one: OneTask) -> Iterator[Task | _Factory]:
    if isinstance(one, Task):
        yield one
    elif isinstance(one, TaskInfo):
        yield _named_factory(one.file, one.name)
    elif isinstance(one, str):
        yield from _text_factories(one)
    elif callable(one):
        if not is_registered(one, "task"):
            label = getattr(one, "__qualname__", repr(one))
            raise ParameterError("load_tasks", "tasks", label, "a function decorated with @task")
        yield _Factory(one)
    else:
        expected = "a name, path, @task function, TaskInfo, Task, or a list of these"
        raise ParameterError("load_tasks", "tasks", one, expected)


def _text_factories(text: str) -> Iterator[_Factory]:
    registered = registry_lookup("task", text) if text else None
    path, at, name = text.rpartition("@")
    if registered is not None:
        yield _Factory(registered)  # type: ignore[arg-type]  # only @task registers tasks
    elif at and not Path(text).exists():
        yield _named_factory(path, name)
    else:
        yield from _path_factories(text)


def _path_factories(text: str) -> Iterator[_Factory]:
    path = Path(text).expanduser()
    if path.suffix == ".ipynb":
        raise NotImplementedError(f"{text!r}: tasks in notebooks are not supported yet.")
    files = task_files(text, Path.cwd()) if text else []
    if not files:
        _raise_nothing_found(text, path)
    several = not path.is_file()
    found = [factory for file in files for factory in _file_factories(file, searched=several)]
    if not found:
        raise PrerequisiteError(
            f"There is no task in {text!r}: no function there is decorated with @task."
        )
    yield from found


def _raise_nothing_found(text: str, path: Path) -> None:
    if path.is_dir():
        raise PrerequisiteError(f"There is no task in the folder {text!r}: it has no .py files.")
    if path.is_file():
        raise PrerequisiteError(f"{text!r} is not a task file, expected a .py file.")
    is_path = path.suffix == ".py" or text.endswith(("/", os.sep)) or any(c in text for c in "*?[")
    if is_path:
        raise MissingFileError("task file", text, f"Searched in {str(Path.cwd())!r}.")
    raise UnknownNameError("task", text, known_names("task"))


def _file_factories(file: Path, *, searched: bool) -> list[_Factory]:
    """Return the tasks of a file. One that a search met may be broken if it has no tasks."""
    file = file.absolute()
    try:
        has_tasks = bool(tasks_in(file, skim=searched))
    except (SyntaxError, UnicodeDecodeError):
        has_tasks = True  # so that the import says what is wrong with it
    return [_Factory(make, file) for make in task_functions(file)] if has_tasks else []


def _named_factory(path: str, name: str) -> _Factory:
    file = Path(os.path.normpath(Path(path).expanduser().absolute()))
    if not file.is_file():
        hint = f"Searched in {str(Path.cwd())!r}."
        raise MissingFileError("task file", path, hint)
    factories = _file_factories(file, searched=False)
    for factory in factories:
        if name in (factory.name, unqualified_name(factory.make)):
            return factory
    known = [unqualified_name(factory.make) for factory in factories]
    raise UnknownNameError(f"task in {shown(file)!r}", name, known)


def _check_names(factories: Sequence[_Factory], arguments: Mapping[str, object]) -> None:
    """Raise ParameterError for an argument that none of the task functions has."""
    if not factories:
        return
    known: set[str] = set()
    for factory in factories:
        for parameter in inspect.signature(factory.make).parameters.values():
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                return
            known.add(parameter.name)
    for name in arguments:
        if name not in known:
            label = factories[0].name if len(factories) == 1 else "tasks"
            expected = f"an argument of the task ({nearest_hint(name, known).rstrip('.')})"
            raise ParameterError(label, "argument name", name, expected)
