"""Which requests are made again, and how long we wait before.

Bounded by default: a request is made at most `MAX_ATTEMPTS` times and not again after
`MAX_RETRY_SECONDS`. With waits of 3, 6, 12 … seconds (at most `MAX_WAIT_SECONDS`, plus up
to `JITTER_SECONDS`) that survives an outage of about ten minutes; a longer one is left to
the retries of the whole task, which wait up to an hour. A config changes the bounds:
`max_retries` is the number of attempts, the first included, and `timeout` the seconds that
the request may take with all attempts and waits. Whatever these are, a request that the same
error ends `same_errors` times in a row is not made again; see `SameErrors`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

from tenacity import AsyncRetrying, RetryCallState, RetryError, retry_if_exception
from tenacity.stop import stop_base
from tenacity.wait import wait_base, wait_exponential, wait_random

from tasks_lib._errors import ModelRetryError, ParameterError
from tasks_lib.context import waiting
from tasks_lib.model._request_error import AttemptTimeoutError
from tasks_lib.model._same_errors import SAME_ERRORS, SameErrors
from tasks_lib.schema import GenerateConfig

T = TypeVar("T")

MAX_ATTEMPTS = 12
"""Attempts without `max_retries`."""
MAX_RETRY_SECONDS = 1800.0
"""Seconds since the first attempt after which there is none without `timeout`."""
FIRST_WAIT_SECONDS = 3.0
MAX_WAIT_SECONDS = 120.0
JITTER_SECONDS = 3.0
"""Keeps requests that failed together from coming back together."""


class Retry(NamedTuple):
    """One attempt that failed and was followed by another."""

    error: str
    """Type and text of the exception."""
    wait_s: float
    """Seconds waited before the next attempt."""


class RetryRules(NamedTuple):
    """What decides about the retries of one request."""

    model: str
    """For messages."""
    config: GenerateConfig
    should_retry: Callable[[BaseException], bool]
    retry_after: Callable[[BaseException], float | None]
    """Seconds that the provider asked for; None: our own wait counts."""
    retries: list[Retry]
    """Gets an entry before each wait."""
    on_attempt: Callable[[Exception | None], None] | None = None
    """Is told how each attempt ended: with which exception, or None."""
    same_errors: int = SAME_ERRORS
    """After the same error so many times in a row there is no further attempt; 0: there is."""
    before_retry: Callable[[], Awaitable[None]] | None = None
    """Is awaited after the wait for another attempt; its time is none of the attempt."""

    def is_passing(self, error: BaseException) -> bool:
        """Tell whether the request may work later."""
        return isinstance(error, AttemptTimeoutError) or self.should_retry(error)


async def retry_request(
    call: Callable[[], Awaitable[T]], rules: RetryRules, *, started: float
) -> T:
    """Return the result of `call`, made again while it fails for a passing reason.

    An exception that is not to be retried is raised as it is. The waits are booked as
    waiting time of the sample. The first attempt costs nothing more than the call.

    Args:
        call: Makes one attempt.
        rules: What is retried, and how long.
        started: `time.perf_counter()` when the first attempt began.

    Raises:
        ModelRetryError: No further attempt is allowed; it names the last cause.
        ParameterError: `max_retries` is less than 1.
    """
    max_retries, timeout = rules.config.max_retries, rules.config.timeout
    if max_retries is not None and max_retries < 1:
        expected = "1 or more: the number of attempts"
        raise ParameterError("generate", "max_retries", max_retries, expected)
    if timeout is None:
        return await _with_retries(call, rules, started)
    deadline = asyncio.timeout(timeout)
    try:
        async with deadline:
            return await _with_retries(call, rules, started)
    except TimeoutError as error:
        if not deadline.expired():
            raise
        last = f"; the last one failed with {rules.retries[-1].error}" if rules.retries else ""
        raise ModelRetryError(
            f"{rules.model}: no answer within the timeout of {timeout} s, "
            f"in {len(rules.retries) + 1} attempts{last}"
        ) from error


async def _with_retries(call: Callable[[], Awaitable[T]], rules: RetryRules, started: float) -> T:
    try:
        return await _attempt(call, rules)
    except Exception as error:
        if not rules.is_passing(error):
            raise
        return await _try_again(call, rules, started, error)


async def _attempt(call: Callable[[], Awaitable[T]], rules: RetryRules) -> T:
    try:
        result = await _in_time(call, rules)
    except Exception as error:
        if rules.on_attempt is not None:
            rules.on_attempt(error)
        raise
    if rules.on_attempt is not None:
        rules.on_attempt(None)
    return result


async def _in_time(call: Callable[[], Awaitable[T]], rules: RetryRules) -> T:
    seconds = rules.config.attempt_timeout
    if seconds is None:
        return await call()
    deadline = asyncio.timeout(seconds)
    try:
        async with deadline:
            return await call()
    except TimeoutError:
        if not deadline.expired():
            raise
        raise AttemptTimeoutError(
            f"{rules.model}: no answer within the attempt_timeout of {seconds} s"
        ) from None


async def _try_again(
    call: Callable[[], Awaitable[T]], rules: RetryRules, started: float, first: Exception
) -> T:
    """Run tenacity's loop; its first attempt is the one that has failed already."""
    pending: list[Exception] = [first]

    async def attempt() -> T:
        if pending:
            raise pending.pop()
        if rules.before_retry is not None:
            await rules.before_retry()
        return await _attempt(call, rules)

    same = SameErrors(rules.same_errors, rules.retry_after)
    retrying = AsyncRetrying(
        stop=_Exhausted(rules.config, started) | same,
        wait=_Wait(rules.retry_after),
        retry=retry_if_exception(rules.is_passing),
        sleep=_sleep,
        before_sleep=lambda state: rules.retries.append(_retry(state)),
    )
    try:
        return await retrying(attempt)
    except RetryError as error:
        cause = error.last_attempt.exception()
        raise ModelRetryError(
            f"{rules.model}: gave up after {error.last_attempt.attempt_number} attempts in "
            f"{time.perf_counter() - started:.1f} s; the last one failed with {cause_text(cause)}"
            f"{same.reason}"
        ) from cause
    except asyncio.CancelledError as stop:
        # For whoever makes an error of it: that the request was retried is in no event yet.
        stop.add_note(
            f"{rules.model} had failed {len(rules.retries)} times by then, the last time with "
            f"{rules.retries[-1].error}."
        )
        raise


