"""Solvers and scorers by name: in eval-set files, on the command line, as `SolverSpec`.

A name is a registered one (`generate`, `package/name`), or that of a file: `file.py`, if it
defines just one, else `file.py@name`. Agents count as solvers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from flows._named_files import factory_in_file, is_in_file
from solvers.agents import as_solver
from tasks_lib._errors import ParameterError, PrerequisiteError, UnknownNameError
from tasks_lib._util._params import plain_params
from tasks_lib._util._registry import (
    RegistryType,
    call_recorded,
    is_registered,
    known_names,
    registry_lookup,
    registry_name,
    registry_params,
)
from tasks_lib.task import Scorer, Solver, SolverSpec

SOLVER_KINDS: tuple[RegistryType, ...] = ("solver", "agent")
"""What can stand where a solver is expected, in the order in which a name is looked up."""


@dataclass(frozen=True)
class ByName:
    """A registered name with the arguments that are passed to what has it."""

    name: str
    args: Mapping[str, Any] = field(default_factory=dict)


def by_name(kind: str, value: object, function: str = "eval") -> object:
    """Return `value` with each `{name: …, argument: …}` in it as a `ByName`.

    An argument that is called "name" itself goes beneath `args`: `{name: react, args: {name: a}}`.
    Errors say that `function` got this as its argument `kind`.

    Raises:
        ParameterError: A mapping has no name, or `args` is none.
    """
    if isinstance(value, Mapping):
        args = {key: item for key, item in value.items() if key not in ("name", "args")}
        more = value.get("args") or {}
        if not isinstance(value.get("name"), str) or not isinstance(more, Mapping):
            raise ParameterError(function, kind, value, "{name: …, an argument: its value, …}")
        return ByName(value["name"], {**args, **more})
    if isinstance(value, list):
        return [by_name(kind, item, function) for item in value]
    return value


def resolve_solver(solver: Any) -> Solver:
    """Return a solver given as itself, by name, as a `SolverSpec`, or as an agent.

    Raises:
        PrerequisiteError: The name is unknown, the arguments do not fit, or the solver is not
            registered and so could not be recorded in the log.
    """
    solver = _named(solver)
    if isinstance(solver, ByName):
        solver = _create(SOLVER_KINDS, solver)
    if is_registered(solver, "agent"):
        solver = as_solver(solver)
    if isinstance(solver, Sequence) or is_registered(solver, "solver"):
        return cast(Solver, solver)
    raise PrerequisiteError(
        f"The solver {getattr(solver, '__name__', solver)!r} is not registered: decorate the "
        "function that makes it with @solver, so that the log can say what ran."
    )


def solver_spec(solver: Any) -> tuple[str | None, dict[str, Any] | None]:
    """Return how a log names the solver that was asked for, and its arguments; None for none."""
    solver = _named(solver)
    if solver is None:
        return None, None
    if isinstance(solver, ByName):
        return solver.name, plain_params(solver.args)
    if isinstance(solver, list):
        return "chain", {}
    name = registry_name(solver) if is_registered(solver) else None
    return name, plain_params(registry_params(solver))


def resolve_scorers(scorers: Any, function: str = "eval") -> list[Scorer]:
    """Return one or more scorers, each given as itself or by name; errors name `function`.

    Raises:
        PrerequisiteError: A name is unknown, or the arguments do not fit.
    """
    several = scorers if isinstance(scorers, list) else [scorers]
    return [_resolve_scorer(scorer, function) for scorer in several]


def _resolve_scorer(scorer: Any, function: str) -> Scorer:
    scorer = _named(scorer)
    if isinstance(scorer, ByName):
        scorer = _create(("scorer",), scorer)
    if not callable(scorer):
        raise ParameterError(function, "scorer", scorer, "a scorer, its name, or a list of these")
    return cast(Scorer, scorer)


def _named(value: Any) -> Any:
    if isinstance(value, SolverSpec):
        return ByName(value.solver, value.args)
    return ByName(value) if isinstance(value, str) else value


def find_factory(kinds: Sequence[RegistryType], name: str) -> Callable[..., object]:
    """Return what makes the solver or scorer of a name; of several kinds the first that has it.

    Raises:
        PrerequisiteError: Nothing has the name, or more than one; the message says how to
            tell which is meant.
    """
    if is_in_file(name):
        return factory_in_file(kinds, name)
    for kind in kinds:
        factory = registry_lookup(kind, name)
        if factory is not None:
            return factory
    known = [known for kind in kinds for known in known_names(kind)]
    same = [known for known in known if known.endswith(f"/{name}")]
    if same:
        raise PrerequisiteError(f"{name!r} is the name of several. Say which: {', '.join(same)}.")
    is_of_package = "/" in name
    hint = None if is_of_package else f"One of a file that is not imported: 'file.py@{name}'."
    raise UnknownNameError(kinds[0], name, known, hint)


def _create(kinds: Sequence[RegistryType], named: ByName) -> object:
    return call_recorded(named.name, find_factory(kinds, named.name), named.args)
