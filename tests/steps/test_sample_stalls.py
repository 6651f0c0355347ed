"""Samples that stall in one of their steps."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from scorers import scorer
from solvers import generate
from tasks_lib._errors import SampleStalledError
from tasks_lib.schema import ModelEvent, SampleLimitEvent, Score, Target
from tasks_lib.steps import Rescoring, rescore
from tasks_lib.task import Scorer, TaskState
from tests.steps._limited import IN_VAIN_S, SHORT, ask, evaluated, hang, header, limited_step

HINT = "If a single step may take that long, raise stall_timeout (seconds; 0: no limit)."


@scorer(metrics=[])
def hangs_in_scoring() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        await asyncio.Event().wait()
        return Score(value="C")

    return score


@pytest.mark.parametrize(
    ("steps", "options", "last", "calls"),
    [
        pytest.param(
            [ask],
            {"task": {"setup": limited_step(hang)}},
            "the beginning of the solver 'limited_step'",
            0,
            id="in the setup",
        ),
        pytest.param(
            [ask, hang], {}, "the beginning of the solver 'limited_step'", 1, id="in a solver"
        ),
        pytest.param(
            [ask],
            {"scorer": hangs_in_scoring()},
            "the beginning of the scorer 'hangs_in_scoring'",
            1,
            id="in a scorer",
        ),
    ],
)
async def test_a_sample_that_stalls_fails(
    steps: list[Any], options: dict[str, Any], last: str, calls: int
) -> None:
    sample, error = await evaluated(
        [limited_step(step) for step in steps], config={"stall_timeout": SHORT}, **options
    )

    assert isinstance(error, SampleStalledError)
    assert error.last_event is not None and error.last_event.startswith(f"{last}, at ")
    assert sample.error is not None
    assert sample.error.message == (
        "SampleStalledError: The sample had no event for 0.05 s; its last one was "
        f"{error.last_event}. {HINT}"
    )
    assert "await asyncio.Event().wait()" in sample.error.traceback
    assert (sample.limit, sample.scores) == (None, None)
    assert sum(isinstance(event, ModelEvent) for event in sample.events) == calls
    assert not any(isinstance(event, SampleLimitEvent) for event in sample.events)


async def test_a_cleanup_that_stalls_fails_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def clean(state: TaskState) -> None:
        await asyncio.Event().wait()

    with caplog.at_level(logging.WARNING):
        sample, error = await evaluated(
            generate(), config={"stall_timeout": SHORT}, task={"cleanup": clean}
        )

    assert (error, sample.error) == (None, None)
    assert sample.scores is not None and sample.scores["match"].value == "C"
    assert [record.message for record in caplog.records] == ["The cleanup of sample 1 failed."]
    assert "SampleStalledError" in caplog.text


@pytest.mark.parametrize("limit", ["time_limit", "working_limit"])
async def test_a_limit_that_is_reached_before_is_no_stall(limit: str) -> None:
    sample, error = await evaluated(
        limited_step(hang), config={limit: SHORT, "stall_timeout": 20 * SHORT}
    )

    assert error is None
    assert sample.limit is not None and sample.limit.type == limit.partition("_")[0]


@pytest.mark.parametrize("limit", ["time_limit", "working_limit"])
async def test_a_stall_before_a_limit_is_reached_is_none(limit: str) -> None:
    sample, error = await evaluated(
        limited_step(hang), config={limit: 200 * SHORT, "stall_timeout": SHORT}
    )

    assert isinstance(error, SampleStalledError)
    assert sample.limit is None


async def test_scorers_that_stall_over_a_log_leave_the_sample_unscored() -> None:
    sample, _ = await evaluated(generate())
    log = header()
    log.eval.config.stall_timeout = SHORT

    async with asyncio.timeout(IN_VAIN_S):
        again = await rescore(
            sample, Rescoring(log, [("hangs_in_scoring", hangs_in_scoring())], keeps_scores=True)
        )

    assert isinstance(again.error, SampleStalledError)
    assert again.scores["hangs_in_scoring"].metadata is not None
    assert "SampleStalledError" in str(again.scores["hangs_in_scoring"].metadata["error"])
