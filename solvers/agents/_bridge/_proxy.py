"""A server on loopback that speaks the providers' interfaces, for the programs of this process.

Each event loop has at most one, which all bridges share: it is started with the first of them
and ends with the last. It listens on 127.0.0.1 only, on a port that was free, and answers only
to the secret keys of open bridges; the key says whose program asks.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import NamedTuple
from weakref import WeakKeyDictionary

from aiohttp import web
from pydantic_core import from_json, to_json

from solvers.agents._bridge._anthropic import (
    anthropic_answer,
    anthropic_error,
    anthropic_events,
    read_anthropic,
)
from solvers.agents._bridge._call import Call, History, JSONObject, Refusal
from solvers.agents._bridge._chat import chat_answer, chat_events, openai_error, read_chat
from solvers.agents._bridge._model_names import model_names
from solvers.agents._bridge._responses import read_responses, responses_answer
from solvers.agents._bridge._responses_events import responses_events
from solvers.agents._bridge._run import Run
from tasks_lib.schema import ModelOutput


class Place(NamedTuple):
    """Where a run can be asked."""

    url: str
    """Like `http://127.0.0.1:1234`."""
    key: str
    """The secret that stands for the run."""


@asynccontextmanager
async def serve(run: Run) -> AsyncIterator[Place]:
    """Answer the requests of `run` within this block."""
    proxy = _proxies.setdefault(asyncio.get_running_loop(), _Proxy())
    # Looks like a key of OpenAI's, which some programs insist on.
    key = f"sk-{secrets.token_hex(24)}"
    url = await proxy.open()
    try:
        proxy.runs[key] = run
        yield Place(url, key)
    finally:
        proxy.runs.pop(key, None)
        await proxy.close()


class _Interface(NamedTuple):
    """An interface of a provider: how it is read and written."""

    read: Callable[[JSONObject, History], Call]
    answer: Callable[[Call, ModelOutput], JSONObject]
    events: Callable[[Call, JSONObject], Iterator[tuple[str | None, JSONObject | str]]]
    error: Callable[[Refusal], JSONObject]


_INTERFACES = {
    "/v1/chat/completions": _Interface(read_chat, chat_answer, chat_events, openai_error),
    "/v1/responses": _Interface(read_responses, responses_answer, responses_events, openai_error),
    "/v1/messages": _Interface(read_anthropic, anthropic_answer, anthropic_events, anthropic_error),
}

_MOST_BYTES = 2**28
"""The largest request; conversations with images have some 10 MB."""

_LAST_SECONDS = 1.0
"""How long the end waits for answers that are being written."""


class _Proxy:
    """The server of an event loop."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        """The runs of open bridges by their keys."""
        self._users = 0
        self._changing = asyncio.Lock()
        self._runner: web.AppRunner | None = None
        self._url = ""

    async def open(self) -> str:
        """Start the server if it is not there, and return its URL."""
        self._users += 1
        try:
            async with self._changing:
                if self._runner is None:
                    await self._start()
        except BaseException:
            self._users -= 1
            raise
        return self._url

    async def close(self) -> None:
        """End the server if nobody else uses it."""
        self._users -= 1
        async with self._changing:
            if not self._users and self._runner is not None:
                runner, self._runner = self._runner, None
                await runner.cleanup()

    async def _start(self) -> None:
        app = web.Application(client_max_size=_MOST_BYTES)
        app.router.add_route("*", "/{path:.*}", self._respond)
        # A program that hangs up, or is killed, must not use up tokens any more.
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=_LAST_SECONDS
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        self._url = f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        interface = _INTERFACES.get(request.path)
        try:
            key = _key(request)
            run = self.runs.get(key)
            if run is None:
                raise Refusal(401, _UNKNOWN_KEY, code="invalid_api_key")
            if request.method == "GET":
                return _json(_models(request.path))
            if interface is None or request.method != "POST":
                raise Refusal(404, _not_served(request))
            return await _answer(request, key, run, interface)
        except web.HTTPRequestEntityTooLarge:
            refusal = Refusal(413, f"The request has more than {_MOST_BYTES:,} bytes.")
        except Refusal as refused:
            refusal = refused
        is_anthropic = "anthropic-version" in request.headers
        write = interface.error if interface else anthropic_error if is_anthropic else openai_error
        return _json(write(refusal), refusal.status)


_proxies: WeakKeyDictionary[asyncio.AbstractEventLoop, _Proxy] = WeakKeyDictionary()

_UNKNOWN_KEY = (
    "The key is not that of an open bridge: pass on the environment of the bridge. "
    "The run that it was for may have ended."
)


def _key(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return request.headers.get("X-Api-Key") or (token if scheme.lower() == "bearer" else "")


async def _answer(
    request: web.Request, key: str, run: Run, interface: _Interface
) -> web.StreamResponse:
    body = _body(await request.read(), key)
    try:
        call = interface.read(body, run.history)
        output = await run.answer(call)
        answer = interface.answer(call, output)
        if call.history is not None:
            run.remember(answer["id"], call.history, output)
        if not call.stream:
            return _json(answer)
        events = [_event(name, data) for name, data in interface.events(call, answer)]
    except Refusal:
        raise
    except Exception as error:
        # A mistake of a provider or of ours: the program may hide it, the sample must not.
        run.end_with(error)
        raise Refusal(500, f"{type(error).__name__}: {error}") from error
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for event in events:
        await response.write(event)
    await response.write_eof()
    return response


def _body(raw: bytes, key: str) -> JSONObject:
    try:
        # A program may show the model its environment: the key must not reach the log.
        body = from_json(raw.replace(key.encode(), b"[key]"))
    except ValueError as error:
        raise Refusal(400, f"The request is not JSON: {error}.") from None
    if not isinstance(body, dict):
        raise Refusal(400, "The request is not a JSON object.")
    return body


def _event(name: str | None, data: JSONObject | str) -> bytes:
    said = data.encode() if isinstance(data, str) else to_json(data)
    return (f"event: {name}\n".encode() if name else b"") + b"data: " + said + b"\n\n"


def _json(answer: JSONObject, status: int = 200) -> web.Response:
    # SDKs would try most errors again; what can pass has been tried again here.
    headers = {"X-Should-Retry": "false"} if status >= 400 else {}
    content = to_json(answer)
    return web.Response(
        body=content, status=status, headers=headers, content_type="application/json"
    )


def _models(path: str) -> JSONObject:
    """Return the list of models, or one of them, for both providers' SDKs."""
    listed = [_model(name) for name in model_names()]
    if path == "/v1/models":
        return {"object": "list", "data": listed, "has_more": False}
    for model in listed:
        if path == f"/v1/models/{model['id']}":
            return model
    raise Refusal(404, f"{path} is not served. Models: {', '.join(model_names())}.")


def _model(name: str) -> JSONObject:
    about = {"id": name, "display_name": name, "owned_by": "evals"}
    return {**about, "object": "model", "type": "model", "created": 0, "created_at": _EPOCH}


_EPOCH = "1970-01-01T00:00:00Z"


def _not_served(request: web.Request) -> str:
    served = ", ".join([*_INTERFACES, "/v1/models"])
    return f"{request.method} {request.path} is not served by the bridge. It serves {served}."
