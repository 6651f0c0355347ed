"""The file that EVAL_TRACE_FILE names."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from flows._logging import check_log_levels, evaluation_logging
from tasks_lib._errors import PrerequisiteError
from tasks_lib.context import SampleContext, use_sample
from tasks_lib.util import trace_action, trace_message

logger = logging.getLogger(__name__)


@pytest.fixture(autouse=True)
def no_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EVAL_LOG_LEVEL", "INSPECT_LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_TRANSCRIPT", raising=False)


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EVAL_TRACE_FILE", str(tmp_path / "trace.jsonl"))
    return tmp_path / "trace.jsonl"


def _lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a file, without what each run has of its own."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        for name in ("timestamp", "trace_id", "duration", "traceback"):
            if name in line:
                line[name] = type(line[name]).__name__
    return lines


def test_lines(trace: Path) -> None:
    root = logging.getLogger()
    before = root.level, list(root.handlers)
    with evaluation_logging(None, None):
        trace_message(logger, "Cache", "empty\n\x1b")
        with (
            use_sample(SampleContext("s", 2)),
            pytest.raises(ValueError, match="broke"),
            trace_action(logger, "Copy", "%s", "ä"),
        ):
            raise ValueError("broke")
        try:
            raise OSError("disk")
        except OSError:
            logger.exception("failed %d times", 2)
        logger.debug("too much")
    logger.error("after it")

    common = {"timestamp": "str", "level": "trace", "logger": __name__}
    copy = {"sample_id": "s", "epoch": 2, "action": "Copy", "detail": "ä", "trace_id": "str"}
    assert _lines(trace) == [
        {**common, "message": "Cache: empty\n\x1b", "action": "Cache", "detail": "empty\n\x1b",
         "event": "message"},
        {**common, **copy, "message": "Copy: ä (enter)", "event": "enter"},
        {**common, **copy, "message": "Copy: ä (error)", "event": "error", "duration": "float",
         "error": "ValueError: broke"},
        {**common, "level": "error", "message": "failed 2 times", "traceback": "str"},
    ]  # fmt: skip
    assert (root.level, root.handlers) == before


def test_the_transcript_has_what_it_had(trace: Path) -> None:
    with evaluation_logging(None, None), use_sample(SampleContext()) as sample:
        trace_message(logger, "Cache", "empty")

    assert sample.transcript.events == []


def test_a_second_evaluation_goes_on_in_the_file(trace: Path) -> None:
    for number in range(2):
        with evaluation_logging(None, None):
            trace_message(logger, "Number", "%d", number)

    assert [line["detail"] for line in _lines(trace)] == ["0", "1"]


def test_without_a_file_nothing_is_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVAL_TRACE_FILE", raising=False)
    with evaluation_logging("warning", "warning"):
        assert not logger.isEnabledFor(13)


def _refused() -> bool:
    """Tell whether an evaluation is refused for its trace file."""
    try:
        with evaluation_logging(None, None):
            return False
    except PrerequisiteError as error:
        return "EVAL_TRACE_FILE" in str(error)


@pytest.mark.parametrize("name", [".", "no-such-folder/trace.jsonl"])
def test_a_file_that_cannot_be_written(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVAL_TRACE_FILE", name)
    handlers = list(logging.getLogger().handlers)

    with pytest.raises(PrerequisiteError, match=f"EVAL_TRACE_FILE is '{name}', which cannot"):
        check_log_levels(None, None)
    for _ in range(2):  # the first failure leaves nothing behind
        with (
            pytest.raises(PrerequisiteError, match="EVAL_TRACE_FILE"),
            evaluation_logging(None, None),
        ):
            pass
    assert logging.getLogger().handlers == handlers


def test_a_file_that_cannot_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVAL_TRACE_FILE", "/proc/trace.jsonl")
    with (
        pytest.raises(PrerequisiteError, match="cannot be written"),
        evaluation_logging(None, None),
    ):
        pass
    monkeypatch.delenv("EVAL_TRACE_FILE")
    with evaluation_logging(None, "debug"), use_sample(SampleContext()) as sample:
        logger.debug("logged")

    assert [event.event for event in sample.transcript.events] == ["logger"]
