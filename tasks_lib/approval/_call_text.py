"""Calls of tools as text."""

from __future__ import annotations

from tasks_lib.schema import ToolCall

_LINE = 88
"""Characters of a line of code; longer calls have a line for each argument."""


def call_text(call: ToolCall) -> str:
    r"""Return a call on one line: `bash(cmd='ls', timeout=5)`.

    Arguments come as the model ordered them. Texts are always in single quotes, those in them
    and line breaks escaped (`\'`, `\n`), so that patterns know what to expect.
    """
    arguments = [f"{name}={_quoted(value)}" for name, value in call.arguments.items()]
    return f"{call.function}({', '.join(arguments)})"


def call_code(call: ToolCall) -> str:
    """Return a call as people read it: as Python, long texts on lines of their own."""
    arguments = [f"{name}={_readable(value)}" for name, value in call.arguments.items()]
    line = f"{call.function}({', '.join(arguments)})"
    if "\n" not in line and len(line) <= _LINE:
        return line
    return "\n".join([f"{call.function}(", *(f"    {a}," for a in arguments), ")"])


def fenced(text: str, language: str = "") -> str:
    """Return `text` as a block of code in Markdown that nothing in it can end."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"


def _quoted(value: object) -> str:
    if not isinstance(value, str):
        return repr(value)
    # Python takes single quotes for whatever has a double one in it.
    return "'" + repr(f'"{value}')[2:]


def _readable(value: object) -> str:
    if not isinstance(value, str) or "\n" not in value:
        return repr(value)
    escaped = "".join(map(_escaped, value)).replace("'''", "\\'\\'\\'")
    if escaped.endswith("'"):
        escaped = f"{escaped[:-1]}\\'"
    return f"'''{escaped}'''"


def _escaped(character: str) -> str:
    if character == "\n" or (character.isprintable() and character != "\\"):
        return character
    return character.encode("unicode_escape").decode()
