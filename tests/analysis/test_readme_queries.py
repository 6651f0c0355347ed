"""The queries and the code that the README shows for many nights do what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from tasks_lib.log import write_eval_log
from tasks_lib.schema import EvalError, EvalLog, EvalSample, EvalSampleLimit, ModelUsage, Score

MakeSample = Callable[..., EvalSample]
MakeLog = Callable[..., EvalLog]

_README = Path(__file__).parents[2] / "README.md"
FIRST, SECOND = date(2026, 11, 20), date(2026, 11, 21)


def blocks(language: str) -> list[str]:
    """Return the code of one language in the section about many nights."""
    _, _, rest = _README.read_text(encoding="utf-8").partition("\n## Many nights\n")
    section, _, _ = rest.partition("\n## ")
    return re.findall(rf"^```{language}\n(.*?)^```", section, re.DOTALL | re.MULTILINE)


QUERIES = [
    pytest.param(
        "night by night",
        [
            (FIRST, "sums/arithmetic", "provider/large", 2, 1.0),
            (FIRST, "sums/arithmetic", "provider/small", 2, 0.5),
            (SECOND, "sums/arithmetic", "provider/large", 3, 1.0),
            (SECOND, "sums/arithmetic", "provider/small", 2, 0.5),
        ],
        id="trend",
    ),
    pytest.param(
        "the night before",
        [
            (SECOND, "sums/arithmetic", "provider/small", "1", 0.0, 1.0),
            (SECOND, "sums/arithmetic", "provider/small", "2", 1.0, 0.0),
        ],
        id="flips",
    ),
    pytest.param(
        "a right answer cost",
        [
            ("provider/large", 1.8, 0, 0.45),
            ("provider/small", 0.072, 0, 0.036),
        ],
        id="costs",
    ),
    pytest.param(
        "take longest",
        [
            ("sums/arithmetic", "2", 4, 5.5, 9.0, 2, 1),
            ("sums/arithmetic", "1", 4, 1.0, 1.0, 0, 0),
            ("sums/arithmetic", "3", 1, 1.0, 1.0, 0, 0),
        ],
        id="slow and repeated samples",
    ),
    pytest.param(
        "goes wrong",
        [("httpx.ReadTimeout", 1, 1, SECOND, "httpx.ReadTimeout: too slow")],
        id="errors",
    ),
    pytest.param("Which tools", [("add", 9, 3, None)], id="tools"),
]


@pytest.fixture
def nights(
    tmp_path: Path, make_sample: MakeSample, make_log: MakeLog, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Write two nights of two models; in the second one sample fails and two flip."""
    verdicts = {
        (FIRST, "provider/large"): "CC",
        (FIRST, "provider/small"): "CI",
        (SECOND, "provider/large"): "CC!",
        (SECOND, "provider/small"): "IC",
    }
    for (night, model), values in verdicts.items():
        name = f"{night}-{model[-5:]}"
        samples = []
        for id, value in enumerate(values, 1):
            slow = night == SECOND and id == 2
            failure = EvalError(message="httpx.ReadTimeout: too slow", traceback="…")
            fields: dict[str, Any] = {
                "scores": None if value == "!" else {"match": Score(value=value)},
                "error": failure if value == "!" else None,
                "started_at": f"{night}T03:00:00+00:00",
                "working_time": {1: 1.0, 2: 9.0 if slow else 2.0, 3: 1.0}[id],
                "error_retries": [failure] if slow else None,
                "limit": EvalSampleLimit(type="token") if slow and "small" in model else None,
                "model_usage": {
                    model: ModelUsage(
                        input_tokens=100_000,
                        output_tokens=20_000,
                        total_tokens=120_000,
                        total_cost=0.36 if "large" in model else 0.018,
                    )
                },
                "metadata": {"level": id},
            }
            samples.append(make_sample(id, log=name, **fields))
        folder = tmp_path / "logs" / "nightly" / str(night)
        folder.mkdir(parents=True, exist_ok=True)
        log = make_log(name, samples, model=model)
        write_eval_log(log, folder / f"{night}T03-00-00+00-00_arithmetic_{name}.parquet")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_query_is_tested() -> None:
    queries = blocks("sql")

    assert len(queries) == len(QUERIES)
    assert all(sum(str(q.values[0]) in query for q in QUERIES) == 1 for query in queries)


@pytest.mark.parametrize(("title", "expected"), QUERIES)
@pytest.mark.usefixtures("nights")
def test_query(title: str, expected: list[tuple[object, ...]]) -> None:
    [query] = [query for query in blocks("sql") if title in query]

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.execute(query).fetchall()

    assert found == expected


@pytest.mark.usefixtures("nights")
def test_code(capsys: pytest.CaptureFixture[str]) -> None:
    [code] = blocks("python")
    names: dict[str, Any] = {}

    exec(compile(code, str(_README), "exec"), names)

    frames = {name: len(value) for name, value in names.items() if isinstance(value, pd.DataFrame)}
    assert frames == {"nights": 4, "samples": 9, "hard": 9, "messages": 18, "tools": 9}
    assert sorted(names["hard"]["level"]) == [1, 1, 1, 1, 2, 2, 2, 2, 3]
    assert set(names["hard"]["said"]) == {"It is 42."}
    assert set(names["hard"]["steps"]) == {5}
    assert "provider/large    120000.0" in capsys.readouterr().out
