"""Searching with Tavily: a search engine that answers questions and names its sources."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from tasks_lib._errors import MissingKeyError, ParameterError, ToolError, ToolServiceError
from tasks_lib.context import concurrency, waiting
from tasks_lib.schema import ContentText, UrlCitation

if TYPE_CHECKING:
    import ssl

    import httpx

KEY_VARIABLE = "TAVILY_API_KEY"
_URL_VARIABLE = "TAVILY_BASE_URL"
_URL = "https://api.tavily.com"

_TIMEOUT_S = 60.0
_ATTEMPTS = 5
_FIRST_WAIT_S = 0.25
"""Seconds before the second attempt; each further wait is twice as long."""

_WRONG_QUERY = (400, 422)
"""Status of requests that are refused because of what the model asks."""


class TavilyOptions(BaseModel):
    """What Tavily can be told beside the question."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)

    topic: Literal["general", "news", "finance"] | None = None
    search_depth: Literal["basic", "advanced"] | None = None
    chunks_per_source: int | None = Field(default=None, ge=1, le=3)
    max_results: int | None = Field(default=None, ge=1, le=20)
    time_range: Literal["day", "week", "month", "year", "d", "w", "m", "y"] | None = None
    days: int | None = Field(default=None, ge=1)
    include_answer: bool | Literal["basic", "advanced"] = True
    include_raw_content: bool | None = None
    include_domains: list[str] | None = None
    exclude_domains: list[str] | None = None
    max_connections: int = Field(default=10, ge=1)
    """Searches at once, of all samples of the evaluation. The first tool that searches decides."""


def tavily_options(options: Mapping[str, object]) -> dict[str, JsonValue]:
    """Return options as they are given.

    Raises:
        ParameterError: There is no such option, or one has a wrong value.
    """
    try:
        TavilyOptions.model_validate(dict(options))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()
        )
        known = ", ".join(TavilyOptions.model_fields)
        expected = f"options of Tavily ({problems}). There are: {known}"
        raise ParameterError("web_search", "providers", {"tavily": options}, expected) from error
    return dict(options)  # type: ignore[arg-type]  # checked: of the types of the fields


def tavily_key() -> str:
    """Return the key.

    Raises:
        MissingKeyError: It is not set.
    """
    key = os.environ.get(KEY_VARIABLE)
    if not key:
        raise MissingKeyError("tavily", KEY_VARIABLE)
    return key


async def tavily_search(query: str, options: Mapping[str, JsonValue]) -> ContentText:
    """Return Tavily's answer to a question, or without one what it found, with the sources.

    A service that is overloaded or not there is asked again, up to five times.

    Raises:
        ToolError: It refuses the question.
        ToolServiceError: It refuses the key, or did not answer any time.
        MissingKeyError: There is no key.
    """
    wanted = TavilyOptions.model_validate(options)
    body = wanted.model_dump(exclude_none=True, exclude={"max_connections"})
    async with concurrency("tavily", wanted.max_connections):
        response = await _post({"query": query, **body}, tavily_key())
    try:
        return _answer(response.json())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ToolServiceError(f"Tavily's answer cannot be read: {error!r}") from error


async def _post(body: Mapping[str, Any], key: str) -> httpx.Response:
    # Imported when needed: a tenth of a second that most evaluations need not pay.
    import httpx

    url = (os.environ.get(_URL_VARIABLE) or _URL).rstrip("/") + "/search"
    headers = {"Authorization": f"Bearer {key}"}
    problem = ""
    async with httpx.AsyncClient(verify=_certificates(), timeout=_TIMEOUT_S) as client:
        for attempt in range(_ATTEMPTS):
            if attempt:
                with waiting():
                    await asyncio.sleep(_FIRST_WAIT_S * 2 ** (attempt - 1))
            try:
                response = await client.post(url, json=body, headers=headers)
            except httpx.TransportError as error:
                problem = str(error) or type(error).__name__
                continue
            if response.status_code == 200:
                return response
            problem = f"status {response.status_code}: {_detail(response)}".replace(key, "…")
            if response.status_code in _WRONG_QUERY:
                raise ToolError(f"The search was refused: {_detail(response)}".replace(key, "…"))
            if response.status_code != 429 and response.status_code < 500:
                raise ToolServiceError(f"Tavily refuses to search: {problem}")
    raise ToolServiceError(f"Tavily did not answer in {_ATTEMPTS} attempts: {problem}")


@cache
def _certificates() -> ssl.SSLContext:
    """Return what connections trust; making it anew each time would take 20 ms of a search."""
    import httpx

    return httpx.create_ssl_context()


def _detail(response: httpx.Response) -> str:
    try:
        return str(response.json()["detail"]["error"])
    except (ValueError, KeyError, TypeError):
        return response.text[:500]


def _answer(data: Mapping[str, Any]) -> ContentText:
    results = data.get("results") or []
    citations = [
        UrlCitation(
            cited_text=result.get("raw_content") or result.get("content"),
            title=result.get("title"),
            url=result["url"],
        )
        for result in results
    ]
    text = data.get("answer") or "\n\n".join(
        f"{citation.title}\n{citation.url}\n{citation.cited_text}" for citation in citations
    )
    return ContentText(text=text or "Nothing was found.", citations=list(citations) or None)
