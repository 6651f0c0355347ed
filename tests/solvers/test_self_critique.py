"""self_critique: who is asked what, and which templates are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from solvers import TaskState, self_critique
from tasks_lib._errors import DatasetError, ParameterError, UnknownNameError
from tasks_lib.context import SampleContext, use_sample
from tasks_lib.model import Model, get_model, use_active_model
from tasks_lib.schema import ChatMessage, ChatMessageUser, ModelOutput

NewState = Callable[..., TaskState]
Scripted = Callable[..., Any]

TEMPLATES = {"critique_template": "C {completion}", "completion_template": "R {critique}"}


class Critic:
    """Says the same each time, and remembers what it was asked."""

    def __init__(self, says: str) -> None:
        self.asked: list[str] = []
        self._says = says
        self.model = get_model("mockllm/critic", custom_outputs=self._answer)

    def _answer(self, input: list[ChatMessage], *_: object) -> ModelOutput:
        assert [message.role for message in input] == ["user"]
        self.asked.append(input[0].text)
        return ModelOutput.from_content("mockllm/critic", self._says)


@pytest.fixture
def answered(new_state: NewState) -> Callable[..., TaskState]:
    """Return a function that makes a state whose question has the answer "5"."""

    def make(**metadata: object) -> TaskState:
        prompt = ChatMessageUser(content="What of the question?")
        state = new_state(messages=[prompt], metadata=metadata)
        state.output = ModelOutput.from_content("mockllm/model", "5")
        state.messages.append(state.output.message)
        return state

    return make


def _conversation(state: TaskState) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in state.messages]


@pytest.mark.parametrize(
    ("templates", "metadata", "asked", "told"),
    [
        pytest.param(
            {"critique_template": "{question}? {completion}!",
             "completion_template": "{question}? {completion}! {critique}"},
            {}, "question? 5!", "question? 5! Too low.", id="own variables",
        ),
        pytest.param(
            {"critique_template": "{completion} {level} {{x}} {who[name]}",
             "completion_template": "{critique} {level:>3}"},
            {"level": 3, "who": {"name": "Ann"}}, "5 3 {x} Ann", "Too low.   3", id="metadata",
        ),
        pytest.param(
            {"critique_template": "{question} {completion}",
             "completion_template": "{critique}"},
            {"question": "x", "completion": "y", "critique": "z"}, "question 5", "Too low.",
            id="own variables win over metadata",
        ),
        pytest.param(TEMPLATES, {"no name": "{x}"}, "C 5", "R Too low.", id="any metadata"),
    ],
)  # fmt: skip
async def test_critique(
    templates: dict[str, str],
    metadata: dict[str, object],
    asked: str,
    told: str,
    answered: Callable[..., TaskState],
    scripted: Scripted,
) -> None:
    critic, generate = Critic("Too low."), scripted("6")

    state = await self_critique(**templates, model=critic.model)(answered(**metadata), generate)

    assert critic.asked == [asked]
    assert _conversation(state) == [
        ("user", "What of the question?"), ("assistant", "5"), ("user", told), ("assistant", "6"),
    ]  # fmt: skip
    assert state.output.completion == "6"
    assert generate.calls == [{"tool_calls": "loop", "cache": False}]


async def test_default_templates(answered: Callable[..., TaskState], scripted: Scripted) -> None:
    critic = Critic("Braces {like} these are fine.")

    state = await self_critique(model=critic.model)(answered(), scripted("6"))

    asked, told = critic.asked[0], state.messages[2].text
    assert all(part in asked for part in ("question\n", "5\n", "The answer is fully correct."))
    assert all(part in told for part in ("question\n", "5\n", "Braces {like} these are fine.\n"))
    assert '"ANSWER: $ANSWER"' in told


async def test_templates_from_files(
    answered: Callable[..., TaskState], scripted: Scripted, tmp_path: Path
) -> None:
    critic = Critic("Too low.")
    names = {}
    for name, text in TEMPLATES.items():
        (tmp_path / name).write_text(text)
        names[name] = str(tmp_path / name)

    state = await self_critique(**names, model=critic.model)(answered(), scripted("6"))

    assert (critic.asked, state.messages[2].text) == (["C 5"], "R Too low.")


async def test_the_critic_is_the_model_that_is_evaluated(
    answered: Callable[..., TaskState], scripted: Scripted
) -> None:
    solver = self_critique(**TEMPLATES)
    told = []
    for critic in (Critic("First."), Critic("Second.")):
        with use_active_model(critic.model):
            state = await solver(answered(), scripted("6"))
        told.append(state.messages[2].text)

    assert told == ["R First.", "R Second."]


async def test_the_critique_is_in_the_transcript(
    answered: Callable[..., TaskState], scripted: Scripted
) -> None:
    with use_sample(SampleContext()) as context:
        await self_critique(**TEMPLATES, model=Critic("Too low.").model)(answered(), scripted("6"))

    calls = [event for event in context.transcript.events if event.event == "model"]
    assert [(call.model, call.output.completion) for call in calls] == [
        ("mockllm/critic", "Too low.")
    ]


@pytest.mark.parametrize(
    ("templates", "problem"),
    [
        pytest.param({"critique_template": "{question}"},
                     r"critique_template is '\{question\}', expected \{completion\}",
                     id="no completion"),
        pytest.param({"completion_template": "{completion}"},
                     r"completion_template is .*, expected \{critique\}", id="no critique"),
        pytest.param({"critique_template": ""}, r"expected \{completion\}", id="empty"),
        pytest.param({"critique_template": "{completion} {"}, "expected balanced braces",
                     id="unbalanced"),
        pytest.param({"completion_template": "{critique} {}"},
                     r"expected no variable \{\} \(write \{\{ for a brace\)", id="no name"),
        pytest.param({"critique_template": "{completion} {critique}"},
                     r"expected no variable \{critique\}", id="before it is there"),
        pytest.param({"completion_template": "{critique} {0}"}, r"expected no variable \{0\}",
                     id="a number"),
    ],
)  # fmt: skip
def test_bad_template(templates: dict[str, str], problem: str) -> None:
    with pytest.raises(ParameterError, match=f"self_critique: .*{problem}"):
        self_critique(**templates)


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        pytest.param("{critique} {leve}",
                     r"sample 7 has no metadata 'leve', .* it has 'level'\.", id="missing"),
        pytest.param("{critique} {level.name}", "sample 7 .*no attribute 'name'", id="attribute"),
        pytest.param("{critique} {level:%}", "sample 7 .*format", id="format"),
    ],
)  # fmt: skip
async def test_metadata_that_does_not_fit(
    template: str, problem: str, answered: Callable[..., TaskState], scripted: Scripted
) -> None:
    critic = Critic("x")
    solver = self_critique(completion_template=template, model=critic.model)

    with pytest.raises(DatasetError, match=f"field 'metadata': self_critique: .*{problem}"):
        await solver(answered(level="high"), scripted("6"))
    assert critic.asked == []


def test_unknown_model() -> None:
    with pytest.raises(UnknownNameError, match="No model provider is named 'mokllm'"):
        self_critique(model="mokllm/model")


async def test_a_model_by_name(answered: Callable[..., TaskState], scripted: Scripted) -> None:
    state = await self_critique(**TEMPLATES, model="mockllm/x")(answered(), scripted("6"))

    assert state.messages[2].text == "R Default output from mockllm/model"


def test_a_model_is_used_as_it_is() -> None:
    model: Model = Critic("x").model

    assert self_critique(model=model) is not None
