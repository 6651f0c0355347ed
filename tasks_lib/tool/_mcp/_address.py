"""Where a server of tools is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

from tasks_lib._util._urls import without_secrets

_SECRET_FLAG = re.compile(r"(-[\w-]*(?:key|token|secret|passw)[\w-]*)(=.*)?", re.IGNORECASE)


class ServerProcess(NamedTuple):
    """A server that is a process of ours and is spoken to through its pipes."""

    command: str
    args: Sequence[str]
    cwd: str | None
    env: Mapping[str, str]
    """Variables beside the few that every process needs, such as PATH."""

    @property
    def label(self) -> str:
        """The command line as messages may show it: what looks like a secret is left out."""
        return " ".join([self.command, *_shown(self.args)])


class ServerUrl(NamedTuple):
    """A server that runs elsewhere."""

    url: str
    headers: Mapping[str, str]
    interface: Literal["http", "sse"]
    """Streamable HTTP, or the older one with two addresses."""
    timeout_s: float
    """Seconds that connecting and sending may take."""

    @property
    def label(self) -> str:
        """The address as messages may show it, without password and query."""
        return without_secrets(self.url)

    def __repr__(self) -> str:
        return f"ServerUrl({self.label!r})"


ServerAddress: TypeAlias = ServerProcess | ServerUrl


def _shown(args: Sequence[str]) -> Iterator[str]:
    hidden = False
    for arg in args:
        flag = _SECRET_FLAG.fullmatch(arg)
        if flag is not None:
            yield f"{flag[1]}=…" if flag[2] else flag[1]
        else:
            yield "…" if hidden else without_secrets(arg)
        hidden = flag is not None and not flag[2]
