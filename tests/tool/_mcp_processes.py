"""Servers of tools to try things with, and which of their processes are left."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks_lib.tool import MCPServer, Tool, mcp_server_stdio, tool_def

_HERE = Path(__file__).parent


def raw_server(mode: str = "", pids: Path | None = None, *, timeout: float = 20) -> MCPServer:
    """Return a server that starts at once, see `_mcp_raw_server.py`.

    It writes the numbers of its processes to the file `pids`.
    """
    args = ["-S", str(_HERE / "_mcp_raw_server.py"), mode, *([str(pids)] if pids else [])]
    return mcp_server_stdio(command=sys.executable, args=args, timeout=timeout)


def real_server() -> MCPServer:
    """Return the server written with the official package."""
    return mcp_server_stdio(command=sys.executable, args=[str(_HERE / "_mcp_server.py"), "stdio"])


@contextmanager
def listening_server(kind: str) -> Iterator[str]:
    """Run the same server at a free port until the block ends; give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = str(_HERE / "_mcp_server.py")
    with subprocess.Popen([sys.executable, program, kind, str(port)]) as process:
        try:
            _await_port(port, process)
            yield f"http://127.0.0.1:{port}/{'mcp' if kind == 'http' else 'sse'}"
        finally:
            process.kill()


async def named(server: MCPServer) -> dict[str, Tool]:
    """Return the server's tools by the names that the model sees."""
    return {tool_def(tool).name: tool for tool in await server.tools()}


def pid_in(answer: object) -> int:
    """Return the number of the process that gave an answer."""
    return int(str(answer).partition(":")[0])


async def pids_in(file: Path) -> list[int]:
    """Return what a server writes to a file, once it has."""
    return await asyncio.to_thread(_read_pids, file)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _read_pids(file: Path) -> list[int]:
    deadline = time.monotonic() + 30
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    return [int(pid) for pid in file.read_text().split()]


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the server did not start")
