"""Solvers of installed packages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

SOLVERS = '''
    """Solvers of Acme."""

    from solvers import solver
    from solvers.agents import agent
    from tasks_lib.schema import ChatMessageUser


    @solver
    def shout(text, marks=1):
        async def solve(state, generate):
            state.messages.append(ChatMessageUser(content=text.upper() + "!" * marks))
            return state

        return solve


    @agent
    def whisper():
        async def execute(state):
            """Say nothing."""
            return state

        return execute
'''

PROGRAM = """
    import asyncio
    import json
    from flows._named import resolve_solver
    from tasks_lib._errors import PrerequisiteError
    from tasks_lib._util._registry import registry_name, registry_params
    from tasks_lib.model import ModelName
    from tasks_lib.task import SolverSpec, TaskState

    def solve(name, args):
        made = resolve_solver(SolverSpec(name, args))
        state = TaskState(ModelName("mockllm/model"), 1, 1, "question", [])
        state = asyncio.run(made(state, None))
        return [registry_name(made), registry_params(made), *[m.text for m in state.messages]]

    for name, args in {cases!r}:
        try:
            print(json.dumps(solve(name, args)))
        except PrerequisiteError as error:
            print(json.dumps(str(error)))
"""

CASES = [
    ("shout", {"text": "hey", "marks": 2}),
    ("acme_solvers/shout", {"text": "hey"}),
    ("whisper", {}),
    ("acme_solvers/shuot", {}),
    ("shout", {"txt": "hey"}),
]


@pytest.fixture(scope="module")
def came_to(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What each of `CASES` comes to in a Python that has acme-solvers 1.0 installed."""
    packages = tmp_path_factory.mktemp("packages")
    info = packages / "acme_solvers-1.0.dist-info"
    info.mkdir()
    (packages / "acme_solvers.py").write_text(dedent(SOLVERS))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-solvers\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[prefect_evals]\nacme = acme_solvers\n")
    (info / "RECORD").write_text("acme_solvers.py,,\n")
    done = subprocess.run(
        [sys.executable, "-c", dedent(PROGRAM).format(cases=CASES)],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{packages}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        pytest.param(
            0, ["acme_solvers/shout", {"text": "hey", "marks": 2}, "HEY!!"], id="by its name"
        ),
        pytest.param(1, ["acme_solvers/shout", {"text": "hey"}, "HEY!"], id="with the package"),
        pytest.param(2, ["acme_solvers/whisper", {}], id="an agent"),
        pytest.param(
            3,
            "No solver is named 'acme_solvers/shuot'. Did you mean 'acme_solvers/shout', "
            "'acme_solvers/whisper'?",
            id="a wrong name",
        ),
        pytest.param(
            4,
            "shout: argument name is 'txt', expected one that it has. Did you mean 'text'.",
            id="a wrong argument",
        ),
    ],
)
def test_solver_of_a_package(case: int, expected: object, came_to: list[Any]) -> None:
    assert came_to[case] == expected
