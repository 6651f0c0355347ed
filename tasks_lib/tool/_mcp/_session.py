"""One session with a server of tools."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import mcp_types
from mcp import Client, MCPError
from mcp.client.context import ClientRequestContext
from pydantic import ValidationError

from tasks_lib._errors import ToolError, ToolServiceError
from tasks_lib._util._urls import without_secrets
from tasks_lib.schema import ModelOutput
from tasks_lib.tool._mcp._address import ServerAddress, ServerProcess
from tasks_lib.tool._mcp._content import tool_result
from tasks_lib.tool._mcp._sampler import sampler
from tasks_lib.tool._mcp._sampling import SamplingRequest, sampling_request, sampling_result
from tasks_lib.tool._mcp._transport import Complaints, transport
from tasks_lib.tool._tool import ToolResult
from tasks_lib.tool._tool_error import innermost_error

_LOG = logging.getLogger(__name__)

_CLOSING_S = 15.0
"""Seconds for the package to end a session. It needs up to 7 for a process that will not end."""

_MOST_PAGES = 100
"""Pages of a list of tools, lest a server that always has another holds us up for ever."""

_BROKEN = (mcp_types.CONNECTION_CLOSED, mcp_types.INVALID_REQUEST, mcp_types.PARSE_ERROR)
"""Errors of the session itself. All others are about the call, and the model is told."""


class Session:
    """A session, from `open` to `close`.

    What keeps it open runs in a task of its own: the package cancels the task in which it
    was opened when the connection breaks, which must not be the sample's. It has the context
    of that task, so it belongs to the sample that opened it.
    """

    def __init__(self, address: ServerAddress, timeout_s: float) -> None:
        """Open nothing yet. `timeout_s`: seconds that starting, and each answer, may take."""
        self.users = 0
        """Blocks that keep it open."""
        self._address = address
        self._timeout_s = timeout_s
        self._has_process = isinstance(address, ServerProcess)
        self._complaints = Complaints()
        self._client: Client | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._tools: list[mcp_types.Tool] | None = None
        self._calls: list[_Call] = []

    @property
    def is_open(self) -> bool:
        """Whether it can be used."""
        return self._client is not None

    async def open(self) -> None:
        """Start or reach the server.

        Raises:
            ToolServiceError: That failed, or took too long.
        """
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[Client] = loop.create_future()
        self._task = loop.create_task(self._hold(opened), name=f"mcp {self._address.label}")
        try:
            self._client = await asyncio.shield(opened)
        finally:
            if self._client is None:
                self._task.cancel()
                await _ended(self._task)

    async def close(self) -> None:
        """End the session, and the server if it is a process of ours; also if cancelled."""
        self._client = None
        self._closing.set()
        if self._task is not None:
            await _ended(self._task)

    async def tools(self) -> list[mcp_types.Tool]:
        """Return what the server has now; it is asked again when it says that this changed.

        Raises:
            ToolServiceError: It does not say.
        """
        known = self._tools
        if known is None:
            try:
                known = await self._list(self._opened())
            except (MCPError, ValidationError) as error:
                raise self._failure("does not say which tools it has", error) from error
            self._tools = known
        return known

    async def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Return what the server's tool `name` returns.

        Raises:
            ToolError: It failed; the model is told why.
            TimeoutError: There was no answer in time.
            ToolServiceError: The session is broken, or the answer is none.
            Exception: What the evaluated model raised when the server asked it.
        """
        client = self._opened()
        call = _Call()
        self._calls.append(call)
        try:
            result = await client.call_tool(name, dict(arguments))
        except (MCPError, ValidationError, RuntimeError) as error:
            if call.failure is not None:
                raise call.failure from error
            raise await self._call_error(name, error) from error
        finally:
            self._calls.remove(call)
        if call.failure is not None:
            raise call.failure
        return tool_result(result)

    async def _hold(self, opened: asyncio.Future[Client]) -> None:
        """Open the session, tell so, and keep it open until `close`."""
        client = Client(
            transport(self._address, self._complaints),
            read_timeout_seconds=self._timeout_s,
            sampling_callback=None if sampler() is None else self._sample,
            message_handler=self._notified,
            client_info=mcp_types.Implementation(name="prefect-evals", version="1"),
        )
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(self._timeout_s):
                    await stack.enter_async_context(client)
                opened.set_result(client)
                await self._closing.wait()
        except Exception as error:
            if opened.done():
                # Those who used it have been told: their calls failed.
                _LOG.warning("The session with %s broke: %r", self._address.label, error)
            else:
                opened.set_exception(self._failure("cannot be used", error))
        finally:
            opened.cancel()

    def _opened(self) -> Client:
        if self._client is None:
            raise ToolServiceError(f"The session with {self._address.label!r} has been closed.")
        return self._client

    async def _list(self, client: Client) -> list[mcp_types.Tool]:
        found: list[mcp_types.Tool] = []
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = await client.list_tools(cursor=cursor, cache_mode="bypass")
            found += page.tools
            cursor = page.next_cursor
            if cursor is None:
                return found
        raise ToolServiceError(
            f"{self._address.label!r} lists its tools on more than {_MOST_PAGES} pages."
        )

    async def _call_error(self, name: str, error: Exception) -> Exception:
        if isinstance(error, ValidationError):
            return self._failure(f"gave {name!r} no valid answer", error)
        if not isinstance(error, MCPError):
            return ToolError(str(error))  # a result that is not what the tool said it would be
        if error.code == mcp_types.REQUEST_TIMEOUT:
            return TimeoutError(f"{name} did not answer within {self._timeout_s:g} seconds.")
        if error.code in _BROKEN:
            if self._has_process and error.code == mcp_types.CONNECTION_CLOSED:
                await self._complaints.end()
            return self._failure(f"broke when {name!r} was called", error)
        return ToolError(error.message)

    def _failure(self, what: str, error: Exception) -> ToolServiceError:
        cause = innermost_error(error)
        if isinstance(cause, ToolServiceError):
            return cause
        is_late = isinstance(cause, TimeoutError)
        why = f"no answer within {self._timeout_s:g} seconds" if is_late else _text(cause)
        message = without_secrets(f"The server of tools {self._address.label!r} {what}: {why}")
        lines = self._complaints.last_lines()
        return ToolServiceError(f"{message}\nIt wrote:\n{lines}" if lines else message)

    async def _notified(self, message: object) -> None:
        if isinstance(message, mcp_types.ToolListChangedNotification):
            self._tools = None

    async def _sample(
        self, context: ClientRequestContext, params: mcp_types.CreateMessageRequestParams
    ) -> mcp_types.CreateMessageResult | mcp_types.ErrorData:
        """Let the evaluated model answer the server.

        It is asked as if the tool that runs had asked it: the request is in the transcript
        and under the limits of that call, and so is what it raises. Of several calls that run
        at once it is the last, as the server does not say.
        """
        try:
            request = sampling_request(params)
        except ValueError as error:
            return mcp_types.ErrorData(code=mcp_types.INVALID_PARAMS, message=str(error))
        call = self._calls[-1] if self._calls else _Call()
        try:
            return sampling_result(await _asked(request, call.context))
        except Exception as error:
            call.failure = error
            return mcp_types.ErrorData(code=mcp_types.INTERNAL_ERROR, message=_text(error))


class _Call:
    """A call that runs."""

    def __init__(self) -> None:
        self.context = contextvars.copy_context()
        self.failure: Exception | None = None
        """What the model raised when the server asked it during the call."""


async def _asked(request: SamplingRequest, context: contextvars.Context) -> ModelOutput:
    """Return the model's answer, asked in `context`."""
    ask = sampler()
    if ask is None:
        raise ToolServiceError("There is no model that a server of tools could ask.")
    return await asyncio.get_running_loop().create_task(ask(*request), context=context)


async def _ended(task: asyncio.Task[None]) -> None:
    """Wait until `task` has ended, also while it is cancelled: no process must be left."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _CLOSING_S
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task}, timeout=max(0.0, deadline - loop.time()))
        except asyncio.CancelledError as error:
            cancelled = error
        if loop.time() >= deadline:
            task.cancel()
            deadline += _CLOSING_S
    if cancelled is not None:
        raise cancelled


def _text(error: Exception) -> str:
    return str(error) or type(error).__name__
