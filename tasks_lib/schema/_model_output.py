"""What a model call returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from tasks_lib._util._ids import short_uuid
from tasks_lib.schema._message import ChatMessageAssistant, Content
from tasks_lib.schema._record import AnyText, Record
from tasks_lib.schema._tool_call import ToolCall


class ModelUsage(Record):
    """Tokens that one or more model calls used, and what they cost.

    Usages add up: `sum(usages, ModelUsage())` is the usage of a whole run. A count that a
    provider does not report is 0 (input, output, total) or None (the others).
    """

    input_tokens: int = 0
    """Tokens sent, those that the provider read from or wrote to its cache included. (Logs of
    inspect_ai do not include them.)"""
    output_tokens: int = 0
    """Tokens generated, reasoning tokens included."""
    total_tokens: int = 0
    input_tokens_cache_write: int | None = None
    input_tokens_cache_read: int | None = None
    reasoning_tokens: int | None = None
    total_cost: float | None = None
    """US dollars; None: not known. A sum that misses the cost of some tokens is not known."""

    def __add__(self, other: ModelUsage) -> ModelUsage:
        """Return the sum, count by count; None and None stay None.

        The cost of the sum is known if those of all parts are that used any tokens.
        """
        return ModelUsage.model_construct(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            total_tokens=self.total_tokens + other.total_tokens,
            input_tokens_cache_write=_add(
                self.input_tokens_cache_write, other.input_tokens_cache_write
            ),
            input_tokens_cache_read=_add(
                self.input_tokens_cache_read, other.input_tokens_cache_read
            ),
            reasoning_tokens=_add(self.reasoning_tokens, other.reasoning_tokens),
            total_cost=_cost_of_both(self, other),
        )

    def __sub__(self, other: ModelUsage) -> ModelUsage:
        """Return what is left when `other`, which is a part of this, is taken away.

        The cost of that is known if the other costs are, or the part used no tokens.
        """
        return ModelUsage.model_construct(
            input_tokens=self.input_tokens - other.input_tokens,
            output_tokens=self.output_tokens - other.output_tokens,
            total_tokens=self.total_tokens - other.total_tokens,
            input_tokens_cache_write=_subtract(
                self.input_tokens_cache_write, other.input_tokens_cache_write
            ),
            input_tokens_cache_read=_subtract(
                self.input_tokens_cache_read, other.input_tokens_cache_read
            ),
            reasoning_tokens=_subtract(self.reasoning_tokens, other.reasoning_tokens),
            total_cost=_cost_left(self, other),
        )


def add_usage(sums: dict[str, ModelUsage], usages: Mapping[str, ModelUsage]) -> None:
    """Add what was used to `sums`, model by model."""
    for model, usage in usages.items():
        sums[model] = sums[model] + usage if model in sums else usage


def _add(left: int | None, right: int | None) -> int | None:
    return None if left is None and right is None else (left or 0) + (right or 0)


def _subtract(left: int | None, right: int | None) -> int | None:
    return left if right is None else (left or 0) - right


def _cost_left(whole: ModelUsage, part: ModelUsage) -> float | None:
    if part.total_cost is None:
        return None if _has_tokens(part) else whole.total_cost
    return None if whole.total_cost is None else whole.total_cost - part.total_cost


def _cost_of_both(left: ModelUsage, right: ModelUsage) -> float | None:
    if left.total_cost is None:
        return None if _has_tokens(left) else right.total_cost
    if right.total_cost is None:
        return None if _has_tokens(right) else left.total_cost
    return left.total_cost + right.total_cost


def _has_tokens(usage: ModelUsage) -> bool:
    return bool(usage.total_tokens or usage.input_tokens or usage.output_tokens)


StopReason = Literal[
    "stop", "max_tokens", "model_length", "tool_calls", "content_filter", "unknown"
]
"""Why a model stopped: on its own, at `max_tokens`, at the end of its context, to call
tools, or because the provider's filter stepped in."""


class TopLogprob(Record):
    """A token that could have stood here, with its log probability."""

    token: str
    logprob: float
    bytes: list[int] | None = None


class Logprob(Record):
    """A token of the answer with its log probability (natural logarithm)."""

    token: str
    logprob: float
    bytes: list[int] | None = None
    top_logprobs: list[TopLogprob] | None = None


class Logprobs(Record):
    """The log probabilities of an answer, token by token."""

    content: list[Logprob]


class ChatCompletionChoice(Record):
    """One of the answers to a request."""

    message: ChatMessageAssistant
    stop_reason: Annotated[StopReason, AnyText] = "unknown"
    logprobs: Logprobs | None = None


class ModelCall(Record):
    """A request and its response as the provider saw them."""

    request: dict[str, JsonValue]
    response: dict[str, JsonValue] | None = None
    """None: there was none."""
    time: float | None = None
    """Seconds the call took."""


class ModelOutput(Record):
    """What a model call returned."""

    model: str = ""
    """The model that answered, as the provider names it."""
    choices: list[ChatCompletionChoice] = Field(default_factory=list)
    usage: ModelUsage | None = None
    time: float | None = None
    """Seconds from sending the request to having the answer."""
    metadata: dict[str, Any] | None = None
    error: str | None = None
    """What the provider said when it refused to answer."""

    @property
    def empty(self) -> bool:
        """Whether there is no answer at all."""
        return not self.choices

    @property
    def stop_reason(self) -> StopReason:
        """Why the first answer ended; `unknown` if there is none."""
        return self.choices[0].stop_reason if self.choices else "unknown"

    @property
    def message(self) -> ChatMessageAssistant:
        """The first answer. Raises IndexError if there is none."""
        return self.choices[0].message

    @property
    def completion(self) -> str:
        """Text of the first answer, "" if there is none. Setting it creates one if needed."""
        return self.choices[0].message.text if self.choices else ""

    @completion.setter
    def completion(self, completion: str) -> None:
        if self.choices:
            self.choices[0].message.text = completion
        else:
            self.choices.append(_choice(self.model, completion, "stop"))

    @staticmethod
    def from_content(
        model: str,
        content: str | list[Content],
        stop_reason: StopReason = "stop",
        error: str | None = None,
    ) -> ModelOutput:
        """Return an output with one answer of this content."""
        return ModelOutput(model=model, choices=[_choice(model, content, stop_reason)], error=error)

    @staticmethod
    def for_tool_call(
        model: str,
        tool_name: str,
        tool_arguments: dict[str, Any],
        internal: JsonValue | None = None,
        tool_call_id: str | None = None,
        content: str | list[Content] | None = None,
    ) -> ModelOutput:
        """Return an output whose answer calls one tool."""
        call = ToolCall(
            id=tool_call_id or f"for_tool_call_{short_uuid()}",
            function=tool_name,
            arguments=tool_arguments,
            internal=internal,
        )
        message = ChatMessageAssistant(
            content=content or f"Calling the tool {tool_name}.",
            model=model,
            source="generate",
            tool_calls=[call],
        )
        choice = ChatCompletionChoice(message=message, stop_reason="tool_calls")
        return ModelOutput(model=model, choices=[choice])


def _choice(
    model: str, content: str | list[Content], stop_reason: StopReason
) -> ChatCompletionChoice:
    message = ChatMessageAssistant(content=content, model=model, source="generate")
    return ChatCompletionChoice(message=message, stop_reason=stop_reason)
