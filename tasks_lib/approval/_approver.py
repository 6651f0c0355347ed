"""What decides on calls of tools, and `@approver`, which gives what makes one a name."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, Protocol, overload

from tasks_lib._util._callables import is_async_callable
from tasks_lib._util._registry import register_factory
from tasks_lib.approval._approval import Approval
from tasks_lib.schema import ChatMessage, ToolCall, ToolCallView

P = ParamSpec("P")


class Approver(Protocol):
    """Decides whether a call of a tool is done."""

    async def __call__(
        self, message: str, call: ToolCall, view: ToolCallView, history: list[ChatMessage], /
    ) -> Approval:
        """Return the decision on a call. Whatever this raises fails the sample.

        Args:
            message: What the model said beside the call.
            call: The call, its arguments found valid.
            view: How it is shown to people; `view.call` is always there.
            history: The conversation, with the message that has the call as its last.
        """
        ...


@overload
def approver(func: Callable[P, Approver]) -> Callable[P, Approver]: ...


@overload
def approver(
    *, name: str | None = None
) -> Callable[[Callable[P, Approver]], Callable[P, Approver]]: ...


def approver(
    func: Callable[P, Approver] | None = None, *, name: str | None = None
) -> Callable[P, Approver] | Callable[[Callable[P, Approver]], Callable[P, Approver]]:
    """Register a function that makes an approver. Used as `@approver` or as `@approver(name="…")`.

    Policy files ask for it by name, and logs say with which arguments it was made.

    Args:
        func: The function (or class), when the decorator is used without brackets.
        name: Name of the approver; by default that of the function.

    Raises:
        TypeError: The function is called and returns something that is not an async callable.
    """

    def register(factory: Callable[P, Approver]) -> Callable[P, Approver]:
        def check(instance: Approver) -> Approver:
            if not is_async_callable(instance):
                raise TypeError(
                    f"@approver {name or factory.__name__} returned {instance!r}, which is not an "
                    "async callable: return `async def approve(message, call, view, history) -> "
                    "Approval`."
                )
            return _own_function(instance) if inspect.ismethod(instance) else instance

        return register_factory("approver", factory, name, check=check)

    return register if func is None else register(func)


def _own_function(method: Approver) -> Approver:
    """Return a function that calls `method`: methods cannot remember what made them."""

    @functools.wraps(method)
    async def approve(
        message: str, call: ToolCall, view: ToolCallView, history: list[ChatMessage]
    ) -> Approval:
        return await method(message, call, view, history)

    return approve
