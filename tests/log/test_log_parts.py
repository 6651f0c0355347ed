"""Parts are merged while a log is written: few of them, nothing lost, nothing out of order."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tasks_lib.log import EvalLogWriter, read_eval_log
from tasks_lib.log._compact import Merge, PartCounter
from tasks_lib.log._files import open_place
from tasks_lib.log._live import LiveLog
from tasks_lib.log._paths import part_name
from tasks_lib.log._rows import sample_row
from tasks_lib.schema import EvalConfig, EvalLog, EvalSample

MakeSample = Callable[..., EvalSample]
MakeHeader = Callable[..., EvalLog]

NAME = "2026-11-21T21-04-45+00-00_arithmetic_task1.parquet"


def part_numbers(log_dir: Path) -> list[int]:
    names = [part_name(path.name) for path in (log_dir / ".live" / NAME).iterdir()]
    return sorted(name.number for name in names if name)


def uuids(log_dir: Path) -> list[str | None]:
    return [sample.uuid for sample in read_eval_log(log_dir / NAME).samples or []]


class Simulation:
    """Parts of one shard as lists of the flushes that they hold."""

    def __init__(self) -> None:
        self.counter = PartCounter()
        self.parts: dict[int, list[int]] = {}
        self.rewrites: list[int] = []
        self.most = 0

    def flush(self) -> None:
        self.parts[self.counter.add()] = [len(self.rewrites)]
        self.rewrites.append(0)
        self.most = max(self.most, len(self.parts))
        while (merge := self.counter.take_merge()) is not None:
            held = [flush for number in merge.inputs for flush in self.parts.pop(number)]
            assert merge.output not in self.parts
            self.parts[merge.output] = held
            for flush in held:
                self.rewrites[flush] += 1


def test_parts_stay_few_and_in_order() -> None:
    simulation = Simulation()

    for _ in range(200_000):  # beyond 48 * 8**4
        simulation.flush()

    # At most 47 parts as they were flushed, 7 of each level, the first, and the one too many.
    assert simulation.most <= 47 + 5 * 7 + 2
    assert max(simulation.rewrites) == 5
    flushes = [flush for number in sorted(simulation.parts) for flush in simulation.parts[number]]
    assert flushes == list(range(200_000))


def test_merges_carry_like_a_counter() -> None:
    counter = PartCounter()
    merges: list[Merge] = []
    for _ in range(1 + 48 * 8):
        counter.add()
        merge = counter.take_merge()
        if merge is not None:
            merges.append(merge)

    assert merges[0] == Merge(inputs=tuple(range(1, 49)), output=49)
    assert merges[1] == Merge(inputs=tuple(range(50, 98)), output=98)
    # The eighth: 7 merged parts and the last 48 flushes become one at once.
    merged = tuple(merge.output for merge in merges[:7])
    assert merges[7] == Merge(inputs=(*merged, *range(344, 392)), output=392)
    assert len(merges) == 8


@pytest.mark.parametrize(
    ("existing", "first", "merge"),
    [
        pytest.param([], 0, None, id="none"),
        pytest.param([0, 1, 4], 5, None, id="few"),
        pytest.param([0, *range(3, 90)], 90, Merge((*range(3, 91),), 91), id="more than enough"),
    ],
)
def test_a_shard_continues_after_a_crash(
    existing: list[int], first: int, merge: Merge | None
) -> None:
    counter = PartCounter(existing)

    assert counter.next == first
    assert counter.add() == first
    assert counter.take_merge() == merge


async def test_a_log_of_many_flushes(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    header = make_header(config=EvalConfig(log_buffer=1))
    writer = EvalLogWriter(header, tmp_path, score_columns=["match"])
    await writer.start()
    for id in range(500):
        await writer.append(make_sample(id))
    await writer.flush()

    # 500 = 1 * 48 * 8 + 2 * 48 + 20
    assert len(part_numbers(tmp_path)) == 1 + 1 + 2 + 20
    assert uuids(tmp_path) == [f"uuid-{id}-1" for id in range(500)]
    await writer.finish(make_header(status="success"))
    assert uuids(tmp_path) == [f"uuid-{id}-1" for id in range(500)]
    assert pq.read_metadata(tmp_path / NAME).num_rows == 500


async def test_the_last_of_equal_attempts_wins_across_merges(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    writer = EvalLogWriter(make_header(config=EvalConfig(log_buffer=1)), tmp_path)
    await writer.start()
    last: dict[int, str] = {}
    chance = random.Random(1)
    for number in range(200):
        id = chance.randrange(20)
        last[id] = f"flush {number}"
        await writer.append(make_sample(id, uuid=last[id]))
    await writer.flush()

    assert len(part_numbers(tmp_path)) == 1 + 4 + 200 % 48
    assert uuids(tmp_path) == [last[id] for id in sorted(last)]


async def test_a_kill_between_merging_and_removing_repeats_nothing(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    live = LiveLog(open_place(tmp_path / NAME), make_header(), ["match"], "0")
    live.create()
    folder = tmp_path / ".live" / NAME
    for id in range(48):
        live.write_part([sample_row(make_sample(id), ["match"])])
    kept = {path: path.read_bytes() for path in folder.iterdir()}
    merge = live.take_merge()
    assert merge is not None
    live.merge(merge)
    assert part_numbers(tmp_path) == [0, 49]
    for path, content in kept.items():
        path.write_bytes(content)

    assert part_numbers(tmp_path) == list(range(50))
    assert uuids(tmp_path) == [f"uuid-{id}-1" for id in range(48)]
    live.finish(make_header(status="success"))
    assert uuids(tmp_path) == [f"uuid-{id}-1" for id in range(48)]


async def test_a_part_that_is_cut_in_half_is_left_alone(
    tmp_path: Path,
    make_header: MakeHeader,
    make_sample: MakeSample,
    caplog: pytest.LogCaptureFixture,
) -> None:
    writer = EvalLogWriter(make_header(config=EvalConfig(log_buffer=1)), tmp_path)
    await writer.start()
    for id in range(10):
        await writer.append(make_sample(id))
    damaged = tmp_path / ".live" / NAME / "part-0-000003.parquet"
    damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 2])
    for id in range(10, 100):
        await writer.append(make_sample(id))
    await writer.flush()

    # The first merge met it and gave up, the second did not.
    assert part_numbers(tmp_path) == [*range(49), 98, *range(99, 103)]
    [warning] = caplog.messages
    assert warning.startswith("48 parts in ")
    assert "part-0-000003.parquet" in warning
    assert warning.endswith("No sample is lost by that.")


def test_a_merge_that_is_stopped_changes_nothing(
    tmp_path: Path,
    make_header: MakeHeader,
    make_sample: MakeSample,
    caplog: pytest.LogCaptureFixture,
) -> None:
    live = LiveLog(open_place(tmp_path / NAME), make_header(), ["match"], "0")
    live.create()
    for id in range(48):
        live.write_part([sample_row(make_sample(id), ["match"])])
    merge = live.take_merge()
    assert merge is not None

    live.stop_merging()
    live.merge(merge)

    assert part_numbers(tmp_path) == list(range(49))
    assert caplog.messages == []
    live.finish(make_header(status="success"))
    assert uuids(tmp_path) == [f"uuid-{id}-1" for id in range(48)]


_READER = """
import sys
from tasks_lib.log import read_eval_log

