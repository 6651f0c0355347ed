"""Records of what takes long: their texts, fields and outcomes."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from tasks_lib._util._trace import TRACE, TRACE_FIELDS
from tasks_lib.util import trace_action, trace_message

logger = logging.getLogger(__name__)


@pytest.fixture
def traced(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(TRACE, __name__)
    return caplog


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return dict(getattr(record, TRACE_FIELDS))


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        pytest.param(None, {"event": "exit"}, id="exit"),
        pytest.param(asyncio.CancelledError(), {"event": "cancel"}, id="cancel"),
        pytest.param(KeyboardInterrupt(), {"event": "cancel"}, id="Ctrl-C"),
        pytest.param(TimeoutError("late"), {"event": "timeout", "error": "TimeoutError: late"},
                     id="timeout"),
        pytest.param(ValueError("broke"), {"event": "error", "error": "ValueError: broke"},
                     id="error"),
    ],
)  # fmt: skip
def test_action(
    error: BaseException | None, outcome: dict[str, str], traced: pytest.LogCaptureFixture
) -> None:
    raised: BaseException | None = None
    try:
        with trace_action(logger, "Copy", "%s to %d", "a", 7):
            if error is not None:
                raise error
    except BaseException as caught:
        raised = caught

    began, ended = map(_fields, traced.records)
    assert raised is error
    assert began == {
        "action": "Copy",
        "detail": "a to 7",
        "event": "enter",
        "trace_id": began["trace_id"],
    }
    assert ended == {**began, **outcome, "duration": ended["duration"]}
    assert 0 <= ended["duration"] < 1
    assert [record.getMessage() for record in traced.records] == [
        "Copy: a to 7 (enter)",
        f"Copy: a to 7 ({outcome['event']})",
    ]


def test_actions_are_told_apart(traced: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        with trace_action(logger, "Copy", "a"):
            pass

    ids = [_fields(record)["trace_id"] for record in traced.records]
    first, first_end, second, second_end = ids
    assert (first, second) == (first_end, second_end)
    assert first != second


@pytest.mark.parametrize(
    ("message", "args", "kwargs", "detail"),
    [
        pytest.param("100 %", (), {}, "100 %", id="as it is"),
        pytest.param("%s of %s", (1, 2), {}, "1 of 2", id="values"),
        pytest.param("%(n)d of %(m)s", (), {"n": 1, "m": 2}, "1 of 2", id="named values"),
    ],
)
def test_message(
    message: str,
    args: tuple[object, ...],
    kwargs: dict[str, object],
    detail: str,
    traced: pytest.LogCaptureFixture,
) -> None:
    trace_message(logger, "Cache", message, *args, **kwargs)

    assert [_fields(record) for record in traced.records] == [
        {"action": "Cache", "detail": detail, "event": "message"}
    ]
    assert traced.records[0].getMessage() == f"Cache: {detail}"
    assert traced.records[0].levelno == TRACE


def test_records_name_the_callers_line(traced: pytest.LogCaptureFixture) -> None:
    trace_message(logger, "a", "b")
    with trace_action(logger, "a", "b"):
        pass

    assert {record.filename for record in traced.records} == {"test_trace.py"}


def test_nothing_is_done_if_nobody_wants_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, __name__)

    class Unprintable:
        def __str__(self) -> str:
            raise AssertionError("was formatted")

    trace_message(logger, "a", "%s", Unprintable())
    with trace_action(logger, "a", "%s", Unprintable()):
        pass

    assert caplog.records == []
