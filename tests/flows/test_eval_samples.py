"""What becomes of samples in `eval`: selection, limits, states."""

from __future__ import annotations

from typing import Any

import pytest

from scorers import match
from solvers import TaskState, generate, system_message
from tasks_lib import Task
from tasks_lib.model import get_model
from tasks_lib.schema import (
    ChatMessageSystem,
    ChatMessageUser,
    ModelOutput,
    ModelUsage,
    Sample,
)
from tests.flows._tasks import (
    halves,
    remembers,
    replaces_the_state,
    samples,
    waits_for_ever,
)

pytestmark = pytest.mark.usefixtures("prefect_harness")


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        pytest.param({"limit": 2}, [1, 2], id="first two"),
        pytest.param({"limit": (1, 3)}, [2, 3], id="a slice"),
        pytest.param({"sample_id": ["3", 1]}, [1, 3], id="ids"),
        pytest.param({"limit": 0}, [], id="none"),
    ],
)
def test_selection(run: Any, options: dict[str, Any], ids: list[int]) -> None:
    log = run(halves(4), **options)

    assert sorted(s.id for s in log.samples) == ids
    assert log.status == "success"
    assert log.eval.dataset.samples == 4


def test_score_false(run: Any) -> None:
    log = run(halves(2), score=False)

    assert log.results.scores == []
    assert [s.scores for s in log.samples] == [{}, {}]


def test_solver_by_argument_replaces_that_of_the_task(run: Any) -> None:
    log = run(halves(1), solver=remembers())

    assert [step.solver for step in log.plan.steps] == ["remembers"]
    assert log.eval.solver == "remembers"
    assert log.samples[0].store == {"seen": "q0"}
    assert log.samples[0].output.completion == ""


def test_message_limit_ends_the_solver_and_the_sample_is_scored(run: Any) -> None:
    log = run(halves(1), message_limit=2)

    sample = log.samples[0]
    assert log.status == "success"
    assert (sample.limit.type, sample.limit.limit) == ("message", 2)
    assert sample.error is None
    assert sample.scores["match"].value == "I"
    assert len(sample.messages) == 2


def test_token_limit(run: Any) -> None:
    output = ModelOutput.from_content("m", "x")
    output.usage = ModelUsage(input_tokens=5, output_tokens=5, total_tokens=10)
    model = get_model("mockllm/model", custom_outputs=[output] * 5)
    twice = Task(dataset=samples(1), solver=[generate(), generate()], scorer=match())

    sample = run(twice, model, token_limit=15).samples[0]

    assert (sample.limit.type, sample.limit.limit) == ("token", 15)
    assert sample.model_usage["mockllm/model"].total_tokens == 20
    assert sample.output.completion == "x"


def test_time_limit_interrupts(run: Any) -> None:
    slow = Task(dataset=samples(1), solver=waits_for_ever(), scorer=match())

    sample = run(slow, time_limit=1).samples[0]

    assert (sample.limit.type, sample.limit.limit) == ("time", 1)
    assert sample.error is None


def test_the_last_state_that_a_solver_returned_is_scored(run: Any) -> None:
    replaced = Task(
        dataset=[Sample(input="q", target="right")],
        solver=[replaces_the_state(), waits_for_ever()],
        scorer=match(),
    )

    sample = run(replaced, time_limit=1).samples[0]

    assert sample.scores["match"].value == "C"
    assert [m.text for m in sample.messages] == ["replaced"]


def test_setup_runs_first_and_cleanup_last(run: Any) -> None:
    cleaned = []

    async def clean(state: TaskState) -> None:
        cleaned.append((state.sample_id, state.completed))

    with_setup = Task(
        dataset=samples(1), setup=system_message("setup"), cleanup=clean, scorer=match()
    )

    sample = run(with_setup, solver=generate()).samples[0]

    assert [m.role for m in sample.messages] == ["system", "user", "assistant"]
    assert cleaned == [(1, True)]


def test_conversations_as_input(run: Any) -> None:
    sample = Sample(
        input=[ChatMessageSystem(content="a"), ChatMessageUser(content="b")], target="x"
    )

    logged = run(Task(dataset=[sample], scorer=match())).samples[0]

    assert [(m.role, m.source) for m in logged.messages] == [
        ("system", "input"),
        ("user", "input"),
        ("assistant", "generate"),
    ]
