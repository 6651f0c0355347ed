"""Web searches that providers of models do themselves."""

from __future__ import annotations

from typing import Any

import pytest

from tasks_lib._errors import MissingKeyError, ModelError, PrerequisiteError
from tasks_lib.model import Model, get_model
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageUser,
    Content,
    ContentText,
    ContentToolUse,
    GenerateConfig,
    ToolChoice,
    ToolFunction,
    UrlCitation,
)
from tasks_lib.tool import Tool, tool_with, web_search
from tests.model._claude import said as claude_said
from tests.model._scripted_server import Reply, ScriptedServer
from tests.tool._tools import add

ASKED = {
    "type": "server_tool_use",
    "id": "srv_1",
    "name": "web_search",
    "input": {"query": "capital"},
}
PAGE = {
    "type": "web_search_result",
    "title": "Paris",
    "url": "https://x.org/p",
    "encrypted_content": "…",
    "page_age": None,
}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [PAGE]}
CITATION = {
    "type": "web_search_result_location",
    "cited_text": "The capital.",
    "title": "Paris",
    "url": "https://x.org/p",
    "encrypted_index": "e",
}
CITING = {"type": "text", "text": "Paris.", "citations": [CITATION]}
SEARCHED = ContentToolUse(
    tool_type="web_search",
    id="srv_1",
    name="web_search",
    arguments='{"query":"capital"}',
    result='[{"title":"Paris","url":"https://x.org/p","page_age":null}]',
    internal={"anthropic": [ASKED, FOUND]},
)
CITED = ContentText(
    text="Paris.",
    citations=[
        UrlCitation(
            cited_text="The capital.", title="Paris", url="https://x.org/p", internal=CITATION
        )
    ],
)
CALL = {
    "type": "web_search_call",
    "id": "ws_1",
    "status": "completed",
    "action": {
        "type": "search",
        "query": "capital",
        "sources": [{"type": "url", "url": "https://x.org/p"}],
    },
}
NOTE = {
    "type": "url_citation", "start_index": 0, "end_index": 6, "title": "P", "url": "https://x.org/p"
}  # fmt: skip
ANSWER = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Paris.", "annotations": [NOTE]}],
}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "g"}


def responded(*items: dict[str, Any]) -> Reply:
    return Reply(body={"model": "gpt-5", "status": "completed", "output": list(items)})


def gpt(server: ScriptedServer, name: str = "gpt-5", **arguments: Any) -> Model:
    arguments = {"responses_api": True, **arguments}
    return get_model(
        f"openai/{name}", base_url=server.url, api_key="sk-x", memoize=False, **arguments
    )


async def sent(
    server: ScriptedServer,
    model: Model,
    tool: Tool,
    choice: ToolChoice | None = None,
    config: GenerateConfig | None = None,
) -> dict[str, Any]:
    """Return the request of a call with a search and another tool."""
    async with model:
        await model.generate("Capital?", [tool, add()], choice, config)
    return server.requests[-1]


async def test_openai_searches(server: ScriptedServer) -> None:
    server.replies = [responded(CALL, ANSWER)]
    tool = web_search({"openai": {"search_context_size": "low"}})

    request = await sent(server, gpt(server), tool)

    assert request["tools"][0] == {"type": "web_search", "search_context_size": "low"}
    assert request["tools"][1]["name"] == "add"
    assert request["include"] == ["reasoning.encrypted_content", "web_search_call.action.sources"]


async def test_anthropic_searches(server: ScriptedServer, claude: Model) -> None:
    server.replies = [Reply(body=claude_said())]

    request = await sent(server, claude, web_search(["openai", {"anthropic": {"max_uses": 3}}]))

    assert request["tools"][0] == {
        "type": "web_search_20250305", "name": "web_search", "max_uses": 3
    }  # fmt: skip
    assert request["tools"][1]["name"] == "add"


@pytest.mark.parametrize("name", ["web_search", "look_up"])
async def test_a_search_that_is_chosen(server: ScriptedServer, claude: Model, name: str) -> None:
    """Providers know it by a name of their own: it is the only tool, and one is required."""
    tool = tool_with(web_search(["openai", "anthropic"]), name=name)
    server.replies = [responded(ANSWER), Reply(body=claude_said())]

    of_gpt = await sent(server, gpt(server), tool, ToolFunction(name))
    of_claude = await sent(server, claude, tool, ToolFunction(name))

    assert (of_gpt["tools"], of_gpt["tool_choice"]) == ([{"type": "web_search"}], "required")
    assert (len(of_claude["tools"]), of_claude["tool_choice"]) == (1, {"type": "any"})


