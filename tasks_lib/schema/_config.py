"""How a model is asked to generate."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias, TypedDict

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from tasks_lib.schema._record import Record
from tasks_lib.schema._tool_call import JSONSchema


class ResponseSchema(Record):
    """The JSON Schema that an answer must follow. Providers enforce it, we do not."""

    name: str
    """Letters, digits, underscores and dashes; at most 64."""
    json_schema: JSONSchema
    description: str | None = None
    strict: bool | None = None
    """Whether the provider must keep to the schema exactly (OpenAI and Mistral)."""


ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
ReasoningSummary = Literal["none", "concise", "detailed", "auto"]
ReasoningHistory = Literal["none", "all", "last", "auto"]


class GenerateConfigArgs(TypedDict, total=False):
    """The fields of `GenerateConfig`, as keyword arguments."""

    max_retries: int | None
    timeout: int | None
    attempt_timeout: int | None
    max_connections: int | Literal["auto"] | None
    system_message: str | None
    max_tokens: int | None
    top_p: float | None
    temperature: float | None
    stop_seqs: list[str] | None
    best_of: int | None
    frequency_penalty: float | None
    presence_penalty: float | None
    logit_bias: dict[int, float] | None
    seed: int | None
    top_k: int | None
    num_choices: int | None
    logprobs: bool | None
    top_logprobs: int | None
    parallel_tool_calls: bool | None
    internal_tools: bool | None
    max_tool_output: int | None
    cache_prompt: Literal["auto"] | bool | None
    reasoning_effort: ReasoningEffort | None
    reasoning_tokens: int | None
    reasoning_summary: ReasoningSummary | None
    reasoning_history: ReasoningHistory | None
    response_schema: ResponseSchema | None
    extra_body: dict[str, Any] | None


class GenerateConfig(BaseModel):
    """Options of a model call. None leaves an option to whoever decides next.

    Configs merge from the outside in: model, task and eval, call; see `merge`.
    """

    model_config = ConfigDict(extra="forbid")

    max_retries: int | None = None
    """Attempts per request in total, the first included; at least 1."""
    timeout: int | None = None
    """Seconds that a request may take, all its attempts and waits included."""
    attempt_timeout: int | None = None
    """Seconds that one attempt may take; after them it has failed and may be made again."""
    max_connections: int | Literal["auto"] | None = None
    """Requests in flight at once, over all processes that use the same key. "auto" finds out
    how many the provider takes."""
    system_message: str | None = None
    """Put before every conversation that is sent; the sample's messages don't show it."""
    max_tokens: int | None = None
    """Tokens that one answer may have."""
    top_p: float | None = None
    temperature: float | None = None
    stop_seqs: list[str] | None = None
    """Texts at which generation stops; they are not part of the answer."""
    best_of: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: dict[int, float] | None = None
    """Token id to a value from -100 to 100."""
    seed: int | None = None
    top_k: int | None = None
    num_choices: int | None = None
    """Answers per request."""
    logprobs: bool | None = None
    top_logprobs: int | None = None
    parallel_tool_calls: bool | None = None
    internal_tools: bool | None = None
    """Whether a provider's own version of a tool may be used."""
    max_tool_output: int | None = None
    """Bytes of a tool's output that the model gets to see; 0: all. Default 16384."""
    cache_prompt: Literal["auto"] | bool | None = None
    reasoning_effort: ReasoningEffort | None = None
    reasoning_tokens: int | None = None
    reasoning_summary: ReasoningSummary | None = None
    reasoning_history: ReasoningHistory | None = None
    response_schema: ResponseSchema | None = None
    extra_body: dict[str, JsonValue] | None = None
    """Sent with the request as it is, where the provider allows it."""

    def merge(self, other: GenerateConfig | GenerateConfigArgs) -> GenerateConfig:
        """Return a copy in which the options that `other` sets win."""
        if not isinstance(other, GenerateConfig):
            other = GenerateConfig(**other)
        changes = {name: value for name, value in other if value is not None}
        return self.model_copy(update=changes) if changes else self


class LoggedGenerateConfig(GenerateConfig):
    """Options that a log holds, with those that this version does not know in `model_extra`."""

    model_config = ConfigDict(extra="allow")


AnyGenerateConfig: TypeAlias = Annotated[
    GenerateConfig | LoggedGenerateConfig, Field(union_mode="left_to_right")
]
"""Options as a log holds them; a `LoggedGenerateConfig` only where it must be."""
