"""Images of a sample's input, read in."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from mimetypes import guess_type
from urllib.parse import urlsplit

import fsspec

from tasks_lib._errors import DatasetError
from tasks_lib.schema import ChatMessage, ContentImage, Sample

MAX_IMAGE_BYTES = 100_000_000
"""Largest image that is read; no provider takes a tenth of it."""


async def with_images(sample: Sample) -> Sample:
    """Return the sample with each image of its input, given by path or URL, as a data URI.

    The sample itself, and its dataset, are not changed.

    Raises:
        DatasetError: An image cannot be read, is too large, or its name is not an image's.
    """
    if isinstance(sample.input, str):
        return sample
    if not any(_to_read(part) for message in sample.input for part in message.content):
        return sample
    messages = [await _message(message, sample.id) for message in sample.input]
    return sample.model_copy(update={"input": messages})


def _to_read(part: object) -> bool:
    return isinstance(part, ContentImage) and not part.image.startswith(("data:", "attachment:"))


async def _message(message: ChatMessage, sample_id: object) -> ChatMessage:
    if isinstance(message.content, str):
        return message
    parts = [
        part.model_copy(update={"image": await asyncio.to_thread(_read, part.image, sample_id)})
        if isinstance(part, ContentImage) and _to_read(part)
        else part
        for part in message.content
    ]
    return message.model_copy(update={"content": parts})


def _read(location: str, sample_id: object) -> str:
    # By its name, so that a dataset cannot send other files of this machine to a provider.
    kind = guess_type(urlsplit(location).path or location)[0] or ""
    if not kind.startswith("image/"):
        raise DatasetError(
            f"The image {location!r} of sample {sample_id!r} has no name of an image file "
            "(.png, .jpg, .gif, .webp …). Rename it, or pass it as a data URI."
        )
    try:
        with fsspec.open(location, "rb") as file:
            content: bytes = file.read(MAX_IMAGE_BYTES + 1)
    except (OSError, ImportError, ValueError) as error:
        raise DatasetError(
            f"The image {location!r} of sample {sample_id!r} cannot be read: {error}."
        ) from error
    if len(content) > MAX_IMAGE_BYTES:
        raise DatasetError(
            f"The image {location!r} of sample {sample_id!r} has more than "
            f"{MAX_IMAGE_BYTES:,} bytes."
        )
    return f"data:{kind};base64,{b64encode(content).decode()}"
