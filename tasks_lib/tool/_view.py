"""How calls of tools are shown to people: in transcripts, and to those who approve them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from tasks_lib.approval import default_view
from tasks_lib.schema import ToolCall, ToolCallContent, ToolCallView
from tasks_lib.tool._tool_def import ToolDef

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


def own_view(call: ToolCall, definition: ToolDef) -> ToolCallView | None:
    """Return how a call wants to be shown, or its tool wants it; None if neither says.

    `{{name}}` in its titles and contents has become the argument of that name: a text as it
    is, other values as JSON. What is in the arguments is not filled in again, and a name that
    the call has no argument for stays as it is.

    Raises:
        Exception: What the tool's viewer raised, with a note that names the tool.
        TypeError: It did not return a `ToolCallView`.
    """
    if call.view is not None:
        return ToolCallView(call=_filled(call.view, call.arguments))
    if definition.viewer is None:
        return None
    try:
        view = definition.viewer(call)
    except Exception as error:
        error.add_note(f"Raised by the viewer of the tool {definition.name!r}.")
        raise
    if not isinstance(view, ToolCallView):
        raise TypeError(
            f"The viewer of the tool {definition.name!r} returned {view!r}, which is no "
            "ToolCallView."
        )
    return ToolCallView(
        context=None if view.context is None else _filled(view.context, call.arguments),
        call=None if view.call is None else _filled(view.call, call.arguments),
    )


def whole_view(call: ToolCall, own: ToolCallView | None) -> ToolCallView:
    """Return what is shown of a call to those who decide on it: `own`, completed.

    A call that is not shown in another way is shown as a line of Python.
    """
    if own is not None and own.call is not None:
        return own
    shown = default_view(call)
    return shown if own is None else ToolCallView(context=own.context, call=shown.call)


def _filled(content: ToolCallContent, arguments: Mapping[str, object]) -> ToolCallContent:
    def argument(found: re.Match[str]) -> str:
        name = found[1]
        return _text(arguments[name]) if name in arguments else found[0]

    return ToolCallContent(
        title=None if content.title is None else _PLACEHOLDER.sub(argument, content.title),
        format=content.format,
        content=_PLACEHOLDER.sub(argument, content.content),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
