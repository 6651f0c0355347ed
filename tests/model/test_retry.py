"""How long a request is tried."""

from __future__ import annotations

import asyncio
import time

import pytest
from tenacity import RetryCallState

from tasks_lib._errors import ModelRetryError, ParameterError
from tasks_lib.context import SampleContext, use_sample
from tasks_lib.model import MAX_ATTEMPTS, MAX_RETRY_SECONDS
from tasks_lib.model._retry import Retry, RetryRules, _Exhausted, _Wait, retry_request
from tasks_lib.schema import GenerateConfig


class PassingError(Exception):
    """Goes away."""


class Flaky:
    """Fails as often as it is told, then answers; each attempt may take its time."""

    def __init__(self, failures: int, error: Exception | None = None, slow_s: float = 0) -> None:
        self.failures = failures
        self.error = error or PassingError("busy")
        self.slow_s = slow_s
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        await asyncio.sleep(self.slow_s)
        if self.calls <= self.failures:
            raise self.error
        return "done"


def rules(config: GenerateConfig | None = None, after: float | None = 0.001) -> RetryRules:
    return RetryRules(
        "p/m",
        config or GenerateConfig(),
        lambda error: isinstance(error, PassingError),
        lambda error: after,
        [],
    )


async def attempt(flaky: Flaky, of: RetryRules) -> str:
    return await retry_request(flaky, of, started=time.perf_counter())


@pytest.mark.parametrize("failures", [0, 1, MAX_ATTEMPTS - 1])
async def test_passing_failures_are_tried_again(failures: int) -> None:
    flaky, ours = Flaky(failures), rules()

    assert await attempt(flaky, ours) == "done"
    assert flaky.calls == failures + 1
    assert [retry.error for retry in ours.retries] == ["PassingError: busy"] * failures


@pytest.mark.parametrize(
    ("max_retries", "calls"),
    [
        pytest.param(None, MAX_ATTEMPTS, id="bounded by default"),
        pytest.param(3, 3, id="attempts in total"),
        pytest.param(1, 1, id="no second one"),
    ],
)
async def test_gives_up(max_retries: int | None, calls: int) -> None:
    flaky = Flaky(1000)

    with pytest.raises(
        ModelRetryError,
        match=rf"p/m: gave up after {calls} attempts in [\d.]+ s; .* PassingError: busy",
    ):
        await attempt(flaky, rules(GenerateConfig(max_retries=max_retries)))

    assert flaky.calls == calls


async def test_lasting_failure_is_raised_at_once() -> None:
    flaky, ours = Flaky(1000, ValueError("wrong")), rules()

    with pytest.raises(ValueError, match="wrong"):
        await attempt(flaky, ours)

    assert (flaky.calls, ours.retries) == (1, [])


async def test_timeout_covers_all_attempts() -> None:
    flaky, ours = Flaky(1, slow_s=0.6), rules(GenerateConfig(timeout=1))

    with pytest.raises(ModelRetryError, match=r"timeout of 1 s, in 2 attempts; .*PassingError"):
        await attempt(flaky, ours)


async def test_no_attempt_that_would_begin_too_late() -> None:
    flaky = Flaky(1000)

    with pytest.raises(ModelRetryError, match="after 1 attempts"):
        await attempt(flaky, rules(GenerateConfig(timeout=5), after=60))


async def test_a_timeout_of_the_provider_is_its_own() -> None:
    with pytest.raises(TimeoutError):
        await attempt(Flaky(1, TimeoutError()), rules(GenerateConfig(timeout=5)))


async def test_waits_are_not_working_time() -> None:
    context = SampleContext()

    with use_sample(context):
        await attempt(Flaky(2), rules(after=0.02))

    assert context.clock.waited >= 0.04


async def test_zero_attempts_make_no_sense() -> None:
    with pytest.raises(ParameterError, match="max_retries is 0"):
        await attempt(Flaky(0), rules(GenerateConfig(max_retries=0)))


def state_after(attempts: int) -> RetryCallState:
    state = RetryCallState(retry_object=None, fn=None, args=(), kwargs={})  # type: ignore[arg-type]
    state.attempt_number = attempts
    try:
        raise PassingError
    except PassingError as error:
        state.set_exception((type(error), error, error.__traceback__))
    return state


@pytest.mark.parametrize(
    ("attempts", "least"),
    [(1, 3), (2, 6), (3, 12), (4, 24), (6, 96), (7, 120), (11, 120)],
)
def test_waits_double_up_to_two_minutes(attempts: int, least: float) -> None:
    wait = _Wait(lambda error: None)(state_after(attempts))

    assert least <= wait <= least + 3


@pytest.mark.parametrize(
    ("asked", "most"),
    [
        pytest.param(0.0, 0.0, id="at once"),
        pytest.param(0.5, 1.0, id="jitter is in proportion"),
        pytest.param(60.0, 63.0, id="and small for long waits"),
    ],
)
def test_what_the_provider_asks_for_counts(asked: float, most: float) -> None:
    wait = _Wait(lambda error: asked)(state_after(5))

    assert asked <= wait <= most


def test_all_attempts_together_are_bounded() -> None:
    stop = _Exhausted(GenerateConfig(), started=time.perf_counter() - MAX_RETRY_SECONDS)

    assert stop(state_after(2))


def test_retry_is_plain_data() -> None:
    assert Retry("E: x", 1.5)._asdict() == {"error": "E: x", "wait_s": 1.5}


async def test_an_attempt_that_takes_too_long_is_made_again() -> None:
    calls: list[int] = []
    ended: list[Exception | None] = []
    config = GenerateConfig().model_copy(update={"attempt_timeout": 0.05})
    ours = rules(config)._replace(on_attempt=ended.append)

    async def first_is_slow() -> str:
        calls.append(len(calls))
        await asyncio.sleep(0 if len(calls) > 1 else 60)
        return "done"

    # The wait after a timeout is our own, as the provider asked for nothing: here, for none.
    assert await retry_request(first_is_slow, ours, started=time.perf_counter()) == "done"
    assert len(calls) == 2
    assert [retry.error for retry in ours.retries] == [
        "AttemptTimeoutError: p/m: no answer within the attempt_timeout of 0.05 s"
    ]
    assert [type(error).__name__ for error in ended] == ["AttemptTimeoutError", "NoneType"]


async def test_a_timeout_of_the_provider_is_not_ours() -> None:
    ours = rules(GenerateConfig(attempt_timeout=60))

    with pytest.raises(TimeoutError, match="inside"):
        await attempt(Flaky(1, TimeoutError("inside")), ours)
