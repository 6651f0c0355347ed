"""The tool for thoughts."""

from __future__ import annotations

import pytest

from tasks_lib.schema import ToolCall, ToolCallContent, ToolCallView
from tasks_lib.tool import execute_tools, think, tool_def
from tests.tool._calls import asking, errors, texts


def test_the_model_is_told_what_it_is_for() -> None:
    info = tool_def(think()).info

    assert info.name == "think"
    assert "changes nothing" in info.description
    assert info.parameters.model_dump(exclude_none=True) == {
        "type": "object",
        "properties": {"thought": {"type": "string", "description": "What you think."}},
        "required": ["thought"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"description": "Plan."}, ("Plan.", "What you think.")),
        ({"thought_description": "A plan."}, (tool_def(think()).description, "A plan.")),
    ],
    ids=["of the tool", "of the thought"],
)
def test_descriptions(arguments: dict[str, str], expected: tuple[str, str]) -> None:
    info = tool_def(think(**arguments)).info

    assert (info.description, info.parameters.properties["thought"].description) == expected


async def test_it_returns_nothing() -> None:
    result = await execute_tools(asking(("think", {"thought": "hm"}), ("think", {})), think())

    assert texts(result) == ["", ""]
    assert [error and error[0] for error in errors(result)] == [None, "parsing"]


def test_people_see_the_thought() -> None:
    viewer = tool_def(think()).viewer
    assert viewer is not None

    assert viewer(ToolCall(id="1", function="think", arguments={"thought": "*hm*"})) == (
        ToolCallView(call=ToolCallContent(format="markdown", content="*hm*"))
    )
