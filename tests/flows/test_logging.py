"""Which log records become events of a transcript, and which are shown."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator

import pytest

from flows._logging import evaluation_logging
from tasks_lib.context import SampleContext, use_sample
from tests.flows._log_lines import DEBUG, HTTP, INFO, WARNING, log_lines, logged

Line = tuple[str, str, str]


@pytest.fixture(autouse=True)
def nothing_stays_changed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("EVAL_LOG_LEVEL", "INSPECT_LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_TRANSCRIPT", raising=False)
    root, httpx = logging.getLogger(), logging.getLogger("httpx")
    before = root.level, [*root.handlers], [[*h.filters] for h in root.handlers], httpx.level
    yield
    assert before == (
        root.level,
        root.handlers,
        [h.filters for h in root.handlers],
        httpx.level,
    )


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        pytest.param(None, [INFO, WARNING], id="info unless told"),
        pytest.param("warning", [WARNING], id="warning"),
        pytest.param("HTTP", [INFO, WARNING, HTTP], id="requests count as http"),
        pytest.param("tools", [INFO, WARNING, HTTP], id="another name of trace"),
        pytest.param("debug", [DEBUG, INFO, WARNING, HTTP], id="all"),
        pytest.param("critical", [], id="nothing so bad"),
    ],
)
def test_records_in_the_transcript(level: str | None, expected: list[Line]) -> None:
    with evaluation_logging(None, level), use_sample(SampleContext()) as sample:
        log_lines()

    assert logged(sample.transcript.events) == expected


def test_level_by_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECT_LOG_LEVEL_TRANSCRIPT", "warning")

    with evaluation_logging(None, None), use_sample(SampleContext()) as sample:
        log_lines()

    assert logged(sample.transcript.events) == [WARNING]


async def test_evaluations_at_once_have_their_own_levels() -> None:
    async def evaluate(level: str, seconds: float) -> list[tuple[str, str | None, str]]:
        with evaluation_logging(None, level), use_sample(SampleContext()) as sample:
            await asyncio.sleep(seconds)  # so that they overlap, and the first one ends first
            log_lines()
        return logged(sample.transcript.events)

    levels = await asyncio.gather(evaluate("warning", 0.01), evaluate("debug", 0.02))

    assert [*levels] == [[WARNING], [DEBUG, INFO, WARNING, HTTP]]


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        pytest.param(None, ["careful"], id="warnings unless told"),
        pytest.param("info", ["sample 1", "careful"], id="info"),
        pytest.param("error", [], id="error"),
    ],
)
def test_records_that_are_shown(
    capsys: pytest.CaptureFixture[str], level: str | None, expected: list[str]
) -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        with evaluation_logging(level, None):
            log_lines()
    finally:
        logging.getLogger().removeHandler(handler)

    lines = capsys.readouterr().out.splitlines()
    shown = [line for line in lines if line.startswith(("some.library: ", "httpx: "))]
    assert shown == [f"some.library: {message}" for message in expected]


def test_a_record_with_wrong_arguments_is_no_event(capsys: pytest.CaptureFixture[str]) -> None:
    with evaluation_logging(None, None), use_sample(SampleContext()) as sample:
        logging.getLogger("some.library").setLevel(logging.INFO)
        try:
            logging.getLogger("some.library").info("%d", "text")
        except TypeError:  # what the test runner makes of it
            pass
        finally:
            logging.getLogger("some.library").setLevel(logging.NOTSET)

    assert sample.transcript.events == []
