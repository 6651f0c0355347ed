"""What a provider gets to see of a conversation and its tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeVar

from tasks_lib.model._api import ModelAPI
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    ChatMessageUser,
    Content,
    ContentImage,
    ContentReasoning,
    ContentText,
    GenerateConfig,
    ToolChoice,
    ToolFunction,
    ToolInfo,
)
from tasks_lib.tool import (
    AnyTools,
    ToolCallModelInputHints,
    ToolDef,
    expand_tools,
    searched_by_us,
    with_model_input,
)

Mergeable = TypeVar("Mergeable", ChatMessageUser, ChatMessageAssistant)

_IMAGE_PLACEHOLDER = "The image of this result is in the next user message."


class Request(NamedTuple):
    """One call, as a provider gets it."""

    input: list[ChatMessage]
    tools: list[ToolInfo]
    tool_choice: ToolChoice
    config: GenerateConfig


async def make_request(
    api: ModelAPI,
    messages: list[ChatMessage],
    tools: AnyTools,
    choice: ToolChoice | None,
    config: GenerateConfig,
) -> Request:
    """Return what `api` gets of a call; see `messages_for` and `tools_for`.

    Raises:
        ToolDefinitionError: One of `tools` is none, or two have the same name.
        PrerequisiteError: The web is to be searched, and nobody who was named can.
    """
    if not tools:
        return Request(messages_for(api, messages, config), [], "none", config)
    known = await expand_tools(tools)
    callable_tools = [tool for tool in known if isinstance(tool, ToolDef)]
    hints: ToolCallModelInputHints = {
        "disable_computer_screenshot_truncation": api.disable_computer_screenshot_truncation()
    }
    messages = with_model_input(messages, callable_tools, hints)
    if not all(tool.parallel for tool in callable_tools):
        config = config.model_copy(update={"parallel_tool_calls": False})
    infos = [
        _as_sent(api, tool.info if isinstance(tool, ToolDef) else tool, config) for tool in known
    ]
    sent, choice = tools_for(api, infos, choice)
    return Request(messages_for(api, messages, config), sent, choice, config)


def _as_sent(api: ModelAPI, tool: ToolInfo, config: GenerateConfig) -> ToolInfo:
    """Return a tool as `api` gets it: a web search that it does not do is a function."""
    if tool.options is None:
        return tool
    is_off = config.internal_tools is False
    refusal = "internal_tools is False" if is_off else api.search_refusal(tool, config)
    return tool if refusal is None else searched_by_us(tool, refusal)


def messages_for(
    api: ModelAPI, messages: list[ChatMessage], config: GenerateConfig
) -> list[ChatMessage]:
    """Return `messages` as `api` wants them; those that it got are never changed."""
    if any(isinstance(message, ChatMessageAssistant) for message in messages):
        messages = _with_reasoning(messages, _reasoning_history(api, config))
    if not api.tool_result_images():
        messages = _with_images_after_tools(messages)
    if api.collapse_user_messages():
        messages = _collapsed(messages, ChatMessageUser)
    if api.collapse_assistant_messages():
        messages = _collapsed(messages, ChatMessageAssistant)
    return messages


def tools_for(
    api: ModelAPI, tools: Sequence[ToolInfo], choice: ToolChoice | None
) -> tuple[list[ToolInfo], ToolChoice]:
    """Return the tools that are sent, and the choice among them.

    A choice of one tool sends only that one; "none" sends none, unless the provider needs
    to know the tools of earlier calls.
    """
    if not tools:
        return [], "none"
    if isinstance(choice, ToolFunction):
        return [tool for tool in tools if tool.name == choice.name], choice
    if choice == "none":
        return list(tools) if api.tools_required() else [], "none"
    return list(tools), choice or "auto"


def _reasoning_history(api: ModelAPI, config: GenerateConfig) -> Literal["none", "all", "last"]:
    forced = api.force_reasoning_history()
    if forced is not None:
        return forced
    wanted = config.reasoning_history or "auto"
    return api.auto_reasoning_history() if wanted == "auto" else wanted


def _with_reasoning(
    messages: list[ChatMessage], history: Literal["none", "all", "last"]
) -> list[ChatMessage]:
    if history == "all":
        return messages
    last = max(
        (i for i, message in enumerate(messages) if isinstance(message, ChatMessageAssistant)),
        default=-1,
    )
    return [
        message if history == "last" and index == last else _without_reasoning(message)
        for index, message in enumerate(messages)
    ]


def _without_reasoning(message: ChatMessage) -> ChatMessage:
    if not isinstance(message, ChatMessageAssistant) or isinstance(message.content, str):
        return message
    content = [part for part in message.content if not isinstance(part, ContentReasoning)]
    return message.model_copy(update={"content": content})


def _with_images_after_tools(messages: list[ChatMessage]) -> list[ChatMessage]:
    """Move the images of tool results into a user message after the results of their turn."""
    if not any(isinstance(message, ChatMessageTool) and _images(message) for message in messages):
        return messages
    result: list[ChatMessage] = []
    images: list[Content] = []
    for message in messages:
        if not isinstance(message, ChatMessageTool):
            if images:
                result.append(ChatMessageUser(content=images))
                images = []
            result.append(message)
            continue
        found = _images(message)
        if found:
            rest = [part for part in message.content if not isinstance(part, ContentImage)]
            placed = ContentText(text=_IMAGE_PLACEHOLDER)
            message = message.model_copy(update={"content": [*rest, placed]})
            images.extend(found)
        result.append(message)
    if images:
        result.append(ChatMessageUser(content=images))
    return result


def _images(message: ChatMessageTool) -> list[ContentImage]:
    if isinstance(message.content, str):
        return []
    return [part for part in message.content if isinstance(part, ContentImage)]


def _collapsed(messages: list[ChatMessage], kind: type[Mergeable]) -> list[ChatMessage]:
    result: list[ChatMessage] = []
    for message in messages:
        previous = result[-1] if result else None
        if isinstance(message, kind) and isinstance(previous, kind):
            result[-1] = _joined(previous, message)
        else:
            result.append(message)
    return result


def _joined(first: Mergeable, second: Mergeable) -> Mergeable:
    """Return one message with the content, and the tool calls, of both."""
    if isinstance(first.content, str) and isinstance(second.content, str):
        content: str | list[Content] = f"{first.content}\n{second.content}"
    else:
        content = [*_parts(first.content), *_parts(second.content)]
    changes: dict[str, object] = {"content": content}
    if isinstance(first, ChatMessageAssistant) and isinstance(second, ChatMessageAssistant):
        changes["tool_calls"] = [*(first.tool_calls or []), *(second.tool_calls or [])] or None
    return first.model_copy(update=changes)


def _parts(content: str | list[Content]) -> list[Content]:
    return [ContentText(text=content)] if isinstance(content, str) else content
