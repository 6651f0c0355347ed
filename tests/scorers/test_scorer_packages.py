"""Scorers, metrics and reducers of installed packages, used by name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[2]

PLUGIN = '''
    """Scorers of Acme."""

    from scorers import CORRECT, INCORRECT, Score, accuracy, metric, score_reducer, scorer


    @metric
    def acme_count():
        def compute(scores):
            return len(scores)

        return compute


    @score_reducer(name="acme_last")
    def acme_last():
        def reduce(scores):
            return scores[-1]

        return reduce


    @scorer(metrics=[accuracy(), acme_count()])
    def shouts(marks: int = 1):
        """Correct when the output ends with exclamation marks."""

        async def score(state, target):
            right = state.output.completion.endswith("!" * marks)
            return Score(value=CORRECT if right else INCORRECT)

        return score
'''

PROGRAM = """
    import asyncio
    from scorers import Target, create_reducers
    from tasks_lib import Task
    from tasks_lib._errors import UnknownNameError
    from tasks_lib._util._registry import registry_create, registry_name
    from tasks_lib.model import ModelName
    from tasks_lib.schema import ModelOutput
    from tasks_lib.task import TaskState, scorer_plans

    state = TaskState(
        model=ModelName("mockllm/model"), sample_id=1, epoch=1, input="Hello", messages=[],
        output=ModelOutput.from_content("mockllm/model", "Hello!!"),
    )
    print(create_reducers("acme_last")[0].name)
    for name in ("acme_scorers/shouts", "shouts"):
        scorer = registry_create("scorer", name, marks=2)
        [plan] = scorer_plans(Task(scorer=scorer).scorer)
        score = asyncio.run(scorer(state, Target("")))
        print(registry_name(scorer), plan.name, score.value)
    try:
        registry_create("scorer", "acme_scorers/shout")
    except UnknownNameError as error:
        print(error)
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder of packages in which acme-scorers 1.0 is installed."""
    info = tmp_path / "acme_scorers-1.0.dist-info"
    info.mkdir()
    (tmp_path / "acme_scorers.py").write_text(dedent(PLUGIN))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-scorers\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[prefect_evals]\nacme = acme_scorers\n")
    (info / "RECORD").write_text("acme_scorers.py,,\n")
    return tmp_path


def test_by_name(installed: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{installed}"}

    done = subprocess.run(
        [sys.executable, "-c", dedent(PROGRAM)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "acme_last",
        "acme_scorers/shouts shouts C",
        "acme_scorers/shouts shouts C",
        "No scorer is named 'acme_scorers/shout'. Did you mean 'acme_scorers/shouts'?",
    ]
