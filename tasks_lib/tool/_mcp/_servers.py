"""The functions that make servers of tools."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from tasks_lib._errors import ParameterError
from tasks_lib.tool._mcp._address import ServerProcess, ServerUrl
from tasks_lib.tool._mcp._server import MCPServer


def mcp_server_stdio(
    *,
    command: str,
    args: Sequence[str] = (),
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 300,
) -> MCPServer:
    """Return a server of tools that is a program on this machine.

    It is started when its tools are needed, see `MCPServer`, and speaks through its standard
    input and output. It runs with the rights of the evaluation: what a model makes it do is
    not held in by a sandbox.

    Args:
        command: The program.
        args: Its arguments.
        cwd: Its working directory; by default ours.
        env: Environment variables beside PATH, HOME and the few others that every process
            needs: keys that we have are not passed on.
        timeout: Seconds that it may take to start, and for each answer. A call that takes
            longer is an error that the model is told.

    Raises:
        ParameterError: There is no command, a directory that does not exist, or no time.
    """
    where = "mcp_server_stdio"
    if not command:
        raise ParameterError(where, "command", command, "a program")
    if isinstance(args, str):
        raise ParameterError(where, "args", args, "a list of texts")
    if cwd is not None and not Path(cwd).is_dir():
        raise ParameterError(where, "cwd", os.fspath(cwd), "an existing directory")
    _check_seconds(where, "timeout", timeout)
    directory = None if cwd is None else os.fspath(cwd)
    return MCPServer(ServerProcess(command, tuple(args), directory, dict(env or {})), timeout)


def mcp_server_http(
    *,
    url: str,
    headers: Mapping[str, str] | None = None,
    timeout: float = 5,
    sse_read_timeout: float = 300,
) -> MCPServer:
    """Return a server of tools at an address, with the interface "streamable HTTP".

    Args:
        url: Where it is.
        headers: Sent with every request, such as an authorization. They follow no redirect
            to another server.
        timeout: Seconds that connecting and sending may take.
        sse_read_timeout: Seconds that an answer may take. A call that takes longer is an
            error that the model is told.

    Raises:
        ParameterError: It is no address, or a time is not above 0.
    """
    return _at("mcp_server_http", ServerUrl(url, headers or {}, "http", timeout), sse_read_timeout)


def mcp_server_sse(
    *,
    url: str,
    headers: Mapping[str, str] | None = None,
    timeout: float = 5,
    sse_read_timeout: float = 300,
) -> MCPServer:
    """Return a server of tools at an address, with the older interface "HTTP with SSE".

    The arguments and what is raised are those of `mcp_server_http`.
    """
    return _at("mcp_server_sse", ServerUrl(url, headers or {}, "sse", timeout), sse_read_timeout)


def _at(where: str, address: ServerUrl, answer_s: float) -> MCPServer:
    parts = urlsplit(address.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ParameterError(where, "url", address.label, "'http://…' or 'https://…'")
    _check_seconds(where, "timeout", address.timeout_s)
    _check_seconds(where, "sse_read_timeout", answer_s)
    return MCPServer(address, answer_s)


def _check_seconds(where: str, name: str, seconds: float) -> None:
    if seconds <= 0:
        raise ParameterError(where, name, seconds, "more than 0 seconds")
