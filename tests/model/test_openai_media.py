"""Images, sound and documents on their way to a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tasks_lib._errors import MediaError
from tasks_lib.model import get_model
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    ChatMessageUser,
    Content,
    ContentAudio,
    ContentDocument,
    ContentImage,
    ContentText,
    ToolCall,
)
from tests.model._scripted_server import Reply, ScriptedServer

WEB_IMAGE = "https://example.org/cat.png"
PNG = "data:image/png;base64,iVBORw=="
PDF = "data:application/pdf;base64,JVBERg=="
WAV = "data:audio/wav;base64,UklGRg=="

CHAT = {"choices": [{"message": {"content": "A cat."}, "finish_reason": "stop"}]}
RESPONSE = {
    "output": [{"type": "message", "content": [{"type": "output_text", "text": "A cat."}]}],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "cat.png").write_bytes(b"\x89PNG")
    (tmp_path / "paper.pdf").write_bytes(b"%PDF")
    (tmp_path / "miau.wav").write_bytes(b"RIFF")
    return tmp_path


async def sent(server: ScriptedServer, messages: list[ChatMessage], *, responses: bool) -> Any:
    server.replies = [Reply(body=RESPONSE if responses else CHAT)]
    model = get_model(
        "openai/x", base_url=server.url, api_key="sk-x", responses_api=responses, memoize=False
    )
    async with model:
        assert (await model.generate(messages)).completion == "A cat."
    [body] = server.requests
    return body["input"] if responses else body["messages"]


def files(folder: Path) -> list[Content]:
    return [
        ContentText(text="What is it?"),
        ContentImage(image=str(folder / "cat.png"), detail="low"),
        ContentImage(image=WEB_IMAGE),
        ContentDocument(document=str(folder / "paper.pdf")),
    ]


async def test_files_in_chat_completions(server: ScriptedServer, folder: Path) -> None:
    sound = ContentAudio(audio=str(folder / "miau.wav"), format="wav")
    message = ChatMessageUser(content=[*files(folder), sound])

    [said] = await sent(server, [message], responses=False)

    assert said["content"] == [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
        {"type": "image_url", "image_url": {"url": WEB_IMAGE, "detail": "auto"}},
        {"type": "file", "file": {"filename": "paper.pdf", "file_data": PDF}},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
    ]
    assert message.content == [*files(folder), sound]


async def test_files_in_the_responses_api(server: ScriptedServer, folder: Path) -> None:
    [said] = await sent(server, [ChatMessageUser(content=files(folder))], responses=True)

    assert said["content"] == [
        {"type": "input_text", "text": "What is it?"},
        {"type": "input_image", "image_url": PNG, "detail": "low"},
        {"type": "input_image", "image_url": WEB_IMAGE, "detail": "auto"},
        {"type": "input_file", "filename": "paper.pdf", "file_data": PDF},
    ]


async def test_images_of_tools(server: ScriptedServer, folder: Path) -> None:
    """The Responses API takes them as results; in chat completions the user sends them."""
    call = ToolCall(id="c1", function="photo", arguments={})
    messages: list[ChatMessage] = [
        ChatMessageAssistant(content="", tool_calls=[call]),
        ChatMessageTool(
            content=[ContentText(text="Here."), ContentImage(image=str(folder / "cat.png"))],
            tool_call_id="c1",
        ),
    ]

    _, result = await sent(server, messages, responses=True)
    server.requests.clear()
    *_, tool, user = await sent(server, messages, responses=False)

    assert result == {
        "type": "function_call_output",
        "call_id": "c1",
        "output": [
            {"type": "input_text", "text": "Here."},
            {"type": "input_image", "image_url": PNG, "detail": "auto"},
        ],
    }
    assert (tool["role"], user["role"]) == ("tool", "user")
    assert tool["content"].startswith("Here.\n")
    assert user["content"] == [{"type": "image_url", "image_url": {"url": PNG, "detail": "auto"}}]


@pytest.mark.parametrize(
    ("part", "text"),
    [
        pytest.param(ContentImage(image="none.png"), "'none.png' cannot be read", id="missing"),
        pytest.param(
            ContentDocument(document="/etc/passwd"), "has no name of an image", id="secret file"
        ),
    ],
)
async def test_unreadable_files(server: ScriptedServer, part: Content, text: str) -> None:
    async with get_model("openai/x", base_url=server.url, api_key="sk-x") as model:
        with pytest.raises(MediaError, match=text):
            await model.generate([ChatMessageUser(content=[part])])

    assert server.requests == []
