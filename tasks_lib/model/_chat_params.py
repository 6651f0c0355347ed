"""A conversation in the form that most of the world writes conversations in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks_lib.model._providers._openai_content import with_content_read
from tasks_lib.model._providers._openai_request import message_param
from tasks_lib.schema import ChatMessage


async def chat_params(messages: Sequence[ChatMessage]) -> list[dict[str, Any]]:
    """Return messages as JSON in the form of OpenAI's chat completions.

    Images, sound and documents in files are read, as data URIs.

    Raises:
        MediaError: A file cannot be read.
        ModelError: A message has content that the form has no place for.
    """
    return [message_param(message) for message in await with_content_read(list(messages))]
