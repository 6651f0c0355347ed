"""Which calls belong together, and which conversation the state follows."""

from __future__ import annotations

import asyncio

import pytest

from solvers.agents import AgentState, agent_bridge
from tasks_lib.model import get_model
from tasks_lib.schema import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageUser,
    Content,
    ContentReasoning,
    ContentText,
    ModelOutput,
)
from tests.solvers.agents._bridge_asking import CHAT, Asked, opened, say

TASK = ("Solve it.", "You said Solve it..", "Go on.")
"""A second turn; the answers are echoes."""
SECOND = (*TASK, "You said Go on..", "And?")


@pytest.mark.parametrize(
    ("calls", "main", "sizes"),
    [
        pytest.param([("A",)], "You said A.", [2], id="one call"),
        pytest.param([TASK[:1], TASK, SECOND], "You said And?.", [6], id="one conversation"),
        pytest.param([("A",), ("B",)], "You said B.", [2, 2], id="of single calls the last"),
        pytest.param(
            [("Title?",), TASK[:1], TASK, ("Summary?",)],
            "You said Go on..",
            [2, 4, 2],
            id="calls beside the point do not count",
        ),
        pytest.param(
            [TASK[:1], TASK, ("Sub",), ("Sub", "You said Sub.", "More"), SECOND],
            "You said And?.",
            [6, 4],
            id="agents that take turns",
        ),
        pytest.param(
            [TASK[:1], TASK, ("Short.", "You said Go on..", "And?")],
            "You said And?.",
            [4],
            id="a conversation that was cut",
        ),
        pytest.param(
            [TASK[:1], TASK, TASK],
            "You said Go on..",
            [4, 4],
            id="two ways on from one answer",
        ),
        pytest.param(
            [TASK[:1], TASK, ("Solve it.", "Something else.", "Go on.")],
            "You said Go on..",
            [4, 4],
            id="another's answer",
        ),
    ],
)
async def test_conversations(calls: list[tuple[str, ...]], main: str, sizes: list[int]) -> None:
    async with opened() as bridge:
        for texts in calls:
            await bridge.chat(*texts)

        assert bridge.bridge.state.output.completion == main
        assert [len(c.messages) for c in bridge.bridge.conversations] == sizes


async def test_the_state_follows_call_by_call() -> None:
    state = AgentState(messages=[ChatMessageUser(content="Solve it.", source="input")])
    [input] = state.messages

    async with opened(state=state) as bridge:
        await bridge.chat(*TASK[:1])
        first = list(state.messages)
        await bridge.chat(*TASK)

    assert bridge.bridge.state is state
    assert first[0] is input
    assert [message.text for message in first] == list(TASK[:2])
    assert state.messages[:2] == first
    assert state.messages[-1] is state.output.message


async def test_a_model_gets_its_answers_back_as_it_gave_them() -> None:
    content: list[Content] = [
        ContentReasoning(reasoning="Hm.", signature="s1"),
        ContentText(text="Four. "),
    ]

    def think(asked: Asked) -> ModelOutput:
        message = ChatMessageAssistant(content=content)
        return ModelOutput(model="big", choices=[ChatCompletionChoice(message=message)])

    async with opened(think) as bridge:
        await bridge.chat("2+2?")
        await bridge.chat("2+2?", "Four.", "Sure?")

    events = [event for event in bridge.context.transcript.events if event.event == "model"]
    [answer] = events[0].output.choices
    second = bridge.listening.asked[1].messages
    assert second[1].content == content
    assert second[1].id == answer.message.id
    assert second[0].id == events[0].input[0].id


async def test_equal_words_are_messages_of_their_own() -> None:
    async with opened(lambda asked: say("Yes.")) as bridge:
        await bridge.chat("Ok?")
        await bridge.chat("Ok?", "Yes.", "Ok?")
        await bridge.chat("Ok?", "Yes.", "Ok?", "Yes.", "Ok?")

    ids = [message.id for message in bridge.bridge.state.messages]
    assert len(set(ids)) == len(ids) == 6


async def test_equal_answers_of_several_conversations_are_not_mixed_up() -> None:
    async with opened(lambda asked: say("Yes.")) as bridge:
        await bridge.chat("A")
        await bridge.chat("B")
        await bridge.chat("A", "Yes.", "more")

    told = [[m.text for m in c.messages] for c in bridge.bridge.conversations]
    assert told == [["A", "Yes.", "more", "Yes."], ["B", "Yes."]]


async def test_two_ways_on_at_once() -> None:
    both = asyncio.Barrier(2)
    answers = iter(("First.", "One way.", "Another way."))

    async def answer(messages: list[ChatMessage], *others: object) -> ModelOutput:
        if len(messages) > 1:
            await both.wait()
        return say(next(answers))

    model = get_model("mockllm/big", custom_outputs=answer)
    async with opened() as outer, agent_bridge(model=model) as bridge:
        asking = outer._replace(bridge=bridge)
        await asking.chat("A")
        await asyncio.gather(*(asking.chat("A", "First.", "B") for _ in range(2)))

    told = [[m.text for m in c.messages] for c in bridge.conversations]
    assert told == [["A", "First.", "B", "One way."], ["A", "First.", "B", "Another way."]]


async def test_several_choices_can_go_on() -> None:
    def two(asked: Asked) -> ModelOutput:
        output = say("First.")
        output.choices.append(say("Second.").choices[0])
        return output

    async with opened(two) as bridge:
        await bridge.chat("A", n=2)
        await bridge.chat("A", "Second.", "more")

    assert bridge.listening.asked[0].config.num_choices == 2
    told = [[m.text for m in c.messages] for c in bridge.bridge.conversations]
    assert told == [["A", "Second.", "more", "First."]]


async def test_names_of_users_are_kept() -> None:
    async with opened() as bridge:
        for name in ("Ann", "Bo"):
            message = {"role": "user", "content": "Hi", "name": name}
            reply = await bridge.post(CHAT, {"model": "any", "messages": [message]})
            assert reply.status == 200

    told = [[message.metadata for message in asked.messages] for asked in bridge.listening.asked]
    assert told == [[{"name": "Ann"}], [{"name": "Bo"}]]
