"""Several limits for one block of code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from tasks_lib._errors import LimitExceededError
from tasks_lib.context._limit_scopes import Limit


class LimitScope:
    """What became of the limits of a block."""

    __slots__ = ("limit_error",)

    def __init__(self) -> None:
        self.limit_error: LimitExceededError | None = None
        """The limit that ended the block; None if none of its own did, or it still runs."""


@contextmanager
def apply_limits(limits: Sequence[Limit], catch_errors: bool = False) -> Iterator[LimitScope]:
    """Keep the code of a `with` block to `limits`.

    Args:
        limits: Limits that have not been used yet; they serve this block only.
        catch_errors: Whether an error of one of `limits` ends just the block, and
            `limit_error` of the scope tells which it was. Errors of other limits, those of
            the sample for example, are never caught. Nor is a group of exceptions, as
            `asyncio.TaskGroup` raises them, unless all in it are errors of `limits`.

    Raises:
        LimitExceededError: One of `limits` was exceeded, and `catch_errors` is false.
        RuntimeError: One of `limits` was used before.
    """
    scope = LimitScope()
    try:
        with ExitStack() as stack:
            for limit in limits:
                stack.enter_context(limit)
            yield scope
    except (LimitExceededError, ExceptionGroup) as error:
        scope.limit_error = _own_error(error, limits)
        if scope.limit_error is None or not catch_errors:
            raise


def _own_error(error: Exception, limits: Sequence[Limit]) -> LimitExceededError | None:
    """Return the first error of `limits` that `error` is, or is made of without any other."""
    if isinstance(error, ExceptionGroup):
        own = [_own_error(inner, limits) for inner in error.exceptions]
        return None if None in own else own[0]
    if not isinstance(error, LimitExceededError):
        return None
    return error if any(error.source is limit for limit in limits) else None
