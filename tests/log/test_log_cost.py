"""The cost of samples in logs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from tasks_lib.log import (
    read_eval_log,
    read_eval_log_table,
    recover_eval_log,
    write_eval_log,
)
from tasks_lib.schema import EvalLog, EvalSample, EvalStats, ModelUsage
from tests.log._peer import Peer

MakeSample = Callable[..., EvalSample]
MakeHeader = Callable[..., EvalLog]

GOLDEN = Path(__file__).parent / "golden" / "v1"
LIVE = "2026-11-22T21-04-45+00-00_sums_task2.parquet"


def used(tokens: int, cost: float | None) -> ModelUsage:
    return ModelUsage(input_tokens=tokens, total_tokens=tokens, total_cost=cost)


USAGES = {
    "one model": {"a/x": used(10, 0.25)},
    "two models": {"a/x": used(10, 0.25), "b/y": used(10, 0.5)},
    "a free model": {"a/x": used(10, 0.0)},
    "a model without a price": {"a/x": used(10, 0.25), "b/y": used(10, None)},
    "no price": {"b/y": used(10, None)},
    "no call": {},
}
COSTS = {
    "a free model": 0.0,
    "a model without a price": None,
    "no call": None,
    "no price": None,
    "one model": 0.25,
    "two models": 0.75,
}


@pytest.fixture
def log(make_header: MakeHeader, make_sample: MakeSample) -> EvalLog:
    stats = EvalStats(model_usage={"a/x": used(40, 0.75), "b/y": used(30, None)})
    header = make_header(status="success", stats=stats)
    header.samples = [make_sample(id, model_usage=usage) for id, usage in USAGES.items()]
    return header


@pytest.mark.parametrize("suffix", ["parquet", "json", "eval"])
def test_every_format_tells_it(tmp_path: Path, log: EvalLog, suffix: str) -> None:
    path = tmp_path / f"log.{suffix}"
    write_eval_log(log, path)

    rows = read_eval_log_table(path, ["sample_id", "cost"]).to_pylist()
    again = read_eval_log(path)

    assert {row["sample_id"]: row["cost"] for row in rows} == COSTS
    assert {sample.id: sample.model_usage for sample in again.samples or []} == USAGES
    assert again.stats == log.stats


def test_sql_adds_up_what_is_known(tmp_path: Path, log: EvalLog) -> None:
    write_eval_log(log, tmp_path / "log.parquet")

    found = duckdb.execute(
        f"SELECT sum(cost), count(cost), count(*) FROM '{tmp_path}/*.parquet'"
    ).fetchall()

    assert found == [(1.0, 3, 6)]


def test_old_logs_have_none(tmp_path: Path, log: EvalLog) -> None:
    [old] = GOLDEN.glob("*.parquet")
    shutil.copy(old, tmp_path)
    write_eval_log(log, tmp_path / "new.parquet")

    assert "cost" not in pq.read_schema(old).names
    assert set(read_eval_log_table(old, ["cost"]).column("cost").to_pylist()) == {None}
    found = duckdb.execute(
        "SELECT task, sum(cost), count(*) > 1 "
        f"FROM read_parquet('{tmp_path}/*.parquet', union_by_name = true) GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert found == [("arithmetic", 1.0, True), ("sums", None, True)]


def test_an_old_run_is_finished_in_the_new_columns(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / ".live" / LIVE, tmp_path / ".live" / LIVE)

    header = recover_eval_log(tmp_path / LIVE, force=True)

    table = pq.read_table(header.location, columns=["sample_id", "cost"])
    assert table.to_pydict() == {"sample_id": ["1", "2", "3"], "cost": [None] * 3}


def test_the_reference_reads_it(peer: Peer, tmp_path: Path, log: EvalLog) -> None:
    log.eval.dataset.sample_ids = None  # those of the samples
    write_eval_log(log, tmp_path / "ours.eval")

    [theirs] = peer.run("tests.log._peer_read", [str(tmp_path / "ours.eval")])

    expected = {
        name: {model: usage.model_dump(exclude_none=True) for model, usage in usages.items()}
        for name, usages in USAGES.items()
    }
    assert {s["id"]: s["model_usage"] for s in theirs["log"]["samples"]} == expected
    assert theirs["header"]["stats"]["model_usage"] == {
        "a/x": {"input_tokens": 40, "output_tokens": 0, "total_tokens": 40, "total_cost": 0.75},
        "b/y": {"input_tokens": 30, "output_tokens": 0, "total_tokens": 30},
    }
