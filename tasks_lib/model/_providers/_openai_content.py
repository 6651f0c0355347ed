"""Images, sound and documents of a conversation, made ready to be sent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from tasks_lib._util._media import is_data_uri, media_type, read_media
from tasks_lib.schema import (
    ChatMessage,
    Content,
    ContentAudio,
    ContentDocument,
    ContentImage,
)

_WEB = ("https:", "http:")


async def with_content_read(messages: list[ChatMessage]) -> Sequence[ChatMessage]:
    """Return `messages` with the content of files in their place, as data URIs.

    Images with an address in the web stay as they are: the provider reads them. Messages
    without files, and the caller's, are not touched.

    Raises:
        MediaError: A file cannot be read.
    """
    for message in messages:
        if not isinstance(message.content, str) and any(map(_is_file, message.content)):
            return [await _read(message) for message in messages]
    return messages


def document_name(part: ContentDocument) -> str:
    """Return the name that a document is sent with; the API insists on one."""
    if part.filename:
        return part.filename
    if not is_data_uri(part.document):
        return PurePosixPath(urlsplit(part.document).path or part.document).name
    kind = part.mime_type or re.split("[;,]", part.document[5:_LONGEST_TYPE], maxsplit=1)[0]
    return f"document.{_SUFFIXES.get(kind, 'pdf')}"


_LONGEST_TYPE = 105

_SUFFIXES = {
    "text/plain": "txt",
    "text/markdown": "md",
    "text/csv": "csv",
    "text/html": "html",
}


async def _read(message: ChatMessage) -> ChatMessage:
    if isinstance(message.content, str) or not any(map(_is_file, message.content)):
        return message
    return message.model_copy(update={"content": [await _part(part) for part in message.content]})


def _is_file(part: Content) -> bool:
    if isinstance(part, ContentImage):
        return not (is_data_uri(part.image) or part.image.startswith(_WEB))
    if isinstance(part, ContentAudio):
        return not is_data_uri(part.audio)
    return isinstance(part, ContentDocument) and not is_data_uri(part.document)


async def _part(part: Content) -> Content:
    if not _is_file(part):
        return part
    if isinstance(part, ContentImage):
        return part.model_copy(update={"image": (await read_media(part.image)).data_uri})
    if isinstance(part, ContentAudio):
        return part.model_copy(update={"audio": (await read_media(part.audio)).data_uri})
    if isinstance(part, ContentDocument):
        named = {"filename": document_name(part), "mime_type": media_type(part.document) or ""}
        uri = (await read_media(part.document)).data_uri
        return part.model_copy(update={"document": uri, **named})
    return part
