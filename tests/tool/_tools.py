"""Tools to try things with."""

from __future__ import annotations

from typing import Any

from tasks_lib.schema import ToolCall, ToolCallView
from tasks_lib.tool import (
    Tool,
    ToolCallModelInputHints,
    tool,
)


def view(call: ToolCall) -> ToolCallView:
    return ToolCallView()


def last_only(index: int, total: int, content: Any, hints: ToolCallModelInputHints) -> Any:
    return content if index == total - 1 else "gone"


@tool
def add(bonus: int = 0) -> Tool:
    async def execute(x: int, y: int = 1) -> int:
        """Add two numbers.

        Args:
            x: The first.
            y: The second.
        """
        return x + y + bonus

    return execute


async def google(x: int, y: list[str] | None = None) -> str:
    """Do something.

    It takes a while: be patient.

    Args:
        x: The first,
            on two lines.
        y (list[str], optional): The second.

    Returns:
        Nothing much.

    Examples:
        >>> do(1)
        2
    """
    return ""


def blocking(x: int) -> int:
    """Take it.

    Args:
        x: What.
    """
    return x
