"""What the answers of all interfaces are made of."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json

from solvers.agents._bridge._call import Refusal
from tasks_lib.schema import (
    ChatCompletionChoice,
    ChatMessageAssistant,
    ContentReasoning,
    ContentText,
    ModelOutput,
    ToolCall,
)


def said_text(message: ChatMessageAssistant) -> str:
    """Return what a message says, without what it refuses to say."""
    if isinstance(message.content, str):
        return message.content
    parts = [part for part in message.content if isinstance(part, ContentText) and not part.refusal]
    return "\n".join(part.text for part in parts)


def refusal_text(message: ChatMessageAssistant) -> str:
    """Return what a message says to refuse; "" if it does not."""
    if isinstance(message.content, str):
        return ""
    return "\n".join(
        part.text for part in message.content if isinstance(part, ContentText) and part.refusal
    )


def thought_text(message: ChatMessageAssistant) -> str:
    """Return what the model thought, as far as it can be read."""
    if isinstance(message.content, str):
        return ""
    parts = [part for part in message.content if isinstance(part, ContentReasoning)]
    return "\n\n".join(part.reasoning for part in parts if part.reasoning and not part.redacted)


def arguments_text(call: ToolCall) -> str:
    """Return the arguments of a call as the model wrote them, for the program to read.

    Where they could not be read, it is what says so: no JSON, as theirs was none.
    """
    return call.parse_error or to_json(call.arguments).decode()


def logprobs(choice: ChatCompletionChoice) -> list[dict[str, Any]]:
    """Return the log probabilities of an answer's tokens; [] if there are none."""
    if choice.logprobs is None:
        return []
    return [
        {**token.model_dump(), "top_logprobs": [t.model_dump() for t in token.top_logprobs or ()]}
        for token in choice.logprobs.content
    ]


def too_long(output: ModelOutput) -> None:
    """Refuse a request whose conversation the model has refused for its length.

    To solvers that is an answer of a kind; programs know how to handle the error.

    Raises:
        Refusal: It is such an output.
    """
    if output.stop_reason == "model_length" and output.error:
        raise Refusal(400, output.error, code="context_length_exceeded", param="messages")
