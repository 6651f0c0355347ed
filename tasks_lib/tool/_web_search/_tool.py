"""The tool that searches the web."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from pydantic import JsonValue

from tasks_lib._errors import ParameterError, PrerequisiteError
from tasks_lib.tool._tool import Tool, ToolResult, tool
from tasks_lib.tool._tool_def import ToolDef
from tasks_lib.tool._web_search._native import OPTION
from tasks_lib.tool._web_search._providers import (
    WebSearchProvider,
    WebSearchProviders,
    renamed,
    search_options,
)
from tasks_lib.tool._web_search._tavily import tavily_key, tavily_search


@tool
def web_search(
    providers: WebSearchProvider
    | WebSearchProviders
    | Sequence[WebSearchProvider | WebSearchProviders]
    | None = None,
    *,
    provider: str | None = None,
    num_results: int | None = None,
    max_provider_calls: int | None = None,
    max_connections: int | None = None,
    model: str | None = None,
) -> Tool:
    """Return a tool that searches the web.

    "openai" and "anthropic" search themselves while they answer, if the model is theirs and
    can: what they searched for is a `ContentToolUse` in the answer, where they found it are
    its citations, and there is no call of a tool. "tavily" is asked by us, for any model,
    with the key `TAVILY_API_KEY`; it returns an answer with citations. Name one provider of
    each kind, and who searches depends on the model.

    Args:
        providers: Who searches: a name, or options by name, or a list of both. Tavily's
            options are `topic`, `search_depth`, `chunks_per_source`, `max_results`,
            `time_range`, `days`, `include_answer`, `include_raw_content`, `include_domains`
            and `exclude_domains`, as it documents them, and `max_connections` (10), the
            searches that run at once. Those of the others go to them as they are.
        provider: Deprecated: one of `providers`.
        num_results: Deprecated: Tavily's `max_results`.
        max_provider_calls: Deprecated: of Google only, which is not built in.
        max_connections: Deprecated: Tavily's `max_connections`.
        model: Deprecated: of Google only.

    Raises:
        ParameterError: Nobody is named, or somebody or an option that is not known.
        MissingKeyError: Only Tavily is named, and has no key. If others are named too, this
            is found before the first model call that would need Tavily.
    """
    for name, value in (("max_provider_calls", max_provider_calls), ("model", model)):
        if value is not None:
            expected = "no value: it concerns Google, which is not built in"
            raise ParameterError("web_search", name, value, expected)
    if provider is None and num_results is None and max_connections is None:
        options = search_options(providers)
    else:
        options = renamed(providers, provider, num_results, max_connections)
    if list(options) == ["tavily"]:
        tavily_key()

    async def execute(query: str) -> ToolResult:
        """Search the web for what you do not know, such as news, facts and sources.

        Args:
            query: What to look for: a question, or a few words.
        """
        if "tavily" not in options:
            names = ", ".join(map(repr, options))
            raise PrerequisiteError(
                f"No provider of web_search can search: {names} search for models of their own "
                "only, while these answer. Add 'tavily'."
            )
        return await tavily_search(query, options["tavily"])

    stored = cast(JsonValue, options)
    return ToolDef(execute, name="web_search", options={OPTION: stored}).as_tool()
