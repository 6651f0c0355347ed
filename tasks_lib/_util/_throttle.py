"""Functions that are asked more often than they need to answer."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from tasks_lib._errors import ParameterError

P = ParamSpec("P")
R = TypeVar("R")


def throttle(seconds: float) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function run at most once in `seconds`.

    A call that comes sooner gets the result of the last run, whatever its own arguments. A
    run that raises counts for nothing: the next call runs again.

    Args:
        seconds: Time from the beginning of one run to that of the next; 0: no limit.

    Raises:
        ParameterError: `seconds` is negative.
        TypeError: The function is async: what it returns can be awaited only once.
    """
    if not seconds >= 0:
        raise ParameterError("throttle", "seconds", seconds, "0 or more")

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        if inspect.iscoroutinefunction(function):
            raise TypeError(
                f"throttle: {function.__qualname__} is async, and its result can be awaited only "
                "once: decorate a function that is not."
            )
        last: tuple[float, R] | None = None

        @functools.wraps(function)
        def throttled(*args: P.args, **kwargs: P.kwargs) -> R:
            nonlocal last
            now = time.monotonic()
            if last is None or now - last[0] >= seconds:
                last = (now, function(*args, **kwargs))
            return last[1]

        return throttled

    return decorate
