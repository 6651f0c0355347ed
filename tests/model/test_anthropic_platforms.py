"""Claude on Amazon Bedrock and on Google Cloud, against a server on this machine."""

from __future__ import annotations

import json
import struct
import sys
from base64 import b64encode
from collections.abc import Mapping
from zlib import crc32

import pytest

from tasks_lib._errors import (
    MissingPackageError,
    ModelRetryError,
    ParameterError,
    PrerequisiteError,
)
from tasks_lib.model import get_model
from tasks_lib.schema import GenerateConfig
from tests.model._scripted_server import Reply, ScriptedServer

SECRET = "aws-very-secret-0123456789"
TOKEN = "token-very-secret-0123456789"
ANSWER = {"content": [{"type": "text", "text": "Paris"}], "stop_reason": "end_turn"}
ONCE = GenerateConfig(max_retries=1)
STREAMED = GenerateConfig(max_tokens=50_000, max_retries=1)
HAIKU = "anthropic/bedrock/anthropic.claude-haiku-4-5-v1:0"
OPUS = "anthropic/vertex/claude-opus-4-1@20250805"
REQUEST = {
    "max_tokens": 4096,
    "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
}


@pytest.fixture(autouse=True)
def no_cloud_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_BEARER_TOKEN_BEDROCK",
        "AWS_DEFAULT_REGION",
        "AWS_PROFILE",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "ANTHROPIC_BEDROCK_BASE_URL",
        "ANTHROPIC_VERTEX_BASE_URL",
        "ANTHROPIC_VERTEX_PROJECT_ID",
        "ANTHROPIC_VERTEX_REGION",
        "CLOUD_ML_REGION",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials of AWS that are nobody's."""
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


