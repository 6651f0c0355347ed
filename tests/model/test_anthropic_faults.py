"""What goes wrong between the provider anthropic and its server."""

from __future__ import annotations

import traceback

import pytest

from tasks_lib._errors import (
    ModelError,
    ModelRetryError,
)
from tasks_lib.context import SampleContext, use_sample
from tasks_lib.model import Model, get_model
from tasks_lib.schema import (
    GenerateConfig,
    ModelEvent,
)
from tests.model._claude import EVENTS, KEY, error, said, streamed
from tests.model._scripted_server import Reply, ScriptedServer, event_stream

STREAMED = GenerateConfig(max_tokens=50_000)
SOON = {"retry-after": "0.01"}


@pytest.mark.parametrize("config", [GenerateConfig(), STREAMED], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("failure", "cause"),
    [
        pytest.param(Reply(429, error("rate_limit_error", "slow")), "429: slow", id="429"),
        pytest.param(Reply(500, error("api_error", "oops")), "500: oops", id="500"),
        pytest.param(Reply(529, error("overloaded_error", "busy")), "529: busy", id="529"),
        pytest.param(Reply(400, error("overloaded_error", "busy")), "529: busy", id="by type"),
        pytest.param(Reply(503, "<html>down</html>"), "503: <html>", id="503 with a page"),
        pytest.param(Reply(408, {"message": "late"}), "408: late", id="408 of Bedrock"),
    ],
)
async def test_passing_failures(
    server: ScriptedServer, claude: Model, failure: Reply, cause: str, config: GenerateConfig
) -> None:
    failure.headers = SOON
    good = Reply(body=streamed(), headers=EVENTS) if config is STREAMED else Reply(body=said())
    server.replies = [failure, failure, good]
    context = SampleContext()

    with use_sample(context):
        output = await claude.generate("Hi", config=config)

    [event] = context.transcript.events
    assert isinstance(event, ModelEvent)
    assert (output.completion, len(server.requests), event.retries) == ("Paris", 3, 2)
    assert event.metadata is not None
    for retry in event.metadata["retries"]:
        assert f"status {cause}" in retry["error"]
        assert 0.01 <= retry["wait_s"] <= 0.02


@pytest.mark.parametrize(
    ("reply", "config", "text"),
    [
        pytest.param(Reply(drop=True), None, "ServerDisconnected", id="dropped"),
        pytest.param(
            Reply(body='{"content": [{"ty'), None, r"broken .*EOF.* in '\{\"content", id="half JSON"
        ),
        pytest.param(Reply(body="<html></html>"), None, "broken .*'<html>", id="a page"),
        pytest.param(Reply(body="[1]"), None, "not an object", id="a list"),
        pytest.param(Reply(body={"id": 1}), None, "no list of content", id="another JSON"),
        pytest.param(Reply(body={"content": [{}]}), None, "KeyError: 'type'", id="no block"),
        pytest.param(Reply(body=" " * 1000, cut=10), None, "10 of 1000 bytes", id="cut"),
        pytest.param(
            Reply(body=error("overloaded_error", "busy")), None, "status 200 .*busy", id="error"
        ),
        pytest.param(Reply(drop=True), STREAMED, "ServerDisconnected", id="stream: dropped"),
        pytest.param(
            Reply(body=streamed(), headers=EVENTS, cut=200),
            STREAMED,
            "200 of ",
            id="stream: dropped within",
        ),
        pytest.param(
            Reply(body=streamed(stop=False), headers=EVENTS),
            STREAMED,
            "ended before its message did",
            id="stream: cut",
        ),
        pytest.param(Reply(body=said()), STREAMED, "ended before", id="stream: not one"),
        pytest.param(
            Reply(body=b"event: message_start\ndata: {half\n\n", headers=EVENTS),
            STREAMED,
            "JSONDecodeError",
            id="stream: half JSON",
        ),
        pytest.param(
            Reply(
                body=streamed(stop=False) + event_stream([error("overloaded_error", "busy")]),
                headers=EVENTS,
            ),
            STREAMED,
            "status 529: busy",
            id="stream: overloaded within",
        ),
    ],
)
async def test_broken_responses_are_tried_again(
    server: ScriptedServer, reply: Reply, config: GenerateConfig | None, text: str
) -> None:
    server.replies = [reply]
    once = GenerateConfig(max_retries=1)

    async with get_model(
        "anthropic/claude-opus-5", base_url=server.url, api_key=KEY, config=once
    ) as model:
        with pytest.raises(ModelRetryError, match=text):
            await model.generate("Hi", config=config)

    assert len(server.requests) == 1


