"""A process that is killed loses nothing that was flushed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tasks_lib.log import list_eval_logs, read_eval_log, read_eval_log_samples

_WRITER = """
import asyncio, sys
from tasks_lib.log import EvalLogWriter
from tasks_lib.schema import ChatMessageUser, EvalLog, EvalSample, EvalSpec, Score

async def main(log_dir, count, rounds):
    for number in range(rounds):
        spec = EvalSpec(created="2026-11-21T21:04:45+00:00", task="t", task_id="id", model="m")
        writer = EvalLogWriter(EvalLog(eval=spec), log_dir, buffer=5, score_columns=["match"])
        await writer.start()
        for id in range(count):
            text = f"{id} " * 100
            await writer.append(EvalSample(
                id=id, epoch=1, input=text, messages=[ChatMessageUser(content=text)],
                scores={"match": Score(value="C")},
            ))
            if id % 5 == 4:
                print(number, id + 1, flush=True)
        await writer.finish(EvalLog(eval=spec, status="success"))
        print(number, "finished", flush=True)

asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
"""


def run_and_kill(log_dir: Path, count: int, rounds: int, until: str, wait_s: float) -> list[str]:
    """Start a writer, kill it `wait_s` after it said `until`; return what it had said."""
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(log_dir), str(count), str(rounds)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line.strip())
        if line.strip() == until:
            break
    time.sleep(wait_s)
    process.send_signal(signal.SIGKILL)
    said += [line.strip() for line in process.stdout.read().splitlines()]
    process.wait()
    process.stdout.close()
    return said


@pytest.mark.parametrize("seed", range(3))
def test_kill_while_writing_and_finishing(tmp_path: Path, seed: int) -> None:
    # Short logs one after the other: most of the time goes into starting and finishing.
    wait_s = random.Random(seed).uniform(0, 0.25)

    said = run_and_kill(tmp_path, count=50, rounds=10_000, until="2 finished", wait_s=wait_s)

    flushed: dict[str, int] = {}
    for line in said:
        number, what = line.split()
        flushed[number] = 50 if what == "finished" else int(what)
    infos = sorted(list_eval_logs(tmp_path), key=lambda info: int(info.suffix or 1))
    assert len(flushed) <= len(infos) <= len(flushed) + 1
    for info, count in zip(infos, flushed.values(), strict=False):
        log = read_eval_log(info)
        found = [sample.id for sample in log.samples or []]
        assert found == list(range(len(found)))
        assert len(found) >= count
        assert (log.status == "success") == (info.type == "file")


def test_kill_in_the_middle_of_a_log(tmp_path: Path) -> None:
    said = run_and_kill(tmp_path, count=1_000_000, rounds=1, until="0 500", wait_s=0)

    [info] = list_eval_logs(tmp_path)
    samples = list(read_eval_log_samples(info, all_samples_required=False))
    assert info.type == "live"
    assert read_eval_log(info, header_only=True).status == "started"
    assert [sample.id for sample in samples] == list(range(len(samples)))
    assert len(samples) >= int(said[-1].split()[1])
    assert samples[-1].messages[0].text == f"{samples[-1].id} " * 100