@pytest.mark.parametrize(
    ("name", "arguments", "config", "why"),
    [
        pytest.param("gpt-4o", {"responses_api": False}, {}, "responses_api=True", id="chat"),
        pytest.param("gpt-4.1-nano", {}, {}, "without web search", id="a model that cannot"),
        pytest.param("gpt-4-turbo", {}, {}, "without web search", id="an old model"),
        pytest.param("gpt-5", {}, {"reasoning_effort": "minimal"}, "'minimal'", id="no effort"),
        pytest.param(
            "gpt-5", {}, {"internal_tools": False}, "internal_tools is F", id="not wanted"
        ),
    ],
)
async def test_who_cannot_search_is_told_apart_before_a_request(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch,
    name: str, arguments: dict[str, Any], config: dict[str, Any], why: str,
) -> None:  # fmt: skip
    server.replies = [responded(ANSWER)]
    options = GenerateConfig(**config)

    async with gpt(server, name, **arguments) as model:
        with pytest.raises(PrerequisiteError, match=f"{why}.*Add another one, as in web_search"):
            await model.generate("Capital?", web_search("openai"), config=options)
        with pytest.raises(MissingKeyError, match="TAVILY_API_KEY"):
            await model.generate("Capital?", web_search(["openai", "tavily"]), config=options)
    assert server.requests == []

    monkeypatch.setenv("TAVILY_API_KEY", "k")
    if arguments:
        server.replies = [Reply(body={"choices": [{"message": {"content": "Paris."}}]})]
    async with gpt(server, name, **arguments) as model:
        await model.generate("Capital?", web_search(["openai", "tavily"]), config=options)
    [tool] = server.requests[0]["tools"]
    assert (tool["type"], tool.get("function", tool)["name"]) == ("function", "web_search")


@pytest.mark.parametrize(
    ("model", "provider", "why"),
    [
        pytest.param("anthropic/claude-3-opus-20240229", "anthropic", "without", id="old Claude"),
        pytest.param("anthropic/claude-opus-4-6", "openai", "which is not named", id="other's"),
        pytest.param("mockllm/model", "openai", "'mockllm' does not search itself", id="neither"),
        pytest.param("groq/llama", "openai", "'groq' does not search itself", id="a service"),
    ],
)
async def test_other_models_do_not_search(model: str, provider: Any, why: str) -> None:
    async with get_model(model, api_key="k", memoize=False) as asked:
        with pytest.raises(PrerequisiteError, match=why):
            await asked.generate("Capital?", web_search(provider))


async def test_bedrock_does_not_search() -> None:
    model = get_model("anthropic/bedrock/claude-opus-4-6", api_key="k", region="r", memoize=False)
    with pytest.raises(PrerequisiteError, match="models on Bedrock do not search"):
        await model.generate("Capital?", web_search("anthropic"))


async def answered(
    server: ScriptedServer, model: Model, *replies: Reply
) -> tuple[ChatMessageAssistant, list[ChatMessage]]:
    """Return the answer of a model that searches, and a conversation that goes on with it."""
    server.replies = list(replies)
    output = await model.generate("Capital?", web_search(["openai", "anthropic"]))
    # As a log would hold it.
    message = ChatMessageAssistant.model_validate_json(output.message.model_dump_json())
    question = ChatMessageUser(content="Capital?")
    return message, [question, message, ChatMessageUser(content="Sure?")]


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        pytest.param([ASKED, FOUND, CITING], [SEARCHED, CITED], id="found"),
        pytest.param(
            [
                ASKED,
                {
                    **FOUND,
                    "content": {
                        "type": "web_search_tool_result_error",
                        "error_code": "max_uses_exceeded",
                    },
                },
                {"type": "text", "text": "?"},
            ],
            [("max_uses_exceeded", "[]"), ContentText(text="?")],
            id="failed",
        ),
    ],
)
async def test_what_anthropic_searched_for(
    server: ScriptedServer, claude: Model, blocks: list[dict[str, Any]], expected: list[Any]
) -> None:
    message, conversation = await answered(server, claude, Reply(body=claude_said(*blocks)))
    await claude.generate(conversation, web_search("anthropic"))

    found: list[Any] = list(message.content)
    if isinstance(expected[0], tuple):
        found[0] = (found[0].error, found[0].result)
    assert found == expected
    assert message.tool_calls is None
    assert server.requests[1]["messages"][1] == {"role": "assistant", "content": blocks}


