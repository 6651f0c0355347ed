"""The scripted model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tasks_lib._errors import ParameterError
from tasks_lib._util._json import to_plain
from tasks_lib.model import get_model
from tasks_lib.schema import ChatMessage, GenerateConfig, ModelOutput, ToolChoice, ToolInfo


def said(text: str) -> ModelOutput:
    return ModelOutput.from_content("mock", text)


def endless() -> Iterator[ModelOutput]:
    number = 0
    while True:
        number += 1
        yield said(str(number))


def repeat(
    messages: list[ChatMessage], tools: list[ToolInfo], choice: ToolChoice, config: GenerateConfig
) -> ModelOutput:
    return said(f"{messages[-1].text} at {config.temperature}")


async def repeat_later(
    messages: list[ChatMessage], tools: list[ToolInfo], choice: ToolChoice, config: GenerateConfig
) -> ModelOutput:
    return repeat(messages, tools, choice, config)


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        pytest.param(None, ["Default output from mockllm/model"] * 3, id="by default"),
        pytest.param([said("a"), said("b"), said("c")], ["a", "b", "c"], id="a list"),
        pytest.param(endless(), ["1", "2", "3"], id="a generator"),
        pytest.param(repeat, ["Hi at 0.5"] * 3, id="a function"),
        pytest.param(repeat_later, ["Hi at 0.5"] * 3, id="an async function"),
    ],
)
async def test_answers(outputs: Any, expected: list[str]) -> None:
    model = get_model(
        "mockllm/model", config=GenerateConfig(temperature=0.5), custom_outputs=outputs
    )

    assert [(await model.generate("Hi")).completion for _ in expected] == expected


async def test_no_usage_is_made_up() -> None:
    assert (await get_model("mockllm/model").generate("Hi")).usage is None


async def test_one_output_may_answer_twice() -> None:
    output = said("same")
    model = get_model("mockllm/model", custom_outputs=[output, output])

    first, second = [await model.generate("Hi") for _ in range(2)]
    first.message.text = "changed"

    assert (second.completion, output.completion) == ("same", "same")
    assert len({first.message.id, second.message.id, output.message.id}) == 3


async def test_runs_out() -> None:
    model = get_model("mockllm/model", custom_outputs=[said("only")])
    await model.generate("Hi")

    with pytest.raises(ValueError, match="custom_outputs ran out of values"):
        await model.generate("Hi")


async def test_outputs_of_a_log() -> None:
    output = said("logged")
    model = get_model("mockllm/model", custom_outputs=[to_plain(output)])

    answer = await model.generate("Hi")

    assert answer.message.id != output.message.id
    assert (answer.completion, answer.model) == ("logged", output.model)


@pytest.mark.parametrize(
    ("item", "complaint"),
    [("text", "'text', not a ModelOutput"), ({"choices": 3}, "ModelOutput\nchoices")],
)
async def test_wrong_item(item: object, complaint: str) -> None:
    model = get_model("mockllm/model", custom_outputs=[item])

    with pytest.raises(ValueError, match=complaint):
        await model.generate("Hi")


@pytest.mark.parametrize("outputs", ["text", b"bytes", 3, said("one"), {"a": said("one")}])
def test_wrong_outputs(outputs: object) -> None:
    with pytest.raises(ValueError, match="iterable of ModelOutput"):
        get_model("mockllm/model", custom_outputs=outputs)


def test_unknown_argument() -> None:
    with pytest.raises(ParameterError, match="custom_outputs"):
        get_model("mockllm/model", custom_output=[])


def test_is_never_memoized() -> None:
    assert get_model("mockllm/model") is not get_model("mockllm/model")
