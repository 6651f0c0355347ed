"""Requests that fail in the same way again and again: when they are given up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import httpx
import pytest
from tenacity import RetryCallState

from flows import _options as options
from tasks_lib._errors import ModelRetryError
from tasks_lib.context import SampleContext, use_sample
from tasks_lib.model import MAX_ATTEMPTS, Model, get_model
from tasks_lib.model._request_error import AttemptTimeoutError, RequestError
from tasks_lib.model._same_errors import SAME_ERRORS, SameErrors
from tasks_lib.schema import GenerateConfig, ModelEvent
from tests.flows._fault_server import SOON, FaultServer, Reply, answer, failure

OUT_OF_MEMORY = "upstream ran out of memory"
IN_VAIN_S = 60.0


def request_error(
    text: str, status: int | None = 500, retry_after_s: float | None = None
) -> RequestError:
    return RequestError(text, status=status, passing=True, retry_after_s=retry_after_s)


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def asked_to_wait(error: BaseException) -> float | None:
    return error.retry_after_s if isinstance(error, RequestError) else None


def stops_at(errors: Iterable[Exception], most: int) -> int | None:
    """Return after how many of `errors` there is no further attempt; None: there is."""
    same = SameErrors(most, asked_to_wait)
    for number, error in enumerate(errors, start=1):
        state = RetryCallState(retry_object=None, fn=None, args=(), kwargs={})  # type: ignore[arg-type]
        state.set_exception((type(error), error, None))
        if same(state):
            return number
    return None


A, B = request_error("a"), request_error("b")


@pytest.mark.parametrize(
    ("errors", "most", "expected"),
    [
        pytest.param([A, A, A], 3, 3, id="the same"),
        pytest.param([A, A], 3, None, id="not often enough"),
        pytest.param([A], 1, 1, id="once is enough"),
        pytest.param([A] * 50, 0, None, id="never"),
        pytest.param([A, B] * 25, 2, None, id="in turns"),
        pytest.param([A, A, B, A, A, A], 3, 6, id="in a row"),
        pytest.param(
            [request_error(f"failed, request_id: req_01{n}AbC") for n in range(3)], 3, 3,
            id="request ids",
        ),
        pytest.param(
            [
                request_error("id 3f2504e0-4f89-11d3-9a0c-0305e82c3301, 2026-01-02T03:04:05.678Z"),
                request_error("id 9b2e8a10-aaaa-4bcd-8def-0123456789ab, 2027-11-12T13:14:15Z"),
            ], 2, 2,
            id="ids and times",
        ),
        pytest.param([request_error("after 2 s"), request_error("in 2 s")], 2, None, id="words"),
        pytest.param([request_error("x", 500), request_error("x", 502)], 2, None, id="status"),
        pytest.param([ValueError("x"), KeyError("x"), ValueError("x")], 2, None, id="type"),
        pytest.param([RuntimeError("x")] * 2, 2, 2, id="of another package"),
        pytest.param([request_error("x" * 5000 + str(n)) for n in "ab"], 2, 2, id="long"),
        pytest.param([request_error("x", 429)] * 9, 2, None, id="too many requests"),
        pytest.param([request_error("x", 529)] * 9, 2, None, id="overloaded"),
        pytest.param([request_error("x", 503)] * 9, 2, 2, id="unavailable"),
        pytest.param([request_error("x", 503, 1.0)] * 9, 2, None, id="asked to wait"),
        pytest.param([request_error("x", 500, 0.0)] * 9, 2, None, id="asked to come at once"),
        pytest.param([request_error("x", None)] * 9, 2, None, id="no response"),
        pytest.param([AttemptTimeoutError("x")] * 9, 2, None, id="attempt_timeout"),
        pytest.param([TimeoutError("x")] * 9, 2, None, id="a timeout"),
        pytest.param([ConnectionResetError("x")] * 9, 2, None, id="a connection"),
        pytest.param(
            [caused(httpx.ConnectError("x"), OSError("refused"))] * 9, 2, None,
            id="a connection, told by an SDK",
        ),
        pytest.param([A, request_error("x", 429), A], 2, 3, id="others do not end a row"),
    ],
)  # fmt: skip
def test_the_same_error_is_final(
    errors: Sequence[Exception], most: int, expected: int | None
) -> None:
    assert stops_at(errors, most) == expected


def test_by_default_max_retries_decides() -> None:
    assert SAME_ERRORS == MAX_ATTEMPTS == options.EvalOptions().same_errors


def replies(prompt: str, earlier: int) -> Reply:
    """Fail four times in a way that passes, or always in the same one."""
    if prompt == "always":
        return failure(500, f"{OUT_OF_MEMORY}, request_id: req_{earlier}f")
    if earlier == 4:
        return answer()
    return failure(429 if prompt == "busy" else 500, "come back", headers=SOON)


async def ask(model: Model, prompt: str, same_errors: int) -> SampleContext:
    """Ask as a sample does; return what it leaves."""
    context = SampleContext(prompt)
    context.same_errors = same_errors
    with use_sample(context):
        await model.generate(prompt)
    return context


async def test_a_request_is_not_made_for_ever() -> None:
    config = GenerateConfig(max_retries=10_000)
    with FaultServer(replies) as server:
        model = get_model("openai/m", config=config, base_url=server.url, api_key="sk-x")
        async with model:
            asked = (ask(model, prompt, 2) for prompt in ("always", "busy", "later"))
            async with asyncio.timeout(IN_VAIN_S):
                always, *others = await asyncio.gather(*asked, return_exceptions=True)

    assert isinstance(always, ModelRetryError)
    assert str(always).startswith("openai/m: gave up after 2 attempts in ")
    assert f"{OUT_OF_MEMORY}, request_id: req_1f" in str(always)
    assert str(always).endswith(
        ". The same error came 2 times in a row, which is taken for final: raise same_errors "
        "(0: no limit) to try on"
    )
    for context in others:
        assert isinstance(context, SampleContext)
        [event] = [e for e in context.transcript.events if isinstance(e, ModelEvent)]
        assert (event.retries, event.output.completion) == (4, "yes")
    assert dict(server.requests) == {"always": 2, "busy": 5, "later": 5}


async def test_who_gives_up_for_another_reason_says_nothing_of_it() -> None:
    config = GenerateConfig(max_retries=2)
    with FaultServer(lambda prompt, earlier: failure(429, "busy", headers=SOON)) as server:
        async with get_model(
            "openai/m", config=config, base_url=server.url, api_key="sk-x"
        ) as model:
            with pytest.raises(ModelRetryError) as caught:
                await ask(model, "busy", 1)

    assert "gave up after 2 attempts" in str(caught.value)
    assert "same_errors" not in str(caught.value)
