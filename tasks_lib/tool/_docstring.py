"""What a tool's docstring tells the model."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from docstring_parser import DocstringStyle, parse

_TYPES: dict[str, type] = {
    "str": str,
    "string": str,
    "int": int,
    "integer": int,
    "float": float,
    "number": float,
    "bool": bool,
    "boolean": bool,
    "list": list,
    "array": list,
    "dict": dict,
    "object": dict,
}
"""Types by the names that docstrings call them."""


class ToolDocs(NamedTuple):
    """What a docstring says."""

    description: str
    """What the tool does, with examples; "" when it says nothing."""
    parameters: Mapping[str, str]
    """Descriptions by the names of the parameters."""
    types: Mapping[str, type]
    """Types of the parameters whose type is given and known."""


def tool_docs(function: Callable[..., Any]) -> ToolDocs:
    """Return what the docstring of `function` says, in whatever style it is written."""
    return _parsed(inspect.getdoc(function) or "")


@lru_cache(maxsize=1024)
def _parsed(text: str) -> ToolDocs:
    docs = parse(text, style=DocstringStyle.AUTO)
    examples = [
        "\n".join(filter(None, (example.snippet, example.description))) for example in docs.examples
    ]
    parts = [(docs.description or "").strip()]
    if examples:
        parts += ["Examples:", *examples]
    parameters = {
        p.arg_name: p.description.strip()
        for p in docs.params
        if p.description and p.args[0] != "attribute"
    }
    types = {
        p.arg_name: known
        for p in docs.params
        if (known := _TYPES.get(_first_word(p.type_name or "")))
    }
    return ToolDocs("\n\n".join(filter(None, parts)), parameters, types)


def _first_word(type_name: str) -> str:
    """Return `list` for "list", "List[str]" and "list of str"."""
    return type_name.replace("[", " ").strip().partition(" ")[0].lower()
