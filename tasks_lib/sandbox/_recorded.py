"""A sandbox whose use is recorded in the sample's transcript."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from datetime import datetime
from typing import Literal, TypeVar, overload

from pydantic import JsonValue

from tasks_lib._util._models import build
from tasks_lib.context import ExecResult, transcript
from tasks_lib.sandbox._environment import SandboxConnection, SandboxEnvironment
from tasks_lib.schema import SandboxEnvironmentConfigType, SandboxEvent, utc_now

S = TypeVar("S", bound=SandboxEnvironment)

MAX_LINES = 20
"""Lines of a file or output that are recorded."""
MAX_CHARACTERS = 8_000
"""Characters of a file, output or command that are recorded."""

_SECRET_NAME = re.compile(r"KEY|SECRET|PASSW|CREDENTIAL|AUTH|TOKEN$", re.IGNORECASE)


class RecordedSandbox(SandboxEnvironment):
    """Does what `inner` does, and records it: what was asked, what came of it, when.

    Also what fails is recorded. Contents are cut to `MAX_LINES`; values of environment
    variables whose names tell of a secret are left out.
    """

    def __init__(self, inner: SandboxEnvironment) -> None:
        self._inner = inner

    @property
    def inner(self) -> SandboxEnvironment:
        """The sandbox itself."""
        return self._inner

    async def exec(  # noqa: PLR0913 - the documented parameters
        self,
        cmd: list[str],
        input: str | bytes | None = None,
        cwd: str | None = None,
        env: Mapping[str, str] = {},
        user: str | None = None,
        timeout: int | None = None,  # noqa: ASYNC109 - a documented parameter
        timeout_retry: bool = True,
    ) -> ExecResult[str]:
        """See `SandboxEnvironment.exec`."""
        options: dict[str, JsonValue] = {
            "cwd": cwd,
            "env": {n: "…" if _SECRET_NAME.search(n) else v for n, v in (env or {}).items()},
            "user": user,
            "timeout": timeout,
            "timeout_retry": None if timeout_retry else False,
        }
        event = build(
            SandboxEvent,
            timestamp=utc_now(),
            action="exec",
            cmd=_cut(shlex.join(cmd)),
            input=None if input is None else _shown(input),
            options={name: value for name, value in options.items() if value not in (None, {})},
        )
        try:
            result = await self._inner.exec(
                cmd,
                input=input,
                cwd=cwd,
                env=env or {},
                user=user,
                timeout=timeout,
                timeout_retry=timeout_retry,
            )
        except Exception as error:
            _record_failure(event, error)
            raise
        event.result = result.returncode
        both = f"{result.stderr}\n\n{result.stdout}" if result.stderr else result.stdout
        _record(event, _shown(both))
        return result

    async def write_file(self, file: str, contents: str | bytes) -> None:
        """See `SandboxEnvironment.write_file`."""
        event = _file_event("write_file", file, _shown(contents))
        try:
            await self._inner.write_file(file, contents)
        except Exception as error:
            _record_failure(event, error)
            raise
        _record(event, None)

    @overload
    async def read_file(self, file: str, text: Literal[True] = True) -> str: ...

    @overload
    async def read_file(self, file: str, text: Literal[False]) -> bytes: ...

    async def read_file(self, file: str, text: bool = True) -> str | bytes:
        """See `SandboxEnvironment.read_file`."""
        event = _file_event("read_file", file, None)
        try:
            contents: str | bytes
            if text:
                contents = await self._inner.read_file(file)
            else:
                contents = await self._inner.read_file(file, text=False)
        except Exception as error:
            _record_failure(event, error)
            raise
        _record(event, _shown(contents))
        return contents

    async def connection(self, *, user: str | None = None) -> SandboxConnection:
        """See `SandboxEnvironment.connection`."""
        return await self._inner.connection(user=user)

    def as_type(self, sandbox_cls: type[S]) -> S:
        """Return the sandbox itself, whose use is not recorded; see `SandboxEnvironment`."""
        return self._inner.as_type(sandbox_cls)

    @classmethod
    async def sample_cleanup(
        cls,
        task_name: str,
        config: SandboxEnvironmentConfigType | None,
        environments: dict[str, SandboxEnvironment],
        interrupted: bool,
    ) -> None:
        """Do nothing: the type of the sandbox itself removes it."""


def _file_event(
    action: Literal["read_file", "write_file"], file: str, contents: str | None
) -> SandboxEvent:
    began: datetime = utc_now()
    return build(SandboxEvent, timestamp=began, action=action, file=file, input=contents)


def _record_failure(event: SandboxEvent, error: Exception) -> None:
    _record(event, _cut(f"{type(error).__name__}: {error}"))


def _record(event: SandboxEvent, output: str | None) -> None:
    event.output = output
    event.completed = utc_now()
    transcript().record(event)


def _shown(contents: str | bytes) -> str:
    if isinstance(contents, bytes):
        return f"{len(contents):,} bytes"
    lines = contents.split("\n", MAX_LINES)
    left = lines[MAX_LINES].count("\n") + 1 if len(lines) > MAX_LINES else 0
    shown = _cut("\n".join(lines[:MAX_LINES]))
    return f"{shown}\n… ({left} more lines)" if left else shown


def _cut(text: str) -> str:
    left = len(text) - MAX_CHARACTERS
    return text if left <= 0 else f"{text[:MAX_CHARACTERS]}… ({left:,} more characters)"
