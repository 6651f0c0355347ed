"""Logs on every kind of store: folders, memory, S3; and stores that fail in mid-run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks_lib._errors import LogError, PrerequisiteError
from tasks_lib.log import (
    EvalLogWriter,
    LogFormat,
    check_writable,
    list_eval_logs,
    read_eval_log,
    read_eval_log_sample,
    recover_eval_log,
)
from tasks_lib.schema import EvalConfig, EvalLog, EvalSample
from tests.log._stores import MotoStore, Store, moto_store, seaweed_store

MakeSample = Callable[..., EvalSample]
MakeHeader = Callable[..., EvalLog]

STEM = "2026-11-21T21-04-45+00-00_arithmetic_task1"


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where parts are spilled to: a folder of the test's own."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture(scope="module")
def moto() -> Iterator[MotoStore]:
    with moto_store() as store:
        yield store


@pytest.fixture(scope="module")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with seaweed_store(tmp_path_factory.mktemp("seaweed")) as store:
        yield store


@pytest.fixture(params=["local", "memory", "moto", "seaweed"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "local":
        return Store(str(tmp_path / "logs"))
    if request.param == "memory":
        return Store("memory://logs")
    found: Store = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def log_dir(store: Store, request: pytest.FixtureRequest) -> str:
    """A folder of the test's own."""
    return f"{store.url}/{request.node.name.partition('[')[0]}"


def uuids(location: str, fs_options: dict[str, Any] | None) -> list[str | None]:
    log = read_eval_log(location, fs_options=fs_options)
    return [sample.uuid for sample in log.samples or []]


def entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def run(script: str, *arguments: str, store: Store) -> subprocess.Popen[str]:
    """Start another process that reaches the store by its environment."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **store.environment},
    )


@pytest.mark.parametrize("log_format", ["parquet", "json", "eval"])
async def test_a_log_from_start_to_finish(
    store: Store,
    log_dir: str,
    make_header: MakeHeader,
    make_sample: MakeSample,
    log_format: LogFormat,
) -> None:
    options = store.fs_options
    folder = f"{log_dir}/{log_format}"
    samples = [make_sample(id) for id in range(20)]
    check_writable(folder, options)
    writer = EvalLogWriter(
        make_header(config=EvalConfig(log_buffer=1)),
        folder,
        fs_options=options,
        log_format=log_format,
    )
    await writer.start()
    assert writer.location.endswith(f"{STEM}.{log_format}")
    for sample in samples:
        await writer.append(sample)
    await writer.flush()

    assert read_eval_log(writer.location, fs_options=options).samples == samples
    [info] = list_eval_logs(folder, fs_options=options)
    assert (info.name, info.type) == (writer.location, "live")
    await writer.finish(make_header(status="success"))
    [info] = list_eval_logs(folder, fs_options=options)
    assert (info.name, info.type) == (writer.location, "file")
    log = read_eval_log(writer.location, fs_options=options)
    assert (log.status, log.samples) == ("success", samples)
    found = read_eval_log_sample(writer.location, 7, fs_options=options)
    assert found == samples[7]


async def test_a_run_that_left_parts(
    store: Store, log_dir: str, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    writer = EvalLogWriter(
        make_header(config=EvalConfig(log_buffer=1)), log_dir, fs_options=store.fs_options
    )
    await writer.start()
    for id in (1, 2):
        await writer.append(make_sample(id))

    with pytest.raises(PrerequisiteError, match="is being written by process"):
        recover_eval_log(writer.location, fs_options=store.fs_options)
    log = recover_eval_log(writer.location, force=True, fs_options=store.fs_options)

    assert (log.status, log.location) == ("error", writer.location)
    assert uuids(writer.location, store.fs_options) == ["uuid-1-1", "uuid-2-1"]
    [info] = list_eval_logs(log_dir, fs_options=store.fs_options)
    assert info.type == "file"


_READER = """
import json, sys
from tasks_lib.log import list_eval_logs, read_eval_log

for line in sys.stdin:
    [info] = list_eval_logs(line.strip())
    log = read_eval_log(info)
    print(json.dumps([info.type, log.status, [sample.id for sample in log.samples]]), flush=True)
"""


@pytest.mark.parametrize("store", ["local", "moto"], indirect=True)
async def test_another_process_reads_along(
    store: Store, log_dir: str, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    header = make_header(config=EvalConfig(log_buffer=1))
    writer = EvalLogWriter(header, log_dir, fs_options=store.fs_options)
    with run(_READER, store=store) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None

        def seen() -> object:
            print(log_dir, file=reader.stdin, flush=True)
            assert reader.stdout is not None
            return json.loads(reader.stdout.readline())

        try:
            await writer.start()
            assert seen() == ["live", "started", []]
            for id in range(60):  # one merge
                await writer.append(make_sample(id))
                if id % 10 == 9:
                    assert seen() == ["live", "started", [*range(id + 1)]]
            await writer.finish(make_header(status="success"))
            assert seen() == ["file", "success", [*range(60)]]
        finally:
            reader.kill()


_RIVAL = """
import asyncio, sys
from tasks_lib.log import EvalLogWriter
from tasks_lib.schema import EvalConfig, EvalLog, EvalSample, EvalSpec

