"""The processes of the scorer math: what they are spared, and that they end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sympy
from sympy.parsing import sympy_parser

from scorers import CORRECT, INCORRECT, Score, Target, math
from scorers._math._parse import parse_latex
from scorers._math._pool import _pool
from scorers._math._worker import forbid_evaluation
from tasks_lib.task import TaskState

Make = Callable[..., TaskState]
ROOT = Path(__file__).parents[2]

TOWER = "9^{9^{9^{9}}}"


async def judge(state: TaskState, target: str, cpu_s: float = 2.0) -> Score:
    score = await math(timeout=cpu_s)(state, Target(target))
    assert score is not None
    return score


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(TOWER, id="powers"),
        pytest.param("10**10**10+1", id="plain powers"),
        pytest.param("((((9!)!)!)!)!", id="factorials"),
        pytest.param(r"\binom{1000000000}{500000000}", id="binomial"),
        pytest.param(r"\operatorname{zeros}(30000, 30000)", id="memory"),
        pytest.param("(" * 2000 + "1" + ")" * 2000, id="brackets"),
        pytest.param("+".join(f"x^{{{n}}}" for n in range(400)), id="terms"),
    ],
)
async def test_a_bomb_is_an_incorrect_answer(bomb: str, state_with: Make) -> None:
    score = await judge(state_with(rf"\boxed{{{bomb}}}"), "y+5", 0.15)

    assert score.value == INCORRECT
    assert score.answer == bomb


async def test_who_is_to_blame(state_with: Make) -> None:
    of_answer = await judge(state_with(rf"\boxed{{{TOWER}}}"), "x", 0.2)
    of_target = await judge(state_with("x"), TOWER, 0.2)

    assert of_answer.value == INCORRECT
    assert of_answer.explanation == (
        "The answer '9^{9^{9^{9}}}' cannot be judged with 0.2 s of processor time and 1 GiB of "
        "memory."
    )
    assert of_target.is_unscored
    assert of_target.explanation == (
        "The target '9^{9^{9^{9}}}' cannot be read with 0.2 s of processor time and 1 GiB of "
        "memory; set a higher timeout."
    )


@pytest.mark.parametrize(
    "template",
    [
        "{code}",
        "$${code}$$",
        r"\boxed{{{code}}}",
        r"\boxed{{\text{{{code}}}}}",
        r"\boxed{{x_{{{code}}}}}",
        r"\boxed{{5 \operatorname{{{code}}}}}",
        r"\boxed{{\max({code})}}",
        r"\boxed{{f({code})}}",
        r"\boxed{{\sqrt{{{code}}}}}",
    ],
)
async def test_nothing_is_evaluated(template: str, tmp_path: Path, state_with: Make) -> None:
    mark = tmp_path / "mark"
    code = f"open('{mark}','w')"
    await judge(state_with(template.format(code=code)), "x+1")
    await judge(state_with("x+1"), template.format(code=code))

    assert not mark.exists()


def test_sympy_is_kept_from_evaluating(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sympy_parser, "eval_expr", sympy_parser.eval_expr)  # is put back

    forbid_evaluation()

    assert str(parse_latex("1.50+12x")) == "12*x + 1.5"
    with pytest.raises(ValueError, match="Text is not evaluated here"):
        sympy.sympify("1+1")


async def test_the_event_loop_goes_on(state_with: Make) -> None:
    longest = 0.0
    scoring = asyncio.ensure_future(judge(state_with(rf"\boxed{{{TOWER}}}"), "x", 0.4))
    while not scoring.done():
        start = time.perf_counter()
        await asyncio.sleep(0)
        longest = max(longest, time.perf_counter() - start)

    assert longest < 0.3


async def test_many_at_once(state_with: Make) -> None:
    states = [state_with(rf"\boxed{{x+{number % 10}}}") for number in range(100)]

    scores = await asyncio.gather(*(judge(state, "3+x") for state in states))

    verdicts = [CORRECT if number % 10 == 3 else INCORRECT for number in range(100)]
    assert [score.value for score in scores] == verdicts
    assert 1 <= len(_pool().workers) <= 4


async def test_a_process_that_is_lost_is_replaced(state_with: Make) -> None:
    await judge(state_with("x+1"), "1+x")
    for worker in _pool().workers.values():
        os.killpg(worker.process_id, signal.SIGKILL)

    score = await judge(state_with("x+2"), "2+x")

    assert score.value == CORRECT


_PROGRAM = """
import asyncio, os, signal
from pathlib import Path
from scorers._math._pool import _pool, ask

def is_correct():
    question = {"targets": ["x+1"], "answer": "1+x", "cpu_s": 2.0}
    return asyncio.run(ask(question))["is_correct"]

print("loop", is_correct(), flush=True)
if os.fork() == 0:
    print("fork", is_correct(), flush=True)
    raise SystemExit
os.wait()
print("another loop", is_correct(), flush=True)
for worker in _pool().workers.values():
    print("secret", "SECRET" in Path(f"/proc/{worker.process_id}/environ").read_text())
    limits = Path(f"/proc/{worker.process_id}/limits").read_text().splitlines()
    print([line.split()[-3] for line in limits if line.startswith(("Max address", "Max file s"))])
    print(worker.process_id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_program_with_loops_and_a_fork_that_is_killed() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _PROGRAM],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OPENAI_API_KEY": "SECRET"},
        timeout=60,
    )

    *lines, group = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (-signal.SIGKILL, "")
    assert lines == [
        "loop True",
        "fork True",
        "another loop True",
        "secret False",
        "['0', '1073741824']",
    ]
    deadline = time.monotonic() + 10
    while _is_alive(int(group)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _is_alive(int(group))


def _is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
