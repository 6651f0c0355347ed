"""What is known of a tool, and the ways to change it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from tasks_lib._errors import ToolDefinitionError
from tasks_lib._util._registry import registry_create, registry_params
from tasks_lib.tool import (
    Tool,
    ToolDef,
    ToolInfo,
    ToolSource,
    expand_tools,
    tool,
    tool_definitions,
    tool_infos,
    tool_with,
)
from tests.tool._tools import add, blocking, google, last_only, view


def test_tools_are_registered_with_their_arguments() -> None:
    @tool(name="other", parallel=False, viewer=view, model_input=last_only)
    def made(base: int = 1) -> Tool:
        return add(base)

    assert ToolDef(registry_create("tool", "add", bonus=2)).name == "add"  # type: ignore[arg-type]
    assert registry_params(made(base=3)) == {"base": 3}
    definition = ToolDef(made(3))
    assert (definition.name, definition.parallel, definition.viewer, definition.model_input) == (
        "other",
        False,
        view,
        last_only,
    )


class _Counter:
    """Counts, as an object and as a method."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self, by: int = 1) -> int:
        """Count on.

        Args:
            by: How far.
        """
        self.count += by
        return self.count


@tool
def counter_object() -> Tool:
    return _Counter()


@tool
def counter_method() -> Tool:
    return _Counter().__call__


@pytest.mark.parametrize("make", [counter_object, counter_method])
async def test_objects_and_methods_can_be_tools(make: Callable[[], Tool]) -> None:
    made = make()
    definition = ToolDef(made)

    assert definition.name == make.__name__
    assert definition.description == "Count on."
    assert [await made(by=2), await definition.tool(**definition.read_arguments({}))] == [2, 3]


def test_what_a_partial_has_bound_is_not_the_models_to_change() -> None:
    bound = ToolDef(functools.partial(google, y=["fixed"]))

    assert (bound.name, list(bound.parameters.properties)) == ("google", ["x"])


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(lambda: blocking, id="function that is not async"),
        pytest.param(lambda: 5, id="number"),
    ],
)
def test_a_tool_function_must_return_an_async_callable(made: Callable[[], Any]) -> None:
    with pytest.raises(TypeError, match=r"@tool broken returned .* not an async callable"):
        tool(name="broken")(made)()


def test_prompt_is_deprecated() -> None:
    with pytest.warns(DeprecationWarning, match="has no effect"):
        tool(prompt="Use it.")


def test_tool_with_changes_all_that_it_is_given() -> None:
    made = add()
    ToolDef(made)

    changed = tool_with(
        made,
        name="plus",
        description="Add.",
        parameters={"y": "Another."},
        parallel=False,
        viewer=view,
        model_input=last_only,
    )

    definition = ToolDef(made)
    assert changed is made
    assert vars_of(definition) == ("plus", "Add.", False, view, last_only)
    assert {name: p.description for name, p in definition.parameters.properties.items()} == {
        "x": "The first.",
        "y": "Another.",
    }
    again = ToolDef(tool_with(made, description="Sum.", parameters={"x": "One."}))
    assert vars_of(again) == ("plus", "Sum.", False, view, last_only)
    assert {name: p.description for name, p in again.parameters.properties.items()} == {
        "x": "One.",
        "y": "Another.",
    }
    assert ToolDef(add()).name == "add"


def vars_of(definition: ToolDef) -> tuple[object, ...]:
    return (
        definition.name,
        definition.description,
        definition.parallel,
        definition.viewer,
        definition.model_input,
    )


async def test_as_tool_keeps_everything_and_leaves_the_function_alone() -> None:
    first = ToolDef(
        google, "first", "One.", {"x": "Number."}, False, view, last_only, {"cache": True}
    )
    made, second = first.as_tool(), ToolDef(google, name="second").as_tool()

    described = ToolDef(made)
    assert vars_of(described) == ("first", "One.", False, view, last_only)
    assert (described.parameters, described.options) == (first.parameters, {"cache": True})
    assert described.parameters.properties["x"].description == "Number."
    assert [info.name for info in await tool_infos([made, second])] == ["first", "second"]
    assert ToolDef(google).name == "google"
    assert await made(x=1) == ""
    (known,) = await tool_definitions(made)
    assert known.as_tool() is made


async def test_a_wrapper_of_a_tool_is_what_is_called() -> None:
    made = tool_with(add(), name="plus")

    @functools.wraps(made)
    async def doubled(*args: Any, **kwargs: Any) -> Any:
        return 2 * (await made(*args, **kwargs))  # type: ignore[operator]

    (definition,) = await tool_definitions(doubled)
    assert definition.name == "plus"
    assert await definition.tool(x=1, y=2) == 6


async def test_infos_are_the_same_objects_until_something_changes() -> None:
    made = add()
    (first,) = await tool_infos([made])
    (again,) = await tool_infos([made])
    tool_with(made, description="Sum.")
    (changed,) = await tool_infos([made])

    assert again is first
    assert (first.description, changed.description) == ("Add two numbers.", "Sum.")

    definition = ToolDef(google)
    before = definition.info
    definition.name = "renamed"
    assert (before.name, definition.info.name) == ("google", "renamed")
    assert repr(definition) == "ToolDef('renamed')"


class _Server:
    def __init__(self) -> None:
        self.asked = 0

    async def tools(self) -> list[Tool]:
        self.asked += 1
        return [ToolDef(google, name=f"server_{self.asked}").as_tool()]


async def test_whatever_stands_for_tools_is_expanded_in_order() -> None:
    server, made = _Server(), add()
    info = ToolInfo(name="told", description="Only told.")
    assert isinstance(server, ToolSource)

    names = [
        [t.name for t in await expand_tools([made, [ToolDef(google, "other"), server], info, made])]
        for _ in range(2)
    ]

    assert names == [
        ["add", "other", "server_1", "told"],
        ["add", "other", "server_2", "told"],
    ]
    assert await expand_tools([]) == []
    assert await expand_tools([info, info.model_copy()]) == [info]
    assert [t.name for t in await tool_definitions(server)] == ["server_3"]


@pytest.mark.parametrize(
    ("tools", "problem"),
    [
        pytest.param(
            [ToolDef(google, "do", "One."), ToolDef(google, "do", "Other.")],
            "The tool 'do' is there twice",
            id="one function, told in two ways",
        ),
        pytest.param([add(), add()], "The tool 'add' is there twice", id="two of one name"),
        pytest.param(
            [ToolInfo(name="told", description="Only told.")],
            "The tool 'told' is only described: it cannot be called.",
            id="only described",
        ),
        pytest.param("add", "The tool 'add' is no tool", id="a name"),
        pytest.param([add], "The tool 'add' was not made", id="not made"),
    ],
)
async def test_what_cannot_be_called_is_refused(tools: Any, problem: str) -> None:
    with pytest.raises(ToolDefinitionError) as caught:
        await tool_definitions(tools)
    assert str(caught.value).startswith(problem)