async def test_no_server() -> None:
    config = GenerateConfig(max_retries=1)

    async with get_model(
        "anthropic/claude-opus-5", base_url="http://127.0.0.1:9", api_key=KEY, config=config
    ) as model:
        with pytest.raises(ModelRetryError, match="ConnectionRefusedError"):
            await model.generate("Hi")


@pytest.mark.parametrize(
    ("message", "stop_reason"),
    [
        ("prompt is too long: 200001 tokens > 200000 maximum", "model_length"),
        ("Output blocked by content filtering policy", "content_filter"),
    ],
)
async def test_refusals_that_are_answers(
    server: ScriptedServer, claude: Model, message: str, stop_reason: str
) -> None:
    server.replies = [Reply(400, error("invalid_request_error", message))]

    output = await claude.generate("Hi")

    assert (output.stop_reason, output.error, output.completion) == (stop_reason, message, message)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        pytest.param(
            Reply(400, error("invalid_request_error", "max_tokens: wrong")),
            "400: max_tokens: wrong",
            id="400",
        ),
        pytest.param(
            Reply(401, error("authentication_error", f"invalid key {KEY}")),
            r"401: invalid key \[key\]",
            id="401",
        ),
        pytest.param(
            Reply(404, error("not_found_error", "model: claude-9")),
            "404: model: claude-9",
            id="404",
        ),
        pytest.param(Reply(403, f"<p>{KEY}</p>"), r"403: <p>\[key\]</p>", id="a page"),
        pytest.param(
            Reply(body=error("invalid_request_error", f"no {KEY}")),
            r"status 200 with an error: .*no \[key\]",
            id="with status 200",
        ),
        pytest.param(
            Reply(413, error("request_too_large", "too large")), "413: too large", id="413"
        ),
        pytest.param(Reply(307, "moved", {"location": "/v1/messages"}), "307", id="redirect"),
    ],
)
async def test_lasting_failures(
    server: ScriptedServer, claude: Model, reply: Reply, text: str
) -> None:
    reply.headers["x-key"] = KEY
    server.replies = [reply]
    context = SampleContext()

    with use_sample(context), pytest.raises(ModelError, match=text) as caught:
        await claude.generate("Hi")

    [event] = context.transcript.events
    assert isinstance(event, ModelEvent)
    assert event.call is not None
    assert event.call.request["model"] == "claude-opus-4-6"
    shown = "".join(traceback.format_exception(caught.value))
    assert KEY not in shown + event.model_dump_json() + repr(caught.value)
    assert len(server.requests) == 1


async def test_error_within_a_stream(server: ScriptedServer, claude: Model) -> None:
    body = streamed(stop=False) + event_stream([error("invalid_request_error", f"no {KEY}")])
    server.replies = [Reply(body=body, headers=EVENTS)]

    with pytest.raises(ModelError, match=r"status 400: no \[key\]"):
        await claude.generate("Hi", config=STREAMED)

    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "overloaded"), [(429, True), (529, True), (503, True), (500, False), (400, False)]
)
async def test_what_says_that_there_are_too_many_requests(
    server: ScriptedServer, claude: Model, status: int, overloaded: bool
) -> None:
    server.replies = [Reply(status, error("some_error", "no"))]
    once = GenerateConfig(max_retries=1)

    with pytest.raises(ModelError) as caught:
        await claude.generate("Hi", config=once)

    cause = caught.value.__cause__ or caught.value
    assert claude.api.is_overloaded(cause) is overloaded
