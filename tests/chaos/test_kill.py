"""A set whose process is killed, whenever and however often, ends as if nothing had happened.

`EVALS_CHAOS_RUNS=200 make test ARGS=tests/chaos` kills as many sets; each several times.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chaos._runs import (
    DEADLINE_S,
    LOG_BUFFER,
    MAX_SAMPLES,
    TASKS,
    Folder,
    Key,
    Run,
    Runner,
    rows,
)
from tests.chaos._tasks import EPOCHS, SAMPLES, fails

SETS = int(os.environ.get("EVALS_CHAOS_RUNS", "2"))
MOST_KILLS = 4
"""Of one set; then it is left alone."""

UNFLUSHED = len(TASKS) * (MAX_SAMPLES + 2 * (LOG_BUFFER - 1))
"""What a kill can lose at most: of each task, a sample of each worker (which runs, or has ended
and waits for its part), the other finished ones that are in the part which is being written, and
those that are too few for the next."""

GRANULARITIES = ("shard", "sample", "stage")
Moment = Callable[[Folder, random.Random], Callable[[], bool]]
"""Prepares, before a run, to tell when it is killed."""


def after_calls(folder: Folder, chance: random.Random) -> Callable[[], bool]:
    """In the middle of the samples."""
    size = folder.called_bytes + chance.randrange(1, 1000)
    return lambda: folder.called_bytes >= size


def while_finishing(folder: Folder, chance: random.Random) -> Callable[[], bool]:
    """While a log is put together from its parts."""

    def is_finishing() -> bool:
        files = [path for live in live_logs(folder) for path in inside(live)]
        return any(p.suffix == ".partial" and not p.name.startswith("part-") for p in files)

    return is_finishing


def while_copying(folder: Folder, chance: random.Random) -> Callable[[], bool]:
    """While finished samples of an earlier log are copied, or before anything was called."""
    known = live_logs(folder)
    return lambda: live_logs(folder) > known


def at_any_time(folder: Folder, chance: random.Random) -> Callable[[], bool]:
    """At any time since the start."""
    end = time.monotonic() + chance.uniform(0, 6)
    return lambda: time.monotonic() > end


MOMENTS: tuple[Moment, ...] = (after_calls, while_finishing, while_copying, at_any_time)


def live_logs(folder: Folder) -> set[Path]:
    return {path for path in inside(folder.log_dir / ".live") if path.is_dir()}


def inside(path: Path) -> list[Path]:
    """Return what is in a folder; nothing if it is gone, as it may be at any time."""
    try:
        return [*path.iterdir()]
    except FileNotFoundError:
        return []


def moments(seed: int, chance: random.Random) -> Iterator[Moment]:
    """Yield when the process of a set is killed; the first sets have all of them."""
    yield after_calls
    yield (while_copying, while_finishing)[seed % 2]
    yield (while_finishing, while_copying)[seed % 2]
    while True:
        yield chance.choice(MOMENTS)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, runner: Runner) -> Folder:
    folder = Folder.made(tmp_path_factory.mktemp("chaos") / "undisturbed", "shard")
    run = runner.start(folder.path, folder.environment)
    assert run.wait() == 0, run.output
    return folder


@pytest.mark.parametrize("seed", range(SETS))
def test_a_set_that_is_killed_again_and_again(
    tmp_path: Path, runner: Runner, undisturbed: Folder, seed: int
) -> None:
    chance = random.Random(f"chaos {seed}")
    folder = Folder.made(tmp_path / "set", GRANULARITIES[seed % len(GRANULARITIES)])
    kills, over = 0, False
    for moment in moments(seed, chance):
        before, called = folder.finished(), len(folder.calls())
        run = runner.start(folder.path, folder.environment)
        over = not killed(run, moment(folder, chance) if kills < MOST_KILLS else None, chance)
        if over:
            assert run.wait() == 0, run.output
        kills += not over
        check_progress(folder, before, folder.calls()[called:], over)
        if over:
            break
    assert kills > 0
    check_end(folder, undisturbed)


def killed(run: Run, is_time: Callable[[], bool] | None, chance: random.Random) -> bool:
    """Kill a run when it is time, or a little later; False: it had ended before."""
    deadline = time.monotonic() + DEADLINE_S
    while not run.is_over:
        assert time.monotonic() < deadline, run.output
        if is_time is not None and is_time():
            time.sleep(chance.choice([0, chance.uniform(0, 0.04)]))
            if not run.is_over:
                run.kill()
                return run.wait() < 0
        time.sleep(0.002 if is_time is not None else 0.02)
    return False


def check_progress(folder: Folder, before: set[Key], calls: list[Key], over: bool) -> None:
    """Compare what a run has found with what it has called and left."""
    left = folder.finished()

    assert before <= left
    assert before.isdisjoint(calls)
    assert len(calls) == len(set(calls))
    lost = {key for key in calls if not fails(key[1])} - left
    assert len(lost) <= (0 if over else UNFLUSHED)


def check_end(folder: Folder, undisturbed: Folder) -> None:
    logs, expected = folder.logs(), undisturbed.logs()

    assert sorted(logs) == sorted(TASKS)
    assert folder.files() == sorted(Path(log.location).name for log in logs.values())
    for task, log in logs.items():
        assert log.status == "success"
        assert rows(log) == rows(expected[task])
        assert log.results == expected[task].results
        assert log.reductions is not None
        work = log.stats.work
        if work is None:  # every kill came before the task had a log
            assert (log.stats.reused_samples, log.eval.attempt) == (0, 1)
            continue
        shares = (work.kept, work.redone, work.new)
        assert sum(share.samples for share in shares) == SAMPLES * EPOCHS
        assert work.kept.samples == log.stats.reused_samples
