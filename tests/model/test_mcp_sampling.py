"""Servers of tools that ask the evaluated model."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tasks_lib._errors import ModelError, ParameterError, ToolServiceError
from tasks_lib.context import SampleContext, SampleLimits, span, use_sample
from tasks_lib.model import Model, ModelAPI, get_model, modelapi, use_active_model
from tasks_lib.schema import (
    ChatMessage,
    GenerateConfig,
    ModelEvent,
    ModelOutput,
    ModelUsage,
    SpanBeginEvent,
    ToolChoice,
    ToolInfo,
)
from tasks_lib.tool import execute_tools
from tests.tool._calls import asking, errors
from tests.tool._mcp_processes import named, raw_server, real_server


class Asked:
    """A model that remembers what it is asked, and says it again in capitals."""

    def __init__(self, tokens: int = 1) -> None:
        self.requests: list[tuple[list[tuple[str, str]], GenerateConfig]] = []
        self.tokens = tokens

    def model(self) -> Model:
        return get_model("mockllm/asked", custom_outputs=self.answer, memoize=False)

    def answer(
        self, input: list[ChatMessage], tools: list[ToolInfo], choice: ToolChoice, config: Any
    ) -> ModelOutput:
        self.requests.append(([(message.role, message.text) for message in input], config))
        output = ModelOutput.from_content("asked", input[-1].text.upper())
        output.usage = ModelUsage(total_tokens=self.tokens)
        return output


async def test_the_evaluated_model_answers() -> None:
    asked = Asked()
    server = raw_server("ask")
    with use_active_model(asked.model()):
        async with server:
            answer = await (await named(server))["do"](text="what?")

    said = json.loads(str(answer))
    assert (said["content"], said["model"], said["stopReason"]) == (
        {"type": "text", "text": "WHAT?"},
        "asked",
        "endTurn",
    )
    [(messages, config)] = asked.requests
    assert messages == [("user", "what?")]
    assert config.model_dump(exclude_none=True) == {
        "max_tokens": 5,
        "stop_seqs": ["."],
        "temperature": 0.5,
    }


@modelapi("cold_sampled")
class ColdAPI(ModelAPI):
    """A model without a temperature that says what it was asked, and how."""

    def check_config(self, config: GenerateConfig) -> None:
        if config.temperature is not None:
            raise ParameterError("cold_sampled", "temperature", config.temperature, "no value")

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        asked = [f"{message.role}: {message.text}" for message in input]
        return ModelOutput.from_content("cold", f"{asked} {config.model_dump(exclude_none=True)}")


async def test_options_that_the_model_does_not_have_are_left_out() -> None:
    server = real_server()
    with use_active_model(get_model("cold_sampled/model", memoize=False)):
        async with server:
            answer = await (await named(server))["ask"](topic="rain")

    assert answer == (
        "It says: ['system: Be brief.', 'user: What of rain?'] {'max_tokens': 7}"
    )  # and not the temperature, which that server asks for


async def test_questions_belong_to_the_call_and_its_sample() -> None:
    asked = Asked(tokens=7)
    server = raw_server("ask")

    async def sample(text: str) -> SampleContext:
        with use_sample(SampleContext()) as context, use_active_model(asked.model()):
            async with server, span("agent"):
                await execute_tools(asking(("do", {"text": text})), await server.tools())
        return context

    contexts = await asyncio.gather(*(sample(text) for text in "abc"))

    for text, context in zip("abc", contexts, strict=True):
        events = context.transcript.events
        [question] = [event for event in events if isinstance(event, ModelEvent)]
        [within] = [
            event for event in events
            if isinstance(event, SpanBeginEvent) and event.id == question.span_id
        ]  # fmt: skip
        assert [message.text for message in question.input] == [text]
        assert within.name == "do"
        assert context.total_tokens == 7


async def test_without_an_evaluated_model_the_server_is_told() -> None:
    server = raw_server("ask")

    with pytest.raises(ToolServiceError, match="but none is evaluated here"):
        await (await named(server))["do"](text="what?")


async def test_a_limit_that_the_question_reaches_is_that_of_the_call() -> None:
    asked = Asked(tokens=7)
    server = raw_server("ask")
    context = SampleContext(limits=SampleLimits(token_limit=5))
    with use_sample(context), use_active_model(asked.model()):
        async with server:
            tools = await server.tools()
            result = await execute_tools(asking(("do", {"text": "what?"})), tools)

    assert errors(result) == [("limit", "The token limit of 5 was exceeded: 7.")]


@pytest.mark.parametrize("mode", ["ask", "ask or fail"])
async def test_a_model_that_fails_fails_the_sample_not_the_tool(mode: str) -> None:
    """Whether the server goes on without an answer or not."""

    def broken(*request: object) -> ModelOutput:
        raise ModelError("no model today")

    server = raw_server(mode)
    with use_active_model(get_model("mockllm/broken", custom_outputs=broken, memoize=False)):
        async with server:
            tools = await server.tools()
            with pytest.raises(ModelError, match="no model today"):
                await execute_tools(asking(("do", {"text": "what?"})), tools)
