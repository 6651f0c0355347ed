"""A server of chat completions that fails in every way a provider can."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

Cut = Literal["before headers", "in headers", "after headers", "in the body", "no HTTP"]

SOON = {"Retry-After": "0.01"}

IN_VAIN_S = 10.0
"""How long a reply waits for the prompt that it is to come after."""


@dataclass(frozen=True)
class Reply:
    """What the server does with one request."""

    status: int = 200
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    after: str | None = None
    """The prompt that must have come before this is sent."""
    cut: Cut | None = None
    """Where the connection is closed, if it is; or that what comes is not HTTP."""

    @property
    def asked_s(self) -> float:
        """Seconds that the client is asked to wait."""
        return float(self.headers.get("Retry-After", 0))


def answer(text: str = "yes", finish_reason: str = "stop") -> Reply:
    """Return a good answer of four tokens."""
    body = {
        "id": "1",
        "object": "chat.completion",
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": finish_reason,
            }
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
    }
    return Reply(body=json.dumps(body))


def failure(
    status: int, message: str, code: str | None = None, headers: Mapping[str, str] | None = None
) -> Reply:
    """Return an error as OpenAI sends it."""
    error = {"message": message, "type": "error", "param": None, "code": code}
    return Reply(status, json.dumps({"error": error}), headers or {})


Script = Callable[[str, int], Reply]
"""From a prompt, and how often it came before, to the reply."""


def by_prompt(replies: Mapping[str, Sequence[Reply]]) -> Script:
    """Give each prompt its replies in order, the last one for ever; others are answered."""
    good = answer()

    def reply(prompt: str, earlier: int) -> Reply:
        script = replies.get(prompt, (good,))
        return script[min(earlier, len(script) - 1)]

    return reply


class FaultServer:
    """Replies by a script from a thread of its own, within a `with` block.

    A prompt is the text of the last message of a request.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.url = ""
        self.requests: dict[str, int] = defaultdict(int)
        """Requests by prompt."""
        self.too_early: list[str] = []
        """Prompts that came again before the wait that was asked for was over."""
        self.in_vain: list[str] = []
        """Prompts whose reply waited for another prompt that did not come."""
        self._came: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._not_before: dict[str, float] = {}
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="fault-server")

    def __enter__(self) -> FaultServer:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _serve(self) -> None:
        runner = self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._end(runner))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        return runner

    async def _end(self, runner: web.AppRunner) -> None:
        """Cancel what is asleep, so that it does not hold up the end of a test."""
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        said: dict[str, Any] = await request.json()
        prompt = str(said["messages"][-1]["content"])
        reply = self.script(prompt, self.requests[prompt])
        self.requests[prompt] += 1
        if time.monotonic() < self._not_before.get(prompt, 0):
            self.too_early.append(prompt)
        self._came[prompt].set()
        if reply.after is not None:
            await self._wait_for(reply.after, prompt)
        if reply.delay_s:
            await asyncio.sleep(reply.delay_s)
        self._not_before[prompt] = time.monotonic() + reply.asked_s
        if reply.cut is not None:
            return _cut_off(request, reply)
        return web.Response(
            status=reply.status,
            text=reply.body,
            headers=reply.headers,
            content_type="application/json",
        )

    async def _wait_for(self, other: str, prompt: str) -> None:
        try:
            await asyncio.wait_for(self._came[other].wait(), IN_VAIN_S)
        except TimeoutError:
            self.in_vain.append(prompt)


def _cut_off(request: web.Request, reply: Reply) -> web.StreamResponse:
    """Send a part of the response, which only works past aiohttp's own responses."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(reply.body)}"
    sent = {
        "no HTTP": "SSH-2.0-OpenSSH\r\n",
        "before headers": "",
        "in headers": head[:20],
        "after headers": f"{head}\r\n\r\n",
        "in the body": f"{head}\r\n\r\n{reply.body[: len(reply.body) // 2]}",
    }
    assert reply.cut is not None and request.transport is not None
    request.transport.write(sent[reply.cut].encode())
    request.transport.close()
    return web.Response()
