"""JSON of the messages interface as outputs."""

from __future__ import annotations

from typing import Any

import pytest

from tasks_lib.model._providers._anthropic_request import message_blocks
from tasks_lib.model._providers._anthropic_response import message_output, refusal_output
from tasks_lib.schema import (
    ChatMessageAssistant,
    Citation,
    Content,
    ContentCitation,
    ContentData,
    ContentReasoning,
    ContentText,
    DocumentCitation,
    DocumentRange,
    JSONSchema,
    ModelUsage,
    StopReason,
    ToolCall,
    ToolInfo,
    ToolParams,
    UrlCitation,
)

ADD = ToolInfo(
    name="add",
    description="Adds.",
    parameters=ToolParams(properties={"x": JSONSchema(type="integer")}, required=["x"]),
)
CALL_BLOCK = {"type": "tool_use", "id": "t1", "name": "add", "input": {"x": 1}}
THOUGHT = ContentReasoning(reasoning="hm", signature="s1")
THOUGHT_BLOCK = {"type": "thinking", "thinking": "hm", "signature": "s1"}


def text(value: str) -> dict[str, str]:
    return {"type": "text", "text": value}


def response(*content: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"model": "claude-x", "content": list(content), "stop_reason": "end_turn", **fields}


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        pytest.param([text("Hi")], "Hi", id="text"),
        pytest.param([], "", id="nothing"),
        pytest.param(
            [text("Hi"), text("there")],
            [ContentText(text="Hi"), ContentText(text="there")],
            id="two texts",
        ),
        pytest.param(
            [THOUGHT_BLOCK, {"type": "redacted_thinking", "data": "x1"}, text("Hi")],
            [THOUGHT, ContentReasoning(reasoning="x1", redacted=True), ContentText(text="Hi")],
            id="thoughts",
        ),
        pytest.param(
            [{"type": "server_tool_use", "id": "s"}],
            [ContentData(data={"type": "server_tool_use", "id": "s"}, internal="anthropic")],
            id="something else",
        ),
    ],
)
def test_what_was_said(blocks: list[dict[str, Any]], expected: str | list[Content]) -> None:
    output = message_output(response(*blocks), "asked")

    assert output.message.content == expected
    assert (output.model, output.message.source) == ("claude-x", "generate")


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        pytest.param(
            CALL_BLOCK,
            ToolCall(id="t1", function="add", arguments={"x": 1}, type="function"),
            id="arguments",
        ),
        pytest.param(
            {**CALL_BLOCK, "input": "7"},
            ToolCall(id="t1", function="add", arguments={"x": 7}, type="function"),
            id="a value for the first parameter",
        ),
        pytest.param(
            {**CALL_BLOCK, "input": '{"x": 1'},
            ToolCall(
                id="t1",
                function="add",
                arguments={},
                parse_error="The arguments of add cannot be read: '{\"x\": 1' "
                "(Expecting ',' delimiter: line 1 column 8 (char 7))",
                type="function",
            ),
            id="cut off",
        ),
    ],
)
def test_tool_calls(block: dict[str, Any], expected: ToolCall) -> None:
    output = message_output(response(block, stop_reason="tool_use"), "m", [ADD])

    assert output.message.tool_calls == [expected]
    assert output.stop_reason == "tool_calls"


@pytest.mark.parametrize(
    "blocks",
    [
        pytest.param([text("1"), CALL_BLOCK], id="text, call"),
        pytest.param([THOUGHT_BLOCK, CALL_BLOCK, CALL_BLOCK], id="thought, two calls"),
        pytest.param([THOUGHT_BLOCK, CALL_BLOCK, THOUGHT_BLOCK, CALL_BLOCK], id="in turns"),
        pytest.param([CALL_BLOCK, text("done")], id="call, text"),
        pytest.param(
            [{"type": "redacted_thinking", "data": "x1"}, text("a"), text("b")], id="no call"
        ),
        pytest.param([{"type": "web_search_tool_result", "content": []}], id="something else"),
    ],
)
def test_what_was_said_is_sent_back_as_it_came(blocks: list[dict[str, Any]]) -> None:
    message = message_output(response(*blocks), "m").message

    # As a log would hold it.
    read = ChatMessageAssistant.model_validate_json(message.model_dump_json())

    assert message_blocks(read, {}) == blocks


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "max_tokens"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("model_context_window_exceeded", "model_length"),
        ("pause_turn", "unknown"),
        ("news", "unknown"),
        (None, "unknown"),
    ],
)
def test_stop_reasons(reason: str | None, expected: StopReason) -> None:
    assert message_output(response(stop_reason=reason), "m").stop_reason == expected


