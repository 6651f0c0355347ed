"""Solvers, agents and scorers in Python files: `file.py` and `file.py@name`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType

from solvers.agents import bridge
from tasks_lib._errors import (
    MissingFileError,
    PrerequisiteError,
    UnknownNameError,
)
from tasks_lib._util._registry import RegistryType, is_registered, unqualified_name
from tasks_lib.task import registered_in, source_module

Factory = Callable[..., object]


def is_in_file(name: str) -> bool:
    """Whether a name says in which file something is."""
    return "@" in name or name.endswith(".py")


def factory_in_file(kinds: Sequence[RegistryType], name: str) -> Factory:
    """Return what makes the solver or scorer that `file.py` or `file.py@name` means.

    Of what a file defines, the kinds are looked for in order; without a name the file must
    define exactly one of the first kind that it has any of. Where agents are among the kinds,
    a public function with "agent" in its name counts last, or the one that is named: it is
    called with the arguments, and what it returns becomes a bridged agent.

    Raises:
        MissingFileError: There is no such file.
        PrerequisiteError: It cannot be imported, or has none or several and none is named.
        UnknownNameError: Nothing in it has the name.
    """
    path, at, wanted = name.rpartition("@") if "@" in name else (name, "", "")
    file = Path(path).expanduser()
    if not file.is_file():
        raise MissingFileError(f"file of {kinds[0]}s", path, f"Searched in {str(Path.cwd())!r}.")
    if file.suffix != ".py":
        raise PrerequisiteError(f"{path!r} is not a file of {kinds[0]}s, expected a .py file.")
    module = source_module(file)
    groups = [{unqualified_name(f): f for f in registered_in(module, kind)} for kind in kinds]
    if "agent" in kinds:
        groups.append(_plain_functions(module, wanted))
    if at:
        return _named_of(kinds, groups, path, wanted)
    found = next(filter(None, groups), {})
    if len(found) == 1:
        return next(iter(found.values()))
    what = " or ".join(f"@{kind}" for kind in kinds)
    if not found:
        raise PrerequisiteError(
            f"There is no {kinds[0]} in {path!r}: no function there is decorated with {what}."
        )
    names = ", ".join(repr(f"{path}@{key}") for key in sorted(found))
    raise PrerequisiteError(f"There are several {kinds[0]}s in {path!r}. Say which: {names}.")


def _named_of(
    kinds: Sequence[RegistryType], groups: Sequence[Mapping[str, Factory]], path: str, name: str
) -> Factory:
    for group in groups:
        if name in group:
            return group[name]
    raise UnknownNameError(f"{kinds[0]} in {path!r}", name, [key for g in groups for key in g])


def _plain_functions(module: ModuleType, wanted: str) -> dict[str, Factory]:
    """Return what is not registered and makes agents: by their names, or the one wanted."""
    return {
        name: _bridging(value)
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and not is_registered(value)
        and value.__module__ == module.__name__
        and (name == wanted or ("agent" in name and not name.startswith("_")))
    }


def _bridging(function: Factory) -> Factory:
    def make(*args: object, **kwargs: object) -> object:
        made = function(*args, **kwargs)
        if inspect.iscoroutine(made):
            made.close()
            raise PrerequisiteError(
                f"The function {function.__name__!r} is async: expected one that returns an "
                "async function of a dict, or that is decorated with @agent."
            )
        return bridge(made)  # type: ignore[arg-type]  # which refuses what is no async function

    make.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return make
