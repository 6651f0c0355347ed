"""The table of the log benchmark, from made-up measurements, and what it measures with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks import _logs_content as content
from tests.benchmarks._logs_measure import Found, Job, main, read_found, timed, timed_folder
from tests.benchmarks._logs_report import Goal, Line, table
from tests.benchmarks.logs import READINGS, Bench, Logs

FASTER = Goal("faster", 5)


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        pytest.param(
            Line("header", "s", [0.002, 0.001, 0.9], [0.02, 0.5, 0.01], "peer", FASTER),
            ["header", "2 ms", "peer: 20.0 ms", "10.0 × faster", "≥ 5 ✓"],  # noqa: RUF001
            id="medians, faster",
        ),
        pytest.param(
            Line("header", "s", [2], [9], "peer", FASTER),
            ["header", "2 s", "peer: 9 s", "4.5 × faster", "≥ 5 ✗"],  # noqa: RUF001
            id="not fast enough",
        ),
        pytest.param(
            Line("query", "s", [0.01], [12.34], "peer"),
            ["query", "10.0 ms", "peer: 12.3 s", "1,234 × faster", ""],  # noqa: RUF001
            id="no goal",
        ),
        pytest.param(
            Line("size", "MB", [3], [10], "peer", Goal("ratio", 0.3)),
            ["size", "3 MB", "peer: 10.0 MB", "0.30", "≤ 0.3 ✓"],
            id="ratio",
        ),
        pytest.param(
            Line("memory", "MB", [131], [100], "1,000", Goal("ratio", 1.3)),
            ["memory", "131 MB", "1,000: 100 MB", "1.31", "≤ 1.3 ✗"],
            id="ratio too large",
        ),
        pytest.param(
            Line("append", "ms", [0.123], goal=Goal("value", 0.1)),
            ["append", "0.123 ms", "", "", "≤ 0.1 ms ✗"],
            id="value",
        ),
        pytest.param(
            Line("header", "s", [], [1], "peer", FASTER),
            ["header", "failed", "peer: 1 s", "", ""],
            id="failed here",
        ),
        pytest.param(
            Line("header", "s", [1], [], "peer", FASTER),
            ["header", "1 s", "peer: failed", "", "no peer"],
            id="failed beside it",
        ),
    ],
)
def test_table(line: Line, cells: list[str]) -> None:
    [row] = table([line]).splitlines()[2:]

    assert [cell.strip() for cell in row.strip("|").split("|")] == cells


class Readings(Bench):
    """A bench whose measurements are made up."""

    def __init__(self, answers: dict[str, object]) -> None:
        self.failed = False
        self._answers = answers

    def measure(self, module: str, job: Job) -> Found:
        return Found({"seconds": 1.0}, self._answers.get(module))


@pytest.mark.parametrize(
    ("answers", "failed"),
    [
        pytest.param({"_logs_ours": [1, 2], "_logs_peer": [1, 2]}, False, id="the same"),
        pytest.param({"_logs_ours": [1, 2], "_logs_peer": [1, 3]}, True, id="not the same"),
    ],
)
def test_both_must_find_the_same(
    answers: dict[str, object], failed: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = Readings(answers)
    job = Job("make", 20, "", "logs")

    lines = bench.read(Logs(job, job), Logs(job, job), repeat=2)

    assert bench.failed is failed
    assert [line.name for line in lines] == [reading.name for reading in READINGS]
    assert all(line.here == line.beside == [1.0, 1.0] for line in lines)
    assert ("not all found the same" in capsys.readouterr().err) is failed


def test_a_measurement_warms_up_and_takes_the_first_answer(tmp_path: Path) -> None:
    job = Job("read", 500, "", str(tmp_path))
    for folder in (job.warm_up, job.measured):
        Path(folder).mkdir()
        Path(folder, "a.log").touch()
    calls: list[tuple[str, int]] = []

    def act(log: str, turn: int) -> int:
        calls.append((Path(log).parent.name, turn))
        return turn

    found = timed(act, job, ".log")

    assert calls[:3] == [("warm-up", 0), ("measured", 0), ("measured", 1)]
    assert (found.answer, list(found.figures)) == (0, ["seconds"])
    assert timed_folder(lambda folder: Path(folder).name, job).answer == "measured"


def test_a_measurement_leaves_what_it_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, Any] = {"operation": "size", "samples": 3, "result_file": f"{tmp_path}/a.json"}
    monkeypatch.setattr("sys.argv", ["program", json.dumps(told)])

    main({"size": lambda job: Found({"bytes": job.samples * 2.0}, [1])})

    assert read_found(tmp_path / "a.json") == Found({"bytes": 6.0}, [1])


def test_content_is_the_same_every_time_and_different_for_each_sample() -> None:
    answers = [content.answer(content.question(number)) for number in range(1, 31)]

    assert len({content.question(number) for number in range(1, 31)}) == 30
    assert len(set(answers)) == 30
    assert answers[6] == content.answer(content.question(7))
    assert content.answer(content.question(7)).endswith(". 49")
    right = [answers[n - 1].endswith(f" {content.target(n)}") for n in range(1, 31)]
    assert right.count(True) == 20
