"""Solvers, agents and scorers in files: `file.py`, `file.py@name`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from flows._named import resolve_scorers
from flows._options import read_options
from flows._plan import make_plan
from flows.eval_set import requests_of_file
from flows.score import score
from scorers import match
from solvers import SolverSpec
from tasks_lib import Task
from tasks_lib._errors import MissingFileError, PrerequisiteError, UnknownNameError
from tasks_lib.model import get_model
from tasks_lib.schema import EvalLog
from tests.flows._scored import log_with, one_sample, score_values

HEAD = "IMPORTED = []\nIMPORTED.append(1)\n"
SOLVER = """
from solvers import solver

@solver
def {name}(word: str = "x"):
    async def solve(state, generate):
        return state
    return solve

made = {name}()
"""
AGENT = """
from solvers.agents import agent

@agent
def {name}(word: str = "x"):
    async def execute(state):
        '''Do nothing.'''
        return state
    return execute
"""
PLAIN = """
def {name}(word: str = "x"):
    async def run(sample):
        return {{"output": word}}
    return run
"""
ASYNC = """
async def {name}(sample):
    return {{"output": ""}}
"""
SCORER = """
from scorers import Score, accuracy, scorer

@scorer(metrics=[accuracy()])
def {name}(value: str = "C"):
    async def score(state, target):
        return Score(value=value)
    return score
