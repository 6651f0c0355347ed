"""What a callable is like."""

from __future__ import annotations

import inspect


def is_async_callable(value: object) -> bool:
    """Tell whether calling `value`, a function or an object with `__call__`, gives a coroutine."""
    if not callable(value) or isinstance(value, type):
        return False
    return inspect.iscoroutinefunction(value) or inspect.iscoroutinefunction(value.__call__)
