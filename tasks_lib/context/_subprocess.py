"""Processes that tools, solvers and scorers run."""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar, overload

from tasks_lib._errors import OutputLimitExceededError, ParameterError
from tasks_lib._util._aio import finish_despite_cancel
from tasks_lib._util._harmless import one_line
from tasks_lib._util._trace import trace_action
from tasks_lib.context._concurrency import concurrency as named_concurrency
from tasks_lib.context._concurrency import max_subprocesses
from tasks_lib.context._process import Command, ProcessRun

logger = logging.getLogger(__name__)

Output = TypeVar("Output", str, bytes)
Input = str | bytes | memoryview


@dataclass(frozen=True)
class ExecResult(Generic[Output]):
    """How a process ended, and what it wrote."""

    success: bool
    """Whether the exit status is 0."""

    returncode: int
    """The exit status; negative: the signal that ended the process."""

    stdout: Output
    """What it wrote to its standard output."""

    stderr: Output
    """What it wrote to its standard error."""


@overload
async def subprocess(
    args: str | list[str],
    text: Literal[True] = True,
    input: Input | None = None,
    cwd: str | Path | None = None,
    env: Mapping[str, str] = {},
    capture_output: bool = True,
    output_limit: int | None = None,
    timeout: float | None = None,  # noqa: ASYNC109 - a documented parameter
    concurrency: bool = True,
) -> ExecResult[str]: ...


@overload
async def subprocess(
    args: str | list[str],
    text: Literal[False],
    input: Input | None = None,
    cwd: str | Path | None = None,
    env: Mapping[str, str] = {},
    capture_output: bool = True,
    output_limit: int | None = None,
    timeout: float | None = None,  # noqa: ASYNC109 - a documented parameter
    concurrency: bool = True,
) -> ExecResult[bytes]: ...


async def subprocess(  # noqa: PLR0913 - the documented parameters
    args: str | list[str],
    text: bool = True,
    input: Input | None = None,
    cwd: str | Path | None = None,
    env: Mapping[str, str] = {},
    capture_output: bool = True,
    output_limit: int | None = None,
    timeout: float | None = None,  # noqa: ASYNC109 - a documented parameter
    concurrency: bool = True,
) -> ExecResult[str] | ExecResult[bytes]:
    """Run a process to its end and return what came of it, whatever its exit status.

    It has ended when everybody who inherited its outputs has: a process that leaves another
    one behind, in the background, is waited for until that one closes them. If the caller is
    cancelled, or the time is up, or there is too much output, the process ends with all that
    it has started: its group gets SIGTERM, and SIGKILL when it has ended or after 2 seconds.

    Args:
        args: Program and arguments; a string is a command line for the shell.
        text: Whether outputs are text (UTF-8) or bytes.
        input: What it reads from its standard input; None: nothing.
        cwd: Its working folder; None: ours.
        env: Environment variables besides, or instead of, ours.
        capture_output: Whether its outputs are returned; else they go where ours go, and are
            empty in the result.
        output_limit: Bytes that it may write to each of its outputs; None: no limit.
        timeout: Seconds that it may take, without the wait for its turn; None: no limit.
        concurrency: Whether it is one of the `max_subprocesses` (an argument of the
            evaluation, by default the number of CPUs) that run at once, and waits for its
            turn. A process that waits for others of these must not be one of them.

    Raises:
        TimeoutError: It took longer than `timeout`.
        OutputLimitExceededError: It wrote more than `output_limit` to one of its outputs. The
            error has the beginning of that output.
        UnicodeDecodeError: `text` is set and an output is no UTF-8.
        FileNotFoundError: There is no such program or working folder.
        PermissionError: The program must not be run.
        ParameterError: `args` is empty, or a number makes no sense.
    """
    _check(args, output_limit, timeout)
    command = Command(
        args=["/bin/sh", "-c", args] if isinstance(args, str) else args,
        input=input.encode() if isinstance(input, str) else input,
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=capture_output,
        output_limit=output_limit,
    )
    turn = named_concurrency("subprocesses", max_subprocesses()) if concurrency else nullcontext()
    async with turn:
        with trace_action(logger, "Subprocess", "%s", _shown(args)):
            run = await _run(command, timeout, _shown(args))
    stdout, stderr = run.output(1), run.output(2)
    if text:
        return ExecResult(run.returncode == 0, run.returncode, stdout.decode(), stderr.decode())
    return ExecResult(run.returncode == 0, run.returncode, stdout, stderr)


def _check(args: str | list[str], output_limit: int | None, timeout: float | None) -> None:
    if not args:
        raise ParameterError("subprocess", "args", args, "a program to run")
    if output_limit is not None and output_limit < 0:
        raise ParameterError("subprocess", "output_limit", output_limit, "0 or more bytes")
    if timeout is not None and not timeout > 0:
        raise ParameterError("subprocess", "timeout", timeout, "more than 0 seconds")


async def _run(command: Command, timeout_s: float | None, shown: str) -> ProcessRun:
    run = ProcessRun(command)
    try:
        async with asyncio.timeout(timeout_s) as scope:
            # Half started, it could not be ended with all that it starts.
            await finish_despite_cancel(run.start())
            await run.wait()
    except BaseException as error:
        await finish_despite_cancel(run.stop())
        if isinstance(error, TimeoutError) and scope.expired():
            raise TimeoutError(f"The process took longer than {timeout_s:g} s: {shown}") from None
        raise
    if run.too_long is not None:
        begun = run.output(run.too_long).decode(errors="replace")
        raise OutputLimitExceededError(f"{command.output_limit:,} bytes", begun)
    return run


def _shown(args: str | list[str]) -> str:
    return one_line(args if isinstance(args, str) else shlex.join(args))
