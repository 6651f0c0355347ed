"""Sessions with servers of tools that last for a block."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from tasks_lib.tool._expand import AnyTools
from tasks_lib.tool._mcp._server import MCPServer, server_of


@asynccontextmanager
async def mcp_connection(tools: AnyTools) -> AsyncIterator[None]:
    """Keep one session with each server among `tools` open for an `async with` block.

    Without it each listing of tools and each call is a session of its own: a process that
    starts and ends, and remembers nothing. Sessions, with their processes, end with the block,
    also when it is left by an exception or cancelled; a block within it shares them.

    Args:
        tools: Servers, what `mcp_tools` returns, and tools that servers have; others are
            passed over.

    Raises:
        ToolServiceError: A server cannot be started or reached.
    """
    async with AsyncExitStack() as stack:
        for server in _servers(tools):
            await stack.enter_async_context(server)
        yield


def _servers(tools: AnyTools) -> Iterator[MCPServer]:
    if isinstance(tools, Sequence) and not isinstance(tools, str):
        for tool in tools:
            yield from _servers(tool)
    elif (server := server_of(tools)) is not None:
        yield server
