from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageUser,
    ContentImage,
    ContentText,
    GenerateConfig,
    ModelOutput,
    ModelUsage,
)


def test_text_of_parts_is_joined_by_newlines() -> None:
    message = ChatMessageUser(
        content=[ContentText(text="a"), ContentImage(image="i.png"), ContentText(text="b")]
    )

    assert message.text == "a\nb"


def test_setting_text_keeps_other_parts_and_puts_one_text_at_the_end() -> None:
    image = ContentImage(image="i.png")
    message = ChatMessageUser(content=[ContentText(text="a"), image, ContentText(text="b")])

    message.text = "c"

    assert message.content == [image, ContentText(text="c")]


def test_setting_text_of_plain_content() -> None:
    message = ChatMessageUser(content="a")

    message.text = "b"

    assert message.content == "b"


def test_messages_have_ids_of_their_own() -> None:
    assert ChatMessageUser(content="a").id != ChatMessageUser(content="a").id


@pytest.mark.parametrize("role", ["system", "user", "assistant", "tool"])
def test_messages_survive_json(role: str) -> None:
    adapter: TypeAdapter[ChatMessage] = TypeAdapter(ChatMessage)
    message = adapter.validate_python({"role": role, "content": "x", "id": "1"})

    assert adapter.validate_json(adapter.dump_json(message)) == message
    assert message.role == role


def test_empty_output() -> None:
    output = ModelOutput(model="m")

    assert output.empty
    assert output.completion == ""
    assert output.stop_reason == "unknown"
    with pytest.raises(IndexError):
        _ = output.message


def test_setting_completion_creates_or_edits_the_first_answer() -> None:
    output = ModelOutput(model="m")
    output.completion = "a"
    message = output.message
    output.completion = "b"

    assert output.completion == "b"
    assert output.message is message
    assert output.stop_reason == "stop"


def test_output_for_tool_call() -> None:
    output = ModelOutput.for_tool_call("m", "add", {"x": 1}, tool_call_id="1")

    assert output.stop_reason == "tool_calls"
    assert isinstance(output.message, ChatMessageAssistant)
    assert output.message.tool_calls is not None
    assert output.message.tool_calls[0].model_dump(exclude_none=True) == {
        "id": "1",
        "function": "add",
        "arguments": {"x": 1},
    }


def test_usages_add_up_and_unknown_counts_stay_unknown() -> None:
    left = ModelUsage(input_tokens=1, output_tokens=2, total_tokens=3, reasoning_tokens=1)
    right = ModelUsage(input_tokens=10, output_tokens=20, total_tokens=30)

    assert sum([left, right], ModelUsage()) == ModelUsage(
        input_tokens=11, output_tokens=22, total_tokens=33, reasoning_tokens=1
    )


def test_merged_config_lets_the_other_win_where_it_says_something() -> None:
    base = GenerateConfig(temperature=0.5, max_tokens=10)

    merged = base.merge(GenerateConfig(temperature=0.0))

    assert merged == GenerateConfig(temperature=0.0, max_tokens=10)
    assert base.merge({"seed": 1}).seed == 1
    assert base.merge(GenerateConfig()) is base
