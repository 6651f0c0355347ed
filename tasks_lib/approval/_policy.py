"""Which approver decides on which tools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from tasks_lib._errors import ParameterError
from tasks_lib._util._callables import is_async_callable
from tasks_lib._util._registry import is_registered
from tasks_lib.approval._approver import Approver
from tasks_lib.approval._call_text import call_text
from tasks_lib.schema import ToolCall


@dataclass(frozen=True)
class ApprovalPolicy:
    """An approver with the tools that it decides on.

    Tools are named, or described by globs (`*`, `?`, `[…]`), separated by commas or in a
    list. A glob is compared with the whole name: `bash` is not `bash_session`, `bash*` is
    both. One with a bracket is compared with the call as one line of Python, as in
    `computer(action='key', text='a')`, its arguments in the model's order and texts in single
    quotes: `computer(action='key'*)` is any that begins so, and the same is meant when the
    closing bracket is left out. Models choose what they write: such globs sort calls, they
    keep nothing out.

    Raises:
        ParameterError: `approver` was not made by an `@approver` function, or `tools` has no
            name.
    """

    approver: Approver
    """Decides."""

    tools: str | Sequence[str]
    """Names and globs of the tools."""

    _globs: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not (is_registered(self.approver, "approver") and is_async_callable(self.approver)):
            expected = "what a function with the decorator @approver returns"
            raise ParameterError("ApprovalPolicy", "approver", self.approver, expected)
        object.__setattr__(self, "_globs", _globs(self.tools))

    def applies_to(self, call: ToolCall) -> bool:
        """Tell whether the approver is to decide on `call`."""
        line: str | None = None
        for glob in self._globs:
            if "(" not in glob:
                if fnmatchcase(call.function, glob):
                    return True
                continue
            line = line or call_text(call)
            if fnmatchcase(line, glob):
                return True
        return False


def _globs(tools: object) -> tuple[str, ...]:
    texts = [tools] if isinstance(tools, str) else tools
    globs: list[str] = []
    if isinstance(texts, Sequence) and all(isinstance(text, str) for text in texts):
        globs = [glob for text in texts for glob in _split(text)]
    if not globs:
        expected = "names or globs of tools, '*' for all"
        raise ParameterError("ApprovalPolicy", "tools", tools, expected)
    return tuple(f"{g}*" if "(" in g and not g.endswith((")", "*")) else g for g in globs)


def _split(text: str) -> list[str]:
    """Return the parts of `text` between commas that are not in brackets."""
    parts = [""]
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]
