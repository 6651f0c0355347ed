"""Whether the provider of the model searches, or we do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from pydantic import JsonValue

from tasks_lib._errors import PrerequisiteError
from tasks_lib.schema import ToolInfo
from tasks_lib.tool._web_search._providers import NativeSearch, SearchOptions
from tasks_lib.tool._web_search._tavily import tavily_key

OPTION = "web_search"
"""The option of a tool that says that it searches, and who does."""


def native_search(tool: ToolInfo, provider: NativeSearch) -> Mapping[str, JsonValue] | None:
    """Return the options of a tool that `provider` is to do itself; None if it is not to."""
    return _providers(tool).get(provider)


def searched_by_us(tool: ToolInfo, refusal: str) -> ToolInfo:
    """Return a search as a tool that is sent as a function; other tools as they are.

    Args:
        tool: The tool.
        refusal: Why the provider of the model does not search itself.

    Raises:
        PrerequisiteError: Nobody else was named.
        MissingKeyError: The key of who was named is not set.
    """
    providers = _providers(tool)
    if not providers:
        return tool
    if "tavily" not in providers:
        raise PrerequisiteError(
            f"No provider of web_search can search: {refusal}. Add another one, as in "
            f"web_search({[*providers, 'tavily']!r})."
        )
    tavily_key()
    return tool.model_copy(update={"options": None})


def _providers(tool: ToolInfo) -> SearchOptions:
    return cast(SearchOptions, (tool.options or {}).get(OPTION) or {})
