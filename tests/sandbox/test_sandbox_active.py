"""The sandboxes of the running sample: by name, by what they hold; and what is recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tasks_lib._errors import NoSandboxError
from tasks_lib.context import SampleContext, use_sample
from tasks_lib.sandbox import (
    SampleSandboxes,
    SandboxPlan,
    make_sandboxes,
)
from tasks_lib.schema import Sample, SandboxEnvironmentSpec, SandboxEvent
from tasks_lib.util import (
    OutputLimitExceededError,
    SandboxEnvironment,
    sandbox,
    sandbox_default,
    sandbox_with,
)
from tests.sandbox._types import NotingSandbox, SterileSandbox


@pytest.fixture
async def context(request: pytest.FixtureRequest) -> AsyncIterator[SampleContext]:
    """Return a sample with two sandboxes, "first" and "second"; or of the type asked for."""
    spec = SandboxEnvironmentSpec(getattr(request, "param", "noting"))
    plan = SandboxPlan("active", spec, folder="/nowhere")
    context = SampleContext()
    with use_sample(context):
        made = await make_sandboxes(plan, spec, Sample(input="q"))
        context.sandboxes = SampleSandboxes(made)
    yield context
    assert made.cleanup is not None
    await made.cleanup(False)


def events(context: SampleContext) -> list[dict[str, Any]]:
    found = [event for event in context.transcript.events if isinstance(event, SandboxEvent)]
    assert all(event.completed and event.completed >= event.timestamp for event in found)
    unset = {"timestamp", "completed", "working_start", "event"}
    return [event.model_dump(exclude=unset, exclude_none=True) for event in found]


async def test_by_name(context: SampleContext) -> None:
    with use_sample(context):
        first, second = sandbox("first"), sandbox("second")

        assert first is not second
        assert sandbox() is sandbox("default") is first
        with sandbox_default("second"):
            assert sandbox() is sandbox("default") is second
            assert sandbox("first") is first
        assert sandbox() is first
        with pytest.raises(ValueError, match="No sandbox of this sample is named 'third'"):
            sandbox("third")
        with pytest.raises(ValueError, match="'third'"), sandbox_default("third"):
            pass


@pytest.mark.parametrize("context", ["local"], indirect=True)
async def test_the_only_one_has_all_names(context: SampleContext) -> None:
    with use_sample(context):
        assert sandbox("anything") is sandbox() is sandbox("default")


@pytest.mark.parametrize("sample", [True, False], ids=["sample without", "no sample"])
async def test_there_is_none(sample: bool) -> None:
    context = SampleContext()
    for ask in (sandbox, lambda: sandbox("default"), lambda: sandbox_default("a").__enter__()):
        with pytest.raises(ProcessLookupError, match="There is no sandbox here"):
            _within(context if sample else None, ask)
    with pytest.raises(NoSandboxError):
        await sandbox_with("a.txt")


def _within(context: SampleContext | None, ask: Any) -> None:
    if context is None:
        ask()
        return
    with use_sample(context):
        ask()


async def test_by_what_it_holds(context: SampleContext) -> None:
    with use_sample(context):
        second = sandbox("second")
        await second.write_file("a.txt", "a")
        await second.exec(["mkdir", "folder"])

        assert await sandbox_with("a.txt") is second
        assert await sandbox_with("a.txt", name="second") is second
        assert await sandbox_with("a.txt", name="first") is None
        assert await sandbox_with("b.txt") is None
        assert await sandbox_with("folder") is None
        assert await sandbox_with("sh", on_path=True) is sandbox("first")
        assert await sandbox_with("no-such-program", True) is None
        with pytest.raises(ValueError, match="'third'"):
            await sandbox_with("a.txt", name="third")


async def test_what_was_found_is_not_looked_for_again(context: SampleContext) -> None:
    with use_sample(context):
        second = sandbox("second")
        await second.write_file("a.txt", "a")
        assert await sandbox_with("a.txt") is second
        await second.exec(["rm", "a.txt"])
        before = len(context.transcript.events)

        assert await sandbox_with("a.txt") is second
        assert len(context.transcript.events) == before


async def test_a_file_that_is_too_large_to_read_is_there(context: SampleContext) -> None:
    with use_sample(context):
        await sandbox().exec(["truncate", "-s", "200M", "huge.bin"])

        assert await sandbox_with("huge.bin") is sandbox()


async def test_recorded(context: SampleContext) -> None:
    with use_sample(context):
        box = sandbox()
        await box.write_file("a.txt", "1\n2\n")
        await box.write_file("b.bin", b"\x00" * 1234)
        await box.read_file("a.txt")
        await box.read_file("b.bin", text=False)
        await box.exec(["sh", "-c", "cat; echo oops >&2; exit 2"], input="hello there")
        await box.exec(["true"], cwd="/", env={"A": "1", "MY_API_KEY": "s3cr3t"}, timeout=5,
                       timeout_retry=False)  # fmt: skip

    assert events(context) == [
        {"action": "write_file", "file": "a.txt", "input": "1\n2\n"},
        {"action": "write_file", "file": "b.bin", "input": "1,234 bytes"},
        {"action": "read_file", "file": "a.txt", "output": "1\n2\n"},
        {"action": "read_file", "file": "b.bin", "output": "1,234 bytes"},
        {
            "action": "exec",
            "cmd": "sh -c 'cat; echo oops >&2; exit 2'",
            "input": "hello there",
            "options": {},
            "result": 2,
            "output": "oops\n\n\nhello there",
        },
        {
            "action": "exec",
            "cmd": "true",
            "options": {
                "cwd": "/",
                "env": {"A": "1", "MY_API_KEY": "…"},
                "timeout": 5,
                "timeout_retry": False,
            },
            "result": 0,
            "output": "",
        },
    ]


@pytest.mark.parametrize(
    ("contents", "shown"),
    [
        pytest.param("\n".join(map(str, range(20))), "\n".join(map(str, range(20))), id="20 lines"),
        pytest.param("x\n" * 23, "x\n" * 19 + "x\n… (4 more lines)", id="more"),
        pytest.param("x" * 8001, "x" * 8000 + "… (1 more characters)", id="one long line"),
    ],
)
async def test_what_is_recorded_is_cut(context: SampleContext, contents: str, shown: str) -> None:
    with use_sample(context):
        await sandbox().write_file("a.txt", contents)
        assert await sandbox().read_file("a.txt") == contents

    assert [event.get("input") or event.get("output") for event in events(context)] == [shown] * 2


async def test_failures_are_recorded(context: SampleContext) -> None:
    with use_sample(context):
        box = sandbox()
        with pytest.raises(FileNotFoundError):
            await box.read_file("a.txt")
        with pytest.raises(IsADirectoryError):
            await box.write_file("/", "x")
        with pytest.raises(TimeoutError):
            await box.exec(["sleep", "9"], timeout=1)
        with pytest.raises(OutputLimitExceededError):
            await box.exec(["yes"])

    outputs = [event["output"] for event in events(context)]
    assert [output.partition(":")[0] for output in outputs] == [
        "FileNotFoundError",
        "IsADirectoryError",
        "TimeoutError",
        "OutputLimitExceededError",
    ]
    assert all("result" not in event for event in events(context))


async def test_as_what_it_is(context: SampleContext, tmp_path: Path) -> None:
    with use_sample(context):
        box: SandboxEnvironment = sandbox()
        inner = box.as_type(NotingSandbox)

        assert inner.folder.is_dir()
        with pytest.raises(TypeError, match="Expected a SterileSandbox, got a NotingSandbox"):
            inner.as_type(SterileSandbox)
        with pytest.raises(TypeError, match="Expected a SterileSandbox"):
            box.as_type(SterileSandbox)
        with pytest.raises(NotImplementedError, match="NotingSandbox has no connection"):
            await box.connection(user="root")
