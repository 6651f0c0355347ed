"""Reducers by name, and the names that logs give them."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from typing import NamedTuple, cast

from tasks_lib._errors import ParameterError, PrerequisiteError, UnknownNameError
from tasks_lib._util._registry import (
    is_registered,
    known_names,
    registry_create,
    registry_lookup,
    registry_name,
    registry_params,
    unqualified_name,
)
from tasks_lib.task import ScoreReducer, ScoreReducers

_WITH_OPTIONS = re.compile(r"(.+?)\((.*)\)")
_WITH_NUMBER = re.compile(r"(.+)_([0-9]{1,9})")

_OF_EPOCHS = frozenset({"at_least", "pass_at"})
"""Reducers whose k is a number of epochs; in others it may be anything."""


class NamedReducer(NamedTuple):
    """A reducer with the name that logs give it."""

    name: str
    """Its registered name, with the arguments that it was made with: `mean`, `pass_at_5`,
    `pass_at_5(value=0.5)`. `create_reducers` makes the same reducer of it again. Arguments
    other than numbers are left out."""

    reducer: ScoreReducer


def create_reducers(
    reducers: ScoreReducers | None, epochs: int | None = None
) -> list[NamedReducer]:
    """Return reducers, some of them given by name, with their names.

    A name is one that `@score_reducer` registered, with `_` and a number behind it for the
    argument `k`: "pass_at_5", "at_least_2". Other numbers go in brackets:
    "pass_at_5(value=0.5)".

    Args:
        reducers: One or several; None stands for the default, `mean`.
        epochs: How often samples are evaluated; None if that is not known. No `at_least` and no
            `pass_at` may ask for more.

    Raises:
        UnknownNameError: No reducer has one of the names.
        ParameterError: There is none, one has an argument that it cannot use, one was not made
            by a `@score_reducer`, or two have the same name.
        PrerequisiteError: A reducer needs more epochs than there are.
    """
    if reducers is None:
        reducers = "mean"
    listed = [reducers] if isinstance(reducers, str) or callable(reducers) else list(reducers)
    if not listed:
        raise ParameterError("create_reducers", "reducers", reducers, "at least one")
    named = [_named(reducer) for reducer in listed]
    names = [item.name for item in named]
    if len(set(names)) < len(names):
        # Results are told apart by these names.
        raise ParameterError("create_reducers", "reducers", names, "each of them once")
    if epochs is not None:
        for item in named:
            _check_epochs(item, epochs)
    return named


def _named(reducer: str | ScoreReducer) -> NamedReducer:
    made = _created(reducer) if isinstance(reducer, str) else reducer
    is_one = is_registered(made, "score_reducer") and isinstance(made, ScoreReducer)
    if not is_one or registry_lookup("score_reducer", registry_name(made)) is made:
        expected = "a name, or what a @score_reducer function returns, such as mean_score()"
        raise ParameterError("create_reducers", "reducer", reducer, expected)
    return NamedReducer(_name(made), cast(ScoreReducer, made))


def _created(asked: str) -> object:
    name, options = asked, ""
    if (bracketed := _WITH_OPTIONS.fullmatch(asked)) is not None:
        name, options = bracketed.groups()
    arguments = _options(asked, options)
    numbered = _WITH_NUMBER.fullmatch(name)
    # A reducer may itself be called top_5.
    if numbered is not None and registry_lookup("score_reducer", name) is None:
        name, arguments["k"] = numbered[1], int(numbered[2])
    return _create(asked, name, arguments)


def _create(asked: str, name: str, arguments: Mapping[str, object]) -> object:
    factory = registry_lookup("score_reducer", name)
    parameters = inspect.signature(factory).parameters if factory is not None else {}
    if factory is None or ("k" in arguments and "k" not in parameters):
        raise UnknownNameError("score reducer", asked, map(_shown, known_names("score_reducer")))
    k = parameters.get("k")
    if k is not None and k.default is k.empty and "k" not in arguments:
        expected = f"a number behind it, as in '{name}_2'"
        raise ParameterError("create_reducers", "reducer", asked, expected)
    return registry_create("score_reducer", name, **arguments)


def _shown(name: str) -> str:
    """Return how a registered name is written where it is asked for."""
    return f"{name}_2" if name in _OF_EPOCHS else name


def _options(asked: str, text: str) -> dict[str, object]:
    """Return the arguments `a=1,b=true`."""
    items = [item.partition("=") for item in text.split(",")] if text else []
    try:
        return {key.strip(): json.loads(value) for key, _, value in items}
    except ValueError as error:
        expected = "numbers in brackets, as in 'pass_at_5(value=0.5)'"
        raise ParameterError("create_reducers", "reducer", asked, expected) from error


def _name(reducer: object) -> str:
    name = unqualified_name(reducer)
    params = registry_params(reducer)
    k = params.pop("k", None)
    if k is not None:
        name = f"{name}_{k}"
    numbers = {key: value for key, value in params.items() if isinstance(value, int | float)}
    options = ",".join(f"{key}={json.dumps(value)}" for key, value in numbers.items())
    return f"{name}({options})" if options else name


def _check_epochs(item: NamedReducer, epochs: int) -> None:
    needed = registry_params(item.reducer).get("k")
    if unqualified_name(item.reducer) in _OF_EPOCHS and isinstance(needed, int) and needed > epochs:
        raise PrerequisiteError(
            f"The reducer {item.name!r} needs {needed} epochs, and there {_are(epochs)}: raise "
            f"epochs to {needed} or more, or ask for fewer."
        )


def _are(epochs: int) -> str:
    return "is only 1" if epochs == 1 else f"are only {epochs}"
