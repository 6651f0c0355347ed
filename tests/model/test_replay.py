"""Replays: which request is the one that was recorded, and what a miss says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tasks_lib._errors import ModelError
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    ContentImage,
    ContentText,
    GenerateConfig,
    ToolCall,
    ToolFunction,
)
from tests.model._recording import (
    LOG,
    PIXEL,
    Ask,
    header,
    record,
    replay,
    said,
    tool,
    user,
    wishful,
)

CALL = ToolCall(id="c", function="add", arguments={"a": 1, "b": 0.5})
CONVERSATION: list[ChatMessage] = [
    ChatMessageSystem(content="Be brief."),
    user("Look."),
    said("Adding.", tool_calls=[CALL]),
    ChatMessageTool(content="1.5", tool_call_id="c", function="add"),
]
CONFIG = GenerateConfig(temperature=0, seed=3, extra_body={"x": {"b": 1, "a": 2}})
WHOLE = Ask(CONVERSATION, tools=[tool("add"), tool("sub")], config=CONFIG)


def options(**changes: Any) -> Ask:
    return WHOLE._replace(config=CONFIG.model_copy(update=changes))


def message(position: int, **changes: Any) -> Ask:
    messages = [*CONVERSATION]
    messages[position] = messages[position].model_copy(update=changes)
    return WHOLE._replace(input=messages)


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(WHOLE, id="all the same"),
        pytest.param(message(1, id="other"), id="id"),
        pytest.param(message(1, metadata={"n": 1}), id="metadata"),
        pytest.param(message(1, source="operator"), id="source"),
        pytest.param(message(2, model="other"), id="model of a message"),
        pytest.param(
            message(2, tool_calls=[CALL.model_copy(update={"arguments": {"b": 0.5, "a": 1}})]),
            id="order of arguments",
        ),
        pytest.param(options(extra_body={"x": {"a": 2, "b": 1}}), id="order of options"),
        pytest.param(options(max_retries=3, timeout=9, attempt_timeout=2), id="retries"),
        pytest.param(options(max_connections=3), id="connections"),
        pytest.param(options(max_tool_output=10), id="what is done before"),
        pytest.param(WHOLE._replace(choice="auto"), id="the default choice"),
        pytest.param(WHOLE._replace(sample=7, epoch=3), id="sample"),
    ],
)
async def test_the_same_request(tmp_path: Path, ask: Ask) -> None:
    path = await record(tmp_path / LOG, WHOLE)

    assert (await replay(path).ask(ask)).completion == "answer 1"


@pytest.mark.parametrize(
    ("ask", "lines"),
    [
        pytest.param(
            message(0, content="Be brief!"),
            ["message 1 (system): recorded 'Be brief.', asked 'Be brief!'"],
            id="text",
        ),
        pytest.param(
            message(1, content=f"{'Look. ' * 50}And see."),
            [f"message 2 (user): recorded 'Look.', asked '{'Look. ' * 13}Lo'…"],
            id="long text",
        ),
        pytest.param(
            WHOLE._replace(input=CONVERSATION[:3]),
            ["message 4: recorded tool: '1.5', asked none"],
            id="fewer messages",
        ),
        pytest.param(
            WHOLE._replace(input=[*CONVERSATION, user("Go on.")]),
            ["message 5: recorded none, asked user: 'Go on.'"],
            id="more messages",
        ),
        pytest.param(
            WHOLE._replace(input=[*CONVERSATION[:1], said("Look."), *CONVERSATION[2:]]),
            ["message 2: recorded user, asked assistant"],
            id="role",
        ),
        pytest.param(
            message(2, tool_calls=[CALL.model_copy(update={"arguments": {"a": 2, "b": 0.5}})]),
            [
                'message 3 (assistant): recorded …\':[{"arguments":{"a":1,"b":0.5},"function":'
                '"add","id":"c"}]}\', asked …\':[{"arguments":{"a":2,"b":0.5},"function":"add",'
                '"id":"c"}]}\''
            ],
            id="arguments",
        ),
        pytest.param(
            WHOLE._replace(tools=[tool("add")]),
            ["tools: recorded add, sub, asked add"],
            id="tools",
        ),
        pytest.param(
            WHOLE._replace(tools=[tool("add"), tool("sub", "Subtracts.")]),
            ["tools: 'sub' has another description, parameters or options"],
            id="description of a tool",
        ),
        pytest.param(
            WHOLE._replace(choice="any"),
            ['tool_choice: recorded "auto", asked "any"'],
            id="tool choice",
        ),
        pytest.param(
            WHOLE._replace(choice=ToolFunction("add")),
            [
                "tools: recorded add, sub, asked add",
                'tool_choice: recorded "auto", asked "tool add"',
            ],
            id="one tool",
        ),
        pytest.param(
            options(temperature=0.5, seed=None, top_p=0.9),
            [
                "seed: recorded 3, asked none",
                "temperature: recorded 0.0, asked 0.5",
                "top_p: recorded none, asked 0.9",
            ],
            id="options",
        ),
        pytest.param(
            options(max_tokens=10), ["max_tokens: recorded none, asked 10"], id="max_tokens"
        ),
    ],
)
async def test_another_request(tmp_path: Path, ask: Ask, lines: list[str]) -> None:
    path = await record(tmp_path / LOG, Ask("Hello."), WHOLE, Ask("Bye.", sample=2))

    with pytest.raises(ModelError) as caught:
        await replay(path).ask(ask)

    assert str(caught.value).split("\n  ") == [
        f"replay: sample 1 in epoch 1 asks what was not recorded in '{path}'. Nearest is call 2 "
        "of sample 1 in epoch 1, which differs:",
        *lines,
    ]


@pytest.mark.parametrize(
    ("ask", "nearest"),
    [
        pytest.param(
            Ask("What is 8?", sample=2, epoch=2), "call 1 of sample 2 in epoch 2", id="own"
        ),
        pytest.param(
            Ask("What is 8?", sample=2, epoch=9), "call 1 of sample 2 in epoch 1", id="epoch"
        ),
        pytest.param(
            Ask("Where is B?", sample="2"), "call 1 of sample 'b' in epoch 1", id="stranger"
        ),
    ],
)
async def test_nearest_recorded_request(tmp_path: Path, ask: Ask, nearest: str) -> None:
    path = await record(
        tmp_path / LOG,
        Ask("What is 1?", sample=1),
        Ask("What is 2?", sample=2),
        Ask("What is 2?", sample=2, epoch=2),
        Ask("Where is A?", sample="b"),
    )

    with pytest.raises(ModelError, match=nearest):
        await replay(path).ask(ask)


THOUGHTS: list[ChatMessage] = [
    user("1?"),
    said("One.", "Hm, one."),
    user("2?"),
    said("Two.", "Hm, two."),
    user("3?"),
]
SCREENSHOT: list[ChatMessage] = [
    user("Look."),
    said("Looking.", tool_calls=[CALL]),
    ChatMessageTool(content=[ContentImage(image=PIXEL)], tool_call_id="c", function="add"),
    user("And?"),
]
IN_A_ROW: list[ChatMessage] = [user("a"), user("b"), said("c"), said("d"), user("e")]


@pytest.mark.parametrize(
    ("wishes", "ask"),
    [
        pytest.param({}, Ask(THOUGHTS), id="all reasoning"),
        pytest.param({"history": "none"}, Ask(THOUGHTS), id="no reasoning"),
        pytest.param({"history": "last"}, Ask(THOUGHTS), id="the last reasoning"),
        pytest.param(
            {},
            Ask(THOUGHTS, config=GenerateConfig(reasoning_history="last")),
            id="the last reasoning by option",
        ),
        pytest.param({"images": True}, Ask(SCREENSHOT), id="images in results"),
        pytest.param({}, Ask(SCREENSHOT), id="images after results"),
        pytest.param({"collapse": True}, Ask(SCREENSHOT), id="joined with images"),
        pytest.param({"collapse": True}, Ask(IN_A_ROW), id="joined"),
        pytest.param({}, Ask("Hi", tools=[tool("a")], choice="none"), id="no tools"),
        pytest.param(
            {"required": True}, Ask("Hi", tools=[tool("a")], choice="none"), id="tools in vain"
        ),
        pytest.param({"tokens": 4096}, Ask("Hi"), id="default of max_tokens"),
        pytest.param(
            {"tokens": 4096, "collapse": True, "history": "none"},
            Ask([user("0?"), *THOUGHTS]),
            id="several",
        ),
    ],
)
async def test_providers_of_other_wishes(tmp_path: Path, wishes: dict[str, Any], ask: Ask) -> None:
    path = await record(tmp_path / LOG, ask, model=wishful(**wishes))

    assert (await replay(path).ask(ask)).completion == "answer 1"


async def test_tokens_that_the_run_asked_for_are_no_default(tmp_path: Path) -> None:
    config = GenerateConfig(max_tokens=100)
    ask = Ask("Hi", config=config)
    path = await record(tmp_path / LOG, ask, log=header(config=config))

    assert (await replay(path).ask(ask)).completion == "answer 1"
    with pytest.raises(ModelError, match="max_tokens: recorded 100, asked none"):
        await replay(path).ask(Ask("Hi"))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("half a pair: \ud83d", id="lone surrogate"),
        pytest.param("nul \0 and \x1b[31m", id="control characters"),
        pytest.param([ContentImage(image=PIXEL), ContentText(text="What?")], id="image"),
        pytest.param("", id="nothing"),
    ],
)
async def test_unusual_content(tmp_path: Path, content: Any) -> None:
    ask = Ask([ChatMessageUser(content=content)])
    path = await record(tmp_path / LOG, ask)

    assert (await replay(path).ask(ask)).completion == "answer 1"
