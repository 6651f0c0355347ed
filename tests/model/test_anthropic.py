"""The provider anthropic, against a server on this machine."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from tasks_lib._errors import (
    MediaError,
    MissingKeyError,
    ParameterError,
)
from tasks_lib._util._media import Media
from tasks_lib.model import Model, close_models, get_model
from tasks_lib.model._providers._anthropic_media import message_media
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    Content,
    ContentDocument,
    ContentImage,
    ContentReasoning,
    ContentText,
    GenerateConfig,
    JSONSchema,
    ModelUsage,
    ToolInfo,
    ToolParams,
)
from tests.model._claude import EVENTS, KEY, said, streamed
from tests.model._scripted_server import Reply, ScriptedServer

STREAMED = GenerateConfig(max_tokens=50_000)
SOON = {"retry-after": "0.01"}


async def test_answer(server: ScriptedServer, claude: Model) -> None:
    server.replies = [Reply(body=said())]

    output = await claude.generate(
        [ChatMessageSystem(content="Be brief."), ChatMessageUser(content="Capital of France?")],
        config=GenerateConfig(reasoning_effort="low", extra_body={"service_tier": "auto"}),
    )

    assert (output.completion, output.stop_reason, output.model) == (
        "Paris",
        "stop",
        "claude-opus-4-6-0101",
    )
    assert output.usage == ModelUsage(input_tokens=9, output_tokens=2, total_tokens=11)
    assert output.time is not None
    assert server.paths == ["/v1/messages"]
    assert server.requests == [
        {
            "model": "claude-opus-4-6",
            "max_tokens": 20_096,
            "system": [{"type": "text", "text": "Be brief."}],
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "Capital of France?"}]}
            ],
            "thinking": {"type": "adaptive", "display": "summarized"},
            "output_config": {"effort": "low"},
            "service_tier": "auto",
        }
    ]
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"


async def test_conversation_with_tools(server: ScriptedServer, claude: Model) -> None:
    """Thoughts, and the calls between them, go back as they came."""
    blocks: list[dict[str, Any]] = [
        {"type": "thinking", "thinking": "hm", "signature": "s1"},
        {"type": "text", "text": "Let me see."},
        {"type": "tool_use", "id": "t1", "name": "add", "input": {"x": 1}},
        {"type": "tool_use", "id": "t2", "name": "add", "input": {"x": 2}},
    ]
    server.replies = [Reply(body=said(*blocks, stop_reason="tool_use")), Reply(body=said())]
    parameters = ToolParams(properties={"x": JSONSchema(type="integer")}, required=["x"])
    add = ToolInfo(name="add", description="Adds.", parameters=parameters)
    config = GenerateConfig(cache_prompt=False, reasoning_history="none")
    question = ChatMessageUser(content="1+1?")

    output = await claude.generate([question], tools=[add], tool_choice="any", config=config)
    await claude.generate(
        [question, output.message], tools=[add], tool_choice="none", config=config
    )

    assert output.stop_reason == "tool_calls"
    assert output.message.tool_calls is not None
    assert [call.arguments for call in output.message.tool_calls] == [{"x": 1}, {"x": 2}]
    assert output.message.content == [
        ContentReasoning(reasoning="hm", signature="s1"),
        ContentText(text="Let me see."),
    ]
    first, second = server.requests
    assert first["tool_choice"] == {"type": "any"}
    assert second["messages"][1] == {"role": "assistant", "content": blocks}
    assert (second["tool_choice"], second["tools"]) == ({"type": "none"}, first["tools"])


@pytest.mark.parametrize(
    ("config", "version"),
    [
        pytest.param(GenerateConfig(), "2026-10-21", id="the SDK's by default"),
        pytest.param(GenerateConfig(temperature=0.0), "2023-06-01", id="the last with sampling"),
        pytest.param(GenerateConfig(top_k=1), "2023-06-01", id="top_k too"),
    ],
)
async def test_version(server: ScriptedServer, config: GenerateConfig, version: str) -> None:
    server.replies = [Reply(body=said())]

    async with get_model(
        "anthropic/claude-opus-4-1", base_url=server.url, api_key=KEY, betas=["b-1", "b-2"]
    ) as model:
        await model.generate("Hi", config=config)

    sent = {name.lower(): value for name, value in server.headers[0].items()}
    assert sent["anthropic-version"] == version
    assert sent["anthropic-beta"] == "b-1,b-2"


async def test_stream(server: ScriptedServer, claude: Model) -> None:
    """Long answers are streamed, over connections that are used again."""
    server.replies = [Reply(body=streamed(), headers=EVENTS)]

    outputs = [await claude.generate("Hi", config=STREAMED) for _ in range(3)]

    assert {output.completion for output in outputs} == {"Paris"}
    assert outputs[0].usage == ModelUsage(input_tokens=9, output_tokens=2, total_tokens=11)
    assert server.requests[0]["stream"] is True
    assert len(server.peers) == 1


async def test_files(server: ScriptedServer, claude: Model, tmp_path: Path) -> None:
    """Images are read in, also those that a tool returned."""
    icon = tmp_path / "icon.png"
    icon.write_bytes(b"icon")
    image = ContentImage(image=str(icon))
    server.replies = [Reply(body=said())]

    await claude.generate(
        [ChatMessageUser(content=[image]), ChatMessageTool(content=[image], tool_call_id="t1")]
    )

    data = b64encode(b"icon").decode()
    source = {"type": "base64", "media_type": "image/png", "data": data}
    sent = {"type": "image", "source": source}
    assert server.requests[0]["messages"][0]["content"] == [
        sent,
        {"type": "tool_result", "tool_use_id": "t1", "content": [sent]},
    ]


async def test_what_the_provider_fetches_itself_is_not_read() -> None:
    png, text = "data:image/png;base64,aWNvbg==", "data:text/plain;base64,SGVsbG8="
    parts: list[Content] = [
        ContentText(text="a.png"),
        ContentImage(image="https://127.0.0.1:9/a.png"),
        ContentDocument(document="http://127.0.0.1:9/A.PDF"),
        ContentDocument(document="http://127.0.0.1:9/a", mime_type="application/pdf"),
        ContentImage(image=png),
        ContentDocument(document=text),
    ]
    messages: list[ChatMessage] = [ChatMessageUser(content="a.png"), ChatMessageUser(content=parts)]

    assert await message_media(messages) == {
        png: Media("image/png", "aWNvbg=="),
        text: Media("text/plain", "SGVsbG8="),
    }


async def test_other_files_are_not_read(server: ScriptedServer, claude: Model) -> None:
    with pytest.raises(MediaError, match="no name of an image"):
        await claude.generate([ChatMessageUser(content=[ContentImage(image="/etc/hosts")])])

    assert server.requests == []


@pytest.mark.parametrize(
    ("config", "seconds"),
    [
        pytest.param(GenerateConfig(), "600", id="the SDK's by default"),
        pytest.param(GenerateConfig(timeout=60), "600", id="a shorter one is kept by Model"),
        pytest.param(GenerateConfig(timeout=1200), "1200.0", id="longer"),
        pytest.param(GenerateConfig(timeout=9000, attempt_timeout=700), "700.0", id="attempt"),
    ],
)
async def test_how_long_the_sdk_waits(
    server: ScriptedServer, claude: Model, config: GenerateConfig, seconds: str
) -> None:
    server.replies = [Reply(body=said())]

    await claude.generate("Hi", config=config)

    assert server.headers[0]["x-stainless-read-timeout"] == seconds


async def test_refused_option(server: ScriptedServer) -> None:
    async with get_model("anthropic/claude-opus-5", base_url=server.url, api_key=KEY) as model:
        with pytest.raises(ParameterError, match="temperature is 0"):
            await model.generate("Hi", config=GenerateConfig(temperature=0.0))
    assert server.requests == []


async def test_key_and_server_from_the_environment(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.replies = [Reply(body=said())]
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("EVAL_MODEL_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)

    async with get_model("anthropic/claude-opus-5") as model:
        assert (await model.generate("Hi")).completion == "Paris"


def test_missing_key() -> None:
    with pytest.raises(MissingKeyError, match="set the environment variable ANTHROPIC_API_KEY"):
        get_model("anthropic/claude-opus-5")


def test_connection_key_tells_accounts_apart_but_no_secret() -> None:
    def key(model: str, api_key: str, base_url: str | None = None) -> str:
        api = get_model(f"anthropic/{model}", api_key=api_key, base_url=base_url).api
        return api.connection_key()

    assert key("claude-a", KEY) == key("claude-b", KEY)
    assert len({key("a", KEY), key("a", "other"), key("a", KEY, "http://127.0.0.1:9")}) == 3
    assert key("a", KEY).startswith("anthropic-")
    assert KEY not in key("a", KEY)


async def test_many_at_once(server: ScriptedServer) -> None:
    server.replies = [Reply(body=said(), delay_s=0.02)]
    config = GenerateConfig(max_connections=20)

    async with get_model(
        "anthropic/claude-opus-5", base_url=server.url, api_key=KEY, config=config
    ) as model:
        outputs = await asyncio.gather(*(model.generate("Hi") for _ in range(100)))

    assert {output.completion for output in outputs} == {"Paris"}
    assert server.most_in_flight == 20


async def test_models_share_connections_until_the_last_closes(server: ScriptedServer) -> None:
    server.replies = [Reply(body=said())]
    first, second = (
        get_model(f"anthropic/claude-{name}", base_url=server.url, api_key=KEY) for name in "ab"
    )

    await first.generate("Hi")
    await second.generate("Hi")
    await first.aclose()
    await second.generate("Hi")
    assert len(server.peers) == 1
    await close_models()
    await second.generate("opens again")
    await second.aclose()

    assert (len(server.requests), len(server.peers)) == (4, 2)
