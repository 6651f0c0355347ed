"""multiple_choice: what the model sees, and what is marked."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from solvers import MultipleChoiceTemplate, TaskState, multiple_choice
from tasks_lib._errors import DatasetError, LimitExceededError, ParameterError

NewState = Callable[..., TaskState]
Scripted = Callable[..., Any]


def _marks(state: TaskState) -> list[bool | None]:
    return [choice.correct for choice in state.choices]


@pytest.mark.parametrize(
    ("options", "answer", "expected"),
    [
        pytest.param({}, "ANSWER: B", [False, True, False], id="one"),
        pytest.param({}, "ANSWER: A and B", [False, False, False], id="two where one is right"),
        pytest.param({}, "I don't know", [False, False, False], id="none"),
        pytest.param({"multiple_correct": True}, "ANSWER: A and C", [True, False, True], id="two"),
        pytest.param({"cot": True}, "First…\n\nANSWER: C", [False, False, True], id="cot"),
        pytest.param(
            {"template": "{question}\n{choices}"}, "ANSWER: A", [True, False, False], id="template"
        ),
    ],
)
async def test_marks(
    options: dict[str, Any],
    answer: str,
    expected: list[bool | None],
    new_state: NewState,
    scripted: Scripted,
) -> None:
    state = new_state(choices=["one", "two", "three"])

    state = await multiple_choice(**options)(state, scripted(answer))

    assert _marks(state) == expected
    assert [choice.value for choice in state.choices] == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("options", "name"),
    [
        pytest.param({}, "SINGLE_ANSWER", id="single"),
        pytest.param({"cot": True}, "SINGLE_ANSWER_COT", id="single, cot"),
        pytest.param({"multiple_correct": True}, "MULTIPLE_ANSWER", id="multiple"),
        pytest.param(
            {"multiple_correct": True, "cot": True}, "MULTIPLE_ANSWER_COT", id="multiple, cot"
        ),
    ],
)
async def test_default_templates(
    options: dict[str, bool], name: str, new_state: NewState, scripted: Scripted
) -> None:
    state = new_state(choices=["one", "two"])

    state = await multiple_choice(**options)(state, scripted("ANSWER: A"))  # type: ignore[arg-type]

    expected = MultipleChoiceTemplate[name].value.format(
        question="question", choices="A) one\nB) two", letters="A,B"
    )
    assert state.messages[0].text == expected


async def test_custom_template_and_labels(new_state: NewState, scripted: Scripted) -> None:
    choices = [f"c{i}" for i in range(28)]
    template = "{{{letters}}} {question}\n{choices}"
    state = new_state(choices=choices)

    state = await multiple_choice(template=template)(state, scripted("ANSWER: 2"))

    lines = state.messages[0].text.splitlines()
    assert lines[0] == "{A,B,C,D,E,F,G,H,I,J,K,L,M,N,O,P,Q,R,S,T,U,V,W,X,Y,Z,1,2} question"
    assert lines[1:3] + lines[26:] == ["A) c0", "B) c1", "Z) c25", "1) c26", "2) c27"]
    assert _marks(state) == [False] * 27 + [True]


@pytest.mark.parametrize(
    ("options", "call"),
    [
        pytest.param({}, {"tool_calls": "loop", "cache": False}, id="default"),
        pytest.param(
            {"max_tokens": 5},
            {"tool_calls": "loop", "cache": False, "max_tokens": 5},
            id="max_tokens",
        ),
    ],
)
async def test_generate_options(
    options: dict[str, Any], call: dict[str, Any], new_state: NewState, scripted: Scripted
) -> None:
    generate = scripted("ANSWER: A")

    await multiple_choice(**options)(new_state(choices=["one"]), generate)

    assert generate.calls == [call]


async def test_shuffle_keeps_original_positions(new_state: NewState, scripted: Scripted) -> None:
    with pytest.warns(DeprecationWarning, match="shuffle the choices of the dataset"):
        solver = multiple_choice(shuffle=Random(3))
    state = new_state(choices=["one", "two", "three", "four"])

    state = await solver(state, scripted("ANSWER: A"))

    first = state.choices[0]
    assert [choice.original_position for choice in state.choices] != [0, 1, 2, 3]
    assert first.correct
    assert re.search(rf"^A\) {first.value}$", state.messages[0].text, re.MULTILINE)


async def test_a_limit_leaves_no_choice_chosen(new_state: NewState) -> None:
    async def generate(state: TaskState, *_: Any, **__: Any) -> TaskState:
        raise LimitExceededError("token", value=2, limit=1)

    state = new_state(choices=["one", "two"])

    with pytest.raises(LimitExceededError):
        await multiple_choice()(state, generate)

    assert _marks(state) == [False, False]


@pytest.mark.parametrize("choices", [None, []])
async def test_no_choices(
    choices: list[str] | None, new_state: NewState, scripted: Scripted
) -> None:
    with pytest.raises(DatasetError, match=r"field 'choices': .* sample 7 has none"):
        await multiple_choice()(new_state(choices=choices), scripted())


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        pytest.param("{question}", r"expected \{choices\}", id="no choices"),
        pytest.param("{choices}", r"expected \{question\}", id="no question"),
        pytest.param("", r"expected \{question\} and \{choices\}", id="empty"),
        pytest.param("{question}{choices}{x}", r"expected no variable \{x\}", id="another"),
    ],
)
def test_bad_template(template: str, expected: str) -> None:
    with pytest.raises(ParameterError, match=expected):
        multiple_choice(template=template)