async def test_a_search_that_anthropic_pauses_is_gone_on_with(
    server: ScriptedServer, claude: Model
) -> None:
    usage = {"input_tokens": 10, "output_tokens": 5}
    paused = claude_said(ASKED, stop_reason="pause_turn", usage=usage)
    rest = claude_said(FOUND, CITING, usage={"input_tokens": 20, "output_tokens": 7})

    message, _ = await answered(server, claude, Reply(body=paused), Reply(body=rest))

    assert message.content == [SEARCHED, CITED]
    first, second = server.requests
    assert second == {
        **first, "messages": [*first["messages"], {"role": "assistant", "content": [ASKED]}]
    }  # fmt: skip


async def test_pauses_count_all_tokens_and_have_an_end(
    server: ScriptedServer, claude: Model
) -> None:
    server.replies = [Reply(body=claude_said(stop_reason="pause_turn"))]

    output = await claude.generate("Capital?", web_search("anthropic"))

    assert len(server.requests) == 11
    assert output.stop_reason == "unknown"
    assert output.usage is not None
    assert (output.usage.input_tokens, output.usage.output_tokens) == (99, 22)


@pytest.mark.parametrize("store", [True, False])
@pytest.mark.parametrize("items", [[THOUGHT, CALL, ANSWER], [CALL, ANSWER]])
async def test_what_openai_searched_for(
    server: ScriptedServer, items: list[dict[str, Any]], store: bool
) -> None:
    """It goes back only to a service that keeps it, with the thought that led to it."""
    async with gpt(server, responses_store=store) as model:
        message, conversation = await answered(server, model, responded(*items))
        await model.generate(conversation, web_search("openai"))

    searched, text = list(message.content)[-2:]
    assert searched == ContentToolUse(
        tool_type="web_search",
        id="ws_1",
        name="search",
        arguments='{"query":"capital"}',
        result='["https://x.org/p"]',
        internal=CALL,
    )
    assert isinstance(text, ContentText)
    assert text.citations == [
        UrlCitation(cited_text=(0, 6), title="P", url="https://x.org/p"),
    ]
    types = [item.get("type") or item.get("role") for item in server.requests[1]["input"]]
    goes_back = ["web_search_call"] if store and THOUGHT in items else []
    thought = ["reasoning"] if THOUGHT in items else []
    assert types == ["user", *thought, *goes_back, "message", "user"]


async def test_citations_without_a_search_are_kept(server: ScriptedServer) -> None:
    async with gpt(server) as model:
        message, _ = await answered(server, model, responded(ANSWER))

    [text] = list(message.content)
    assert isinstance(text, ContentText)
    assert (text.text, text.citations) == (
        "Paris.",
        [UrlCitation(cited_text=(0, 6), title="P", url="https://x.org/p")],
    )


@pytest.mark.parametrize(
    ("status", "error"), [("completed", None), ("failed", "The search failed.")]
)
async def test_openai_says_whether_a_search_failed(
    server: ScriptedServer, status: str, error: str | None
) -> None:
    async with gpt(server) as model:
        opened = {"type": "open_page", "url": "https://x.org"}
        reply = responded({**CALL, "status": status, "action": opened}, ANSWER)
        message, _ = await answered(server, model, reply)

    [searched, _] = list(message.content)
    assert isinstance(searched, ContentToolUse)
    assert (searched.name, searched.arguments, searched.result, searched.error) == (
        "open_page",
        '{"url":"https://x.org"}',
        "[]",
        error,
    )


async def test_a_search_of_another_provider_cannot_be_sent(
    server: ScriptedServer, claude: Model
) -> None:
    foreign: list[Content] = [SEARCHED.model_copy(update={"internal": CALL}), CITED]
    conversation: list[ChatMessage] = [
        ChatMessageUser(content="?"), ChatMessageAssistant(content=foreign)
    ]  # fmt: skip
    with pytest.raises(ModelError, match="'tool_use' cannot be sent in this message"):
        await claude.generate(conversation)
