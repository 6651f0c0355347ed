"""Limits of blocks: what counts, which of several decides, what is caught."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from copy import copy, deepcopy

import pytest

from tasks_lib._errors import LimitExceededError, ParameterError, SampleTerminatedError
from tasks_lib.context import (
    Limit,
    MessageList,
    SampleContext,
    SampleLimits,
    apply_limits,
    check_limits,
    check_message_limit,
    message_limit,
    record_usage,
    time_limit,
    token_limit,
    use_sample,
    working_limit,
)
from tasks_lib.model import get_model
from tasks_lib.schema import ChatMessage, ChatMessageUser, ModelOutput, ModelUsage

KINDS: dict[str, Callable[[int], Limit]] = {
    "token": token_limit,
    "message": message_limit,
    "time": time_limit,
    "working": working_limit,
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def use(tokens: int) -> None:
    """Use tokens as a model call does."""
    record_usage("a/x", ModelUsage(total_tokens=tokens))
    check_limits()


def talk(count: int) -> list[ChatMessage]:
    return [ChatMessageUser(content=str(number)) for number in range(count)]


@every_kind
@pytest.mark.parametrize("value", [-1, -0.5, math.nan])
def test_a_limit_is_no_less_than_nothing(kind: str, value: float) -> None:
    with pytest.raises(ParameterError, match=f"{kind}_limit: limit is {value!r}, expected 0"):
        KINDS[kind](value)  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [token_limit, message_limit])
def test_a_limit_that_is_set_later_is_checked_too(make: Callable[[int], Limit]) -> None:
    limit = make(5)

    with pytest.raises(ValueError, match="limit is -1, expected 0 or more"):
        limit.limit = -1  # type: ignore[misc]
    assert limit.limit == 5


@every_kind
async def test_a_limit_serves_one_block(kind: str) -> None:
    limit = KINDS[kind](5)
    with limit, pytest.raises(RuntimeError, match=f"This {kind}_limit was used before"), limit:
        pass
    with pytest.raises(RuntimeError, match=f"This {kind}_limit was used before"), limit:
        pass


@every_kind
@pytest.mark.parametrize("duplicate", [copy, deepcopy])
async def test_a_copy_of_a_limit_is_new(kind: str, duplicate: Callable[[Limit], Limit]) -> None:
    limit = KINDS[kind](5)
    with limit, duplicate(limit) as second:
        assert (second.limit, type(second)) == (5, type(limit))


@pytest.mark.parametrize("make", [time_limit, working_limit])
def test_time_is_limited_in_tasks_only(make: Callable[[int], Limit]) -> None:
    with pytest.raises(RuntimeError, match="needs a running asyncio task"), make(1):
        pass


def test_tokens_are_counted_for_the_block_only() -> None:
    use(100)
    limit = token_limit(10)
    with limit:
        use(4)
        use(6)
        with pytest.raises(LimitExceededError) as caught:
            use(1)
    use(100)

    error = caught.value
    assert (error.type, error.value, error.limit) == ("token", 11, 10)
    assert error.source is limit
    assert (error.value_str, error.limit_str) == ("11", "10")
    assert error.message == str(error) == "The token limit of 10 was exceeded: 11."
    assert limit.usage == 11


def test_a_million_tokens_are_written_out() -> None:
    error = LimitExceededError("token", value=2_000_001, limit=2_000_000)
    assert str(error) == "The token limit of 2000000 was exceeded: 2000001."


@pytest.mark.parametrize(
    ("value", "text"), [(3.0, "3"), (1234.567, "1234.57"), (0.01234, "0.012"), (math.inf, "inf")]
)
def test_numbers_of_limits_are_short(value: float, text: str) -> None:
    assert LimitExceededError("custom", value=value, limit=1).value_str == text


def test_what_is_not_limited_is_counted() -> None:
    with token_limit(None) as limit:
        use(7)
    assert (limit.limit, limit.usage) == (None, 7)


def test_a_new_token_limit_counts_from_the_next_use() -> None:
    with token_limit(10) as limit:
        use(8)
        limit.limit = 5
        with pytest.raises(LimitExceededError, match="limit of 5 was exceeded: 8"):
            check_limits()
        limit.limit = None
        use(100)


@pytest.mark.parametrize(
    ("sample", "outer", "inner", "expected"),
    [
        pytest.param(None, 20, 5, "inner", id="the inner one is lower"),
        pytest.param(None, 5, 10, "outer", id="the outer one is lower"),
        pytest.param(None, 5, 5, "outer", id="both: the outermost decides"),
        pytest.param(5, 5, 5, "sample", id="the sample is around both"),
        pytest.param(20, 10, None, "outer", id="no limit lifts none that is around"),
    ],
)
def test_tokens_count_for_all_blocks_around(
    sample: int | None, outer: int, inner: int | None, expected: str
) -> None:
    context = SampleContext(limits=SampleLimits(token_limit=sample))
    first, second = token_limit(outer), token_limit(inner)
    with use_sample(context), first, second, pytest.raises(LimitExceededError) as caught:
        use(12)

    source = {"sample": None, "outer": first, "inner": second}[expected]
    assert caught.value.source is source
    assert (first.usage, second.usage, context.total_tokens) == (12, 12, 12)


async def test_what_is_started_in_a_block_counts_there() -> None:
    async def call() -> None:
        with token_limit(3) as own:
            use(3)
        assert own.usage == 3

    with token_limit(9):
        await asyncio.gather(call(), call(), call())
        with pytest.raises(LimitExceededError, match="limit of 9 was exceeded: 12"):
            await asyncio.create_task(call())


async def test_blocks_at_the_same_time_do_not_share() -> None:
    async def call(tokens: int) -> float:
        with token_limit(None) as limit:
            await asyncio.sleep(0)
            use(tokens)
            await asyncio.sleep(0)
        return limit.usage

    with use_sample(SampleContext()) as context:
        assert list(await asyncio.gather(call(1), call(2), call(3))) == [1, 2, 3]
        assert context.total_tokens == 6


def test_a_message_limit_knows_no_usage() -> None:
    with pytest.raises(NotImplementedError, match="it counts for each conversation"):
        _ = message_limit(3).usage


@pytest.mark.parametrize(
    ("sample", "outer", "inner", "room"),
    [
        pytest.param(4, None, None, 4, id="the sample's"),
        pytest.param(4, 2, None, 2, id="a lower one in the sample"),
        pytest.param(4, 6, None, 6, id="a higher one in the sample"),
        pytest.param(4, 2, 3, 3, id="the innermost of two"),
        pytest.param(None, 2, None, 2, id="a sample without"),
    ],
)
def test_the_innermost_message_limit_decides(
    sample: int | None, outer: int | None, inner: int | None, room: int
) -> None:
    blocks = [message_limit(limit) for limit in (outer, inner) if limit is not None]
    with use_sample(SampleContext(limits=SampleLimits(message_limit=sample))):
        conversation = MessageList(())
        with apply_limits(blocks):
            conversation.extend(talk(room))
            check_message_limit(room)
            check_message_limit(room - 1, generating=True)
            with pytest.raises(LimitExceededError, match=f"limit of {room} was exceeded") as grown:
                conversation.append(talk(1)[0])
            with pytest.raises(LimitExceededError) as asked:
                check_message_limit(room, generating=True)

    source = blocks[-1] if blocks else None
    assert [error.value.source for error in (grown, asked)] == [source, source]
    assert (grown.value.value, asked.value.value, len(conversation)) == (room + 1, room, room)


def test_no_message_limit_lifts_that_of_the_sample() -> None:
    with use_sample(SampleContext(limits=SampleLimits(message_limit=1))):
        with message_limit(None):
            conversation = MessageList(talk(3))
        with pytest.raises(LimitExceededError, match="limit of 1 was exceeded: 4"):
            conversation += talk(1)


def test_a_sample_is_nearer_than_a_message_limit_around_it() -> None:
    with message_limit(1), use_sample(SampleContext()):
        assert len(MessageList(talk(3))) == 3
    with message_limit(1), pytest.raises(LimitExceededError):
        MessageList(talk(3))


def test_a_new_message_limit_is_checked_with_the_next_message() -> None:
    with message_limit(5) as limit:
        conversation = MessageList(talk(4))
        limit.limit = 2
        assert limit.limit == 2
        with pytest.raises(LimitExceededError, match="limit of 2 was exceeded: 5"):
            conversation.append(talk(1)[0])


def test_a_conversation_is_multiplied_within_its_limit() -> None:
    conversation = MessageList(talk(2), SampleLimits(message_limit=4))
    conversation *= 2
    assert (len(conversation), type(conversation)) == (4, MessageList)
    with pytest.raises(LimitExceededError, match="limit of 4 was exceeded: 8"):
        conversation *= 2
    assert len(conversation) == 4


def test_a_copied_conversation_keeps_to_the_same_limit() -> None:
    limits = SampleLimits(message_limit=2)
    conversation = MessageList(talk(2), limits)
    limits.message_limit = 1
    twin = deepcopy(conversation)

    assert twin == conversation
    assert twin[0] is not conversation[0]
    limits.message_limit = 3
    twin.append(talk(1)[0])
    with pytest.raises(LimitExceededError, match="limit of 3 was exceeded: 4"):
        twin.append(talk(1)[0])


async def test_model_calls_keep_to_the_limits_of_blocks() -> None:
    answer = ModelOutput.from_content("mockllm/model", "yes")
    answer.usage = ModelUsage(input_tokens=3, output_tokens=1, total_tokens=4)
    model = get_model("mockllm/model", custom_outputs=[answer] * 3)

    with token_limit(7) as tokens, pytest.raises(LimitExceededError) as used_up:
        await model.generate("first")
        await model.generate("second")
    with message_limit(1) as messages, pytest.raises(LimitExceededError) as no_room:
        await model.generate("third")

    assert (used_up.value.source, used_up.value.value) == (tokens, 8)
    assert (no_room.value.source, no_room.value.value) == (messages, 1)


@pytest.mark.parametrize("catch", [True, False])
def test_a_scope_tells_which_limit_was_reached(catch: bool) -> None:
    first, second = token_limit(100), token_limit(5)
    error = None
    try:
        with apply_limits([first, second], catch_errors=catch) as scope:
            use(6)
            pytest.fail("The block goes on.")
    except LimitExceededError as raised:
        error = raised

    assert scope.limit_error is not None
    assert scope.limit_error.source is second
    assert error is (None if catch else scope.limit_error)


def test_a_scope_without_an_error_has_none() -> None:
    with apply_limits([token_limit(5)], catch_errors=True) as scope:
        use(5)
    assert scope.limit_error is None


def _own_sample(own: LimitExceededError) -> None:
    with use_sample(SampleContext(limits=SampleLimits(token_limit=1))):
        use(2)


def _inner_block(own: LimitExceededError) -> None:
    with token_limit(1):
        use(2)


def _custom(own: LimitExceededError) -> None:
    raise LimitExceededError("custom", value=1, limit=1)


def _terminated(own: LimitExceededError) -> None:
    raise SampleTerminatedError("Enough.")


def _mixed_group(own: LimitExceededError) -> None:
    raise ExceptionGroup("both", [own, ValueError("x")])


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        pytest.param(_own_sample, LimitExceededError, id="the sample's limit"),
        pytest.param(_inner_block, LimitExceededError, id="a limit of a block within"),
        pytest.param(_custom, LimitExceededError, id="a limit without a source"),
        pytest.param(_terminated, SampleTerminatedError, id="somebody ended the sample"),
        pytest.param(_mixed_group, ExceptionGroup, id="a group with something else"),
    ],
)
def test_a_scope_catches_only_its_own_limits(
    act: Callable[[LimitExceededError], None], expected: type[Exception]
) -> None:
    limit = token_limit(100)
    own = LimitExceededError("token", value=101, limit=100, source=limit)
    with pytest.raises(expected), apply_limits([limit], catch_errors=True) as scope:
        act(own)
    assert scope.limit_error is None


async def test_a_scope_catches_its_limit_from_a_group() -> None:
    async def call() -> None:
        use(3)

    with apply_limits([token_limit(4)], catch_errors=True) as scope:
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(call())
    assert scope.limit_error is not None
    assert scope.limit_error.value == 6


def test_an_outer_scope_catches_what_an_inner_one_lets_through() -> None:
    with apply_limits([token_limit(5)], catch_errors=True) as outer:
        with apply_limits([token_limit(100)], catch_errors=True) as inner:
            use(6)
        pytest.fail("The inner scope caught the limit of the outer one.")

    assert inner.limit_error is None
    assert outer.limit_error is not None


def test_limits_before_one_that_was_used_are_left_again() -> None:
    used, fresh = token_limit(1), token_limit(1)
    with used:
        pass
    with pytest.raises(RuntimeError), apply_limits([fresh, used]):
        pytest.fail("The block begins.")
    use(5)
    assert fresh.usage == 0
