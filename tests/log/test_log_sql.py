from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tasks_lib.log import EvalLogWriter, write_eval_log
from tasks_lib.schema import ChatMessageUser, EvalConfig, EvalLog, EvalSample, Score

MakeSample = Callable[..., EvalSample]
MakeHeader = Callable[..., EvalLog]
STAMP = "2026-11-21T21-04-45+00-00"


def scored(make_sample: MakeSample, values: str, scorer: str = "match") -> list[EvalSample]:
    return [
        make_sample(id, scores={scorer: Score(value=value)})
        for id, value in enumerate(values, start=1)
    ]


def test_scores_of_many_logs(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    for model, values in (("p/a", "CCIP"), ("p/b", "IC")):
        log = make_header(model=model, samples=scored(make_sample, values))
        write_eval_log(log, tmp_path / f"{STAMP}_{model[-1]}_id.parquet")

    rows = duckdb.execute(
        f"SELECT model, avg(score_match) FROM '{tmp_path}/*.parquet' GROUP BY 1 ORDER BY 1"
    ).fetchall()

    assert rows == [("p/a", 0.625), ("p/b", 0.5)]


async def test_scores_during_a_run(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    writer = EvalLogWriter(
        make_header(config=EvalConfig(log_buffer=2)), tmp_path, score_columns=["match"]
    )
    await writer.start()
    for sample in scored(make_sample, "CICI"):
        await writer.append(sample)

    rows = duckdb.execute(
        f"SELECT count(*), avg(score_match) FROM '{tmp_path}/.live/*/*.parquet'"
    ).fetchall()

    assert rows == [(4, 0.5)]


def test_logs_of_different_scorers_union(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    for scorer in ("match", "model graded"):
        samples = scored(make_sample, "CI", scorer)
        log = make_header(samples=samples)
        log.eval.scorers = None
        write_eval_log(log, tmp_path / f"{scorer}.parquet")

    rows = duckdb.execute(
        "SELECT count(score_match), count(score_model_graded), count(*) "
        f"FROM read_parquet('{tmp_path}/*.parquet', union_by_name=true)"
    ).fetchall()

    assert rows == [(2, 2, 4)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("plain", id="plain"),
        pytest.param("a\0b", id="NUL"),
        pytest.param('\'; DROP TABLE "x" -- \n', id="quotes"),
        pytest.param("\ud800", id="lone surrogate"),
    ],
)
def test_json_columns_can_be_queried(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample, text: str
) -> None:
    samples = [
        make_sample(
            1,
            input=text,
            messages=[ChatMessageUser(content=text)],
            metadata={"nan": float("nan"), "level": 3},
        )
    ]
    write_eval_log(make_header(samples=samples), tmp_path / "log.parquet")

    rows = duckdb.execute(
        "SELECT messages->>'$[0].role', metadata->>'$.level', started_at::DATE::VARCHAR, "
        f"events->>'$[2].event' FROM '{tmp_path}/log.parquet'"
    ).fetchall()

    assert rows == [("user", "3", "2026-11-21", "model")]
