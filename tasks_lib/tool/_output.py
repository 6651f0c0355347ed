"""What the model gets to see of what a tool returned."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pydantic import JsonValue

from tasks_lib.schema import Content, ContentBase, ContentText

DEFAULT_MAX_OUTPUT = 16 * 1024
"""Bytes of a tool's output that the model gets to see unless it is told otherwise."""


class ToolOutput(NamedTuple):
    """A tool's result as a message holds it."""

    content: str | list[Content]
    truncated: tuple[int, int] | None = None
    """Bytes of its text before and after it was cut, if it was."""

    def as_json(self) -> JsonValue:
        """Return the content as JSON."""
        if isinstance(self.content, str):
            return self.content
        return [part.model_dump(mode="json", exclude_none=True) for part in self.content]


def tool_output(result: object, tool: str, max_bytes: int) -> ToolOutput:
    """Return what `tool` returned, as parts of a message or as text.

    Args:
        result: Parts of a message stay what they are, of anything else it is the text.
        tool: Its name, for the notice.
        max_bytes: Of more text than this only the beginning is kept, in a notice that says
            so. 0: all is kept.
    """
    content = _content(result)
    texts = [content] if isinstance(content, str) else [*_texts(content)]
    size = sum(_byte_count(text) for text in texts)
    if max_bytes == 0 or size <= max_bytes:
        return ToolOutput(content)
    truncated = (size, max_bytes)
    if isinstance(content, str):
        return ToolOutput(_notice(tool, size, _head(content, max_bytes)), truncated)
    return ToolOutput(_cut(content, tool, size, max_bytes), truncated)


def _content(result: object) -> str | list[Content]:
    if isinstance(result, ContentBase):
        return [result]  # type: ignore[list-item]  # one of the classes that are a Content
    if isinstance(result, list | tuple) and result:
        parts = [part for part in result if isinstance(part, ContentBase)]
        if len(parts) == len(result):
            return parts  # type: ignore[return-value]  # as above
    return str(result)


def _texts(parts: Iterable[Content]) -> Iterable[str]:
    return (part.text for part in parts if isinstance(part, ContentText))


def _cut(parts: list[Content], tool: str, size: int, max_bytes: int) -> list[Content]:
    """Keep the first `max_bytes` of all text parts together; all that is not text stays."""
    kept: list[Content] = []
    left = max_bytes
    for part in parts:
        if not isinstance(part, ContentText):
            kept.append(part)
            continue
        length = _byte_count(part.text)
        if length <= left:
            kept.append(part)
        elif left >= 0:
            text = _notice(tool, size, _head(part.text, left))
            kept.append(part.model_copy(update={"text": text}))
        left = left - length if length <= left else -1
    return kept


def _notice(tool: str, size: int, head: str) -> str:
    return (
        f"The output of {tool} has {size} bytes, which is too much to show. It begins with:\n"
        f"<START OF OUTPUT>\n{head}\n<END OF WHAT IS SHOWN>"
    )


def _byte_count(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _head(text: str, max_bytes: int) -> str:
    """Return how `text` begins, in at most `max_bytes` and without half a character."""
    return text[:max_bytes].encode("utf-8", "replace")[:max_bytes].decode("utf-8", "ignore")
