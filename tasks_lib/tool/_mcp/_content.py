"""What a server's tool returned, as a tool of ours returns it."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import urlsplit

import mcp_types

from tasks_lib._errors import ToolError
from tasks_lib.schema import Content, ContentAudio, ContentDocument, ContentImage, ContentText
from tasks_lib.tool._tool import ToolResult

_SOUNDS: dict[str, Literal["wav", "mp3"]] = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
}
"""The formats of sound that messages hold, by MIME type."""

_ANY_BYTES = "application/octet-stream"


def tool_result(result: mcp_types.CallToolResult) -> ToolResult:
    """Return what a call came to.

    A single text is returned as such. Links stand as text with what is said of them. A
    result that has only structured content is that as JSON.

    Raises:
        ToolError: It says that the call failed, and why.
    """
    parts = [content_part(block) for block in result.content]
    if result.is_error:
        texts = [part.text for part in parts if isinstance(part, ContentText)]
        raise ToolError("\n".join(texts) or "The tool failed and did not say why.")
    if not parts:
        structured = result.structured_content
        return "" if structured is None else json.dumps(structured, ensure_ascii=False)
    if len(parts) == 1 and isinstance(parts[0], ContentText):
        return parts[0].text
    return parts


def content_part(block: mcp_types.ContentBlock) -> Content:
    """Return a block of content as a part of a message."""
    if isinstance(block, mcp_types.TextContent):
        return ContentText(text=block.text)
    if isinstance(block, mcp_types.ResourceLink):
        return ContentText(text=_link(block))
    if isinstance(block, mcp_types.EmbeddedResource):
        resource = block.resource
        if isinstance(resource, mcp_types.TextResourceContents):
            return ContentText(text=resource.text)
        return _media(resource.blob, resource.mime_type or _ANY_BYTES, resource.uri)
    return _media(block.data, block.mime_type, "")


def _media(data: str, mime_type: str, uri: str) -> Content:
    location = f"data:{mime_type};base64,{data}"
    if mime_type.startswith("image/"):
        return ContentImage(image=location)
    if mime_type in _SOUNDS:
        return ContentAudio(audio=location, format=_SOUNDS[mime_type])
    name = PurePosixPath(urlsplit(uri).path).name
    return ContentDocument(document=location, filename=name, mime_type=mime_type)


def _link(link: mcp_types.ResourceLink) -> str:
    said = [link.title or link.name, link.uri, link.mime_type, link.description]
    return "\n".join(line for line in said if line)