class _Exhausted(stop_base):
    """Stops when the attempts are used up or the next one would begin too late."""

    def __init__(self, config: GenerateConfig, started: float) -> None:
        self.attempts = config.max_retries or MAX_ATTEMPTS
        self.seconds = MAX_RETRY_SECONDS if config.timeout is None else float(config.timeout)
        self.started = started

    def __call__(self, retry_state: RetryCallState) -> bool:
        if retry_state.attempt_number >= self.attempts:
            return True
        next_attempt = time.perf_counter() - self.started + retry_state.upcoming_sleep
        return next_attempt > self.seconds


class _Wait(wait_base):
    """As long as the provider asked for, else exponentially longer; always with jitter."""

    def __init__(self, retry_after: Callable[[BaseException], float | None]) -> None:
        self.retry_after = retry_after
        self.exponential = wait_exponential(multiplier=FIRST_WAIT_SECONDS, max=MAX_WAIT_SECONDS)
        self.jitter = wait_random(0, JITTER_SECONDS)

    def __call__(self, retry_state: RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        asked = self.retry_after(error) if error is not None else None
        if asked is not None:
            # The jitter is a part of the wait asked for: a provider that asks for 0.1 s
            # must not get 3 s.
            return asked + self.jitter(retry_state) * min(asked, JITTER_SECONDS) / JITTER_SECONDS
        return self.exponential(retry_state) + self.jitter(retry_state)


async def _sleep(seconds: float) -> None:
    with waiting():
        await asyncio.sleep(seconds)


def _retry(state: RetryCallState) -> Retry:
    error = state.outcome.exception() if state.outcome else None
    return Retry(cause_text(error), round(state.upcoming_sleep, 3))


def cause_text(error: BaseException | None) -> str:
    """Return type and text of `error`, for messages."""
    return f"{type(error).__name__}: {error}" if error is not None else "no error"
