"""Several coroutines at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from tasks_lib._errors import LimitExceededError, SampleTerminatedError
from tasks_lib.context._sample import span

T = TypeVar("T")


async def collect(*tasks: Awaitable[T]) -> list[T]:
    """Run `tasks` at the same time and return their results in order.

    Each is a span of its own in the transcript: `task-1`, `task-2`, …

    Raises:
        Exception: What the one of them that failed has raised; the others are cancelled, and
            have ended by then.
        ExceptionGroup: Several failed before they could be cancelled. What ends the sample is
            raised alone, though: a SampleTerminatedError of one of them, and a
            LimitExceededError if all of them have one.
    """
    results: dict[int, T] = {}

    async def run(number: int, task: Awaitable[T]) -> None:
        async with span(f"task-{number}", "task"):
            results[number] = await task

    failure: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            for number, task in enumerate(tasks, start=1):
                group.create_task(run(number, task))
    except BaseExceptionGroup as failures:
        failure = _cause(failures)
    if failure is not None:
        raise failure
    if len(results) < len(tasks):
        # A cancellation that nobody had asked for; one that is awaited alone comes out, too.
        raise asyncio.CancelledError
    return [results[number] for number in sorted(results)]


def _cause(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return what is to be raised: the failure if it is only one, or what ends the sample."""
    errors = failures.exceptions
    cause: BaseException = errors[0] if len(errors) == 1 else failures
    if all(isinstance(error, LimitExceededError) for error in errors):
        cause = errors[0]
    cause = next((error for error in errors if isinstance(error, SampleTerminatedError)), cause)
    if cause is not failures:
        for other in errors:
            if other is not cause:
                cause.add_note(f"Another task failed at the same time: {other!r}")
    return cause
