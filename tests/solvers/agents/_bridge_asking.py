"""What tests of bridges share: a model that remembers what it was asked, and raw requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import aiohttp

from solvers.agents import AgentBridge, AgentState, agent_bridge
from tasks_lib.context import SampleContext, SampleLimits, use_sample
from tasks_lib.model import Model, get_model, use_active_model
from tasks_lib.schema import (
    ChatMessage,
    GenerateConfig,
    ModelOutput,
    ModelUsage,
    ToolChoice,
    ToolInfo,
)

CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"
MESSAGES = "/v1/messages"

ADD = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
}


class Asked(NamedTuple):
    """A request as the model got it."""

    messages: list[ChatMessage]
    tools: list[ToolInfo]
    choice: ToolChoice
    config: GenerateConfig

    @property
    def texts(self) -> list[str]:
        return [f"{message.role}: {message.text}" for message in self.messages]


def say(text: str) -> ModelOutput:
    output = ModelOutput.from_content("big", text)
    output.usage = ModelUsage(input_tokens=10, output_tokens=2, total_tokens=12)
    return output


def echo(asked: Asked) -> ModelOutput:
    return say(f"You said {asked.messages[-1].text}.")


def adder(asked: Asked) -> ModelOutput:
    """Call `add` for a user, and tell the sum to a tool."""
    if asked.messages[-1].role == "tool":
        return say(f"The sum is {asked.messages[-1].text}.")
    output = ModelOutput.for_tool_call(
        "big", "add", {"a": 1, "b": 2}, tool_call_id="call_1", content="Let me add."
    )
    output.usage = ModelUsage(input_tokens=10, output_tokens=2, total_tokens=12)
    return output


@dataclass
class Listening:
    """A model that answers as a test says, and remembers what it was asked."""

    answer: Callable[[Asked], ModelOutput] = echo
    asked: list[Asked] = field(default_factory=list)

    def __call__(
        self,
        messages: list[ChatMessage],
        tools: list[ToolInfo],
        choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        self.asked.append(Asked(messages, tools, choice, config))
        return self.answer(self.asked[-1])

    def model(self) -> Model:
        return get_model("mockllm/big", custom_outputs=self)


class Reply(NamedTuple):
    """What a raw request got."""

    status: int
    body: Any
    headers: dict[str, str]


class Opened(NamedTuple):
    """An open bridge within a sample."""

    bridge: AgentBridge[AgentState]
    context: SampleContext
    listening: Listening
    session: aiohttp.ClientSession

    async def post(self, path: str, body: object, **headers: str) -> Reply:
        url = f"{self.bridge.anthropic_base_url}{path}"
        headers = headers or {"Authorization": f"Bearer {self.bridge.api_key}"}
        kwargs: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
        async with self.session.post(url, headers=headers, **kwargs) as response:
            is_json = response.content_type == "application/json"
            content = await response.json() if is_json else await response.text()
            return Reply(response.status, content, dict(response.headers))

    async def chat(self, *texts: str, **options: object) -> str:
        """Send a conversation of user and assistant in turns; return the answer."""
        roles = ("user", "assistant")
        messages = [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)]
        reply = await self.post(CHAT, {"model": "any", "messages": messages, **options})
        assert reply.status == 200, reply.body
        content: str = reply.body["choices"][0]["message"]["content"]
        return content


@asynccontextmanager
async def sample(
    listening: Listening,
    limits: SampleLimits | None = None,
    config: GenerateConfig | None = None,
    roles: dict[str, Model] | None = None,
) -> AsyncIterator[SampleContext]:
    """Run the block as a sample on a listening model."""
    context = SampleContext(1, 1, limits)
    with use_sample(context), use_active_model(listening.model(), config, roles):
        yield context


@asynccontextmanager
async def opened(
    answer: Callable[[Asked], ModelOutput] = echo,
    limits: SampleLimits | None = None,
    state: AgentState | None = None,
    roles: dict[str, Model] | None = None,
) -> AsyncIterator[Opened]:
    """Open a bridge within a sample."""
    listening = Listening(answer)
    async with (
        sample(listening, limits, roles=roles) as context,
        aiohttp.ClientSession() as session,
        agent_bridge(state or AgentState(messages=[])) as bridge,
    ):
        yield Opened(bridge, context, listening, session)


HI: dict[str, Any] = {"model": "gpt-9", "messages": [{"role": "user", "content": "Hi"}]}
BODIES: dict[str, dict[str, Any]] = {
    CHAT: HI,
    RESPONSES: {"model": "gpt-9", "input": "Hi"},
    MESSAGES: {**HI, "max_tokens": 10},
}


def problem(reply: Reply) -> tuple[int, str, str | None]:
    """Return the status of an error, its type and its code."""
    error = reply.body["error"]
    return reply.status, error["type"], error.get("code")


def fail(error: Exception) -> Callable[[Asked], ModelOutput]:
    """Return an answer that is an error."""

    def answer(asked: Asked) -> ModelOutput:
        raise error

    return answer
