"""Who searches the web, and searching with Tavily."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tasks_lib._errors import (
    MissingKeyError,
    ParameterError,
    PrerequisiteError,
    ToolServiceError,
)
from tasks_lib.context import SampleContext, use_sample
from tasks_lib.schema import ContentText, ToolInfo, UrlCitation
from tasks_lib.tool import ToolError, tool_def, web_search
from tests.model._scripted_server import Reply, ScriptedServer, scripted_server

KEY = "tvly-secret"
FOUND: list[dict[str, Any]] = [
    {"title": "Paris", "url": "https://x.org/p", "content": "The capital.", "score": 0.9},
    {"title": "France", "url": "https://x.org/f", "content": "A country.", "score": 0.5},
]
CITED = [
    UrlCitation(cited_text="The capital.", title="Paris", url="https://x.org/p"),
    UrlCitation(cited_text="A country.", title="France", url="https://x.org/f"),
]


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAVILY_API_KEY", KEY)


@pytest.fixture
async def tavily(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as server:
        server.replies = [Reply(body={"answer": "Paris.", "results": FOUND})]
        monkeypatch.setenv("TAVILY_BASE_URL", server.url)
        yield server


@pytest.mark.parametrize(
    ("providers", "expected"),
    [
        pytest.param("openai", {"openai": {}}, id="a name"),
        pytest.param(["anthropic", "tavily"], {"anthropic": {}, "tavily": {}}, id="names"),
        pytest.param(
            {"openai": {"search_context_size": "low"}, "anthropic": True, "tavily": None},
            {"openai": {"search_context_size": "low"}, "anthropic": {}, "tavily": {}},
            id="options",
        ),
        pytest.param(
            ["openai", {"tavily": {"max_results": 3}, "anthropic": False}],
            {"openai": {}, "tavily": {"max_results": 3}},
            id="a mix, one turned off",
        ),
    ],
)
def test_providers(providers: Any, expected: Any) -> None:
    info = tool_def(web_search(providers)).info

    assert (info.name, info.options) == ("web_search", {"web_search": expected})
    assert list(info.parameters.properties) == ["query"]


@pytest.mark.parametrize(
    ("providers", "message"),
    [
        pytest.param(None, "None, expected one or more of 'openai', 'anthr", id="nobody"),
        pytest.param([], r"\[\], expected one or more", id="an empty list"),
        pytest.param({"tavily": False}, "expected one or more", id="all turned off"),
        pytest.param("bing", "'bing', expected one or more", id="unknown"),
        pytest.param("google", "Google is not built in", id="Google"),
        pytest.param(["openai", {"openai": True}], "expected 'openai' once", id="twice"),
        pytest.param([7], "7, expected one or more", id="no name"),
        pytest.param({"openai": "low"}, "expected options as a mapping", id="no options"),
        pytest.param(
            {"tavily": {"max_result": 3}},
            r"\(max_result: Extra inputs are not permitted\). There are: topic, search_depth,",
            id="an unknown option of Tavily",
        ),
        pytest.param(
            {"tavily": {"max_results": 0, "topic": "sports"}},
            "topic: Input should be 'gen.*; max_results: Input should be greater than or eq",
            id="wrong values",
        ),
    ],
)
def test_wrong_providers(providers: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=f"^web_search: providers is .*{message}"):
        web_search(providers)


def test_arguments_of_earlier_versions() -> None:
    with pytest.deprecated_call(match="providers={'tavily'") as warned:
        tool = web_search(provider="tavily", num_results=5, max_connections=2)

    assert warned[0].filename == __file__
    assert tool_def(tool).info.options == {
        "web_search": {"tavily": {"max_results": 5, "max_connections": 2}}
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            {"model": "m"}, "model is 'm', expected no value: it concerns Goo", id="model"
        ),
        pytest.param({"max_provider_calls": 2}, "max_provider_calls is 2", id="calls"),
    ],
)
def test_arguments_that_concern_google(arguments: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        web_search("openai", **arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"num_results": 3}, id="Google, by default"),
        pytest.param({"providers": "tavily", "num_results": 3}, id="old and new"),
    ],
)
def test_old_arguments_that_cannot_be_meant(arguments: Any) -> None:
    with pytest.deprecated_call(), pytest.raises(ParameterError):
        web_search(**arguments)


def test_a_key_that_is_missing_is_found_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TAVILY_API_KEY")

    with pytest.raises(MissingKeyError, match="TAVILY_API_KEY"):
        web_search("tavily")
    web_search(["openai", "tavily"])  # needed for other models only


async def test_an_answer_with_its_sources(tavily: ScriptedServer) -> None:
    options: Any = {"max_results": 2, "include_domains": ["x.org"], "max_connections": 1}

    result = await web_search({"tavily": options})(query="Capital?")

    assert result == ContentText(text="Paris.", citations=list(CITED))
    assert tavily.paths == ["/search"]
    assert tavily.requests == [
        {
            "query": "Capital?",
            "max_results": 2,
            "include_domains": ["x.org"],
            "include_answer": True,
        }
    ]
    assert tavily.headers[0]["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            {"results": FOUND},
            ContentText(
                text="Paris\nhttps://x.org/p\nThe capital.\n\nFrance\nhttps://x.org/f\nA country.",
                citations=list(CITED),
            ),
            id="no answer",
        ),
        pytest.param({"results": []}, ContentText(text="Nothing was found."), id="nothing"),
        pytest.param(
            {"answer": "Yes.", "results": [{**FOUND[0], "raw_content": "All of it."}]},
            ContentText(
                text="Yes.",
                citations=[
                    UrlCitation(cited_text="All of it.", title="Paris", url="https://x.org/p")
                ],
            ),
            id="whole pages",
        ),
    ],
)
async def test_what_is_found(tavily: ScriptedServer, body: Any, expected: ContentText) -> None:
    tavily.replies = [Reply(body=body)]

    assert await web_search("tavily")(query="q") == expected


@pytest.mark.parametrize(
    ("reply", "error", "message"),
    [
        pytest.param(
            Reply(status=400, body={"detail": {"error": "Query is too long."}}),
            ToolError,
            r"The search was refused: Query is too long\.$",
            id="the question is refused",
        ),
        pytest.param(
            Reply(status=401, body={"detail": {"error": f"Unknown key {KEY}."}}),
            ToolServiceError,
            r"Tavily refuses to search: status 401: Unknown key …\.$",
            id="the key is refused",
        ),
        pytest.param(Reply(body="<html>"), ToolServiceError, "answer cannot be read", id="a page"),
        pytest.param(
            Reply(body={"results": [{"title": "no address"}]}),
            ToolServiceError,
            r"answer cannot be read: KeyError\('url'\)",
            id="half an answer",
        ),
    ],
)
async def test_failures(
    tavily: ScriptedServer, reply: Reply, error: type[Exception], message: str
) -> None:
    tavily.replies = [reply]

    with pytest.raises(error, match=message):
        await web_search("tavily")(query="q")
    assert len(tavily.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(status=429, body="slower"), id="too many requests"),
        pytest.param(Reply(status=503), id="overloaded"),
        pytest.param(Reply(drop=True), id="a lost connection"),
    ],
)
async def test_what_may_pass_is_tried_again(tavily: ScriptedServer, reply: Reply) -> None:
    tavily.replies = [reply, *tavily.replies]
    with use_sample(SampleContext()) as context:
        result = await web_search("tavily")(query="q")

    assert result == ContentText(text="Paris.", citations=list(CITED))
    assert 0.2 < context.clock.waited < 1  # the pause is no working time


async def test_searches_at_once(tavily: ScriptedServer) -> None:
    tavily.replies = [Reply(body={"answer": "Yes."}, delay_s=0.05)]
    tool = web_search({"tavily": {"max_connections": 2}})

    await asyncio.gather(*(tool(query=str(number)) for number in range(5)))

    assert (len(tavily.requests), tavily.most_in_flight) == (5, 2)


async def test_providers_of_models_do_not_search_for_others() -> None:
    with pytest.raises(PrerequisiteError, match=r"'openai' search for models of their own only"):
        await web_search("openai")(query="q")


def test_it_is_described_for_the_model() -> None:
    info = tool_def(web_search("openai")).info

    assert isinstance(info, ToolInfo)
    assert info.description.startswith("Search the web")
    assert info.parameters.properties["query"].description
