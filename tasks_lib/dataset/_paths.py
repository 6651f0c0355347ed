"""Relative paths in samples, resolved against the folder of their dataset's file."""

from __future__ import annotations

from typing import Protocol

from tasks_lib.schema import (
    ChatMessage,
    Content,
    ContentAudio,
    ContentDocument,
    ContentImage,
    ContentVideo,
    Sample,
)


class Origin(Protocol):
    """Where a dataset was read from."""

    @property
    def location(self) -> str:
        """The absolute path or URL, or the name on a hub."""

    @property
    def stem(self) -> str:
        """What the dataset is called by default."""

    def neighbour(self, path: str) -> str | None:
        """Return the relative `path` in full if it exists there, else None."""


def resolve_paths(sample: Sample, source: Origin) -> Sample:
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


def _with_media(message: ChatMessage, source: Origin) -> ChatMessage:
    if message.role != "user" or isinstance(message.content, str):
        return message
    content = [_with_path(part, source) for part in message.content]
    return message.model_copy(update={"content": content})


def _with_path(part: Content, source: Origin) -> Content:
    if isinstance(part, ContentImage):
        return part.model_copy(update={"image": source.neighbour(part.image) or part.image})
    if isinstance(part, ContentAudio):
        return part.model_copy(update={"audio": source.neighbour(part.audio) or part.audio})
    if isinstance(part, ContentVideo):
        return part.model_copy(update={"video": source.neighbour(part.video) or part.video})
    if isinstance(part, ContentDocument):
        return part.model_copy(
            update={"document": source.neighbour(part.document) or part.document}
        )
    return part
