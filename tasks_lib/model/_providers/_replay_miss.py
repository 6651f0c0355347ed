"""Where a request differs from the recorded one that is nearest to it, in a few lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice, zip_longest
from typing import Any

from tasks_lib.model._providers._replay_index import Asker, Nearest, equal_at_start
from tasks_lib.model._providers._replay_request import RequestForm

_MOST_LINES = 4
_BEFORE, _SHOWN = 20, 80
"""Characters before the first difference, and in all, that are shown of a text."""


def miss_text(asker: Asker | None, asked: RequestForm, nearest: Nearest, location: str) -> str:
    """Return what is to be said of a request that was not recorded."""
    who = f"sample {asker.sample_id!r} in epoch {asker.epoch}" if asker else "a request"
    call = nearest.call
    lines = list(islice(_differences(nearest.form, asked), _MOST_LINES))
    return "\n  ".join(
        [
            f"{who} asks what was not recorded in {location!r}. Nearest is call {call.number} of "
            f"sample {call.sample_id!r} in epoch {call.epoch}, which differs:",
            *lines,
        ]
    )


def _differences(recorded: RequestForm, asked: RequestForm) -> Iterator[str]:
    """Yield a line for the first message that differs, and for each option that does."""
    for number, (old, new) in enumerate(zip_longest(recorded.messages, asked.messages), start=1):
        if old != new:
            yield _of_message(number, old, new)
            break
    if recorded.tools != asked.tools:
        yield _of_tools(json.loads(recorded.tools), json.loads(asked.tools))
    old_options, new_options = json.loads(recorded.options), json.loads(asked.options)
    for name in sorted(old_options.keys() | new_options.keys()):
        old_value, new_value = old_options.get(name), new_options.get(name)
        if old_value != new_value:
            yield f"{name}: {_pair(_shown(old_value), _shown(new_value))}"


def _of_message(number: int, old: bytes | None, new: bytes | None) -> str:
    if old is None or new is None:
        given = json.loads(old or new or b"{}")
        text = f"{given['role']}: {_text(given)[:_SHOWN]!r}"
        return f"message {number}: " + (_pair("none", text) if old is None else _pair(text, "none"))
    recorded, asked = json.loads(old), json.loads(new)
    if recorded["role"] != asked["role"]:
        return f"message {number}: {_pair(*(m['role'] for m in (recorded, asked)))}"
    texts = _text(recorded), _text(asked)
    if texts[0] == texts[1]:
        texts = old.decode(), new.decode()
    start = max(0, equal_at_start(*texts) - _BEFORE)
    return f"message {number} ({asked['role']}): " + _pair(
        *(_window(text, start) for text in texts)
    )


def _of_tools(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> str:
    names = [tool["name"] for tool in old], [tool["name"] for tool in new]
    if names[0] != names[1]:
        return "tools: " + _pair(*(", ".join(given) or "none" for given in names))
    changed = next(b for a, b in zip(old, new, strict=True) if a != b)
    return f"tools: {changed['name']!r} has another description, parameters or options"


def _text(message: Mapping[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else json.dumps(content)


def _window(text: str, start: int) -> str:
    end = start + _SHOWN
    return ("…" if start else "") + repr(text[start:end]) + ("…" if end < len(text) else "")


def _shown(value: object) -> str:
    return "none" if value is None else json.dumps(value)[:_SHOWN]


def _pair(recorded: str, asked: str) -> str:
    return f"recorded {recorded}, asked {asked}"
