"""A run of ours, exported as `.eval`: the reference reads the same from it as we do."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scorers import Scorer, match, mean, scorer
from solvers import Generate, Solver, TaskState, generate, solver
from tasks_lib import Epochs, Task
from tasks_lib._util._json import to_plain
from tasks_lib.context import store, transcript
from tasks_lib.dataset import MemoryDataset
from tasks_lib.log import read_eval_log
from tasks_lib.log._eval_log import EVAL_LOG
from tasks_lib.log._files import open_place
from tasks_lib.model import get_model
from tasks_lib.schema import (
    ChatMessageUser,
    EvalLog,
    ModelOutput,
    ModelUsage,
    Sample,
    Score,
    Target,
)
from tests.log._peer import Peer, lost, start_peer  # noqa: F401  # a fixture

pytestmark = pytest.mark.usefixtures("prefect_harness")

LONG = "A text that is long enough for an attachment, which takes a hundred characters. " * 3


@solver
def troubled() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if state.sample_id == "broken":
            raise ValueError(LONG)
        transcript().info({"long": LONG}, source="test")
        store().set("list", [1, {"two": None}])
        while state.sample_id == "endless":
            state = await generate(state)
            state.messages.append(ChatMessageUser(content="Go on."))
        return state

    return solve


@scorer(metrics=[mean()])
def number() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        return Score(value=math.nan if state.sample_id == 2 else 0.25, explanation=LONG)

    return score


@pytest.fixture
def log(run: Callable[..., EvalLog]) -> EvalLog:
    """The log of a run with errors, limits, epochs, two scorers and both kinds of id."""
    output = ModelOutput.from_content("mockllm/model", "It is 3.")
    output.usage = ModelUsage(input_tokens=5, output_tokens=5, total_tokens=10)
    ids: list[int | str] = [1, 2, "x/y", "broken", "endless"]
    questions = [Sample(input=f"Question {id}", target=["3", "three"], id=id) for id in ids]
    return run(
        Task(
            dataset=MemoryDataset(questions, name="questions"),
            solver=[troubled(), generate()],
            scorer=[match(), number()],
            epochs=Epochs(2, ["mean", "max"]),
        ),
        model=get_model("mockllm/model", custom_outputs=[output] * 100),
        message_limit=6,
        fail_on_error=False,
        tags=["a"],
        metadata={"by": "us"},
    )


def test_the_reference_reads_our_run(peer: Peer, log: EvalLog, tmp_path: Path) -> None:
    path = tmp_path / "ours.eval"
    whole = read_eval_log(log.location)
    samples = whole.samples or []

    EVAL_LOG.write(open_place(path), whole, samples)

    [theirs] = peer.run("tests.log._peer_read", [str(path)])
    assert len(samples) == 10
    assert Counter(s.limit.type for s in samples if s.limit) == {"message": 2}
    assert Counter(s.id for s in samples if s.error) == {"broken": 2}
    expected: dict[str, Any] = to_plain(whole)
    del expected["location"]
    expected["eval"]["dataset"].setdefault("sample_ids", [])
    theirs["log"]["eval"]["dataset"]["sample_ids"] = expected["eval"]["dataset"]["sample_ids"]
    key = "{id}/{epoch}".format_map
    expected_samples = {key(sample): sample for sample in expected.pop("samples")}
    assert (
        lost(expected_samples, {key(sample): sample for sample in theirs["log"]["samples"]}) == []
    )
    assert lost(expected_samples, theirs["sample"]) == []
    assert lost(expected, theirs["log"]) == []
    assert len(theirs["streamed"]) == 10
    assert (
        lost(
            {key(s): s for s in map(to_plain, [s.summary() for s in samples])},
            {key(s): s for s in theirs["summaries"]},
        )
        == []
    )
