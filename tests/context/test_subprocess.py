"""Processes: what goes in and comes out, and that none is left behind."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tasks_lib._errors import OutputLimitExceededError, ParameterError
from tasks_lib._util._trace import TRACE
from tasks_lib.context import ExecResult, subprocess, use_concurrency
from tasks_lib.context._process import Command, ProcessRun

IGNORE_TERM = "trap '' TERM; echo ready; while :; do sleep 0.05; done"


@pytest.mark.parametrize(
    ("args", "options", "expected"),
    [
        pytest.param(["echo", "a b", "$HOME"], {}, ExecResult(True, 0, "a b $HOME\n", ""),
                     id="a list is no command line"),
        pytest.param("echo a; echo b >&2", {}, ExecResult(True, 0, "a\n", "b\n"),
                     id="a string is one"),
        pytest.param("exit 3", {}, ExecResult(False, 3, "", ""), id="exit status"),
        pytest.param("kill -9 $$", {}, ExecResult(False, -9, "", ""), id="signal"),
        pytest.param(["cat"], {"input": "äöü"}, ExecResult(True, 0, "äöü", ""), id="text in"),
        pytest.param(["cat"], {"input": b"a\r\nb"}, ExecResult(True, 0, "a\r\nb", ""),
                     id="newlines stay"),
        pytest.param(["cat"], {"input": ""}, ExecResult(True, 0, "", ""), id="empty input"),
        pytest.param(["cat"], {}, ExecResult(True, 0, "", ""), id="no input ends at once"),
        pytest.param(["true"], {"input": "x" * 1_000_000}, ExecResult(True, 0, "", ""),
                     id="input that nobody reads"),
        pytest.param(["cat"], {"text": False, "input": b"\xff"}, ExecResult(True, 0, b"\xff", b""),
                     id="bytes"),
        pytest.param(["cat"], {"text": False, "input": memoryview(b"abc")[1:]},
                     ExecResult(True, 0, b"bc", b""), id="a view"),
        pytest.param("echo $GIVEN-$INHERITED", {"env": {"GIVEN": "1"}},
                     ExecResult(True, 0, "1-2\n", ""), id="env comes on top"),
        pytest.param("echo $INHERITED", {"env": {"INHERITED": "3"}},
                     ExecResult(True, 0, "3\n", ""), id="env wins"),
        pytest.param(["pwd"], {"cwd": "/"}, ExecResult(True, 0, "/\n", ""), id="cwd"),
        pytest.param(["pwd"], {"cwd": Path("/")}, ExecResult(True, 0, "/\n", ""), id="cwd path"),
        pytest.param(["echo", "abc"], {"output_limit": 4}, ExecResult(True, 0, "abc\n", ""),
                     id="as long as allowed"),
        pytest.param(["echo", "abc"], {"timeout": 60}, ExecResult(True, 0, "abc\n", ""),
                     id="in time"),
        pytest.param(["echo", "abc"], {"concurrency": False}, ExecResult(True, 0, "abc\n", ""),
                     id="out of turn"),
    ],
)  # fmt: skip
async def test_result(
    args: Any, options: Any, expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INHERITED", "2")

    assert await subprocess(args, **options) == expected


@pytest.mark.parametrize(
    ("args", "options", "error", "message"),
    [
        pytest.param(["no-such-program"], {}, FileNotFoundError, "no-such-program", id="program"),
        pytest.param(["true"], {"cwd": "/none"}, FileNotFoundError, "/none", id="folder"),
        pytest.param(["/"], {}, PermissionError, "'/'", id="not to be run"),
        pytest.param("printf '\\377'", {}, UnicodeDecodeError, "0xff", id="no text"),
        pytest.param([], {}, ParameterError, "args is \\[\\], expected a program", id="nothing"),
        pytest.param("", {}, ParameterError, "args is ''", id="empty command line"),
        pytest.param(["true"], {"timeout": 0}, ParameterError, "timeout is 0", id="no time"),
        pytest.param(["true"], {"output_limit": -1}, ParameterError, "output_limit is -1",
                     id="negative limit"),
        pytest.param("echo started; sleep 60", {"timeout": 0.1}, TimeoutError,
                     "longer than 0.1 s: echo started; sleep 60", id="too long"),
    ],
)  # fmt: skip
async def test_error(args: Any, options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        await subprocess(args, **options)


@pytest.mark.parametrize(
    ("command", "limit", "begun"),
    [
        pytest.param("echo abcdef; exec sleep 60", 3, "abc", id="standard output"),
        pytest.param("echo out; echo errors >&2; exec sleep 60", 4, "erro", id="standard error"),
        pytest.param("printf 'a\\303\\244'", 2, "a\ufffd", id="cut within a character"),
        pytest.param("echo a", 0, "", id="nothing may be written"),
        pytest.param("yes", 100_000, "y\n" * 50_000, id="without end"),
    ],
)
async def test_too_much_output(command: str, limit: int, begun: str) -> None:
    with pytest.raises(OutputLimitExceededError) as raised:
        await subprocess(command, output_limit=limit)

    assert raised.value.truncated_output == begun
    assert raised.value.limit_str == f"{limit:,} bytes"


async def test_large_outputs_at_once_do_not_block() -> None:
    size = 3_000_000
    script = f"import os,threading\nfor fd in (1, 2):\n threading.Thread(target=lambda fd=fd: \
[os.write(fd, b'x' * 1000) for _ in range({size // 1000})]).start()"

    result = await subprocess([sys.executable, "-S", "-c", script])

    assert (result.success, len(result.stdout), len(result.stderr)) == (True, size, size)


async def test_input_and_output_larger_than_a_pipe() -> None:
    data = os.urandom(3_000_000)

    assert (await subprocess(["cat"], text=False, input=data)).stdout == data


async def test_output_that_is_not_captured(capfd: pytest.CaptureFixture[str]) -> None:
    result = await subprocess("echo a; echo b >&2", capture_output=False)

    assert result == ExecResult(True, 0, "", "")
    assert capfd.readouterr() == ("a\n", "b\n")


@contextmanager
def _watch(path: Path) -> Iterator[Callable[[], bool]]:
    """Make a fifo at `path`; what is yielded tells whether a process has it open."""
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def is_open() -> bool:
        try:
            return os.read(reader, 1) != b""
        except BlockingIOError:
            return True

    try:
        yield is_open
    finally:
        os.close(reader)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - another process makes it true
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    "end",
    ["timeout", "too much output", "cancel"],
)
async def test_all_that_was_started_ends(end: str, tmp_path: Path) -> None:
    with _watch(tmp_path / "fifo") as is_open:
        command = f"sleep 60 > {tmp_path}/fifo & sleep 60 > {tmp_path}/fifo & "
        command += "yes" if end == "too much output" else "wait"
        running = asyncio.ensure_future(
            subprocess(
                command,
                timeout=0.5 if end == "timeout" else None,
                output_limit=10 if end == "too much output" else None,
            )
        )
        if end != "too much output":
            await _until(is_open)
        if end == "cancel":
            running.cancel()
        await asyncio.wait([running])

        await _until(lambda: not is_open())

    kinds = {"timeout": TimeoutError, "too much output": OutputLimitExceededError}
    if end == "cancel":
        assert running.cancelled()
    else:
        assert isinstance(running.exception(), kinds[end])


async def test_a_process_may_clean_up(tmp_path: Path) -> None:
    command = "trap 'sleep 0.1; echo clean > out; exit' TERM; touch ready; sleep 60 & wait"
    running = asyncio.ensure_future(subprocess(command, cwd=tmp_path))
    await _until((tmp_path / "ready").exists)

    running.cancel()
    await asyncio.wait([running])

    assert running.cancelled()
    assert (tmp_path / "out").read_text() == "clean\n"


async def test_a_process_that_does_not_end_is_killed() -> None:
    run = ProcessRun(
        Command(["/bin/sh", "-c", IGNORE_TERM], None, None, os.environ, True, None, 0.1)
    )
    await run.start()
    await _until(lambda: run.output(1) == b"ready\n")

    await run.stop()

    assert run.returncode == -9


async def test_the_kill_comes_even_if_the_end_is_cancelled() -> None:
    run = ProcessRun(Command(["/bin/sh", "-c", IGNORE_TERM], None, None, os.environ, True, None))
    await run.start()
    await _until(lambda: run.output(1) == b"ready\n")
    stopping = asyncio.ensure_future(run.stop())
    await asyncio.sleep(0.02)

    stopping.cancel()
    await asyncio.wait([stopping])
    await asyncio.wait_for(run.wait(), 0.5)

    assert run.returncode in (-9, 255)  # 255: asyncio was late to see how it ended


@pytest.mark.parametrize(
    ("most", "concurrency", "expected"),
    [
        pytest.param(2, True, 2, id="as many as may"),
        pytest.param(1, False, 4, id="out of turn"),
    ],
)
async def test_how_many_run_at_once(
    most: int, concurrency: bool, expected: int, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    script = f"touch {tmp_path}/$$.started; while [ ! -e {go} ]; do sleep 0.02; done"
    with use_concurrency(max_subprocesses=most):
        running = [
            asyncio.ensure_future(subprocess(script, concurrency=concurrency)) for _ in range(4)
        ]

        def started() -> int:
            return len(list(tmp_path.glob("*.started")))

        await _until(lambda: started() >= expected)
        await asyncio.sleep(0.1)
        before = started()
        go.touch()
        await asyncio.gather(*running)

    assert (before, started()) == (expected, 4)


def test_max_subprocesses_below_one() -> None:
    with pytest.raises(ParameterError, match="max_subprocesses is 0"), use_concurrency(0):
        pass


async def test_processes_are_traced(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(TRACE, "tasks_lib.context._subprocess"):
        await subprocess(["echo", "a b\x1b"])

    assert caplog.messages == [
        "Subprocess: echo 'a b\\x1b' (enter)",
        "Subprocess: echo 'a b\\x1b' (exit)",
    ]
    assert logging.getLevelName(caplog.records[0].levelno) == f"Level {TRACE}"
