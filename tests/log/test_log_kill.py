"""A process that is killed, at whatever moment, loses nothing that was flushed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple, cast

import pytest

from tasks_lib.log import (
    list_eval_logs,
    read_eval_log,
    read_eval_log_samples,
    recover_eval_log,
)

_SCRIPT = Path(__file__).with_name("_dying_writer.py")
_SAMPLES = 60


class Point(NamedTuple):
    """When a writer is killed."""

    log_format: str
    after: str
    """What it has said."""
    delay_s: float
    """How long ago."""


def points() -> list[Point]:
    """Return 20 moments: while parts are written, while they are merged, while it finishes."""
    chance = random.Random(20261121)
    writing = [f"{chance.randrange(3)} flushed {chance.randrange(1, 61)}" for _ in range(6)]
    merging = [f"{chance.randrange(3)} flushed 48" for _ in range(5)]
    finishing = [f"{log} finishing" for log in (0, 1, 2, 0, 1, 2, 0, 1, 2)]
    delays = [(writing, 0.003), (merging, 0.010), (finishing, 0.030)]
    return [
        Point(("parquet", "json", "eval")[number % 3], after, chance.uniform(0, longest))
        for afters, longest in delays
        for number, after in enumerate(afters)
    ]


class Writers:
    """Starts writers and kills them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def kill(self, log_dir: Path, point: Point) -> list[str]:
        """Let a writer write to `log_dir`, kill it; return what it had said."""
        commands, answers = cast(IO[str], self._process.stdin), cast(IO[str], self._process.stdout)
        commands.write(f"{log_dir} {point.log_format}\n")
        commands.flush()
        pid, said = 0, list[str]()
        for line in map(str.strip, answers):
            if line.startswith("started"):
                pid = int(line.split()[1])
            elif line == "dead":
                break
            else:
                said.append(line)
                if line == point.after:
                    time.sleep(point.delay_s)
                    os.kill(pid, signal.SIGKILL)
        assert point.after in said
        return said


@pytest.fixture(scope="module")
def writers() -> Iterator[Writers]:
    process = subprocess.Popen(
        [sys.executable, str(_SCRIPT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with process:
        try:
            yield Writers(process)
        finally:
            process.kill()


@pytest.mark.parametrize("point", points(), ids=lambda point: f"{point.log_format}-{point.after}")
def test_kill(tmp_path: Path, writers: Writers, point: Point) -> None:
    said = writers.kill(tmp_path, point)

    flushed = [0, 0, 0]
    for line in said:
        number, what, *rest = line.split()
        flushed[int(number)] = int(rest[0]) if what == "flushed" else _SAMPLES
    infos = sorted(list_eval_logs(tmp_path), key=lambda info: int(info.suffix or 1))
    # A log that was just begun has perhaps been noticed by nobody.
    assert len([count for count in flushed if count]) <= len(infos) <= 3
    for info, count in zip(infos, flushed, strict=False):
        log = read_eval_log(info)
        ids = [sample.id for sample in log.samples or []]
        assert ids == list(range(len(ids)))
        assert len(ids) >= count
        assert log.status == ("success" if info.type == "file" else "started")

        header = recover_eval_log(info)
        assert header.status == ("success" if info.type == "file" else "error")
        resumed = list(read_eval_log_samples(info, all_samples_required=False))
        assert [sample.id for sample in resumed] == ids
        assert all(sample.messages[0].text == f"{sample.id} " * 100 for sample in resumed)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        Path(info.name).name for info in infos
    )
