"""Which calls a policy is for."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks_lib._errors import ParameterError
from tasks_lib.approval import (
    Approval,
    ApprovalPolicy,
    Approver,
    approver,
    auto_approver,
    call_text,
    default_view,
)
from tasks_lib.schema import ChatMessage, ToolCall, ToolCallView
from tests.approval._approvals import call


def is_for(tools: Any, asked: ToolCall) -> bool:
    return ApprovalPolicy(auto_approver(), tools).applies_to(asked)


@pytest.mark.parametrize(
    ("tools", "function", "expected"),
    [
        pytest.param("*", "bash", True, id="all"),
        pytest.param("bash", "bash", True, id="the name"),
        pytest.param("bash", "bash_session", False, id="a longer name is another tool"),
        pytest.param("bash", "Bash", False, id="case counts"),
        pytest.param("bash*", "bash_session", True, id="glob"),
        pytest.param("web_?o", "web_go", True, id="one character"),
        pytest.param("web_[ab]", "web_b", True, id="one of some"),
        pytest.param("bash, python", "python", True, id="list with commas"),
        pytest.param("bash, python", "bash, python", False, id="commas are not part of names"),
        pytest.param(["bash", "python"], "python", True, id="list"),
        pytest.param(["bash, python", "x"], "python", True, id="commas in a list"),
        pytest.param(("bash",), "python", False, id="none of them"),
        pytest.param("bash,", "", False, id="an empty part is none"),
    ],
)
def test_names(tools: Any, function: str, expected: bool) -> None:
    assert is_for(tools, call(function)) is expected


@pytest.mark.parametrize(
    ("tools", "arguments", "expected"),
    [
        pytest.param("mouse(action='key'", {"action": "key", "text": "a"}, True, id="begins so"),
        pytest.param("mouse(action='key'", {"action": "click"}, False, id="begins otherwise"),
        pytest.param("mouse(action='key')", {"action": "key"}, True, id="closed: the whole call"),
        pytest.param(
            "mouse(action='key')", {"action": "key", "text": "a"}, False, id="closed: nothing more"
        ),
        pytest.param("mouse(action='key'*)", {"action": "key", "t": 1}, True, id="glob"),
        pytest.param("mouse(*rm -rf*)", {"a": "x\ny; rm -rf /"}, True, id="over lines"),
        pytest.param("m*(x=1, y=2)", {"x": 1, "y": 2}, True, id="commas in brackets are no list"),
        pytest.param("other, mouse(x=1, y=2), z", {"x": 1, "y": 2}, True, id="in a list"),
        pytest.param("mouse(x=1, y=2), other", {"x": 1}, False, id="one of a list"),
        pytest.param("mouse(x='it\\'s')", {"x": "it's"}, True, id="quotes are escaped"),
        pytest.param("mouse()", {}, True, id="no arguments"),
    ],
)
def test_arguments(tools: str, arguments: dict[str, Any], expected: bool) -> None:
    assert is_for(tools, call("mouse", **arguments)) is expected


@approver(name="not_made_in_test_approval_policy")
def not_made() -> Approver:
    return auto_approver()


async def unregistered(
    message: str, call: ToolCall, view: ToolCallView, history: list[ChatMessage]
) -> Approval:
    return Approval(decision="approve")


@pytest.mark.parametrize(
    ("approves", "tools", "said"),
    [
        pytest.param(auto_approver(), "", "tools is ''", id="no tools"),
        pytest.param(auto_approver(), " , ", "tools is ' , '", id="only commas"),
        pytest.param(auto_approver(), [], r"tools is \[\]", id="empty list"),
        pytest.param(auto_approver(), ["a", 1], r"tools is \['a', 1\]", id="no text"),
        pytest.param(auto_approver(), None, "tools is None", id="nothing"),
        pytest.param(unregistered, "*", "approver is <function unregistered", id="no decorator"),
        pytest.param(not_made, "*", "approver is <function not_made", id="not called"),
        pytest.param("auto", "*", "approver is 'auto'", id="a name"),
    ],
)
def test_wrong_policies(approves: Any, tools: Any, said: str) -> None:
    with pytest.raises(ParameterError, match=f"^ApprovalPolicy: {said}.*, expected "):
        ApprovalPolicy(approves, tools)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def _arguments_in(code: str) -> dict[str | None, Any]:
    expression = ast.parse(code, mode="eval").body
    assert isinstance(expression, ast.Call)
    return {keyword.arg: ast.literal_eval(keyword.value) for keyword in expression.keywords}


@settings(max_examples=50, deadline=None)
@example({"a": "````\n```"})
@given(st.dictionaries(st.sampled_from("abc"), _JSON | st.text("'\"\\\n\rx\x1b`")))
def test_what_is_shown_is_the_call(arguments: dict[str, Any]) -> None:
    asked = call("tool", **arguments)
    view = default_view(asked).call
    assert view is not None
    lines = view.content.split("\n")
    fence = lines[0].removesuffix("python")

    assert _arguments_in(call_text(asked)) == arguments
    assert "\n" not in call_text(asked)
    assert _arguments_in("\n".join(lines[1:-1])) == arguments
    assert set(fence) == {"`"}
    assert [line for line in lines if fence in line] == [lines[0], fence]


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        pytest.param({}, "tool()", id="none"),
        pytest.param({"a": 1, "b": "x's"}, 'tool(a=1, b="x\'s")', id="one line"),
        pytest.param(
            {"code": "if x:\n    print('\x1b')"},
            "tool(\n    code='''if x:\n    print('\\x1b')''',\n)",
            id="texts of several lines",
        ),
        pytest.param(
            {"a": "x" * 50, "b": "y" * 40},
            f"tool(\n    a='{'x' * 50}',\n    b='{'y' * 40}',\n)",
            id="long",
        ),
    ],
)
def test_calls_as_people_read_them(arguments: dict[str, Any], shown: str) -> None:
    view = default_view(call("tool", **arguments))

    assert view.context is None
    assert view.call is not None
    assert view.call.model_dump() == {
        "title": None,
        "format": "markdown",
        "content": f"```python\n{shown}\n```",
    }
