"""The provider openai, against a server on this machine."""

from __future__ import annotations

import asyncio
import gc
import traceback
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from tasks_lib._errors import ModelError, ModelRetryError, ParameterError
from tasks_lib.context import SampleContext, use_sample
from tasks_lib.model import Model, close_models, get_model
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    JSONSchema,
    ModelEvent,
    ModelUsage,
    ToolInfo,
    ToolParams,
)

KEY = "sk-very-secret-0123456789"


@dataclass
class Reply:
    """What the server does with one request."""

    status: int = 200
    body: dict[str, Any] | str = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    drop: bool = False
    """Close the connection without an answer."""
    cut: int | None = None
    """Close the connection after so many bytes of the body."""


@dataclass
class ScriptedServer:
    """Gives its replies in order, the last one for ever."""

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await self._answer(request)
        finally:
            self.in_flight -= 1

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(await request.json())
        self.headers.append(dict(request.headers))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if reply.delay_s:
            await asyncio.sleep(reply.delay_s)
        if reply.drop:
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if isinstance(reply.body, str):
            if reply.cut is not None:
                return await self._half(request, reply.body.encode(), reply.cut)
            return web.Response(status=reply.status, text=reply.body, headers=reply.headers)
        return web.json_response(reply.body, status=reply.status, headers=reply.headers)

    async def _half(self, request: web.Request, body: bytes, cut: int) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(body))})
        await response.prepare(request)
        await response.write(body[:cut])
        assert request.transport is not None
        request.transport.close()
        return response


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    scripted = ScriptedServer()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", scripted.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    scripted.url = f"http://{host}:{port}/v1"
    yield scripted
    await runner.cleanup()


@pytest.fixture
async def openai_model(server: ScriptedServer) -> AsyncIterator[Model]:
    """`openai/gpt-test` on the scripted server."""
    config = GenerateConfig(max_retries=4)
    model = get_model(
        "openai/gpt-test", base_url=server.url, api_key=KEY, config=config, memoize=False
    )
    async with model:
        yield model


def completion(content: str | None = "Paris", **message: object) -> dict[str, Any]:
    said = {"role": "assistant", "content": content, **message}
    reason = "tool_calls" if "tool_calls" in message else "stop"
    return {
        "model": "gpt-test-0101",
        "choices": [{"index": 0, "message": said, "finish_reason": reason}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
    }


def refusal(message: str, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "code": code}}


SOON = {"retry-after": "0.01"}


async def test_answer(server: ScriptedServer, openai_model: Model) -> None:
    server.replies = [Reply(body=completion())]
    messages: list[ChatMessage] = [
        ChatMessageSystem(content="Be brief."),
        ChatMessageUser(content="What is the capital of France?"),
    ]

    output = await openai_model.generate(
        messages, config=GenerateConfig(temperature=0, max_tokens=5, extra_body={"min_p": 0.1})
    )

    assert (output.completion, output.stop_reason, output.model) == (
        "Paris",
        "stop",
        "gpt-test-0101",
    )
    assert output.usage == ModelUsage(input_tokens=9, output_tokens=2, total_tokens=11)
    assert output.message.source == "generate"
    assert server.requests == [
        {
            "model": "gpt-test",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "What is the capital of France?"},
            ],
            "temperature": 0,
            "max_tokens": 5,
            "min_p": 0.1,
        }
    ]
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"


async def test_tools(server: ScriptedServer, openai_model: Model) -> None:
    called = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"x":1}'}}
    server.replies = [Reply(body=completion(None, tool_calls=[called]))]
    parameters = ToolParams(properties={"x": JSONSchema(type="integer")}, required=["x"])
    add = ToolInfo(name="add", description="Adds.", parameters=parameters)

    output = await openai_model.generate("1+1?", tools=[add], tool_choice="any")

    assert output.stop_reason == "tool_calls"
    assert output.message.tool_calls is not None
    [call] = output.message.tool_calls
    assert (call.id, call.function, call.arguments) == ("c1", "add", {"x": 1})
    assert server.requests[0]["tool_choice"] == "required"
    assert server.requests[0]["tools"][0]["function"]["name"] == "add"


