"""A server that answers requests as a test says, and remembers them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Reply:
    """What the server does with one request."""

    status: int = 200
    body: dict[str, Any] | str | bytes = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    drop: bool = False
    """Close the connection without an answer."""
    cut: int | None = None
    """Close the connection after so many bytes of the body."""

    def content(self) -> bytes:
        if isinstance(self.body, dict):
            return json.dumps(self.body).encode()
        return self.body.encode() if isinstance(self.body, str) else self.body


@dataclass
class ScriptedServer:
    """Gives its replies in order, the last one for ever."""

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    peers: set[object] = field(default_factory=set)
    """The other ends of the connections."""
    in_flight: int = 0
    most_in_flight: int = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await self._answer(request)
        finally:
            self.in_flight -= 1

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        self.paths.append(request.path)
        self.queries.append(dict(request.query))
        self.requests.append(await request.json())
        self.headers.append(dict(request.headers))
        self.peers.add(request.transport.get_extra_info("peername"))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if reply.delay_s:
            await asyncio.sleep(reply.delay_s)
        if reply.drop:
            request.transport.close()
            return web.Response()
        content = reply.content()
        if reply.cut is None:
            return web.Response(status=reply.status, body=content, headers=reply.headers)
        length = {"Content-Length": str(len(content))}
        response = web.StreamResponse(status=reply.status, headers={**reply.headers, **length})
        await response.prepare(request)
        await response.write(content[: reply.cut])
        request.transport.close()
        return response


@asynccontextmanager
async def scripted_server() -> AsyncIterator[ScriptedServer]:
    """Run a server on a free port of 127.0.0.1 that answers POST on every path."""
    scripted = ScriptedServer()
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/{path:.*}", scripted.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        scripted.url = f"http://{host}:{port}"
        yield scripted
    finally:
        await runner.cleanup()


def event_stream(events: Sequence[dict[str, Any]]) -> bytes:
    """Return events as a server sends them, each under the name of its type."""
    lines = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]
    return "".join(lines).encode()
