"""How calls of tools are shown."""

from __future__ import annotations

from typing import Any

import pytest

from tasks_lib.approval import ApprovalPolicy, auto_approver, use_approval
from tasks_lib.context import SampleContext, use_sample
from tasks_lib.schema import (
    ApprovalEvent,
    ChatMessageAssistant,
    ToolCall,
    ToolCallContent,
    ToolCallView,
)
from tasks_lib.tool import ToolDef, execute_tools
from tests.tool._calls import echo, tool_events

Content = dict[str, Any]


def _content(content: str, title: str | None = None) -> ToolCallContent:
    return ToolCallContent(title=title, format="text", content=content)


PYTHON = ToolCallContent(format="markdown", content="```python\necho(text='a{{b}}', times=2)\n```")
FILLED = _content("a{{b}}")


@pytest.mark.parametrize(
    ("shown", "of_event", "of_decision"),
    [
        pytest.param(None, None, ToolCallView(call=PYTHON), id="nobody says"),
        pytest.param(
            ToolCallView(call=_content("{{text}}")),
            FILLED,
            ToolCallView(call=FILLED),
            id="the tool says",
        ),
        pytest.param(
            ToolCallView(context=_content("{{text}}")),
            None,
            ToolCallView(context=FILLED, call=PYTHON),
            id="the tool says around what",
        ),
        pytest.param(
            ToolCallView(context=_content("x"), call=_content("{{times}} {{none}}", "{{text}}")),
            _content("2 {{none}}", "a{{b}}"),
            ToolCallView(context=_content("x"), call=_content("2 {{none}}", "a{{b}}")),
            id="titles, numbers and unknown names",
        ),
    ],
)
async def test_views(
    shown: ToolCallView | None, of_event: ToolCallContent | None, of_decision: ToolCallView
) -> None:
    viewer = None if shown is None else lambda call: shown
    call = ToolCall(id="1", function="echo", arguments={"text": "a{{b}}", "times": 2})
    messages = [ChatMessageAssistant(content="", tool_calls=[call])]
    with use_sample(SampleContext()) as sample:
        with use_approval([ApprovalPolicy(auto_approver(), "*")]):
            await execute_tools(messages, ToolDef(echo, viewer=viewer))
        await execute_tools(messages, ToolDef(echo, viewer=viewer))

    (decided,) = [e for e in sample.transcript.events if isinstance(e, ApprovalEvent)]
    assert [event.view for event in tool_events(sample)] == [of_event, of_event]
    assert decided.view == of_decision


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("it's {{x}}", "it's {{x}}", id="texts as they are, and not again"),
        pytest.param(["ä", None, True], '["ä", null, true]', id="others as JSON"),
        pytest.param("\\1 \\g<0>", "\\1 \\g<0>", id="no patterns"),
    ],
)
async def test_arguments_in_views(value: object, text: str) -> None:
    async def show(x: Any) -> str:
        """Show it.

        Args:
            x: What.
        """
        return ""

    call = ToolCall(id="1", function="show", arguments={"x": value}, view=_content("<{{x}}>"))
    with use_sample(SampleContext()) as sample:
        await execute_tools([ChatMessageAssistant(content="", tool_calls=[call])], ToolDef(show))

    (event,) = tool_events(sample)
    assert event.view == _content(f"<{text}>")


def _raises(call: ToolCall) -> ToolCallView:
    raise KeyError("gone")


def _returns_text(call: ToolCall) -> ToolCallView:
    return "text"  # type: ignore[return-value]  # what a careless viewer does


@pytest.mark.parametrize(
    ("viewer", "error", "said"),
    [
        pytest.param(_raises, KeyError, "'gone'", id="raises"),
        pytest.param(
            _returns_text,
            TypeError,
            "The viewer of the tool 'echo' returned 'text', which is no ToolCallView.",
            id="returns something else",
        ),
    ],
)
async def test_a_broken_viewer_fails_the_sample(
    viewer: Any, error: type[Exception], said: str
) -> None:
    call = ToolCall(id="1", function="echo", arguments={"text": "a"})

    with pytest.raises(error) as caught:
        await execute_tools(
            [ChatMessageAssistant(content="", tool_calls=[call])], ToolDef(echo, viewer=viewer)
        )

    assert str(caught.value) == said
    if error is KeyError:
        assert caught.value.__notes__[0] == "Raised by the viewer of the tool 'echo'."
