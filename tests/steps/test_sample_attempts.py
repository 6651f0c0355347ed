"""What is kept of an attempt at a sample that failed."""

from __future__ import annotations

from tasks_lib.schema import EvalError, EvalRetryError, EvalSample, ModelUsage
from tasks_lib.steps import failed_attempt

USAGE = {"mockllm/model": ModelUsage(output_tokens=3, total_tokens=3, total_cost=0.5)}
EARLIER = EvalRetryError(message="OSError: before", traceback="…")


def sample(error: EvalError | None) -> EvalSample:
    return EvalSample(
        id="a",
        epoch=2,
        input="?",
        target="!",
        error=error,
        error_retries=[EARLIER],
        model_usage=USAGE,
        started_at="2026-11-21T00:00:00+00:00",
        total_time=2.5,
        working_time=1.5,
    )


def test_an_attempt_is_its_error_times_and_usage() -> None:
    logged = EvalError(message="ValueError: no", traceback="Traceback …", traceback_ansi="\x1b[0m")

    kept = failed_attempt(sample(logged), ValueError("no"))

    assert kept == EvalRetryError(
        message="ValueError: no",
        traceback="Traceback …",
        started_at="2026-11-21T00:00:00+00:00",
        total_time=2.5,
        working_time=1.5,
        model_usage=USAGE,
    )


def test_an_error_that_is_not_logged_is_told_by_its_type() -> None:
    kept = failed_attempt(sample(None), ValueError("no"))

    assert (kept.message, kept.traceback) == ("ValueError('no')", "")
