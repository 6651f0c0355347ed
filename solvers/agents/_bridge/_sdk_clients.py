"""Clients of the OpenAI and Anthropic SDKs in this process, made to ask a bridge.

A function that runs as an agent makes its client as it likes, perhaps when its module was
imported, before there was a bridge. All requests of a client go through its public method
`request`; while a bridge is open *in the context of the caller*, those for one of our models
get the bridge's address and key there, and nothing else about them changes. Without a bridge,
and for all other models, the method does what it did.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from solvers.agents._bridge._model_names import is_ours
from tasks_lib._errors import BridgeError


class Address(NamedTuple):
    """Where a bridge is."""

    url: str
    key: str
    loop: asyncio.AbstractEventLoop
    """The event loop that answers."""


@contextmanager
def ask_bridge(address: Address) -> Iterator[None]:
    """Let clients in this context ask the bridge at `address`; see `watch_sdk_clients`."""
    token = _address.set(address)
    with _lock:
        _open.append(address)
    try:
        yield
    finally:
        with _lock:
            _open.remove(address)
        _address.reset(token)


def watch_sdk_clients() -> None:
    """Make the clients of both SDKs ask the bridge of their context, if there is one.

    It is done once for the process. Importing the SDKs may take some seconds.
    """
    import anthropic
    import openai

    with _lock:
        # Their subclasses inherit it: it is done once for the process.
        _watch(openai.OpenAI, "/v1", is_async=False)
        _watch(openai.AsyncOpenAI, "/v1", is_async=True)
        _watch(anthropic.Anthropic, "", is_async=False)
        _watch(anthropic.AsyncAnthropic, "", is_async=True)


_address: ContextVar[Address | None] = ContextVar("bridge_address", default=None)
_open: list[Address] = []
_lock = threading.Lock()
_WATCHED = "__evals_bridged__"


def _watch(client: type[Any], prefix: str, *, is_async: bool) -> None:
    request: Callable[..., Any] = client.request
    if hasattr(request, _WATCHED):
        return

    @functools.wraps(request)
    def watched(self: Any, cast_to: Any, options: Any, **kwargs: Any) -> Any:
        return request(self, cast_to, _redirected(options, prefix, is_async=is_async), **kwargs)

    setattr(watched, _WATCHED, True)
    client.request = watched


def _redirected(options: Any, prefix: str, *, is_async: bool) -> Any:
    """Return the options of a request, with the bridge's address and key if it is for it."""
    body = options.json_data
    if not isinstance(body, Mapping) or not is_ours(body.get("model")):
        return options
    address = _address.get()
    if address is None:
        if _open:
            raise BridgeError(
                f"The model {body['model']!r} was asked outside of the context of its bridge: "
                "start threads with asyncio.to_thread, which keeps the context."
            )
        return options
    if not is_async and _running_loop() is address.loop:
        raise BridgeError(
            f"The model {body['model']!r} was asked by a client that is not async, in the "
            "event loop that has to answer: use the SDK's Async client, or asyncio.to_thread."
        )
    given = options.headers if isinstance(options.headers, Mapping) else {}
    keys = {"Authorization": f"Bearer {address.key}", "X-Api-Key": address.key}
    url = f"{address.url}{prefix}{options.url}"
    return options.model_copy(update={"url": url, "headers": {**given, **keys}})


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:  # none in this thread
        return None
