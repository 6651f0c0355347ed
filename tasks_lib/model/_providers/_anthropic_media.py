"""Images and documents of a conversation as blocks of the messages interface."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import Mapping, Sequence

from tasks_lib._errors import ModelError
from tasks_lib._util._media import Media, read_media
from tasks_lib.model._providers._wire import JSONObject
from tasks_lib.schema import ChatMessage, Content, ContentDocument, ContentImage

_PDF = "application/pdf"


async def message_media(messages: Sequence[ChatMessage]) -> dict[str, Media]:
    """Return the images and documents that are sent with the messages, by location.

    Those that the provider can fetch itself, by their URL, are left out.

    Raises:
        MediaError: One cannot be read.
    """
    locations = [
        location
        for message in messages
        if not isinstance(message.content, str)
        for part in message.content
        if (location := _to_read(part)) is not None
    ]
    if not locations:
        return {}
    unique = list(dict.fromkeys(locations))
    read = await asyncio.gather(*(read_media(location) for location in unique))
    return dict(zip(unique, read, strict=True))


def image_block(image: ContentImage, media: Mapping[str, Media]) -> JSONObject:
    """Return an image as it is sent."""
    if _is_url(image.image):
        return {"type": "image", "source": {"type": "url", "url": image.image}}
    return {"type": "image", "source": _base64_source(media[image.image])}


def document_block(document: ContentDocument, media: Mapping[str, Media]) -> JSONObject:
    """Return a document as it is sent.

    Raises:
        ModelError: It is neither a PDF nor text.
    """
    block: JSONObject = {"type": "document", "source": _document_source(document, media)}
    if document.filename:
        block["title"] = document.filename
    if document.citations:
        block["citations"] = {"enabled": True}
    return block


def _to_read(part: Content) -> str | None:
    if isinstance(part, ContentImage):
        return None if _is_url(part.image) else part.image
    if isinstance(part, ContentDocument):
        return None if _is_pdf_url(part) else part.document
    return None


def _is_url(location: str) -> bool:
    return location.startswith(("https:", "http:"))


def _is_pdf_url(document: ContentDocument) -> bool:
    is_pdf = document.mime_type == _PDF or document.document.lower().endswith(".pdf")
    return is_pdf and _is_url(document.document)


def _document_source(document: ContentDocument, media: Mapping[str, Media]) -> JSONObject:
    if _is_pdf_url(document):
        return {"type": "url", "url": document.document}
    read = media[document.document]
    kind = document.mime_type or read.mime_type
    if kind == _PDF:
        return _base64_source(read, kind)
    if kind.startswith("text/"):
        return {"type": "text", "media_type": "text/plain", "data": _text(document, read)}
    raise ModelError(
        f"A document of type {kind!r} cannot be sent: the messages interface takes PDF and text."
    )


def _text(document: ContentDocument, media: Media) -> str:
    try:
        return b64decode(media.base64, validate=True).decode()
    except ValueError as error:
        name = document.filename or document.document[:100]
        raise ModelError(f"The document {name!r} is not text in UTF-8: {error}.") from error


def _base64_source(media: Media, kind: str | None = None) -> JSONObject:
    return {"type": "base64", "media_type": kind or media.mime_type, "data": media.base64}