"""


def content(*parts: tuple[str, str]) -> str:
    return HEAD + "".join(part.format(name=name) for part, name in parts)


def header(**options: Any) -> EvalLog:
    task = Task(scorer=match(), name="t")
    arguments = read_options("eval_set", options)
    return make_plan(task, get_model("mockllm/model"), arguments, "run", "logs").header


@pytest.mark.parametrize(
    ("file", "asked", "expected"),
    [
        pytest.param(content((SOLVER, "nf_one")), "f.py", "nf_one", id="the only solver"),
        pytest.param(
            content((SOLVER, "nf_one"), (AGENT, "nf_agent"), (PLAIN, "nf_agent_plain")), "f.py",
            "nf_one", id="a solver before agents",
        ),
        pytest.param(
            content((AGENT, "nf_only"), (PLAIN, "nf_agent_plain")), "f.py", "nf_only",
            id="an agent before functions",
        ),
        pytest.param(
            content((PLAIN, "nf_my_agent"), (PLAIN, "nf_other"), (PLAIN, "_nf_agent")), "f.py",
            "bridge", id="the only function that is called an agent",
        ),
        pytest.param(
            content((SOLVER, "nf_one"), (SOLVER, "nf_two")), "f.py@nf_two", "nf_two", id="named"
        ),
        pytest.param(
            content((SOLVER, "nf_one"), (AGENT, "nf_agent")), "f.py@nf_agent", "nf_agent",
            id="an agent that is named",
        ),
        pytest.param(
            content((SOLVER, "nf_one"), (PLAIN, "nf_plain")), "f.py@nf_plain", "bridge",
            id="a function that is named",
        ),
    ],
)  # fmt: skip
def test_solver(file: str, asked: str, expected: str, own_folder: Path) -> None:
    (own_folder / "f.py").write_text(file)

    log = header(solver=SolverSpec(asked, {"word": "y"}))

    [step] = log.plan.steps
    assert step.solver == expected
    if expected != "bridge":
        assert step.params == {"word": "y"}
    assert (log.eval.solver, log.eval.solver_args) == (asked, {"word": "y"})


@pytest.mark.parametrize(
    ("file", "asked", "error", "text"),
    [
        pytest.param(
            content((SOLVER, "nf_one"), (SOLVER, "nf_two")), "f.py", PrerequisiteError,
            r"There are several solvers in 'f.py'. Say which: 'f.py@nf_one', 'f.py@nf_two'\.",
            id="several solvers",
        ),
        pytest.param(
            content((AGENT, "nf_a"), (AGENT, "nf_b")), "f.py", PrerequisiteError,
            "Say which: 'f.py@nf_a', 'f.py@nf_b'", id="several agents",
        ),
        pytest.param(
            content((PLAIN, "agent_a"), (PLAIN, "agent_b")), "f.py", PrerequisiteError,
            "Say which: 'f.py@agent_a', 'f.py@agent_b'", id="several functions",
        ),
        pytest.param(
            content((PLAIN, "nf_plain"), (SCORER, "nf_s")), "f.py", PrerequisiteError,
            "There is no solver in 'f.py': no function there is decorated with @solver or @agent",
            id="none",
        ),
        pytest.param(
            content((SOLVER, "nf_one")), "f.py@nf_on", UnknownNameError,
            "No solver in 'f.py' is named 'nf_on'. Did you mean 'nf_one'?", id="unknown",
        ),
        pytest.param(
            content((ASYNC, "nf_agent_async")), "f.py", PrerequisiteError,
            "is async: expected one that returns an async function", id="an async function",
        ),
        pytest.param("", "gone.py@x", MissingFileError, "'gone.py' does not exist", id="no file"),
        pytest.param("", "g.txt@x", PrerequisiteError, "expected a .py file", id="another file"),
        pytest.param("1 +", "f.py", PrerequisiteError, "f.py:1: importing", id="broken file"),
    ],
)  # fmt: skip
def test_what_is_refused(
    file: str, asked: str, error: type[Exception], text: str, own_folder: Path
) -> None:
    (own_folder / "f.py").write_text(file)
    (own_folder / "g.txt").write_text("")

    with pytest.raises(error, match=text):
        header(solver=SolverSpec(asked, {"sample": 1} if "async" in file else {}))


def test_a_file_is_imported_once(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = content((SOLVER, "nf_one"), (SCORER, "nf_scored")) + "import nf_counter\n"
    (own_folder / "nf_counter.py").write_text("count = 0\n")
    (own_folder / "f.py").write_text(text + "nf_counter.count += 1\n")
    (own_folder / "g.py").write_text(content((SOLVER, "nf_regular")))
    monkeypatch.syspath_prepend(own_folder)

    header(solver="f.py", scorer="f.py@nf_scored")
    header(solver=[f"{own_folder}/f.py@nf_one", "f.py"])

    assert sys.modules["nf_counter"].count == 1
    regular = __import__("g")
    header(solver="g.py")
    assert regular.nf_regular.__module__ == "g"
    assert not [name for name in sys.modules if name.startswith("evals_task_file_g_")]


@pytest.mark.usefixtures("prefect_harness")
def test_scorers(own_folder: Path) -> None:
    (own_folder / "f.py").write_text(content((SCORER, "nf_a")))
    (own_folder / "g.py").write_text(content((SCORER, "nf_b"), (SCORER, "nf_c")))

    log = header(scorer=["f.py", {"name": "g.py@nf_c", "value": "I"}])
    scored = score(log_with([one_sample(1)]), "g.py@nf_b", action="overwrite", display="none")

    assert [(s.name, s.options or {}) for s in log.eval.scorers or []] == [
        ("nf_a", {}),
        ("nf_c", {"value": "I"}),
    ]
    assert isinstance(scored, EvalLog)
    assert score_values(scored) == [{"nf_b": "C"}]
    with pytest.raises(PrerequisiteError, match=r"several scorers in 'g\.py'. Say which: 'g.py@nf"):
        resolve_scorers("g.py")


def test_files_are_looked_for_beside_the_eval_set_first(own_folder: Path) -> None:
    sets = own_folder / "sets"
    sets.mkdir()
    (sets / "f.py").write_text(content((SOLVER, "nf_beside"), (SCORER, "nf_scores")))
    (own_folder / "f.py").write_text(content((SOLVER, "nf_here")))
    (own_folder / "g.py").write_text(content((AGENT, "nf_g")))
    (sets / "set.yaml").write_text(
        "log_dir: logs\n"
        "solver: f.py\n"
        "scorer: {name: f.py@nf_scores, value: I}\n"
        "tasks:\n"
        "  - a\n"
        "  - {task: a, solver: [g.py, {name: f.py@nf_beside, word: w}, generate]}\n"
    )

    requests = requests_of_file(str(sets / "set.yaml"), {})[0]

    logs = [
        make_plan(Task(name="t"), get_model("mockllm/model"), request.options, "run", "logs").header
        for request in requests
    ]
    assert [[step.solver for step in log.plan.steps] for log in logs] == [
        ["nf_beside"],
        ["nf_g", "nf_beside", "generate"],
    ]
    assert [[s.name for s in log.eval.scorers or []] for log in logs] == [["nf_scores"]] * 2