location, count = sys.argv[1], int(sys.argv[2])
print("ready", flush=True)
seen = 0
while seen < count:
    ids = [sample.id for sample in read_eval_log(location).samples]
    assert ids == list(range(len(ids))) and len(ids) >= seen, (seen, ids)
    seen = len(ids)
print("seen", seen, flush=True)
"""


async def test_another_process_reads_while_parts_are_merged(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    writer = EvalLogWriter(make_header(config=EvalConfig(log_buffer=1)), tmp_path)
    await writer.start()
    reader = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs yet
        [sys.executable, "-c", _READER, writer.location, "200"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert reader.stdout is not None
        assert await asyncio.to_thread(reader.stdout.readline) == "ready\n"
        for id in range(200):
            await writer.append(make_sample(id))
        await writer.finish(make_header(status="success"))
        said, complaints = await asyncio.to_thread(reader.communicate, timeout=60)
    finally:
        reader.kill()
        reader.communicate()

    assert (said, complaints) == ("seen 200\n", "")


_MEASURED = """
import asyncio, resource, sys
from tasks_lib.log import EvalLogWriter
from tasks_lib.schema import ChatMessageUser, EvalLog, EvalSample, EvalSpec

async def main(log_dir, log_format, count):
    spec = EvalSpec(created="2026-11-21T21:04:45+00:00", task="t", task_id="id", model="m")
    writer = EvalLogWriter(EvalLog(eval=spec), log_dir, log_format=log_format)
    await writer.start()
    for id in range(count):
        messages = [ChatMessageUser(content=f"{id} {number} " * 40) for number in range(10)]
        await writer.append(EvalSample(id=id, epoch=1, input="", target="", messages=messages))
    await writer.finish(EvalLog(eval=spec, status="success"))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


@pytest.mark.parametrize(
    ("log_format", "samples"), [("parquet", 20_000), ("json", 6_000), ("eval", 6_000)]
)
def test_memory_stays_flat(tmp_path: Path, log_format: str, samples: int) -> None:
    def peak_of(count: int) -> int:
        """Most memory of a process that writes a log of `count` samples."""
        done = subprocess.run(
            [sys.executable, "-c", _MEASURED, str(tmp_path), log_format, str(count)],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
        )
        return int(done.stdout)

    assert peak_of(samples) <= 1.3 * peak_of(1_000)
