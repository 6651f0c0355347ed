"""A folder of logs is used by one eval set at a time, whatever becomes of its process."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tasks_lib._errors import PrerequisiteError
from tasks_lib.log import EvalLogWriter, list_eval_logs, lock_log_dir, open_place
from tasks_lib.log._lock import Holder, StoreLock
from tasks_lib.schema import EvalLog
from tests.log._stores import Store, moto_store

MakeHeader = Callable[..., EvalLog]
Lock = Callable[[Path], AbstractContextManager[None]]

HOLDER = """
import os, sys, time
from tasks_lib.log import lock_log_dir

with lock_log_dir(sys.argv[1]):
    child = os.fork()
    if child == 0:
        time.sleep(600)
    print(child, flush=True)
    time.sleep(600)
"""
"""Takes the lock and forks a process, as pools of processes do."""

THREADS = 4


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    with moto_store() as store:
        for name, value in store.environment.items():
            monkeypatch.setenv(name, value)
        yield store


def files(folder: str, options: Any = None) -> list[str]:
    place = open_place(folder, options)
    place.fs.invalidate_cache()
    found = place.fs.find(place.path, withdirs=place.is_local)
    return [str(path) for path in found if path != place.path]


def held(folder: Path) -> bool:
    try:
        with lock_log_dir(folder):
            return False
    except PrerequisiteError:
        return True


def check_lock(folder: str, options: Any = None) -> None:
    with lock_log_dir(folder, options):
        with (
            pytest.raises(PrerequisiteError) as raised,
            lock_log_dir(folder, options),
        ):
            pass
        assert list_eval_logs(folder, fs_options=options) == []
    url = re.escape(repr(open_place(folder, options).url))
    assert re.fullmatch(
        rf"The log directory {url} is being used by another eval set: process {os.getpid()} on "
        rf"'{re.escape(socket.gethostname())}', since 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00. "
        r"Wait for its end, stop it, or pass another log_dir\.",
        str(raised.value),
    )
    assert files(folder, options) == []
    with lock_log_dir(folder, options):
        pass


def test_the_second_one_is_refused_on_disk(tmp_path: Path) -> None:
    check_lock(str(tmp_path))


def test_the_second_one_is_refused_in_memory() -> None:
    check_lock("memory://lock/logs")


def test_the_second_one_is_refused_on_s3(bucket: Store) -> None:
    check_lock(f"{bucket.url}/logs", bucket.fs_options)


def test_a_folder_that_cannot_be_locked(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with (
        pytest.raises(PrerequisiteError, match=r"file' cannot be locked \(Not a directory\)"),
        lock_log_dir(tmp_path / "file"),
    ):
        pass


def test_the_lock_of_a_killed_process_is_free_though_its_children_live(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as holder:
        try:
            assert holder.stdout is not None
            child = int(holder.stdout.readline())
            try:
                with (
                    pytest.raises(PrerequisiteError, match=rf"process {holder.pid} on"),
                    lock_log_dir(tmp_path),
                ):
                    pass
                os.kill(holder.pid, signal.SIGKILL)
                holder.wait()
                with lock_log_dir(tmp_path):
                    assert held(tmp_path)
            finally:
                os.kill(child, signal.SIGKILL)
        finally:
            holder.kill()
    assert files(str(tmp_path)) == []


async def test_a_log_that_ends_meanwhile_leaves_the_lock(
    tmp_path: Path, make_header: MakeHeader
) -> None:
    with lock_log_dir(tmp_path):
        writer = EvalLogWriter(make_header(), tmp_path)
        await writer.start()
        await writer.finish(make_header(status="success"))

        assert held(tmp_path)
        assert len(list_eval_logs(tmp_path)) == 1
    assert [Path(path).suffix for path in files(str(tmp_path))] == [".parquet"]


@contextmanager
def store_lock(folder: Path) -> Iterator[None]:
    lock = StoreLock(open_place(folder))
    try:
        yield
    finally:
        lock.release()


@pytest.mark.parametrize("lock", [lock_log_dir, store_lock], ids=["on disk", "on a store"])
def test_one_of_many_has_it_at_any_time(tmp_path: Path, lock: Lock) -> None:
    inside = threading.Lock()
    start = threading.Barrier(THREADS)

    def try_often() -> int:
        start.wait()
        taken = 0
        for _ in range(300):
            try:
                with lock(tmp_path):
                    assert inside.acquire(blocking=False)
                    taken += 1
                    time.sleep(0)  # lets others run
                    inside.release()
            except PrerequisiteError:
                pass
        return taken

    with ThreadPoolExecutor(THREADS) as pool:
        jobs = [pool.submit(try_often) for _ in range(THREADS)]
    assert sum(job.result() for job in jobs) > 0
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def leave_lock(folder: Path, age_s: float = 0, **changes: Any) -> Path:
    """Write the lock of another process as it would be on a store."""
    holder = Holder.here(open_place(folder))
    holder = holder.model_copy(update={"origin": holder.origin.model_copy(update=changes)})
    path = folder / ".live" / "eval-set-000007.lock"
    path.parent.mkdir()
    path.write_bytes(holder.content)
    written = time.time() - age_s
    os.utime(path, (written, written))
    return path


@pytest.mark.parametrize(
    ("age_s", "changes", "refusal"),
    [
        pytest.param(0, {"pid": 2**30}, None, id="killed on this machine"),
        pytest.param(0, {"began": "1"}, None, id="its pid is another process now"),
        pytest.param(9999, {}, "since", id="alive, though nothing was heard of it"),
        pytest.param(540, {"host": "far"}, "on 'far'.* free 10 minutes after", id="elsewhere"),
        pytest.param(660, {"host": "far"}, None, id="elsewhere, and nothing was heard of it"),
    ],
)
def test_what_becomes_of_a_lock_on_a_store(
    tmp_path: Path, age_s: float, changes: dict[str, Any], refusal: str | None
) -> None:
    old = leave_lock(tmp_path, age_s, **changes)

    if refusal is None:
        lock = StoreLock(open_place(tmp_path))
        assert [path.name for path in old.parent.iterdir()] == ["eval-set-000008.lock"]
        lock.release()
        assert list(old.parent.iterdir()) == []
    else:
        with pytest.raises(PrerequisiteError, match=refusal):
            StoreLock(open_place(tmp_path))
        assert list(old.parent.iterdir()) == [old]


def test_a_lock_that_cannot_be_read_counts_while_it_is_new(tmp_path: Path) -> None:
    leave_lock(tmp_path).write_text("")

    with pytest.raises(PrerequisiteError, match="another eval set: another process"):
        StoreLock(open_place(tmp_path))


def test_one_of_many_takes_over(tmp_path: Path) -> None:
    leave_lock(tmp_path, pid=2**30)
    start = threading.Barrier(THREADS)

    def take() -> StoreLock | None:
        start.wait()
        try:
            return StoreLock(open_place(tmp_path))
        except PrerequisiteError:
            return None

    with ThreadPoolExecutor(THREADS) as pool:
        jobs = [pool.submit(take) for _ in range(THREADS)]
    [lock] = filter(None, (job.result() for job in jobs))
    lock.release()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_lock_on_a_store_is_renewed_but_never_comes_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lock = StoreLock(open_place(tmp_path), beat_s=0.01)
    path = tmp_path / ".live" / "eval-set-000001.lock"
    os.utime(path, (1000, 1000))
    wait_for(lambda: path.stat().st_mtime > 1000)

    with caplog.at_level(logging.WARNING):
        path.unlink()
        wait_for(lambda: "has taken over the log directory" in caplog.text)
    lock.release()

    assert not path.exists()
