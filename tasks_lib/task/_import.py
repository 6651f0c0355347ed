"""Importing task files: under names of their own, and without traces in the process."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from tasks_lib._errors import PrerequisiteError
from tasks_lib._util._registry import RegistryType, is_factory
from tasks_lib.task._task import Task

_lock = threading.RLock()
"""The current folder and sys.path belong to the whole process: one file at a time."""

_modules: dict[Path, tuple[bytes, ModuleType]] = {}
"""Imported task files, each with the source that it had."""

_neighbours: dict[str, Path] = {}
"""Modules that task files imported from their own folders, with these folders."""


def task_functions(file: Path) -> list[Callable[..., Task]]:
    """Import a task file and return its task functions in the order of their definition.

    The file is imported again only when its text has changed.

    Raises:
        PrerequisiteError: It cannot be imported. Names the line; the cause is chained.
    """
    return registered_in(_imported(file), "task")


def registered_in(module: ModuleType, kind: RegistryType) -> list[Callable[..., Any]]:
    """Return the registered functions and classes of a kind that a module defines itself."""
    found: list[Callable[..., Any]] = []
    for value in vars(module).values():
        own = getattr(value, "__module__", None) == module.__name__
        if own and is_factory(value, kind) and value not in found:
            found.append(value)
    return found


def source_module(file: Path) -> ModuleType:
    """Return the module that a Python file is, imported now unless this process has it.

    A module that was imported in the usual way, the running program included, counts, with the
    text that the file had then: nothing in it is defined twice.

    Raises:
        PrerequisiteError: It cannot be imported. Names the line; the cause is chained.
    """
    file = Path(os.path.normpath(file.expanduser().absolute()))
    if file not in _modules:
        for module in list(sys.modules.values()):
            known = getattr(module, "__file__", None)
            if isinstance(known, str) and os.path.abspath(known) == str(file):  # noqa: PTH100 - fast
                return module
    return _imported(file)


@contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Make `folder` the current one and the first to import from; restore both at the end."""
    with _lock:
        path, current = list(sys.path), Path.cwd()
        known = set(sys.modules)
        _forget_neighbours(folder)
        sys.path.insert(0, str(folder))
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(current)
            sys.path[:] = path
            _remember_neighbours(folder, known)


@contextmanager
def explained(action: str, file: Path | None) -> Iterator[None]:
    """Let errors of user code say where they come from.

    Our own errors pass, with a note; all others become a PrerequisiteError that names the
    deepest line of `file` which was running.
    """
    try:
        yield
    except PrerequisiteError as error:
        if file is not None:
            error.add_note(f"{_place(error, file)}: {action}")
        raise
    except (Exception, SystemExit) as error:
        place = f"{_place(error, file)}: " if file is not None else ""
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        kind = type(error).__name__
        raise PrerequisiteError(
            f"{place}{action} failed: {kind}{f': {reason}' if reason else ''}"
        ) from error


def shown(file: Path) -> str:
    """Return a path for messages: relative if it is below the current folder."""
    return str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)


def _imported(file: Path) -> ModuleType:
    source = file.read_bytes()
    with _lock:
        cached = _modules.get(file)
        if cached is not None and cached[0] == source:
            return cached[1]
        digest = sha256(str(file).encode()).hexdigest()[:12]
        name = f"evals_task_file_{file.stem}_{digest}"
        with explained("importing the task file", file), working_in(file.parent):
            module = _executed(name, file, source)
        _modules[file] = (source, module)
        return module


def _executed(name: str, file: Path, source: bytes) -> ModuleType:
    """Run a source text as the module `name`; it is in sys.modules only if that works."""
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None:
        raise PrerequisiteError(f"{file} cannot be imported: expected a .py file.")
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(name)
    # A file may just have been written: the import system remembers what folders contain.
    importlib.invalidate_caches()
    sys.modules[name] = module
    try:
        # Not the spec's loader: it would take byte code of an older text of the same second.
        exec(compile(source, str(file), "exec"), vars(module))
    except BaseException:
        del sys.modules[name]
        if before is not None:
            sys.modules[name] = before
        raise
    return module


def _remember_neighbours(folder: Path, known: set[str]) -> None:
    """Note which modules, not `known` before, could only be imported with `folder` in the path."""
    if str(folder) in sys.path or ("" in sys.path and folder == Path.cwd()):
        return
    for name in set(sys.modules) - known:
        top = name.partition(".")[0]
        origin = getattr(sys.modules[name], "__file__", None)
        if origin is not None and (
            Path(origin) == folder / f"{top}.py" or Path(origin).is_relative_to(folder / top)
        ):
            _neighbours[name] = folder


def _forget_neighbours(folder: Path) -> None:
    """Unload modules of other task files' folders that have a namesake in `folder`."""
    for name, home in list(_neighbours.items()):
        top = name.partition(".")[0]
        namesakes = (folder / f"{top}.py", folder / top / "__init__.py")
        if home != folder and any(namesake.is_file() for namesake in namesakes):
            sys.modules.pop(name, None)
            del _neighbours[name]


def _place(error: BaseException, file: Path) -> str:
    """Return `file:line` of the deepest line of `file` that led to the error."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{shown(Path(error.filename))}:{error.lineno}"
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename) == file
    ]
    return f"{shown(file)}:{lines[-1]}" if lines else shown(file)
