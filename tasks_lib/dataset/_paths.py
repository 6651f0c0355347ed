"""Relative paths in samples, resolved against the folder of their dataset's file."""

from __future__ import annotations

from tasks_lib.dataset._source import Source
from tasks_lib.schema import (
    ChatMessage,
    Content,
    ContentAudio,
    ContentImage,
    ContentVideo,
    Sample,
)


def resolve_paths(sample: Sample, source: Source) -> Sample:
    """Return `sample` with the paths that exist beside the dataset's file in full.

    Looked at are files, setup, the sandbox's config file, and media in user messages. What
    names no existing file stays as it is: contents, URLs and data URIs go in the same places.
    """
    changes: dict[str, object] = {}
    if sample.files:
        changes["files"] = {
            there: source.neighbour(here) or here for there, here in sample.files.items()
        }
    if sample.setup:
        changes["setup"] = source.neighbour(sample.setup) or sample.setup
    if isinstance(sample.sandbox, tuple):
        kind, config = sample.sandbox
        changes["sandbox"] = (kind, source.neighbour(config) or config)
    if not isinstance(sample.input, str):
        changes["input"] = [_with_media(message, source) for message in sample.input]
    return sample.model_copy(update=changes) if changes else sample


def _with_media(message: ChatMessage, source: Source) -> ChatMessage:
    if message.role != "user" or isinstance(message.content, str):
        return message
    content = [_with_path(part, source) for part in message.content]
    return message.model_copy(update={"content": content})


def _with_path(part: Content, source: Source) -> Content:
    if isinstance(part, ContentImage):
        return part.model_copy(update={"image": source.neighbour(part.image) or part.image})
    if isinstance(part, ContentAudio):
        return part.model_copy(update={"audio": source.neighbour(part.audio) or part.audio})
    if isinstance(part, ContentVideo):
        return part.model_copy(update={"video": source.neighbour(part.video) or part.video})
    return part
