"""Servers that do not even speak HTTP properly: every attempt fails for a passing reason."""

from __future__ import annotations

import asyncio

import pytest

from tasks_lib._errors import ModelRetryError
from tasks_lib.model import get_model
from tasks_lib.schema import GenerateConfig

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        pytest.param(b"\x00\x01 what?\r\n\r\n", "Bad status line", id="no HTTP"),
        pytest.param(b"", "ServerDisconnected", id="nothing"),
        pytest.param(OK + b"Content-Le", "ServerDisconnected", id="half of the headers"),
        pytest.param(OK + b"X: " + b"a" * 10_000 + b"\r\n\r\n", "8190 bytes", id="long header"),
        pytest.param(
            OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n", "chunk size", id="bad chunk"
        ),
        pytest.param(
            OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", "RequestError", id="half a chunk"
        ),
        pytest.param(
            OK + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
            "decompressing",
            id="no gzip",
        ),
        pytest.param(OK + b"Content-Length: 2\r\n\r\n\xff\xfe", "is broken", id="no UTF-8"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", "is broken", id="no content"),
    ],
)
async def test_broken_http(answer: bytes, text: str) -> None:
    requests = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        requests += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    config = GenerateConfig(max_retries=1)
    async with (
        server,
        get_model("openai/x", base_url=f"http://127.0.0.1:{port}", api_key="sk-x") as model,
    ):
        with pytest.raises(ModelRetryError, match=text):
            await model.generate("Hi", config=config)

    assert requests == 1
