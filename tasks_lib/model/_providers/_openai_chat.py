"""Chat completions: the interface that nearly every service has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from tasks_lib._errors import ParameterError
from tasks_lib.model._providers._openai_request import ChatForm, chat_request
from tasks_lib.model._providers._openai_response import model_output
from tasks_lib.model._providers._options import refuse_all_but
from tasks_lib.model._providers._wire import JSONObject
from tasks_lib.schema import ChatMessage, GenerateConfig, ModelOutput, ToolChoice, ToolInfo

_REASONS = {
    "best_of": "chat completions have no such option; num_choices gives several answers",
    "top_k": "chat completions have no such option; extra_body reaches servers that do",
    "reasoning_tokens": "chat completions have no such option; see reasoning_effort",
    "reasoning_summary": "chat completions have no such option; OpenAI's Responses API does",
    "internal_tools": "tools are sent as functions only",
}
"""What to do instead of the options that chat completions lack."""

NO_CACHING = {"mode": "explicit"}
"""Prompt cache options without the breakpoint that is there by default: nothing is cached."""


class ChatCompletions(NamedTuple):
    """How a conversation becomes a chat completions request, and a response an output."""

    form: ChatForm = ChatForm()
    reasons: Mapping[str, str] = MappingProxyType({})
    """What to do instead of an option that is not sent, where that is special."""
    cache_options: bool = False
    """Whether the model can be told not to cache prompts."""
    path: str = "/chat/completions"
    tool_images: bool = False

    def check(self, label: str, config: GenerateConfig) -> None:
        """Raise ParameterError for an option that is not sent."""
        check_caching(label, config, self.cache_options)
        honoured = {*self.form.options, "extra_body", "cache_prompt"}
        refuse_all_but(honoured, label, config, {**_REASONS, **self.reasons})

    def request(
        self,
        model: str,
        messages: Sequence[ChatMessage],
        tools: Sequence[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> JSONObject:
        """Return the request for the next message."""
        body = chat_request(model, messages, tools, tool_choice, config, self.form)
        if config.cache_prompt is False:
            body.setdefault("prompt_cache_options", NO_CACHING)
        return body

    def output(self, data: JSONObject, model: str, tools: Sequence[ToolInfo] = ()) -> ModelOutput:
        """Return what a response says, see `Interface`."""
        return model_output(data, model, tools, self.form.service)


def check_caching(label: str, config: GenerateConfig, has_options: bool) -> None:
    """Raise ParameterError if prompts must not be cached and nobody can be told so.

    These services cache prompts on their own: True and "auto" need nothing to be sent.
    """
    if config.cache_prompt is False and not has_options:
        expected = "no value, True or 'auto': the service caches prompts as it likes"
        raise ParameterError(label, "cache_prompt", False, expected)