async def write(log_dir, name):
    spec = EvalSpec(created="2026-11-21T21:04:45+00:00", task="arithmetic", task_id="task1",
                    model="m", config=EvalConfig(log_buffer=1))
    writer = EvalLogWriter(EvalLog(eval=spec), log_dir)
    print("ready", flush=True)
    sys.stdin.readline()
    await writer.start()
    for id in range(20):
        await writer.append(EvalSample(id=id, epoch=1, input=name, target="", uuid=f"{name} {id}"))
    await writer.finish(EvalLog(eval=spec, status="success"))
    print(writer.location, flush=True)

asyncio.run(write(*sys.argv[1:]))
"""


@pytest.mark.parametrize("store", ["local", "seaweed"], indirect=True)
def test_two_runs_write_logs_of_the_same_name(store: Store, log_dir: str) -> None:
    names = ["first", "second"]
    rivals = [run(_RIVAL, log_dir, name, store=store) for name in names]
    try:
        for rival in rivals:
            assert rival.stdout is not None
            assert rival.stdout.readline() == "ready\n"
        for rival in rivals:
            print(file=rival.stdin, flush=True)
        locations = [rival.communicate(timeout=60)[0].strip() for rival in rivals]
    finally:
        for rival in rivals:
            rival.kill()
            rival.communicate()

    assert sorted(location.rpartition("/")[2] for location in locations) == [
        f"{STEM}-2.parquet",
        f"{STEM}.parquet",
    ]
    for location, name in zip(locations, names, strict=True):
        assert uuids(location, store.fs_options) == [f"{name} {id}" for id in range(20)]
    assert len(list_eval_logs(log_dir, fs_options=store.fs_options)) == 2


class TestAStoreThatFails:
    async def test_nothing_is_lost_when_it_comes_back(
        self,
        moto: MotoStore,
        temporary_folder: Path,
        make_header: MakeHeader,
        make_sample: MakeSample,
    ) -> None:
        options = moto.fs_options
        writer = EvalLogWriter(
            make_header(config=EvalConfig(log_buffer=10)),
            f"{moto.url}/comes-back",
            fs_options=options,
        )
        await writer.start()
        for id in range(20):
            await writer.append(make_sample(id))
        moto.stop()
        try:
            for id in range(20, 40):
                await writer.append(make_sample(id))
            [spill] = entries(temporary_folder)
            assert len(entries(spill)) == 2
            with pytest.raises(LogError, match=f"Could not connect .+ log recover {spill}"):
                await writer.finish(make_header(status="success"))
        finally:
            moto.start()
        for id in range(40, 50):
            await writer.append(make_sample(id))
        await writer.finish(make_header(status="success"))

        assert uuids(writer.location, options) == [f"uuid-{id}-1" for id in range(50)]
        assert entries(temporary_folder) == []

    async def test_nothing_is_lost_when_the_run_ends_first(
        self,
        moto: MotoStore,
        temporary_folder: Path,
        make_header: MakeHeader,
        make_sample: MakeSample,
    ) -> None:
        options = moto.fs_options
        writer = EvalLogWriter(
            make_header(config=EvalConfig(log_buffer=10)),
            f"{moto.url}/ends-first",
            fs_options=options,
        )
        await writer.start()
        for id in range(20):
            await writer.append(make_sample(id))
        moto.stop()
        try:
            for id in range(20, 30):
                await writer.append(make_sample(id))
            [spill] = entries(temporary_folder)
            with pytest.raises(LogError, match="Could not connect"):
                recover_eval_log(spill, force=True, fs_options=options)
        finally:
            moto.start()

        log = recover_eval_log(spill, force=True, fs_options=options)

        assert log.location == writer.location
        assert uuids(writer.location, options) == [f"uuid-{id}-1" for id in range(30)]
        assert entries(temporary_folder) == []

    async def test_it_is_not_there_at_the_start(
        self, moto: MotoStore, make_header: MakeHeader
    ) -> None:
        moto.stop()
        try:
            for folder in (f"{moto.url}/never", "s3://no-such-bucket/never"):
                with pytest.raises(PrerequisiteError, match=r"cannot be written \(.*connect"):
                    check_writable(folder, moto.fs_options)
                writer = EvalLogWriter(make_header(), folder, fs_options=moto.fs_options)
                with pytest.raises(PrerequisiteError, match=r"cannot be written \(.*connect"):
                    await writer.start()
        finally:
            moto.start()
