"""The Responses API against a server on this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tasks_lib._errors import ModelError, ModelRetryError
from tasks_lib.model import Model, get_model
from tasks_lib.model._request_error import RequestError
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageTool,
    ChatMessageUser,
    GenerateConfig,
    ToolInfo,
)
from tests.model._scripted_server import Reply, ScriptedServer

ADD = ToolInfo(name="add", description="Adds.")

THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA"}
CALL = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "c1",
    "name": "add",
    "arguments": '{"x":1}',
}
ANSWER = {
    "type": "message",
    "role": "assistant",
    "id": "msg_1",
    "content": [{"type": "output_text", "text": "4"}],
}


def response(*items: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"model": "gpt-test-0101", "status": "completed", "output": list(items), **more}


@pytest.fixture
async def thinker(server: ScriptedServer) -> AsyncIterator[Model]:
    config = GenerateConfig(max_retries=1)
    model = get_model(
        "openai/o9",
        base_url=server.url,
        api_key="sk-x",
        config=config,
        responses_api=True,
        user="u1",
        memoize=False,
    )
    async with model:
        yield model


async def test_conversation(server: ScriptedServer, thinker: Model) -> None:
    server.replies = [Reply(body=response(THOUGHT, CALL)), Reply(body=response(ANSWER))]
    messages: list[ChatMessage] = [ChatMessageUser(content="1+3?")]

    first = await thinker.generate(messages, tools=[ADD])
    messages += [first.message, ChatMessageTool(content="4", tool_call_id="c1", function="add")]
    second = await thinker.generate(messages, tools=[ADD])

    assert (first.stop_reason, second.stop_reason, second.completion) == ("tool_calls", "stop", "4")
    assert second.model == "gpt-test-0101"
    assert server.paths == ["/responses"] * 2
    one, two = server.requests
    assert {name: value for name, value in one.items() if name != "tools"} == {
        "model": "o9",
        "input": [{"role": "user", "content": "1+3?"}],
        "tool_choice": "auto",
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "user": "u1",
    }
    assert two["input"] == [
        {"role": "user", "content": "1+3?"},
        {name: value for name, value in THOUGHT.items() if name != "id"},
        {name: value for name, value in CALL.items() if name != "id"},
        {"type": "function_call_output", "call_id": "c1", "output": "4"},
    ]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param({"code": "server_error", "message": "oops"}, ModelRetryError, id="passing"),
        pytest.param({"code": "invalid_image", "message": "bad"}, RequestError, id="lasting"),
    ],
)
async def test_failed_responses(
    server: ScriptedServer, thinker: Model, error: dict[str, str], expected: type[ModelError]
) -> None:
    server.replies = [Reply(body=response(status="failed", error=error))]

    with pytest.raises(expected, match=error["message"]) as caught:
        await thinker.generate("Hi")

    assert type(caught.value) is expected
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("reply", "stop_reason"),
    [
        pytest.param(
            Reply(body=response(error={"code": "invalid_prompt", "message": "rejected"})),
            "content_filter",
            id="filtered later",
        ),
        pytest.param(
            Reply(400, {"error": {"code": "context_length_exceeded", "message": "rejected"}}),
            "model_length",
            id="too long",
        ),
    ],
)
async def test_refusals_that_are_answers(
    server: ScriptedServer, thinker: Model, reply: Reply, stop_reason: str
) -> None:
    server.replies = [reply]

    output = await thinker.generate("Hi")

    assert (output.stop_reason, output.error) == (stop_reason, "rejected")


async def test_broken_response(server: ScriptedServer, thinker: Model) -> None:
    server.replies = [Reply(body={"output": [{"no": "type"}]})]

    with pytest.raises(ModelRetryError, match="is broken"):
        await thinker.generate("Hi")
