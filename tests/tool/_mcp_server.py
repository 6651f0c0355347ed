"""A server of tools, written with the official package: `stdio`, or `http` and `sse` at a port."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import mcp_types
from mcp.server.mcpserver import Image, MCPServer, Resolve, Sample
from mcp.server.mcpserver.exceptions import ToolError

server = MCPServer("sums", log_level="ERROR")
_notes: list[str] = []


@server.tool()
def add(x: int, y: int = 1) -> int:
    """Add two numbers."""
    return x + y


@server.tool()
def note(text: str) -> str:
    """Remember a text and tell all that were remembered, by which process."""
    _notes.append(text)
    return f"{os.getpid()}: {','.join(_notes)}"


@server.tool()
def fail(reason: str) -> str:
    """Fail."""
    raise ToolError(reason)


@server.tool(name="files.draw")
def draw() -> Image:
    """Draw something."""
    return Image(data=b"GIF89a", format="gif")


def _question(topic: str) -> Any:
    message = mcp_types.SamplingMessage(
        role="user", content=mcp_types.TextContent(text=f"What of {topic}?")
    )
    return Sample([message], max_tokens=7, system_prompt="Be brief.", temperature=0.5)


@server.tool()
def ask(topic: str, said: Annotated[Any, Resolve(_question)]) -> str:
    """Ask the model."""
    return f"It says: {said.content.text}"


if __name__ == "__main__":
    kind, *port = sys.argv[1:]
    if kind == "stdio":
        server.run("stdio")
    elif kind == "http":
        server.run("streamable-http", host="127.0.0.1", port=int(port[0]))
    else:
        server.run("sse", host="127.0.0.1", port=int(port[0]))
