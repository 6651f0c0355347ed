"""What the function behind a tool takes, and what the model is told of it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple, get_type_hints

from pydantic_core import PydanticSerializationError

from tasks_lib._errors import ParameterError, ToolDefinitionError, nearest_hint
from tasks_lib.schema import JSONSchema, ToolParams
from tasks_lib.tool._docstring import ToolDocs
from tasks_lib.tool._json_schema import json_schema, type_adapter

_EMPTY = inspect.Parameter.empty


class Accepted(NamedTuple):
    """The arguments that a function takes by name."""

    types: dict[str, Any]
    """Annotations by name; `inspect.Parameter.empty` where there is none."""
    defaults: dict[str, object]
    """Defaults by name; a parameter without one is required."""
    others: bool
    """Whether it takes any other name too (`**kwargs`)."""
    names: frozenset[str]
    """All that a docstring may speak of, also what only the program can pass."""


def function_of(tool: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function that runs when `tool`, whatever it is, is called."""
    while isinstance(tool, functools.partial):
        tool = tool.func
    return tool if inspect.isroutine(tool) else type(tool).__call__


def accepted_arguments(name: str, tool: Callable[..., Any]) -> Accepted:
    """Return what the tool called `name` takes.

    What a `functools.partial` has bound by name is not taken any more: the model must not
    change it.

    Raises:
        ToolDefinitionError: An annotation names something that cannot be found, or an
            argument can only be passed by position.
    """
    bound = tool.keywords if isinstance(tool, functools.partial) else {}
    parameters = [p for p in inspect.signature(tool).parameters.values() if p.name not in bound]
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    unnamed = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY]
    if unnamed:
        raise ToolDefinitionError(
            name, f"takes {unnamed[0]!r} by position only, but models pass arguments by name."
        )
    function = inspect.unwrap(function_of(tool))
    return Accepted(
        types={p.name: _annotation(name, p, function) for p in named},
        defaults={p.name: p.default for p in named if p.default is not _EMPTY},
        others=any(p.kind is p.VAR_KEYWORD for p in parameters),
        names=frozenset(inspect.signature(function).parameters),
    )


def tool_params(
    name: str, accepted: Accepted, docs: ToolDocs, described: Mapping[str, str]
) -> ToolParams:
    """Return the parameters of the tool called `name`, as the model is told of them.

    `described` has descriptions that win over those of the docstring.

    Raises:
        ToolDefinitionError: A parameter has no type or no description, or a type whose
            values JSON cannot hold; or one is described that there is not.
    """
    check_described(name, described, accepted.types)
    _check_documented(name, docs, accepted)
    properties = {
        parameter: _property(name, parameter, accepted, docs, described.get(parameter))
        for parameter in accepted.types
    }
    missing = [repr(key) for key, schema in properties.items() if not schema.description]
    if missing:
        raise ToolDefinitionError(
            name,
            f"does not say what {', '.join(missing)} means: describe every parameter in the "
            "docstring (a section `Args:` with lines `name: description`).",
        )
    required = [parameter for parameter in accepted.types if parameter not in accepted.defaults]
    return ToolParams(properties=properties, required=required)


def check_described(name: str, described: Mapping[str, str], known: Mapping[str, object]) -> None:
    """Raise ToolDefinitionError if a parameter that the tool does not have is described."""
    for parameter in described:
        if parameter not in known:
            hint = nearest_hint(parameter, known)
            raise ToolDefinitionError(name, f"has no parameter {parameter!r}. {hint}")


def _check_documented(name: str, docs: ToolDocs, accepted: Accepted) -> None:
    """Raise ToolDefinitionError if the docstring describes a parameter that there is not."""
    if accepted.others:
        return
    for parameter in docs.parameters:
        if parameter.lstrip("*") not in accepted.names:
            hint = nearest_hint(parameter, accepted.types)
            raise ToolDefinitionError(
                name, f"describes {parameter!r} in its docstring, but takes no such thing. {hint}"
            )


def check_accepted(name: str, accepted: Accepted, params: ToolParams) -> None:
    """Raise ToolDefinitionError if the function cannot be called as `params` say."""
    for parameter in params.properties:
        if parameter not in accepted.types and not accepted.others:
            hint = nearest_hint(parameter, accepted.types)
            raise ToolDefinitionError(
                name, f"describes {parameter!r}, which its function does not take. {hint}"
            )
    for parameter in accepted.types:
        if parameter not in params.properties and parameter not in accepted.defaults:
            raise ToolDefinitionError(
                name, f"does not describe {parameter!r}, which its function needs."
            )


def _property(
    name: str, parameter: str, accepted: Accepted, docs: ToolDocs, description: str | None
) -> JSONSchema:
    annotation = accepted.types[parameter]
    if annotation is _EMPTY:
        annotation = docs.types.get(parameter, _EMPTY)
    if annotation is _EMPTY:
        raise ToolDefinitionError(
            name, f"does not say what type {parameter!r} has: annotate it, as in `{parameter}: str`"
        )
    try:
        schema = json_schema(annotation)
    except ParameterError as error:
        raise ToolDefinitionError(
            name, f"takes {parameter!r}, which a model cannot pass. {error}"
        ) from error
    schema.description = description or docs.parameters.get(parameter) or schema.description
    default = accepted.defaults.get(parameter)
    if default is not None:
        schema.default = _plain(annotation, default)
    return schema


def _plain(annotation: Any, default: object) -> object:
    """Return a default as JSON; None (nothing is said of it) if JSON cannot hold it."""
    try:
        return type_adapter(annotation).dump_python(default, mode="json", warnings=False)
    except PydanticSerializationError:
        return None


def _annotation(name: str, parameter: inspect.Parameter, function: Callable[..., Any]) -> Any:
    """Return the type of one parameter.

    Each is looked up on its own: a name that is only imported for type checkers must not
    stop the others, nor what the function returns.
    """
    if parameter.annotation is _EMPTY:
        return _EMPTY
    holder = SimpleNamespace(__annotations__={"type": parameter.annotation})
    names = getattr(function, "__globals__", {})
    try:
        return get_type_hints(holder, names, _enclosing(function), include_extras=True)["type"]
    except (NameError, AttributeError, TypeError, SyntaxError) as error:
        raise ToolDefinitionError(
            name,
            f"has a parameter {parameter.name!r} of the type {parameter.annotation!r}, which "
            f"cannot be found ({error}): import or define it at the top of the module.",
        ) from error


def _enclosing(function: Callable[..., Any]) -> dict[str, object]:
    """Return the variables of the functions around `function` that it uses."""
    found = inspect.getclosurevars(function).nonlocals if inspect.isfunction(function) else {}
    return dict(found)
