"""The Responses API: OpenAI's interface for models that think and call tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tasks_lib.model._providers._openai_chat import NO_CACHING, check_caching
from tasks_lib.model._providers._openai_responses_output import responses_output
from tasks_lib.model._providers._openai_responses_request import responses_request
from tasks_lib.model._providers._options import refuse_all_but
from tasks_lib.model._providers._wire import JSONObject
from tasks_lib.schema import ChatMessage, GenerateConfig, ModelOutput, ToolChoice, ToolInfo
from tasks_lib.tool import native_search

_HONOURED = frozenset(
    {
        "cache_prompt",
        "extra_body",
        "internal_tools",
        "logprobs",
        "max_tokens",
        "parallel_tool_calls",
        "reasoning_effort",
        "reasoning_summary",
        "response_schema",
        "temperature",
        "top_logprobs",
        "top_p",
    }
)

_IN_CHAT = "the Responses API has no such option; chat completions do (responses_api=False)"

_REASONS = {
    "best_of": "the Responses API gives one answer; use epochs",
    "frequency_penalty": _IN_CHAT,
    "logit_bias": _IN_CHAT,
    "num_choices": _IN_CHAT,
    "presence_penalty": _IN_CHAT,
    "reasoning_tokens": "the Responses API has no such option; see reasoning_effort",
    "seed": _IN_CHAT,
    "stop_seqs": _IN_CHAT,
}


class Responses(NamedTuple):
    """How a conversation becomes a request of the Responses API, and a response an output."""

    system_role: str = "system"
    """The role of system messages."""
    cache_options: bool = False
    """Whether the model can be told not to cache prompts."""
    thinks: bool = True
    """Whether the model thinks: others refuse to send their reasoning encrypted."""
    store: bool = False
    """Whether the service keeps the responses."""
    path: str = "/responses"
    tool_images: bool = True

    def check(self, label: str, config: GenerateConfig) -> None:
        """Raise ParameterError for an option that is not sent."""
        check_caching(label, config, self.cache_options)
        refuse_all_but(_HONOURED, label, config, _REASONS)

    def request(
        self,
        model: str,
        messages: Sequence[ChatMessage],
        tools: Sequence[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> JSONObject:
        """Return the request for the next message."""
        body = responses_request(
            messages, tools, tool_choice, config, self.system_role, store=self.store
        )
        include = ["reasoning.encrypted_content"] if self.thinks else []
        if config.logprobs or config.top_logprobs:
            include.append("message.output_text.logprobs")
        if any(native_search(tool, "openai") is not None for tool in tools):
            include.append("web_search_call.action.sources")
        fixed: JSONObject = {"model": model}
        if include:
            fixed["include"] = include
        if config.cache_prompt is False:
            fixed["prompt_cache_options"] = NO_CACHING
        return {**fixed, **body}

    def output(self, data: JSONObject, model: str, tools: Sequence[ToolInfo] = ()) -> ModelOutput:
        """Return what a response says, see `Interface`."""
        return responses_output(data, model, tools)
