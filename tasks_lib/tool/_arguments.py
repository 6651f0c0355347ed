"""From the arguments that a model passes to those that a tool takes."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from inspect import Parameter
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError as SchemaError
from jsonschema.exceptions import best_match
from pydantic import ValidationError

from tasks_lib._errors import ToolParsingError
from tasks_lib.schema import ToolParams
from tasks_lib.tool._function import Accepted
from tasks_lib.tool._json_schema import read_value

_MOST_PROBLEMS = 20
_LONGEST_PROBLEM = 500
_DEEPEST = 100
"""Values in values: more can neither be checked nor logged, and no tool needs as many."""

_AS_THEY_ARE = (Any, str, bool, Parameter.empty)
"""Types of which a checked value already is one."""


class ArgumentReader:
    """Reads the arguments of one tool."""

    __slots__ = ("_accepted", "_validator", "parameters")

    def __init__(self, parameters: ToolParams, accepted: Accepted) -> None:
        self.parameters = parameters
        """What the model was told."""
        self._accepted = accepted
        self._validator = Draft7Validator(parameters.model_dump(exclude_none=True))

    def read(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return `arguments` as values of the types that the function names.

        What it takes by `**kwargs` or without a type stays as it is. Later changes to the
        values do not reach `arguments`.

        Raises:
            ToolParsingError: They are not what the model was told to pass; all problems are
                listed.
        """
        if _depth_exceeds(arguments, _DEEPEST):
            raise _parsing_error([f"the arguments are nested more than {_DEEPEST} deep"])
        problems = [_problem(error) for error in self._validator.iter_errors(arguments)]
        if problems:
            raise _parsing_error(problems)
        values: dict[str, Any] = {}
        for name, value in arguments.items():
            annotation = self._accepted.types.get(name, Any)
            if isinstance(value, list | dict):
                value = deepcopy(value)
            if annotation in _AS_THEY_ARE:
                values[name] = value
                continue
            try:
                values[name] = read_value(annotation, value)
            except ValidationError as error:
                problems += [_typed_problem(name, detail) for detail in error.errors()]
        if problems:
            raise _parsing_error(problems)
        return values


def _problem(error: SchemaError) -> str:
    error = best_match([error])  # where a choice of types is at fault: what of the nearest one
    place = error.json_path.removeprefix("$").removeprefix(".")
    return f"{place}: {error.message}" if place else error.message


def _typed_problem(name: str, detail: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in (name, *detail["loc"]))
    return f"{place}: {detail['msg']}"


def _parsing_error(problems: list[str]) -> ToolParsingError:
    lines = [
        f"- {problem[:_LONGEST_PROBLEM]}{'…' if len(problem) > _LONGEST_PROBLEM else ''}"
        for problem in problems[:_MOST_PROBLEMS]
    ]
    if len(problems) > _MOST_PROBLEMS:
        lines.append(f"- … and {len(problems) - _MOST_PROBLEMS} more")
    return ToolParsingError("\n".join(["The arguments do not fit the tool:", *lines]))


def _depth_exceeds(value: object, most: int) -> bool:
    """Tell whether containers are nested more than `most` deep."""
    level: list[object] = [value]
    for _ in range(most + 1):
        level = [
            item
            for container in level
            for item in (
                container.values()
                if isinstance(container, dict)
                else container
                if isinstance(container, list)
                else ()
            )
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return True
