"""Servers of tools (MCP), and the tools that they have."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from fnmatch import fnmatchcase
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tasks_lib._errors import ParameterError, UnknownNameError
from tasks_lib.tool._mcp._address import ServerAddress
from tasks_lib.tool._mcp._schema import tool_params
from tasks_lib.tool._tool import Tool, ToolResult, ToolSource
from tasks_lib.tool._tool_def import ToolDef

if TYPE_CHECKING:
    import mcp_types

    from tasks_lib.tool._mcp._session import Session

_SERVER = "__evals_mcp_server__"

_UNUSUAL = re.compile(r"[^a-zA-Z0-9_-]")
"""What names of functions may not have at most providers."""
_LONGEST_NAME = 64


class MCPServer:
    """A server of the Model Context Protocol: a source of tools.

    Made by `mcp_server_stdio`, `mcp_server_http` and `mcp_server_sse`; nothing is started by
    that. Pass it wherever tools are expected.

    Each use is a session of its own: a process that starts, is asked once and ends. Within
    `mcp_connection` (as `react` uses it), or `async with` of the server itself, there is one
    session until the block ends, for all that runs in it, at the same time too. A sample that
    opens one shares it with no other sample, so what a server remembers stays in the sample;
    opened around samples, they all share it.
    """

    def __init__(self, address: ServerAddress, timeout_s: float) -> None:
        """Start nothing yet. `timeout_s`: seconds that starting, and each answer, may take."""
        self._address = address
        self._timeout_s = timeout_s
        self._known: dict[str, _Known] = {}

    def __repr__(self) -> str:
        return f"MCPServer({self._address.label!r})"

    async def tools(self) -> list[Tool]:
        """Return the tools that the server has now.

        Characters that providers refuse in names are underscores. What the server does not
        describe, a tool or a parameter, is described by its name.

        Raises:
            ToolServiceError: It cannot be started or reached, or does not say.
        """
        return list((await self.named_tools()).values())

    async def named_tools(self) -> dict[str, Tool]:
        """Return the tools by the server's own names; otherwise like `tools`."""
        async with self._session() as session:
            listed = await session.tools()
        # The same object for the same tool: otherwise it would be two with one name.
        found = {tool.name: self._remembered(tool) for tool in listed}
        self._known = found
        return {name: known.tool for name, known in found.items()}

    async def __aenter__(self) -> MCPServer:
        """Open a session that lasts for the block; within a block that has one, share it."""
        session = _current(self)
        if session is None:
            session = await self._open()
            _sessions.set({**_sessions.get(), self: session})
        session.users += 1
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the session, unless another block still has it."""
        session = _sessions.get()[self]
        session.users -= 1
        if session.users == 0:
            others = {s: held for s, held in _sessions.get().items() if s is not self}
            _sessions.set(others)
            await session.close()

    def _remembered(self, described: mcp_types.Tool) -> _Known:
        known = self._known.get(described.name)
        if known is not None and known.described == described:
            return known
        return _Known(described, self._made(described))

    def _made(self, described: mcp_types.Tool) -> Tool:
        name = described.name

        async def execute(**arguments: Any) -> ToolResult:
            async with self._session() as session:
                return await session.call(name, arguments)

        setattr(execute, _SERVER, self)
        definition = ToolDef(
            execute,
            name=_UNUSUAL.sub("_", name)[:_LONGEST_NAME],
            description=described.description or described.title or name,
            parameters=tool_params(described.input_schema),
        )
        return definition.as_tool()

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Session]:
        """Give the session of the block that this runs in, or one of its own."""
        shared = _current(self)
        if shared is not None:
            yield shared
            return
        session = await self._open()
        try:
            yield session
        finally:
            await session.close()

    async def _open(self) -> Session:
        # Imported when needed: the package takes most of a second.
        from tasks_lib.tool._mcp._session import Session

        session = Session(self._address, self._timeout_s)
        await session.open()
        return session


class _Known(NamedTuple):
    described: mcp_types.Tool
    tool: Tool


class _SomeTools(ToolSource):
    """Those tools of a server that have one of some names."""

    def __init__(self, server: MCPServer, patterns: Sequence[str]) -> None:
        self.server = server
        self.patterns = patterns

    def __repr__(self) -> str:
        return f"mcp_tools({self.server!r}, tools={list(self.patterns)!r})"

    async def tools(self) -> list[Tool]:
        named = await self.server.named_tools()
        for pattern in self.patterns:
            if not any(fnmatchcase(name, pattern) for name in named):
                raise UnknownNameError(f"tool of {self.server!r}", pattern, named)
        return [
            tool
            for name, tool in named.items()
            if any(fnmatchcase(name, pattern) for pattern in self.patterns)
        ]


def mcp_tools(server: MCPServer, *, tools: Literal["all"] | Sequence[str] = "all") -> ToolSource:
    """Return the tools of a server, or some of them.

    Args:
        server: The server.
        tools: "all", or names; `*`, `?` and `[…]` in them stand for others. A name that fits
            no tool is an `UnknownNameError` when the tools are needed.

    Raises:
        ParameterError: `server` is none, or `tools` is empty or a name outside of a list.
    """
    if not isinstance(server, MCPServer):
        expected = "what mcp_server_stdio, mcp_server_http or mcp_server_sse returns"
        raise ParameterError("mcp_tools", "server", server, expected)
    if tools == "all":
        return server
    if isinstance(tools, str) or not tools:
        raise ParameterError("mcp_tools", "tools", tools, "'all' or a list of names")
    return _SomeTools(server, tuple(tools))


def server_of(tool: object) -> MCPServer | None:
    """Return the server that a tool, or a source of tools, belongs to; None if to none."""
    if isinstance(tool, MCPServer):
        return tool
    if isinstance(tool, _SomeTools):
        return tool.server
    server = getattr(tool.tool if isinstance(tool, ToolDef) else tool, _SERVER, None)
    return server if isinstance(server, MCPServer) else None


_sessions: ContextVar[Mapping[MCPServer, Session]] = ContextVar(
    "mcp_sessions", default=MappingProxyType({})
)


def _current(server: MCPServer) -> Session | None:
    """Return the session of the block that this runs in; None if there is none any more."""
    session = _sessions.get().get(server)
    return session if session is not None and session.is_open else None
