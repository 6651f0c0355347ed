"""What a person sees of costs: artifacts, closing table, progress, `evals log show`."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from flows._artifacts import summary_markdown, usage_table
from flows._cost import cost_text, dollars
from flows._table import print_table
from flows._tally import Tally
from flows.cli import main
from tasks_lib.log import write_eval_log
from tasks_lib.schema import EvalLog, EvalResults, EvalSample, EvalSpec, EvalStats, ModelUsage

UNKNOWN = ModelUsage(input_tokens=7, total_tokens=7)
KNOWN = ModelUsage(
    input_tokens=1000,
    output_tokens=500,
    total_tokens=1500,
    input_tokens_cache_read=100,
    input_tokens_cache_write=50,
    reasoning_tokens=400,
    total_cost=1.5,
)
FREE = ModelUsage(output_tokens=3, total_tokens=3, total_cost=0.0)


def log_of(model_usage: Mapping[str, ModelUsage], **stats: int) -> EvalLog:
    return EvalLog(
        status="success",
        eval=EvalSpec(created="2026-11-21T00:00:00+00:00", task="sums", model="a/x"),
        stats=EvalStats(model_usage=dict(model_usage), **stats),
        results=EvalResults(total_samples=12, completed_samples=9, errored_samples=1),
    )


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        pytest.param(0, "$0.00", id="nothing"),
        pytest.param(12345.678, "$12,345.68", id="thousands"),
        pytest.param(1.004, "$1.00", id="cents"),
        pytest.param(0.1, "$0.10", id="ten cents"),
        pytest.param(0.0999, "$0.0999", id="less"),
        pytest.param(0.00012345, "$0.000123", id="a sample"),
        pytest.param(float("nan"), "$nan", id="no number"),
        pytest.param(float("inf"), "$inf", id="infinite"),
    ],
)
def test_dollars(cost: float, text: str) -> None:
    assert dollars(cost) == text


@pytest.mark.parametrize(
    ("usages", "text"),
    [
        pytest.param({}, None, id="no call"),
        pytest.param({"a/x": UNKNOWN}, None, id="not known"),
        pytest.param({"a/x": KNOWN}, "$1.50", id="known"),
        pytest.param({"a/x": FREE}, "$0.00", id="free"),
        pytest.param({"a/x": KNOWN, "b/y": KNOWN}, "$3.00", id="two models"),
        pytest.param(
            {"a/x": KNOWN, "b/y": UNKNOWN, "c/z": UNKNOWN},
            "not known for b/y, c/z; $1.50 for the rest",
            id="a part is not known",
        ),
    ],
)
def test_cost_text(usages: dict[str, ModelUsage], text: str | None) -> None:
    assert cost_text(usages) == text


@pytest.mark.parametrize(
    ("usages", "reused", "lines"),
    [
        pytest.param({"a/x": UNKNOWN}, 0, [], id="not known"),
        pytest.param(
            {"a/x": KNOWN}, 0, ["| Cost | $1.50 |", "| Cost per sample | $0.15 |"], id="known"
        ),
        pytest.param(
            {"a/x": KNOWN},
            5,
            ["| Cost | $1.50 |", "| Cost per sample | $0.30 |"],
            id="of samples that ran",
        ),
        pytest.param({"a/x": FREE}, 10, ["| Cost | $0.00 |"], id="no sample ran"),
        pytest.param(
            {"a/x": KNOWN, "b/y|": UNKNOWN},
            0,
            [r"| Cost | not known for b/y\|; $1.50 for the rest |"],
            id="a part is not known",
        ),
    ],
)
def test_summary(usages: dict[str, ModelUsage], reused: int, lines: list[str]) -> None:
    log = log_of(usages, reused_samples=reused)
    assert log.results is not None

    markdown = summary_markdown(log.results, log, "log.parquet")

    assert [line for line in markdown.splitlines() if line.startswith("| Cost")] == lines


def test_usage_by_model() -> None:
    assert usage_table(log_of({"a/x": KNOWN, "b\ny": UNKNOWN}).stats) == [
        {
            "model": "a/x",
            "input tokens": 1000,
            "output tokens": 500,
            "total tokens": 1500,
            "cache read": 100,
            "cache write": 50,
            "reasoning": 400,
            "cost": 1.5,
        },
        {
            "model": "b y",
            "input tokens": 7,
            "output tokens": 0,
            "total tokens": 7,
            "cache read": None,
            "cache write": None,
            "reasoning": None,
            "cost": None,
        },
    ]


def printed(*logs: EvalLog) -> list[list[str]]:
    console = Console(file=StringIO(), width=200)
    print_table(logs, console)
    assert isinstance(console.file, StringIO)
    return [line.split() for line in console.file.getvalue().splitlines() if line.strip(" ─")]


def test_closing_table() -> None:
    known = log_of({"a/x": KNOWN})
    partly = log_of({"a/x": KNOWN, "b/y": UNKNOWN})

    assert printed(known, partly) == [
        ["task", "model", "samples", "score", "errors", "tokens", "cost", "seconds", "log"],
        ["sums", "a/x", "9/12", "–", "1", "1,500", "$1.50", "–", "–"],  # noqa: RUF001
        ["sums", "a/x", "9/12", "–", "1", "1,507", "–", "–", "–"],  # noqa: RUF001
    ]


def test_no_cost_no_column_and_a_log_that_could_not_be_started() -> None:
    assert printed(log_of({"a/x": UNKNOWN}), log_of({})) == [
        ["task", "model", "samples", "score", "errors", "tokens", "seconds", "log"],
        ["sums", "a/x", "9/12", "–", "1", "7", "–", "–"],  # noqa: RUF001
        ["sums", "a/x", "9/12", "–", "1", "0", "–", "–"],  # noqa: RUF001
    ]


@pytest.mark.parametrize(
    ("usages", "figures"),
    [
        pytest.param([{"a/x": KNOWN}, {}, {"b/y": KNOWN}], "3,000 tokens · $3.00", id="known"),
        pytest.param([{"a/x": KNOWN}, {"b/y": UNKNOWN}], "1,507 tokens", id="partly"),
        pytest.param([{"a/x": UNKNOWN}, {"a/x": KNOWN}], "1,507 tokens", id="partly, the first"),
        pytest.param([{"a/x": FREE}], "3 tokens", id="free"),
        pytest.param([{}], "0 tokens", id="no call"),
    ],
)
def test_progress(usages: list[dict[str, ModelUsage]], figures: str) -> None:
    tally = Tally("sums", "a/x", 3)
    for number, usage in enumerate(usages):
        tally.add(EvalSample(id=number, epoch=1, input="", target="", model_usage=usage))

    parts = tally.text.split(" · ")
    assert " · ".join(parts[2:-1]) == figures
    assert parts[:2] == ["no score yet", "0 errors"]


def test_log_show(tmp_path: Path) -> None:
    log = log_of({"a/x": KNOWN, "b/y": UNKNOWN})
    log.samples = [
        EvalSample(id="q", epoch=1, input="", target="", model_usage={"a/x": KNOWN, "b/y": FREE})
    ]
    write_eval_log(log, tmp_path / "log.parquet")

    def shown(*args: str) -> list[str]:
        done = CliRunner().invoke(main, ["log", "show", str(tmp_path / "log.parquet"), *args])
        assert done.exit_code == 0, done.output
        return [line for line in done.output.splitlines() if line.startswith("cost")]

    assert shown() == ["cost       not known for b/y; $1.50 for the rest"]
    assert shown("--sample", "q") == ["cost       $1.50"]
