"""Which tasks are in which files, found out by reading: nothing is imported."""

from __future__ import annotations

import ast
import logging
import os
import re
import tokenize
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

logger = logging.getLogger(__name__)

SKIPPED_FOLDERS = frozenset({"env", "venv", "tests"})
"""Not searched for tasks, as are folders that begin with a dot or underscore."""


_DECORATOR = re.compile(r"^@(\w+\.)*task\b", re.MULTILINE)


class TaskInfo(BaseModel):
    """A task that was found in a file. As text: `file@name`."""

    model_config = ConfigDict(frozen=True)

    file: str
    """Path of the file."""
    name: str
    """Name of the task."""
    attribs: dict[str, Any] = {}
    """What `@task` is given beside the name, as far as it is written out there."""

    def __str__(self) -> str:
        return f"{self.file}@{self.name}"

    def __hash__(self) -> int:
        return hash((self.file, self.name))


class FoundTask(NamedTuple):
    """A task function in a file."""

    name: str
    attribs: dict[str, Any]


def list_tasks(
    globs: str | Sequence[str] = (),
    absolute: bool = False,
    root_dir: Path | None = None,
    filter: Callable[[TaskInfo], bool] | None = None,
) -> list[TaskInfo]:
    """List the tasks of Python files without importing them, sorted by file and name.

    Found are functions and classes at the top level of a file that are decorated with
    `@task`, `@tasks_lib.task` and the like. Skipped are files and folders that begin with a
    dot or underscore, the folders env, venv and tests, and, with a warning, files with tasks
    that are not valid Python.

    Args:
        globs: Patterns for files and folders below `root_dir`; none: everything there.
        absolute: List absolute paths; otherwise they are relative to `root_dir`.
        root_dir: Where to search; by default the current folder.
        filter: Tells for each task whether to list it.
    """
    root = (root_dir or Path.cwd()).absolute()
    patterns = [globs] if isinstance(globs, str) else list(globs)
    files: set[Path] = set()
    for pattern in patterns or ["."]:
        files.update(task_files(pattern, root))
    found = []
    for file in files:
        shown = file if absolute or not file.is_relative_to(root) else file.relative_to(root)
        try:
            tasks = tasks_in(file)
        except (SyntaxError, UnicodeDecodeError) as error:
            logger.warning("%s is skipped, it is not valid Python: %s", file, error)
            continue
        found += [TaskInfo(file=str(shown), name=t.name, attribs=t.attribs) for t in tasks]
    return sorted((t for t in found if filter is None or filter(t)), key=str)


def task_files(pattern: str, root: Path) -> list[Path]:
    """Return the Python files that a path or glob below `root` means, sorted; maybe none.

    Files are taken as they are; folders are searched.
    """
    path = root / Path(pattern).expanduser()
    if path.exists():
        matches = [path]
    else:
        anchor = Path(path.anchor)
        matches = sorted(anchor.glob(str(path.relative_to(anchor))))
    files: set[Path] = set()
    for match in matches:
        files.update(_walked(match) if match.is_dir() else [match])
    return sorted(Path(os.path.normpath(file)) for file in files if file.suffix == ".py")


def tasks_in(file: Path, *, skim: bool = True) -> list[FoundTask]:
    """Return the tasks of a Python file in the order of their definition.

    With `skim`, a file without a line that begins with `@task` or `@….task` is not parsed.

    Raises:
        SyntaxError: It is not valid Python.
        UnicodeDecodeError: It is not text.
    """
    with tokenize.open(file) as opened:
        source = opened.read()
    return [] if skim and not _DECORATOR.search(source) else tasks_of(source, str(file))


def tasks_of(source: str, file: str) -> list[FoundTask]:
    """Return the tasks of a Python source text in the order of their definition."""
    module = ast.parse(source, file)
    foreign = _foreign_names(module)
    found = []
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                if _is_task(decorator, foreign):
                    found.append(_described(node.name, decorator))
    return found


def _walked(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [f for f in folders if f[0] not in "._" and f not in SKIPPED_FOLDERS]
        for name in files:
            if name.endswith(".py") and name[0] not in "._":
                yield Path(parent, name)


def _foreign_names(module: ast.Module) -> set[str]:
    """Return names by which the file knows things of Prefect: it has a `task`, too."""
    names: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            aliases = [a for a in node.names if a.name.split(".")[0] == "prefect"]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "prefect":
            aliases = node.names
        else:
            continue
        names.update(alias.asname or alias.name.split(".")[0] for alias in aliases)
    return names


def _is_task(decorator: ast.expr, foreign: set[str]) -> bool:
    """Tell whether a decorator is `@task`, `@module.task`, or a call of one of them."""
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", None)
    while isinstance(target, ast.Attribute):
        target = target.value
    return name == "task" and isinstance(target, ast.Name) and target.id not in foreign


def _described(function: str, decorator: ast.expr) -> FoundTask:
    """Return name and attributes as far as the decorator spells them out."""
    attribs: dict[str, Any] = {}
    for keyword in decorator.keywords if isinstance(decorator, ast.Call) else []:
        if keyword.arg is not None:
            try:
                attribs[keyword.arg] = ast.literal_eval(keyword.value)
            except (ValueError, TypeError):
                continue
    name = attribs.pop("name", None)
    return FoundTask(name if isinstance(name, str) else function, attribs)
