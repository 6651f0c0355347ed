"""What a person sees of a running evaluation: bars, lines, counters, pauses."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from flows._display import Display
from flows._table import print_table
from flows._tally import Tally
from flows.eval import eval as run_eval
from solvers import Generate, Solver, TaskState, solver
from tasks_lib import Task
from tasks_lib.context import DisplayType, display_counter, display_type
from tasks_lib.schema import EvalError, EvalLog, EvalSample, EvalSpec, Sample
from tests.context._person import terminal

PROGRAM = Path(__file__).with_name("_terminal_program.py")
SUMS = "sums on a/x: 1/2 · no score yet · 0 errors · 0 tokens"


def sample() -> EvalSample:
    return EvalSample(id=1, epoch=1, input="", target="")


def printed(text: str) -> list[str]:
    """Return the lines without the rate, which ends the figures of a task."""
    return [re.sub(r" · [0-9.,]+/s", "", line) for line in text.splitlines()]


def test_bars_with_a_question_in_between() -> None:
    with terminal() as person:
        person.answers("Name:", "Ada\n")
        person.answers("Key:", "secret\n", hidden=True)
        run = subprocess.run(
            [sys.executable, PROGRAM],
            stdin=person.terminal,
            stdout=subprocess.PIPE,
            stderr=person.terminal,
            start_new_session=True,
            env={**os.environ, "COLUMNS": "120", "PYTHONPATH": str(PROGRAM.parents[2])},
            text=True,
            check=True,
        )

    question = f"{'─' * 15} Question {'─' * 15}\n"
    assert run.stdout == f"none rich Ada 6\n{question}Name: Ada\nKey: \n\n"
    before, after = person.saw.decode().split("\r\nName: Ada\r\nKey: \r\n")
    for part, done in ((before, "1/2"), (after, "2/2")):
        screen = re.sub(r"\x1b\[[0-9?]*[a-zA-Z]", "", part)
        assert "sums\\x1b[2J on a/[b]x" in screen
        assert done in screen
        assert "calls\\x07: 7 [red]" in screen
    # Rich erases what it takes for its own: with two lines drawn, one above the cursor.
    assert after.startswith("\r\n\x1b[?25l\r\x1b[2K\x1b[1A\x1b[2K")


@pytest.mark.parametrize(
    ("kind", "lines", "logged"),
    [
        pytest.param("plain", [f"{SUMS} · calls: 7"], [], id="lines"),
        pytest.param("log", [], [f"{SUMS} · calls: 7"], id="log"),
        pytest.param("none", [], [], id="nothing"),
    ],
)
def test_lines(
    kind: DisplayType,
    lines: list[str],
    logged: list[str],
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "flows._display")
    display = Display(kind)
    with display.show():
        assert display_type() == kind
        task = display.task("sums", "a/x", 2)
        task.sample_done(sample())
        display_counter("calls", "6")
        display_counter("calls", "7")
        task.close()

    assert printed(capsys.readouterr().err) == lines
    assert printed("\n".join(caplog.messages)) == logged


@pytest.mark.parametrize(
    ("resume", "after"),
    [
        pytest.param(True, ["1 of 1", "3 of 9", "4 of 4"], id="resumed"),
        pytest.param(False, ["1 of 1", "4 of 4"], id="not resumed"),
    ],
)
def test_lines_wait_for_the_end_of_a_pause(
    resume: bool, after: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    display = Display("plain")
    with display.paused(resume=resume):
        with display.paused(resume=True):
            display.say("1 of 1", last=True)
        display.say("2 of 9", last=False)
        within = capsys.readouterr().err
    display.say("3 of 9", last=False)
    display.say("4 of 4", last=True)

    assert within == ""
    assert capsys.readouterr().err.splitlines() == after


def test_names_and_errors_in_the_closing_table() -> None:
    log = EvalLog(
        status="error",
        eval=EvalSpec(created="2026-11-21T00:00:00+00:00", task="a\x1b[2J", model="[b]m[/b]"),
        error=EvalError(message="broke\x07", traceback=""),
    )
    console = Console(file=StringIO(), width=200)

    print_table([log], console)

    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "a\\x1b[2J on [b]m[/b]: error: broke\\x07" in text
    assert [c for c in text if not c.isprintable() and c != "\n"] == []


def test_a_label_is_one_line() -> None:
    assert Tally("a\nb", "m\x1b", 1).label == "a b on m\\x1b"


@solver("counts_on_the_display")
def _counting() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        display_counter("solved", f"{state.sample_id} on {display_type()}")
        return state

    return solve


@pytest.mark.usefixtures("prefect_harness")
def test_solvers_find_the_display(log_dir: str, capsys: pytest.CaptureFixture[str]) -> None:
    task = Task(dataset=[Sample(input="x", id="s")], solver=_counting(), name="counting")

    run_eval(task, "mockllm/model", log_dir=log_dir, display="plain")

    shown = [line for line in capsys.readouterr().err.splitlines() if "counting" in line]
    assert printed("\n".join(shown)) == [
        "counting on mockllm/model: 1/1 · no score yet · 0 errors · 0 tokens · solved: s on plain"
    ]
