"""The provider openai, against a server on this machine."""

from __future__ import annotations

import asyncio
import gc
import re
import traceback
from collections.abc import AsyncIterator
from typing import Any

import pytest

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
from tests.model._scripted_server import Reply, ScriptedServer, scripted_server

KEY = "sk-very-secret-0123456789"


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as scripted:
        scripted.url += "/v1"
        yield scripted


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
    assert server.paths == ["/v1/chat/completions"]


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
        pytest.param(Reply(drop=True), "ServerDisconnected", id="dropped before the headers"),
        pytest.param(Reply(body=" " * 1000, cut=0), "0 of 1000 bytes", id="dropped after them"),
        pytest.param(Reply(body='{"choices": [{"mess'), "is broken", id="half of the JSON"),
        pytest.param(Reply(body="<html></html>"), "is broken", id="a page"),
        pytest.param(Reply(body='{"id": 1}'), "no choices", id="another JSON"),
        pytest.param(Reply(body='{"choices": []}'), "no choices", id="no answer"),
        pytest.param(Reply(body='{"choices": ["Paris"]}'), "is broken", id="another form"),
        pytest.param(Reply(body=" " * 1000, cut=10), "10 of 1000 bytes", id="dropped in the body"),
        pytest.param(Reply(body={"error": {"code": 502}}), "502", id="an error with status 200"),
        pytest.param(
            Reply(body={"error": {"code": "rate_limit_exceeded"}}), "rate_limit", id="by its name"
        ),
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

    assert len(server.requests) == 1  # the SDK does not try again


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
            Reply(400, "the prompt is too long"), "model_length", id="too long, as plain text"
        ),
        pytest.param(
            Reply(400, {"error": "the prompt is too long"}), "model_length", id="too long, barely"
        ),
        pytest.param(
            Reply(400, refusal("rejected", "content_filter")), "content_filter", id="filtered"
        ),
        pytest.param(
            Reply(200, refusal("rejected", "content_filter")),
            "content_filter",
            id="with status 200",
        ),
    ],
)
async def test_refusals_that_are_answers(
    server: ScriptedServer, openai_model: Model, reply: Reply, stop_reason: str
) -> None:
    server.replies = [reply]

    output = await openai_model.generate("Hi")

    assert output.stop_reason == stop_reason
    assert output.error
    assert output.error == output.completion
    assert output.error in str(reply.body)


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        pytest.param(Reply(400, refusal("top_q is unknown")), "400: top_q is unknown", id="400"),
        pytest.param(Reply(401, refusal(f"Wrong key {KEY}.")), r"401: Wrong key \[key\]", id="401"),
        pytest.param(Reply(404, refusal("no such model")), "404: no such model", id="404"),
        pytest.param(
            Reply(307, "moved", {"location": "/v1/chat/completions"}), "307: moved", id="redirect"
        ),
        pytest.param(Reply(403, f"<p>{KEY}</p>"), r"403: <p>\[key\]</p>", id="a page"),
        pytest.param(
            Reply(429, refusal("no credit", "insufficient_quota")), "no credit", id="no credit"
        ),
        pytest.param(
            Reply(200, refusal("bad image", "invalid_image")), "bad image", id="200 with an error"
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


async def test_key_and_server_from_the_environment(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.replies = [Reply(body=completion())]
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("EVAL_MODEL_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)

    async with get_model("openai/gpt-test") as model:
        assert (await model.generate("Hi")).completion == "Paris"


async def test_slow_answers(server: ScriptedServer) -> None:
    """A time-out of the config that is longer than the SDK's own is the SDK's, too."""
    server.replies = [Reply(body=completion())]
    config = GenerateConfig(timeout=900)

    async with get_model("openai/x", base_url=server.url, api_key=KEY, config=config) as model:
        await model.generate("Hi")
        await model.generate("Hi", config=GenerateConfig(timeout=30))

    told = [headers["x-stainless-read-timeout"] for headers in server.headers]
    assert told == ["900.0", "600"]


@pytest.mark.parametrize(
    ("base_url", "shown"),
    [
        ("api.openai.com/v1", "'api.openai.com/v1'"),
        ("ftp://x/v1", "'ftp://x/v1'"),
        ("https://me:hunter2@x/v1", "'https://[…]@x/v1'"),
    ],
)
def test_wrong_address(base_url: str, shown: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(f"base_url is {shown}")) as caught:
        get_model("openai/x", base_url=base_url, api_key=KEY)

    assert "hunter2" not in str(caught.value)


async def test_who_pays(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenAI's organization and project are nobody else's business."""
    server.replies = [Reply(body=completion())]
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-1")

    ours = get_model("openai/x", base_url=server.url, api_key=KEY, project="project-2")
    others = get_model("openai-api/some/x", base_url=server.url, api_key=KEY)
    for model in (ours, others):
        async with model:
            await model.generate("Hi")

    sent = [{name.lower(): value for name, value in seen.items()} for seen in server.headers]
    payers = [(seen.get("openai-organization"), seen.get("openai-project")) for seen in sent]
    assert payers == [("org-1", "project-2"), (None, None)]


async def test_several_answers(server: ScriptedServer, openai_model: Model) -> None:
    body = completion("Paris")
    body["choices"] += completion("Lyon")["choices"]
    server.replies = [Reply(body=body)]

    output = await openai_model.generate("A city?", config=GenerateConfig(num_choices=2))

    assert [choice.message.text for choice in output.choices] == ["Paris", "Lyon"]
    assert server.requests[0]["n"] == 2


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
