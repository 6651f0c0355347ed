"""What a tool is, and `@tool`, which gives the function that makes one a name."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, Protocol, TypeAlias, TypedDict, overload, runtime_checkable

from tasks_lib._util._callables import is_async_callable
from tasks_lib._util._registry import register_factory
from tasks_lib.schema import (
    Content,
    ContentAudio,
    ContentData,
    ContentDocument,
    ContentImage,
    ContentReasoning,
    ContentText,
    ContentVideo,
    ToolCall,
    ToolCallView,
)

P = ParamSpec("P")

ToolResult: TypeAlias = (
    str
    | int
    | float
    | bool
    | ContentText
    | ContentReasoning
    | ContentImage
    | ContentAudio
    | ContentVideo
    | ContentData
    | ContentDocument
    | Sequence[Content]
)
"""What a tool returns: text, something whose text is meant, or parts of a message."""


@runtime_checkable
class Tool(Protocol):
    """Something that a model can ask to be done: an async function of what the model passes."""

    async def __call__(self, *args: Any, **kwargs: Any) -> ToolResult:
        """Do it and return what the model gets to see.

        Raises:
            ToolError: It cannot be done; the model is told why.
        """
        ...


@runtime_checkable
class ToolSource(Protocol):
    """Something that has tools, such as a server; it is asked whenever they are needed."""

    async def tools(self) -> list[Tool]:
        """Return the tools that there are now."""
        ...


class ToolCallViewer(Protocol):
    """Says how a call of a tool is shown to people."""

    def __call__(self, tool_call: ToolCall, /) -> ToolCallView:
        """Return the view of a call; its arguments have been found valid."""
        ...


class ToolCallModelInputHints(TypedDict):
    """What a provider cannot do, for tools that shape what it gets to see."""

    disable_computer_screenshot_truncation: bool
    """Whether screenshots of earlier calls must stay what they were."""


class ToolCallModelInput(Protocol):
    """Says what the model gets to see of earlier results of a tool."""

    def __call__(
        self,
        message_index: int,
        message_total: int,
        content: str | list[Content],
        hints: ToolCallModelInputHints,
        /,
    ) -> str | list[Content]:
        """Return what stands for `content` in the conversation that is sent.

        Args:
            message_index: Which of the tool's results in the conversation this is, from 0.
            message_total: How many results of the tool there are.
            content: The result.
            hints: What the provider cannot do.
        """
        ...


@overload
def tool(func: Callable[P, Tool]) -> Callable[P, Tool]: ...


@overload
def tool(
    func: None = None,
    *,
    name: str | None = None,
    viewer: ToolCallViewer | None = None,
    model_input: ToolCallModelInput | None = None,
    parallel: bool = True,
    prompt: str | None = None,
) -> Callable[[Callable[P, Tool]], Callable[P, Tool]]: ...


def tool(
    func: Callable[P, Tool] | None = None,
    *,
    name: str | None = None,
    viewer: ToolCallViewer | None = None,
    model_input: ToolCallModelInput | None = None,
    parallel: bool = True,
    prompt: str | None = None,
) -> Callable[P, Tool] | Callable[[Callable[P, Tool]], Callable[P, Tool]]:
    """Register a function that makes a tool. Used as `@tool` or as `@tool(name="…")`.

    The model is told what the docstring of the inner async function says: its description
    with the section of examples, and each parameter's type and description. Parameters
    without a default are required. Google, NumPy, Sphinx and Epydoc style are understood.

    Args:
        func: The function, when the decorator is used without brackets.
        name: Name of the tool, for the model too; by default that of the function.
        viewer: How calls are shown to people; by default as function and arguments.
        model_input: What the model gets to see of earlier results; by default all of them.
        parallel: Whether calls of one message may run at the same time.
        prompt: Deprecated, without effect.

    Raises:
        TypeError: The function is called and returns something that is not an async callable.
    """
    if prompt is not None:
        warnings.warn(
            "@tool(prompt=…) has no effect: say it in the tool's docstring.",
            DeprecationWarning,
            stacklevel=2,
        )
    facts = {"viewer": viewer, "model_input": model_input, "parallel": parallel}

    def register(factory: Callable[P, Tool]) -> Callable[P, Tool]:
        def check(instance: Tool) -> Tool:
            if not is_async_callable(instance):
                raise TypeError(
                    f"@tool {name or factory.__name__} returned {instance!r}, which is not an "
                    "async callable: return `async def execute(…) -> ToolResult`."
                )
            return _own_function(instance) if inspect.ismethod(instance) else instance

        return register_factory("tool", factory, name, facts, check=check)

    return register if func is None else register(func)


def _own_function(method: Callable[..., Any]) -> Tool:
    """Return a function that calls `method`: methods cannot remember what made them."""

    @functools.wraps(method)
    async def execute(*args: Any, **kwargs: Any) -> ToolResult:
        result: ToolResult = await method(*args, **kwargs)
        return result

    return execute
