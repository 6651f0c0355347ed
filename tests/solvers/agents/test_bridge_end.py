"""How a run behind a bridge ends: limits, failures, cancellation."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from solvers.agents import AgentState, agent_bridge
from tasks_lib._errors import LimitExceededError, ModelError, ModelRetryError
from tasks_lib.context import SampleLimits, apply_limits, token_limit
from tasks_lib.model import get_model
from tasks_lib.schema import ModelOutput
from tests.solvers.agents._bridge_asking import (
    BODIES,
    CHAT,
    HI,
    Listening,
    Opened,
    fail,
    opened,
    problem,
    sample,
)


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(ModelRetryError("down"), (403, "down"), id="a provider that is down"),
        pytest.param(KeyError("oops"), (500, "KeyError: 'oops'"), id="a mistake"),
    ],
)
async def test_what_ends_the_sample(path: str, error: Exception, expected: tuple[int, str]) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(type(error)) as raised:
            async with opened(fail(error)) as bridge:
                program = asyncio.create_task(
                    bridge._replace(session=session).post(path, BODIES[path])
                )
                await asyncio.sleep(60)  # until the program ends
        reply = await program

    assert raised.value is error
    assert (reply.status, reply.body["error"]["message"]) == expected
    assert reply.headers["X-Should-Retry"] == "false"


async def test_a_program_that_hides_an_error() -> None:
    error = ModelRetryError("down")
    async with opened(fail(error)) as outer:
        statuses: list[int] = []

        async def stubborn(bridge: Opened) -> None:
            while len(statuses) < 3:
                statuses.append((await bridge.post(CHAT, HI)).status)

        with pytest.raises(ModelRetryError) as raised:
            async with agent_bridge() as inner:
                program = asyncio.create_task(stubborn(outer._replace(bridge=inner)))
                try:
                    await asyncio.sleep(60)  # until the program ends
                except asyncio.CancelledError:
                    await program  # and still it does not

    assert raised.value is error
    assert statuses == [403, 403, 403]
    assert len(outer.listening.asked) == 1


async def test_what_ended_the_program_is_no_cancellation_any_more() -> None:
    with pytest.raises(ModelRetryError):
        async with opened(fail(ModelRetryError("down"))) as bridge:
            await bridge.post(CHAT, HI)
            await asyncio.sleep(60)  # until the program ends

    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_who_cancels_too_is_not_held_up() -> None:
    async def evaluate() -> None:
        async with opened(fail(ModelRetryError("down"))) as bridge:
            try:
                await bridge.post(CHAT, HI)
                await asyncio.sleep(60)  # until the program ends
            except asyncio.CancelledError:
                asyncio.get_running_loop().call_soon(task.cancel)
                await asyncio.sleep(60)  # until the evaluation ends

    task = asyncio.create_task(evaluate())
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_calls_end_with_their_bridge() -> None:
    began = asyncio.Event()

    async def wait(*args: object) -> ModelOutput:
        began.set()
        await asyncio.Event().wait()
        raise AssertionError("it waits for ever")

    model = get_model("mockllm/big", custom_outputs=wait)
    async with sample(Listening()), aiohttp.ClientSession() as session:
        async with asyncio.timeout(5), agent_bridge(model=model) as bridge:
            asking = Opened(bridge, None, Listening(), session)  # type: ignore[arg-type]
            call = asyncio.create_task(asking.post(CHAT, HI))
            await began.wait()
        reply = await call

    assert problem(reply) == (403, "invalid_request_error", "run_ended")


async def test_what_the_provider_refuses_is_answered() -> None:
    async with opened(fail(ModelError("big: status 400: no such option"))) as bridge:
        reply = await bridge.post(CHAT, HI)

    assert problem(reply) == (400, "invalid_request_error", None)
    assert reply.body["error"]["message"] == "big: status 400: no such option"
    assert reply.headers["X-Should-Retry"] == "false"


@pytest.mark.parametrize("path", BODIES)
async def test_no_answer_at_all(path: str) -> None:
    async with opened(lambda asked: ModelOutput(model="big")) as bridge:
        reply = await bridge.post(path, BODIES[path])

    assert reply.status == 502


@pytest.mark.parametrize(
    ("limits", "type", "answers"),
    [
        pytest.param(SampleLimits(token_limit=20), "token", 1, id="tokens"),
        pytest.param(SampleLimits(message_limit=4), "message", 2, id="messages"),
    ],
)
async def test_limits_of_the_sample(limits: SampleLimits, type: str, answers: int) -> None:
    state = AgentState(messages=[])
    said: list[str] = []
    with pytest.raises(LimitExceededError) as raised:
        async with opened(limits=limits, state=state) as bridge:
            texts = ["Hi"]
            while True:
                texts.append(await bridge.chat(*texts))
                said.append(texts[-1])
                texts.append("More")

    assert raised.value.type == type
    assert len(said) == answers
    assert state.output.completion == said[-1]


async def test_limits_of_a_scope() -> None:
    limit = token_limit(20)
    async with sample(Listening()), aiohttp.ClientSession() as session:
        with apply_limits([limit], catch_errors=True) as scope:
            async with agent_bridge() as bridge:
                asking = Opened(bridge, None, Listening(), session)  # type: ignore[arg-type]
                await asking.chat("A")
                await asking.chat("B")

    assert scope.limit_error is not None
    assert scope.limit_error.source is limit


async def test_a_time_limit_stays_one() -> None:
    slow = asyncio.Event()

    async def wait(*args: object) -> ModelOutput:
        await slow.wait()
        raise AssertionError("nobody sets it")

    model = get_model("mockllm/big", custom_outputs=wait)
    with pytest.raises(TimeoutError):
        async with (
            sample(Listening()),
            aiohttp.ClientSession() as session,
            asyncio.timeout(0.05),
            agent_bridge(model=model) as bridge,
        ):
            await Opened(bridge, None, Listening(), session).chat("A")  # type: ignore[arg-type]

    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_who_hangs_up_cancels_the_call() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def wait(*args: object) -> ModelOutput:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError("it waits for ever")

    model = get_model("mockllm/big", custom_outputs=wait)
    async with (
        sample(Listening()),
        aiohttp.ClientSession() as session,
        agent_bridge(model=model) as bridge,
    ):
        asking = Opened(bridge, None, Listening(), session)  # type: ignore[arg-type]
        call = asyncio.create_task(asking.chat("A"))
        await began.wait()
        call.cancel()
        async with asyncio.timeout(5):
            await ended.wait()
