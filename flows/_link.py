"""The Prefect server as a running evaluation sees it: given up soon after it has gone.

Prefect's client repeats a request for a minute, and an engine makes several at the end of each
flow run: without a server an evaluation would take minutes more for nothing. Here a request
fails once the server has been silent for `GRACE_S`, further ones at once, until it answers
again. A restart in less time is not noticed.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.context import AsyncClientContext
from prefect.exceptions import PrefectException
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from flows._events import api_url, droppable, send_events
from tasks_lib._errors import PrerequisiteError
from tasks_lib._util._blot import without_credentials

logger = logging.getLogger(__name__)

GRACE_S = 7.0
"""How long the server may be silent while we ask it."""
SILENT_S = 5.0
"""A server that has not answered anything for so long may be gone: a session asks oftener."""
REQUEST_TIMEOUT_S = 30.0
"""After this an answer is no longer waited for, and asked for again."""
PROBE_S = 5.0
"""How long a server that was silent may take to say that it is there."""
AGAIN_S = 2.0
"""How soon a server that is gone is looked for again."""
START_S = 15.0
"""How long a server may take to answer before anything is run."""
START_RETRIES = 2
"""How often it is asked again then, if it is busy."""

UNTOLD = (httpx.HTTPError, PrefectException)
"""What flows and requests raise whose server is gone, or has forgotten us."""

_BEGAN = "evals.began"
_NO_ANSWERS = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT})
"""What something between us and a server says that is gone."""


class ServerGoneError(httpx.TransportError):
    """The Prefect server does not answer.

    Not one of tasks_lib's errors: it has to be one that Prefect's client does not repeat.
    """


class ServerLink:
    """Gives Prefect's engines of a session their client, and knows whether it is answered."""

    client: PrefectClient
    """Set while it is open."""

    def __init__(self) -> None:
        self.is_gone = False
        """Whether the server was silent for too long, and has not answered since."""
        self.outages = 0
        """How often it has gone."""
        self._answered = -math.inf
        self._probed = -math.inf
        self._turn = asyncio.Lock()
        self._told = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[PrefectClient]:
        """Let the flows of this block use our client."""
        hooks = {"request": [self._before], "response": [self._after]}
        settings = {"event_hooks": hooks, "timeout": REQUEST_TIMEOUT_S}
        async with AsyncClientContext(httpx_settings=settings) as context:
            # Prefect's engines ask for a client without settings, or make one for each task run.
            context._httpx_settings = None
            self.client = context.client
            with droppable(context.client, self._is_silent):
                try:
                    yield context.client
                finally:
                    # What waits to be sent is sent before the process may end.
                    await self.answers()

    async def answers(self) -> bool:
        """Return whether the server is there, as far as is known or can be asked quickly."""
        if self.is_gone:
            await self._probe()
        return not self.is_gone

    def tell(self, error: Exception) -> None:
        """Warn, once in all, that Prefect does not get what it should."""
        level = logging.DEBUG if self._told else logging.WARNING
        self._told = True
        logger.log(
            level,
            "The Prefect server at %s cannot be told how the evaluation goes (%s). It goes on all "
            "the same: its logs will have every sample, what Prefect shows may be incomplete.",
            without_credentials(api_url(self.client)),
            describe(error),
        )

    async def _before(self, request: httpx.Request) -> None:
        """Refuse to send what would not be answered. Is called before each attempt."""
        now = time.monotonic()
        began: float = request.extensions.setdefault(_BEGAN, now)
        silent = now - began > GRACE_S and self._answered < began
        if (self.is_gone or silent) and (error := await self._probe()) is not None:
            raise ServerGoneError(describe(error), request=request)

    async def _after(self, response: httpx.Response) -> None:
        if response.status_code not in _NO_ANSWERS:
            self._answered = time.monotonic()

    async def _probe(self) -> Exception | None:
        """Look whether the server is there, every `AGAIN_S` at most; return what is wrong."""
        async with self._turn:
            if self.is_gone and time.monotonic() - self._probed < AGAIN_S:
                return ServerGoneError("it did not answer some seconds ago")
            error = await _health()
            self._probed = time.monotonic()
            if error is not None:
                self.outages += not self.is_gone
                self.tell(error)
            elif self.is_gone:
                logger.info("The Prefect server answers again.")
            if self.is_gone is not (error is not None):
                self.is_gone = error is not None
                send_events(self.client, is_gone=self.is_gone)
        return error

    def _is_silent(self) -> bool:
        return self.is_gone or time.monotonic() - self._answered > SILENT_S


def check_server() -> None:
    """Make sure that the Prefect server which is configured can be used.

    Raises:
        PrerequisiteError: It can't; nothing has been run.
    """
    url = str(PREFECT_API_URL.value())
    try:
        with (
            temporary_settings({PREFECT_CLIENT_MAX_RETRIES: START_RETRIES}),
            get_client(httpx_settings={"timeout": START_S}, sync_client=True) as client,
        ):
            client.read_flows(limit=1)
    except UNTOLD as error:
        raise unreachable(url, error) from error
    except ValueError as error:  # neither a server nor a temporary one may be used
        raise PrerequisiteError(str(error)) from error


def unreachable(url: str, error: Exception) -> PrerequisiteError:
    """Return what is raised when the server of `url` cannot be used at the start."""
    return PrerequisiteError(
        f"The Prefect server at {without_credentials(url)} cannot be used "
        f"({describe(error)}). Start it (`prefect server start`), set PREFECT_API_URL to where "
        "it is, or unset it (`prefect config unset PREFECT_API_URL`): then a temporary server "
        "is started."
    )


def describe(error: Exception) -> str:
    """Return an error of a request in a line."""
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


async def _health() -> Exception | None:
    """Return None if the server is there, else what is wrong."""
    try:
        async with (
            asyncio.timeout(PROBE_S),
            get_client(httpx_settings={"timeout": PROBE_S}) as client,
        ):
            return await client.api_healthcheck()
    except TimeoutError as error:
        return error
