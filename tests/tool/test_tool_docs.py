"""What a model is told of a tool, by its signature and docstring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from pydantic import Field

from tasks_lib._errors import ToolDefinitionError
from tasks_lib.tool import (
    ToolDef,
    ToolInfo,
    ToolParams,
    tool_with,
)
from tests.tool._tools import add, blocking, google

if TYPE_CHECKING:
    from decimal import Decimal


async def numpy(x: int, y: list[str] | None = None) -> str:
    """Do something.

    It takes a while: be patient.

    Parameters
    ----------
    x : int
        The first,
        on two lines.
    y : list of str, optional
        The second.

    Examples
    --------
    >>> do(1)
    2
    """
    return ""


async def sphinx(x: int, y: list[str] | None = None) -> str:
    """Do something.

    It takes a while: be patient.

    :param x: The first,
        on two lines.
    :param y: The second.
    :returns: Nothing much.
    """
    return ""


async def epydoc(x: int, y: list[str] | None = None) -> str:
    """Do something.

    It takes a while: be patient.

    @param x: The first,
        on two lines.
    @param y: The second.
    """
    return ""


@pytest.mark.parametrize(
    ("function", "examples"),
    [
        pytest.param(google, "\n\nExamples:\n\n>>> do(1)\n2", id="google"),
        pytest.param(numpy, "\n\nExamples:\n\n>>> do(1)\n2", id="numpy"),
        pytest.param(sphinx, "", id="sphinx"),
        pytest.param(epydoc, "", id="epydoc"),
    ],
)
def test_docstrings_of_all_styles_say_the_same(function: Callable[..., Any], examples: str) -> None:
    assert ToolDef(function, name="do").info.model_dump(exclude_none=True) == {
        "name": "do",
        "description": f"Do something.\n\nIt takes a while: be patient.{examples}",
        "parameters": {
            "type": "object",
            "properties": {
                "x": {"type": "integer", "description": "The first,\non two lines."},
                "y": {
                    "anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}],
                    "description": "The second.",
                },
            },
            "required": ["x"],
            "additionalProperties": False,
        },
    }


async def typed_by_docstring(a, b, c, d="x"):  # type: ignore[no-untyped-def]
    """Take it.

    Args:
        a (int): One.
        b (List[str]): Two.
        c (boolean): Three.
        d (str): Four.
    """


def test_types_may_be_said_by_the_docstring() -> None:
    params = ToolDef(typed_by_docstring).parameters

    assert params.model_dump(exclude_none=True) == {
        "type": "object",
        "properties": {
            "a": {"type": "integer", "description": "One."},
            "b": {"type": "array", "items": {}, "description": "Two."},
            "c": {"type": "boolean", "description": "Three."},
            "d": {"type": "string", "description": "Four.", "default": "x"},
        },
        "required": ["a", "b", "c"],
        "additionalProperties": False,
    }


async def described_by_annotation(x: Annotated[int, Field(description="One.", ge=0)]) -> int:
    """Take it."""
    return x


def test_annotations_may_describe_parameters() -> None:
    assert ToolDef(described_by_annotation).parameters.properties["x"].model_dump(
        exclude_none=True
    ) == {"type": "integer", "description": "One.", "minimum": 0}


NOTHING = object()


async def odd_default(x: int = 1, y: Any = NOTHING) -> str:
    """Take them.

    Args:
        x: One.
        y: Two.
    """
    return ""


def test_defaults_that_json_cannot_hold_are_not_told() -> None:
    assert ToolDef(odd_default).parameters.model_dump(exclude_none=True) == {
        "type": "object",
        "properties": {
            "x": {"type": "integer", "description": "One.", "default": 1},
            "y": {"description": "Two."},
        },
        "required": [],
        "additionalProperties": False,
    }


async def no_docstring(x: int) -> int:
    return x


async def undescribed(x: int, y: int, z: int) -> int:
    """Take them.

    Args:
        y: The second.
    """
    return x


async def untyped(x):  # type: ignore[no-untyped-def]
    """Take it.

    Args:
        x (Foo): What.
    """


async def unknown_type(x: Decimal) -> str:
    """Take it.

    Args:
        x: What.
    """
    return ""


async def impossible_type(x: Callable[[], None]) -> str:
    """Take it.

    Args:
        x: What.
    """
    return ""


async def by_position(x: int, /) -> int:
    """Take it.

    Args:
        x: What.
    """
    return x


async def documents_another(count: int) -> int:
    """Take it.

    Args:
        count: What.
        cuont: The same, once more.
    """
    return count


async def documents_what_is_bound(session: str, /, x: int, *rest: int) -> int:
    """Take it.

    Args:
        session: Of the program.
        x: What.
        *rest: More.
    """
    return x


class _Nameless:
    async def __call__(self) -> str:
        """Do it."""
        return ""


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        pytest.param(
            lambda: ToolDef(no_docstring),
            "The tool 'no_docstring' does not say what it does",
            id="no description",
        ),
        pytest.param(
            lambda: ToolDef(undescribed),
            "The tool 'undescribed' does not say what 'x', 'z' means",
            id="parameters without a description",
        ),
        pytest.param(
            lambda: ToolDef(documents_another),
            "The tool 'documents_another' describes 'cuont' in its docstring, but takes no such "
            "thing. Did you mean 'count'?",
            id="a parameter described that there is not",
        ),
        pytest.param(
            lambda: ToolDef(untyped),
            "The tool 'untyped' does not say what type 'x' has",
            id="no type",
        ),
        pytest.param(
            lambda: ToolDef(unknown_type),
            "The tool 'unknown_type' has a parameter 'x' of the type 'Decimal', which cannot be "
            "found",
            id="a type that is only imported for type checkers",
        ),
        pytest.param(
            lambda: ToolDef(impossible_type),
            "The tool 'impossible_type' takes 'x', which a model cannot pass.",
            id="a type that JSON cannot hold",
        ),
        pytest.param(
            lambda: ToolDef(by_position),
            "The tool 'by_position' takes 'x' by position only",
            id="position only",
        ),
        pytest.param(
            lambda: ToolDef(blocking),
            "The tool 'blocking' is not an async function",
            id="not async",
        ),
        pytest.param(lambda: ToolDef(5), "The tool '5' is no tool", id="a number"),  # type: ignore[arg-type]
        pytest.param(lambda: ToolDef(_Nameless()), "The tool '<", id="an object without a name"),
        pytest.param(
            lambda: ToolDef(add), "The tool 'add' was not made: pass add() instead", id="not made"
        ),
        pytest.param(
            lambda: ToolDef(google, parameters={"z": "Third."}),
            "The tool 'google' has no parameter 'z'. Known: 'x', 'y'.",
            id="unknown parameter described",
        ),
        pytest.param(
            lambda: ToolDef(google, parameters=ToolParams()),
            "The tool 'google' does not describe 'x', which its function needs.",
            id="parameters lack one",
        ),
        pytest.param(
            lambda: ToolDef(described_by_annotation, parameters=ToolDef(google).parameters),
            "The tool 'described_by_annotation' describes 'y', which its function does not take.",
            id="parameters have one too many",
        ),
        pytest.param(
            lambda: tool_with(add(), parameters={"z": "Third."}),
            "The tool 'add' has no parameter 'z'. Known: 'x', 'y'.",
            id="tool_with of an unknown parameter",
        ),
    ],
)
def test_what_a_model_cannot_be_told_is_refused(make: Callable[[], object], problem: str) -> None:
    with pytest.raises(ToolDefinitionError) as caught:
        make()
    assert str(caught.value).startswith(problem)


def test_a_docstring_may_speak_of_what_the_program_passes() -> None:
    definition = ToolDef(partial(documents_what_is_bound, "s"))

    assert list(definition.parameters.properties) == ["x"]


def test_a_missing_docstring_can_be_made_up_for() -> None:
    definition = ToolDef(no_docstring, description="Take it.", parameters={"x": "What."})

    assert definition.info == ToolInfo(
        name="no_docstring",
        description="Take it.",
        parameters=ToolParams.model_validate(
            {"properties": {"x": {"type": "integer", "description": "What."}}, "required": ["x"]}
        ),
    )


def test_types_of_the_enclosing_function_are_found() -> None:
    @dataclass
    class Local:
        count: int

    async def take(value: Local) -> bool:
        """Take it.

        Args:
            value: What.
        """
        return isinstance(value, Local)

    definition = ToolDef(take)

    assert list(definition.parameters.properties["value"].properties or {}) == ["count"]
    assert definition.read_arguments({"value": {"count": 2}}) == {"value": Local(2)}