@pytest.mark.parametrize(
    ("name", "sent_as"), [("gpt-4o", "max_tokens"), ("o3-mini", "max_completion_tokens")]
)
async def test_max_tokens_has_two_names(server: ScriptedServer, name: str, sent_as: str) -> None:
    server.replies = [Reply(body=completion())]

    async with get_model(f"openai/{name}", base_url=server.url, api_key=KEY, user="u1") as model:
        await model.generate("Hi", config=GenerateConfig(max_tokens=5))

    assert server.requests[0][sent_as] == 5
    assert server.requests[0]["user"] == "u1"


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(Reply(429, refusal("slow down"), SOON), id="429"),
        pytest.param(Reply(500, refusal("oops"), SOON), id="500"),
        pytest.param(Reply(503, "<html>down</html>", SOON), id="503 with a page"),
        pytest.param(Reply(408, refusal("timeout"), SOON), id="408"),
    ],
)
async def test_passing_failures(
    server: ScriptedServer, openai_model: Model, failure: Reply
) -> None:
    server.replies = [failure, failure, Reply(body=completion())]
    context = SampleContext()

    with use_sample(context):
        output = await openai_model.generate("Hi")

    [event] = context.transcript.events
    assert isinstance(event, ModelEvent)
    assert (output.completion, len(server.requests), event.retries) == ("Paris", 3, 2)
    assert event.metadata is not None
    causes = [retry["error"] for retry in event.metadata["retries"]]
    assert all(f"status {failure.status}" in cause for cause in causes)
    assert context.clock.waited >= 0.02


async def test_retries_end(server: ScriptedServer, openai_model: Model) -> None:
    server.replies = [Reply(500, refusal("oops"), SOON)]

    with pytest.raises(ModelRetryError, match=r"after 4 attempts in [\d.]+ s; .*500: oops"):
        await openai_model.generate("Hi")

    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        pytest.param(Reply(drop=True), "ServerDisconnected", id="dropped connection"),
        pytest.param(Reply(body='{"choices": [{"mess'), "is broken", id="half of the JSON"),
        pytest.param(Reply(body="<html></html>"), "is broken", id="a page"),
        pytest.param(Reply(body='{"id": 1}'), "no list of choices", id="another JSON"),
        pytest.param(
            Reply(body=" " * 1000, cut=10), "10 of 1000 bytes", id="cut while it was sent"
        ),
        pytest.param(Reply(body={"error": {"code": 502}}), "502", id="an error with status 200"),
    ],
)
async def test_broken_responses_are_tried_again(
    server: ScriptedServer, reply: Reply, text: str
) -> None:
    server.replies = [reply]
    config = GenerateConfig(max_retries=1)

    async with get_model("openai/x", base_url=server.url, api_key=KEY, config=config) as model:
        with pytest.raises(ModelRetryError, match=text):
            await model.generate("Hi")


async def test_no_server() -> None:
    config = GenerateConfig(max_retries=1)

    async with get_model(
        "openai/x", base_url="http://127.0.0.1:9/v1", api_key=KEY, config=config
    ) as model:
        with pytest.raises(ModelRetryError, match="ConnectionRefusedError"):
            await model.generate("Hi")


