"""The same set started twice at once: one runs, the other says so and ends."""

from __future__ import annotations

import re
import time
from collections import Counter
from pathlib import Path

from tests.chaos._runs import DEADLINE_S, TASKS, Folder, Runner
from tests.chaos._tasks import EPOCHS, SAMPLES


def test_the_second_one_refuses(tmp_path: Path, runner: Runner) -> None:
    folder = Folder.made(tmp_path / "set", "shard")
    gate = tmp_path / "gate"
    environment = {**folder.environment, "CHAOS_GATE": str(gate)}
    runs = [runner.start(folder.path, environment) for _ in range(2)]
    deadline = time.monotonic() + DEADLINE_S
    while not any(run.is_over for run in runs):
        assert time.monotonic() < deadline, runs[0].output
        time.sleep(0.01)
    gate.touch()

    assert sorted(run.wait() for run in runs) == [0, 2], runs[0].output
    [winner] = [run for run in runs if run.wait() == 0]
    assert re.search(rf"is being used by another eval set: process {winner.pid} on", winner.output)
    logs = folder.logs()
    assert sorted(logs) == sorted(TASKS)
    assert {log.status for log in logs.values()} == {"success"}
    assert folder.files() == sorted(Path(log.location).name for log in logs.values())
    assert set(Counter(folder.calls()).values()) == {1}
    assert len(folder.calls()) == len(TASKS) * SAMPLES * EPOCHS