def test_why_it_refused() -> None:
    details = {"type": "refusal", "category": "bio", "explanation": "Too risky."}

    output = message_output(response(stop_reason="refusal", stop_details=details), "m")

    assert (output.stop_reason, output.error) == ("content_filter", "Too risky.")
    assert output.metadata == {"stop_details": details}


CHARS = {
    "type": "char_location",
    "cited_text": "Hel",
    "document_index": 0,
    "document_title": "a.txt",
    "start_char_index": 0,
    "end_char_index": 3,
}
PAGES = {
    "type": "page_location",
    "cited_text": "Hel",
    "document_index": 0,
    "document_title": None,
    "start_page_number": 1,
    "end_page_number": 2,
}
BLOCKS = {
    "type": "content_block_location",
    "cited_text": "Hel",
    "document_index": 0,
    "start_block_index": 2,
    "end_block_index": 4,
}
PAGE = {
    "type": "web_search_result_location",
    "cited_text": "Hel",
    "title": "T",
    "url": "https://x.org",
    "encrypted_index": "e",
}
RESULT = {"type": "search_result_location", "cited_text": "Hel", "title": "T", "source": "s"}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(
            CHARS,
            DocumentCitation(
                cited_text="Hel",
                title="a.txt",
                range=DocumentRange(type="char", start_index=0, end_index=3),
                internal=CHARS,
            ),
            id="characters",
        ),
        pytest.param(
            PAGES,
            DocumentCitation(
                cited_text="Hel",
                range=DocumentRange(type="page", start_index=1, end_index=2),
                internal=PAGES,
            ),
            id="pages",
        ),
        pytest.param(
            BLOCKS,
            DocumentCitation(
                cited_text="Hel",
                range=DocumentRange(type="block", start_index=2, end_index=4),
                internal=BLOCKS,
            ),
            id="blocks",
        ),
        pytest.param(
            PAGE,
            UrlCitation(cited_text="Hel", title="T", url="https://x.org", internal=PAGE),
            id="web page",
        ),
        pytest.param(
            RESULT, ContentCitation(cited_text="Hel", title="T", internal=RESULT), id="result"
        ),
    ],
)
def test_citations(data: dict[str, Any], expected: Citation) -> None:
    output = message_output(response({**text("Hello"), "citations": [data]}), "m")

    assert output.message.content == [ContentText(text="Hello", citations=[expected])]


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param(None, None, id="none"),
        pytest.param(
            {"input_tokens": 9, "output_tokens": 2},
            ModelUsage(input_tokens=9, output_tokens=2, total_tokens=11),
            id="without a cache",
        ),
        pytest.param(
            {
                "input_tokens": 9,
                "cache_creation_input_tokens": 100,
                "cache_read_input_tokens": 1000,
                "output_tokens": 20,
                "output_tokens_details": {"thinking_tokens": 15},
            },
            ModelUsage(
                input_tokens=1109,
                output_tokens=20,
                total_tokens=1129,
                input_tokens_cache_write=100,
                input_tokens_cache_read=1000,
                reasoning_tokens=15,
            ),
            id="the cache is a part of the input",
        ),
    ],
)
def test_usage(usage: dict[str, Any] | None, expected: ModelUsage | None) -> None:
    assert message_output(response(usage=usage), "m").usage == expected


@pytest.mark.parametrize("data", [{"id": 1}, {"content": None}, {"content": "Hi"}])
def test_what_is_no_message(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no list of content"):
        message_output(data, "m")


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("prompt is too long: 200001 tokens > 200000 maximum", "model_length"),
        ("Input is too long for requested model.", "model_length"),
        ("input length and `max_tokens` exceed context limit: 1 + 2 > 2", "model_length"),
        ("Output blocked by content filtering policy", "content_filter"),
        ("max_tokens: 10 > 5", None),
    ],
)
def test_refusals_that_are_answers(message: str, expected: StopReason | None) -> None:
    output = refusal_output("m", message)

    if expected is None:
        assert output is None
    else:
        assert output is not None
        assert (output.stop_reason, output.completion, output.error) == (
            expected,
            message,
            message,
        )