def frame(event: Mapping[str, object], **headers: str) -> bytes:
    """Return an event in the binary form in which AWS streams."""
    payload = json.dumps(event).encode()
    if not headers:
        headers = {":message-type": "event", ":event-type": "chunk"}
        payload = json.dumps({"bytes": b64encode(payload).decode()}).encode()
    packed = b"".join(
        struct.pack("!B", len(name))
        + name.encode()
        + struct.pack("!BH", 7, len(value))
        + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack("!II", 16 + len(packed) + len(payload), len(packed))
    message = prelude + struct.pack("!I", crc32(prelude)) + packed + payload
    return message + struct.pack("!I", crc32(message))


STREAM = b"".join(
    frame(event)
    for event in (
        {"type": "message_start", "message": {"content": [], "usage": {"input_tokens": 9}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": "Paris"},
        },
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
        {"type": "message_stop"},
    )
)


@pytest.mark.usefixtures("signed_in")
async def test_bedrock(server: ScriptedServer) -> None:
    server.replies = [Reply(body=ANSWER)]

    async with get_model(HAIKU, base_url=server.url, betas=["b-1"]) as model:
        output = await model.generate("Hi", config=GenerateConfig(temperature=0.5))

    assert (output.completion, str(model)) == ("Paris", HAIKU)
    assert server.paths == ["/model/anthropic.claude-haiku-4-5-v1:0/invoke"]
    assert server.requests == [
        {
            **REQUEST,
            "temperature": 0.5,
            "anthropic_version": "bedrock-2023-05-31",
            "anthropic_beta": ["b-1"],
        }
    ]
    signature = server.headers[0]["Authorization"]
    assert signature.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/eu-north-1/bedrock/aws4_request" in signature


@pytest.mark.usefixtures("signed_in")
async def test_bedrock_streams(server: ScriptedServer) -> None:
    server.replies = [Reply(body=STREAM)]

    async with get_model(HAIKU, base_url=server.url) as model:
        output = await model.generate("Hi", config=STREAMED)

    assert output.completion == "Paris"
    assert server.paths == ["/model/anthropic.claude-haiku-4-5-v1:0/invoke-with-response-stream"]
    assert "stream" not in server.requests[0]


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(
    ("reply", "config", "text"),
    [
        pytest.param(
            Reply(429, {"message": "Too many requests"}), ONCE, "429: Too many", id="throttled"
        ),
        pytest.param(
            Reply(body=STREAM[:-20]), STREAMED, "ended before its message", id="stream: cut"
        ),
        pytest.param(
            Reply(
                body=frame(
                    {"message": "slow down"},
                    **{":message-type": "exception", ":exception-type": "throttlingException"},
                )
            ),
            STREAMED,
            "429: slow down",
            id="stream: throttled",
        ),
    ],
)
async def test_bedrock_fails(
    server: ScriptedServer, reply: Reply, config: GenerateConfig, text: str
) -> None:
    server.replies = [reply]

    async with get_model(HAIKU, base_url=server.url) as model:
        with pytest.raises(ModelRetryError, match=text):
            await model.generate("Hi", config=config)

    assert len(server.requests) == 1


async def test_bedrock_with_a_token(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", TOKEN)
    monkeypatch.setenv("ANTHROPIC_BEDROCK_BASE_URL", server.url)
    server.replies = [Reply(body=ANSWER)]

    async with get_model(HAIKU, region="us-east-1") as model:
        await model.generate("Hi")

    assert server.headers[0]["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("config", "streams", "body"),
    [
        pytest.param(
            GenerateConfig(),
            "rawPredict",
            {**REQUEST, "anthropic_version": "2026-10-21"},
            id="the SDK's version",
        ),
        pytest.param(
            GenerateConfig(top_p=0.5),
            "rawPredict",
            {**REQUEST, "top_p": 0.5, "anthropic_version": "vertex-2023-10-16"},
            id="the last version with sampling",
        ),
        pytest.param(
            STREAMED,
            "streamRawPredict",
            {
                **REQUEST,
                "max_tokens": 50_000,
                "stream": True,
                "anthropic_version": "2026-10-21",
            },
            id="streamed",
        ),
    ],
)
async def test_vertex(
    server: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    config: GenerateConfig,
    streams: str,
    body: dict[str, object],
) -> None:
    monkeypatch.setenv("ANTHROPIC_VERTEX_REGION", "europe-west1")
    monkeypatch.setenv("ANTHROPIC_VERTEX_PROJECT_ID", "p1")
    start = {"type": "message_start", "message": ANSWER}
    stream = f"event: message_start\ndata: {json.dumps({**start, 'message': {}})}\n\n"
    stop = 'event: message_stop\ndata: {"type": "message_stop"}\n\n'
    server.replies = [Reply(body=stream + stop) if config is STREAMED else Reply(body=ANSWER)]

    async with get_model(OPUS, base_url=server.url, api_key=TOKEN) as model:
        output = await model.generate("Hi", config=config)

    assert output.completion == ("" if config is STREAMED else "Paris")
    models = "/projects/p1/locations/europe-west1/publishers/anthropic/models"
    assert server.paths == [f"{models}/claude-opus-4-1@20250805:{streams}"]
    assert server.requests == [body]
    assert server.headers[0]["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        pytest.param(
            HAIKU, {}, "needs a region: set the environment variable AWS_REGION", id="aws"
        ),
        pytest.param(
            OPUS,
            {"api_key": TOKEN},
            "needs a region: set the environment variable ANTHROPIC_VERTEX_REGION",
            id="google",
        ),
        pytest.param("anthropic/bedrock/", {}, "expected 'bedrock/<model>'", id="no model"),
    ],
)
def test_what_is_missing(name: str, arguments: dict[str, str], message: str) -> None:
    with pytest.raises(PrerequisiteError) as caught:
        get_model(name, **arguments)  # type: ignore[arg-type]

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [
        pytest.param(HAIKU, "boto3", "bedrock", id="boto3"),
        pytest.param(OPUS, "google.auth", "vertex", id="google.auth"),
        pytest.param(OPUS, "google", "vertex", id="nothing of google"),
    ],
)
def test_missing_packages(
    monkeypatch: pytest.MonkeyPatch, name: str, module: str, extra: str
) -> None:
    """As if they were not installed, whether they are or not."""
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(MissingPackageError, match=rf"pip install 'prefect-evals\[{extra}\]'"):
        get_model(name, region="r")


def test_connections_are_shared_per_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clouds limit the requests of each model."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")

    def key(name: str, **arguments: str) -> str:
        model = get_model(f"anthropic/bedrock/{name}", api_key=TOKEN, **arguments)  # type: ignore[arg-type]
        return model.api.connection_key()

    assert key("a") == key("a")
    assert len({key("a"), key("b"), key("a", region="us-west-2")}) == 3
    assert key("a").startswith("anthropic-bedrock-")


def test_the_model_of_a_platform_takes_the_same_options() -> None:
    api = get_model("anthropic/vertex/claude-opus-5", api_key=TOKEN, region="global").api

    with pytest.raises(ParameterError, match="anthropic/vertex/claude-opus-5: temperature"):
        api.check_config(GenerateConfig(temperature=1.0))
