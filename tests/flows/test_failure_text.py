"""What Prefect is told of a failure has no keys and passwords."""

from __future__ import annotations

import pytest

from flows.eval_task import failure
from tasks_lib.schema import EvalError, EvalLog, EvalSpec


@pytest.mark.parametrize(
    ("message", "location", "told"),
    [
        pytest.param("x", "/logs/a", "t on m/x: x (log: /logs/a)", id="plain"),
        pytest.param("sent sk-123456789", "a", "t on m/x: sent ••• (log: a)", id="key"),
        pytest.param("x", "s3://id:pass@b/a", "t on m/x: x (log: s3://b/a)", id="password"),
    ],
)
def test_failure(message: str, location: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "sk-123456789")
    log = EvalLog(
        status="error",
        eval=EvalSpec(created="2026-11-22T00:00:00+00:00", task="t", model="m/x"),
        error=EvalError(message=message, traceback=""),
        location=location,
    )

    assert failure(log) == told
