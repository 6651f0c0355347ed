"""Solvers that write messages: where they stand and what is filled in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from solvers import (
    Solver,
    TaskState,
    assistant_message,
    chain_of_thought,
    prompt_template,
    system_message,
    user_message,
)
from tasks_lib._errors import ParameterError
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
)

NewState = Callable[..., TaskState]
Scripted = Callable[..., Any]


def _conversation(state: TaskState) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in state.messages]


@pytest.mark.parametrize(
    ("solver", "metadata", "store", "expected"),
    [
        pytest.param(prompt_template("Q: {prompt}"), {}, {}, "Q: question", id="prompt"),
        pytest.param(prompt_template("{prompt} {a}"), {"a": 1}, {}, "question 1", id="metadata"),
        pytest.param(prompt_template("{prompt} {a}"), {"a": 1}, {"a": 2}, "question 2",
                     id="the store wins over metadata"),
        pytest.param(prompt_template("{prompt} {a}", a=3), {"a": 1}, {"a": 2}, "question 3",
                     id="arguments win over the store"),
        pytest.param(prompt_template("{prompt}"), {"prompt": "x"}, {"prompt": "y"}, "question",
                     id="prompt is always the message"),
        pytest.param(prompt_template("{prompt} {b} {{c}}"), {}, {}, "question {b} {c}",
                     id="unknown placeholders stay"),
        pytest.param(prompt_template("{prompt} {a}"), {"a": None}, {}, "question {a}",
                     id="None stays"),
        pytest.param(prompt_template("{a.real} {b[0]} {c:.1f} {d.x}", a=4, b="xy", c=0.25, d=1),
                     {}, {}, "4 x 0.2 {d.x}", id="attributes, items, formats"),
        pytest.param(prompt_template("{prompt} {unbalanced"), {}, {}, "{prompt} {unbalanced",
                     id="unbalanced braces stay"),
        pytest.param(prompt_template("no variable"), {}, {}, "no variable", id="no variable"),
        pytest.param(chain_of_thought("Think: {prompt} {{x}}"), {}, {}, "Think: question {x}",
                     id="own chain of thought"),
    ],
)  # fmt: skip
async def test_prompt(
    solver: Solver,
    metadata: dict[str, object],
    store: dict[str, object],
    expected: str,
    new_state: NewState,
    scripted: Scripted,
) -> None:
    state = new_state(metadata=metadata)
    for key, value in store.items():
        state.store.set(key, value)

    state = await solver(state, scripted())

    assert _conversation(state) == [("user", expected)]


async def test_chain_of_thought_asks_for_an_answer_line(
    new_state: NewState, scripted: Scripted
) -> None:
    state = await chain_of_thought()(new_state(), scripted())

    assert state.user_prompt.text.startswith("question\n")
    assert '"ANSWER: $ANSWER"' in state.user_prompt.text


SYSTEM, USER = ChatMessageSystem(content="first"), ChatMessageUser(content="question")


@pytest.mark.parametrize(
    ("solver", "messages", "expected"),
    [
        pytest.param(system_message("be {how}", how="kind"), [USER],
                     [("system", "be kind"), ("user", "question")], id="system"),
        pytest.param(system_message("second"), [SYSTEM, USER],
                     [("system", "first"), ("system", "second"), ("user", "question")],
                     id="system after the last one"),
        pytest.param(system_message("only"), [], [("system", "only")], id="system, no messages"),
        pytest.param(user_message("and {topic}"), [USER],
                     [("user", "question"), ("user", "and cats")], id="user"),
        pytest.param(assistant_message("about {topic}"), [USER],
                     [("user", "question"), ("assistant", "about cats")], id="assistant"),
    ],
)  # fmt: skip
async def test_message(
    solver: Solver,
    messages: list[ChatMessage],
    expected: list[tuple[str, str]],
    new_state: NewState,
    scripted: Scripted,
) -> None:
    state = new_state(messages=list(messages), metadata={"topic": "cats"})

    state = await solver(state, scripted())

    assert _conversation(state) == expected


async def test_assistant_message_names_the_model(new_state: NewState, scripted: Scripted) -> None:
    state = await assistant_message("hello")(new_state(), scripted())

    message = state.messages[-1]
    assert isinstance(message, ChatMessageAssistant)
    assert message.model == "mockllm/model"


async def test_no_user_message(new_state: NewState, scripted: Scripted) -> None:
    with pytest.raises(ValueError, match="sample 7 has no user message"):
        await prompt_template("{prompt}")(new_state(messages=[]), scripted())


@pytest.mark.parametrize("factory", [prompt_template, chain_of_thought, system_message])
async def test_template_from_a_file(
    factory: Callable[[str], Solver], tmp_path: Path, new_state: NewState, scripted: Scripted
) -> None:
    path = tmp_path / "template.txt"
    path.write_text("Frage: {prompt} ä", encoding="utf-8")

    by_path = await factory(str(path))(new_state(), scripted())
    by_url = await factory(path.as_uri())(new_state(), scripted())
    by_text = await factory("Frage: {prompt} ä")(new_state(), scripted())

    assert _conversation(by_path) == _conversation(by_url) == _conversation(by_text)
    assert "Frage" in by_path.messages[0].text


def test_missing_url() -> None:
    with pytest.raises(FileNotFoundError):
        prompt_template("file:///no/such/template.txt")


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        pytest.param("no variable", r"expected \{prompt\}", id="variable missing"),
        pytest.param("{prompt} {x}", r"expected no variable \{x\}", id="another variable"),
        pytest.param("{prompt} {", "expected balanced braces", id="unbalanced"),
        pytest.param("{prompt.name}", "expected variables that are texts", id="attribute"),
        pytest.param("{prompt:d}", "expected variables that are texts", id="number format"),
        pytest.param("{prompt} {}", r"expected no variable \{\}", id="variable without name"),
        pytest.param("x" * 5000 + "\0", r"expected \{prompt\}", id="no file name"),
    ],
)
def test_bad_chain_of_thought_template(template: str, expected: str) -> None:
    with pytest.raises(ParameterError, match=expected):
        chain_of_thought(template)
