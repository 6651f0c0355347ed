"""Who searches the web, as users name it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias, get_args

from pydantic import JsonValue

from tasks_lib._errors import ParameterError
from tasks_lib.tool._web_search._tavily import tavily_options

NativeSearch = Literal["openai", "anthropic"]
"""Providers of models that search themselves."""

WebSearchProvider = Literal["openai", "anthropic", "tavily"]
"""Who can search."""

WebSearchProviders: TypeAlias = Mapping[str, Mapping[str, JsonValue] | bool | None]
"""Options by provider; True or None: the provider's own defaults. False: not this one."""

SearchOptions: TypeAlias = dict[str, dict[str, JsonValue]]
"""Options by provider, checked."""

_KNOWN = get_args(WebSearchProvider)
_EXPECTED = "one or more of 'openai', 'anthropic' and 'tavily'"


def search_options(
    providers: str | WebSearchProviders | Sequence[str | WebSearchProviders] | None,
) -> SearchOptions:
    """Return options by provider, in the order in which they are named.

    Raises:
        ParameterError: None is named, one twice, an unknown one, or one with options that
            it does not have.
    """
    options: SearchOptions = {}
    listed = [providers] if isinstance(providers, str | Mapping) else providers or ()
    for named in listed:
        for name, given in _with_options(named).items():
            if given is False:
                continue
            if name in options:
                raise _wrong(providers, f"{name!r} once")
            options[name] = _checked(name, {} if given is True or given is None else given)
    if not options:
        raise _wrong(providers, _EXPECTED)
    return options


def renamed(
    providers: object,
    provider: str | None,
    num_results: int | None,
    max_connections: int | None,
) -> SearchOptions:
    """Return what the arguments of earlier versions mean, and warn that they are old."""
    warnings.warn(
        "web_search(provider=…, num_results=…, max_connections=…) is deprecated: pass "
        "providers={'tavily': {'max_results': …, 'max_connections': …}}.",
        DeprecationWarning,
        stacklevel=4,
    )
    if providers is not None:
        raise _wrong(providers, "nothing beside the arguments of earlier versions")
    named = provider or "google"
    given: dict[str, JsonValue] = {"max_results": num_results, "max_connections": max_connections}
    return search_options({named: {key: v for key, v in given.items() if v is not None}})


def _with_options(named: object) -> Mapping[str, object]:
    if isinstance(named, str):
        return {named: None}
    if isinstance(named, Mapping):
        return named
    raise _wrong(named, _EXPECTED)


def _checked(name: str, options: object) -> dict[str, JsonValue]:
    if name == "google":
        raise _wrong(name, f"{_EXPECTED}: searching with Google is not built in")
    if name not in _KNOWN:
        raise _wrong(name, _EXPECTED)
    if not isinstance(options, Mapping):
        raise _wrong({name: options}, "options as a mapping, or True")
    return tavily_options(options) if name == "tavily" else dict(options)


def _wrong(value: object, expected: str) -> ParameterError:
    return ParameterError("web_search", "providers", value, expected)