@pytest.mark.parametrize(
    ("reply", "stop_reason"),
    [
        pytest.param(
            Reply(400, refusal("This model's maximum context length is 10 tokens.")),
            "model_length",
            id="too long, by its text",
        ),
        pytest.param(
            Reply(400, refusal("too long", "context_length_exceeded")),
            "model_length",
            id="too long, by its code",
        ),
        pytest.param(
            Reply(400, refusal("rejected", "content_filter")), "content_filter", id="filtered"
        ),
    ],
)
async def test_refusals_that_are_answers(
    server: ScriptedServer, openai_model: Model, reply: Reply, stop_reason: str
) -> None:
    server.replies = [reply]

    output = await openai_model.generate("Hi")

    assert output.stop_reason == stop_reason
    assert isinstance(reply.body, dict)
    assert output.error == output.completion == reply.body["error"]["message"]


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        pytest.param(Reply(400, refusal("top_q is unknown")), "400: top_q is unknown", id="400"),
        pytest.param(Reply(401, refusal(f"Wrong key {KEY}.")), r"401: Wrong key \[key\]", id="401"),
        pytest.param(Reply(404, refusal("no such model")), "404: no such model", id="404"),
        pytest.param(Reply(403, f"<p>{KEY}</p>"), r"403: <p>\[key\]</p>", id="a page"),
        pytest.param(
            Reply(429, refusal("no credit", "insufficient_quota")), "no credit", id="no credit"
        ),
    ],
)
async def test_lasting_failures(
    server: ScriptedServer, openai_model: Model, reply: Reply, text: str
) -> None:
    server.replies = [reply]
    context = SampleContext()

    with use_sample(context), pytest.raises(ModelError, match=text) as caught:
        await openai_model.generate("Hi")

    [event] = context.transcript.events
    assert isinstance(event, ModelEvent)
    assert event.call is not None
    assert event.call.request["model"] == "gpt-test"
    shown = "".join(traceback.format_exception(caught.value))
    assert KEY not in shown + event.model_dump_json() + repr(caught.value)
    assert len(server.requests) == 1


async def test_refused_option(server: ScriptedServer, openai_model: Model) -> None:
    for option in ({"best_of": 2}, {"top_k": 5}, {"reasoning_tokens": 9}):
        with pytest.raises(ParameterError, match=next(iter(option))):
            await openai_model.generate("Hi", config=GenerateConfig.model_validate(option))
    assert server.requests == []


async def test_key_and_server_from_the_environment(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.replies = [Reply(body=completion())]
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("EVAL_MODEL_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)

    async with get_model("openai/gpt-test") as model:
        assert (await model.generate("Hi")).completion == "Paris"


def test_connection_key_tells_accounts_apart_but_no_secret() -> None:
    def key(api_key: str, base_url: str | None = None) -> str:
        return get_model("openai/x", api_key=api_key, base_url=base_url).api.connection_key()

    assert key(KEY) == get_model("openai/y", api_key=KEY).api.connection_key()
    assert len({key(KEY), key("other"), key(KEY, "http://127.0.0.1:9/v1")}) == 3
    assert KEY not in key(KEY)
    assert key(KEY).startswith("openai-")


async def test_many_at_once(server: ScriptedServer) -> None:
    server.replies = [Reply(body=completion(), delay_s=0.02)]
    config = GenerateConfig(max_connections=20)

    async with get_model("openai/x", base_url=server.url, api_key=KEY, config=config) as model:
        outputs = await asyncio.gather(*(model.generate("Hi") for _ in range(100)))

    assert {output.completion for output in outputs} == {"Paris"}
    assert server.most_in_flight == 20


async def test_models_share_connections_until_the_last_closes(server: ScriptedServer) -> None:
    server.replies = [Reply(body=completion())]
    first, second = (get_model(f"openai/{n}", base_url=server.url, api_key=KEY) for n in "ab")

    await first.generate("Hi")
    await second.generate("Hi")
    await first.aclose()
    await second.generate("Hi")
    await close_models()
    await second.generate("opens again")
    await second.aclose()

    assert len(server.requests) == 4


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_model_outlives_its_event_loop() -> None:
    """A model that nobody closed works in the next event loop, and says nothing at exit."""
    model = get_model("openai/x", base_url="http://127.0.0.1:9/v1", api_key=KEY)
    config = GenerateConfig(max_retries=1)

    for _ in range(2):
        with pytest.raises(ModelRetryError, match="after 1 attempts"):
            asyncio.run(model.generate("Hi", config=config))
    asyncio.run(model.aclose())
    gc.collect()
