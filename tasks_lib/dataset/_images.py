"""Images of a sample's input, read in."""

from __future__ import annotations

from tasks_lib._errors import DatasetError, MediaError
from tasks_lib._util._media import media_type, read_media
from tasks_lib.schema import ChatMessage, ContentImage, Sample


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
        part.model_copy(update={"image": await _data_uri(part.image, sample_id)})
        if isinstance(part, ContentImage) and _to_read(part)
        else part
        for part in message.content
    ]
    return message.model_copy(update={"content": parts})


async def _data_uri(location: str, sample_id: object) -> str:
    # By its name, so that a dataset cannot send other files of this machine to a provider.
    if not (media_type(location) or "").startswith("image/"):
        raise DatasetError(
            f"The image {location!r} of sample {sample_id!r} has no name of an image file "
            "(.png, .jpg, .gif, .webp …). Rename it, or pass it as a data URI."
        )
    try:
        return (await read_media(location)).data_uri
    except MediaError as error:
        raise DatasetError(f"Image of sample {sample_id!r}: {error}") from error
