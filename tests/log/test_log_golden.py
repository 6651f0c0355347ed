"""Logs that earlier versions wrote are read for ever. See `golden/make_golden.py`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tasks_lib._util._json import to_plain
from tasks_lib.log import (
    SCHEMA_VERSION,
    list_eval_logs,
    read_eval_log,
    read_eval_log_sample,
    read_eval_log_sample_summaries,
    read_eval_log_samples,
    write_eval_log,
)
from tasks_lib.log._condense import resolve_sample_attachments
from tasks_lib.schema import EvalLog

GOLDEN = Path(__file__).parent / "golden"
FINISHED = "2026-11-21T21-04-45+00-00_sums_task1.parquet"
LIVE = "2026-11-22T21-04-45+00-00_sums_task2.parquet"
VERSIONS = sorted(path.name for path in GOLDEN.glob("v*"))


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the golden logs of a version."""
    folder = tmp_path / str(request.param)
    shutil.copytree(GOLDEN / str(request.param), folder)
    return folder


def test_every_version_has_golden_logs() -> None:
    assert {f"v{number}" for number in range(1, SCHEMA_VERSION + 1)} == {*VERSIONS}


def expected(folder: Path, log: str) -> dict[str, Any]:
    """The content of a log as its version wrote it, its samples apart."""
    text = (folder / f"expected_{log}").with_suffix(".json").read_text(encoding="ascii")
    content: dict[str, Any] = json.loads(text)
    return content


def same(left: Any, right: Any) -> bool:
    """Whether JSON data is equal, NaN included."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def by_key(samples: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {f"{sample['id']!r} {sample['epoch']}": sample for sample in samples}


logs = pytest.mark.parametrize("name", [FINISHED, LIVE], ids=["finished", "live"])


@logs
def test_whole_log(version: Path, name: str) -> None:
    log = read_eval_log(version / name, resolve_attachments=True)
    content = expected(version, name)

    assert same(
        by_key(to_plain(log).pop("samples")),
        by_key(content.pop("samples")),
    )
    header = without_samples(log)
    assert same(header, content)


@logs
def test_header(version: Path, name: str) -> None:
    content = expected(version, name)
    del content["samples"]

    assert same(without_samples(read_eval_log(version / name, header_only=True)), content)


@logs
def test_every_sample(version: Path, name: str) -> None:
    for item in expected(version, name)["samples"]:
        sample = read_eval_log_sample(version / name, item["id"], item["epoch"])

        assert same(to_plain(resolve_sample_attachments(sample)), item)


@logs
def test_samples_and_summaries(version: Path, name: str) -> None:
    samples = list(read_eval_log_samples(version / name, all_samples_required=False))

    assert len(samples) == len(expected(version, name)["samples"])
    assert same(
        sorted(
            str(to_plain(summary)) for summary in read_eval_log_sample_summaries(version / name)
        ),
        sorted(str(to_plain(sample.summary())) for sample in samples),
    )


def test_listing(version: Path) -> None:
    infos = {Path(info.name).name: info for info in list_eval_logs(version)}

    assert {name: (info.task, info.task_id) for name, info in infos.items()} == {
        FINISHED: ("sums", "task1"),
        LIVE: ("sums", "task2"),
    }


def test_written_again_it_is_the_same(version: Path, tmp_path: Path) -> None:
    log = read_eval_log(version / FINISHED)
    write_eval_log(log, tmp_path / "again.parquet")

    again = read_eval_log(tmp_path / "again.parquet")
    assert same(to_plain(again.samples), to_plain(log.samples))
    assert same(without_samples(again), without_samples(log))


def test_header_edited_the_samples_stay(version: Path) -> None:
    header = read_eval_log(version / FINISHED, header_only=True)
    header.eval.tags = ["edited"]
    write_eval_log(header)
    log = read_eval_log(version / FINISHED, resolve_attachments=True)

    assert log.eval.tags == ["edited"]
    assert same(by_key(to_plain(log)["samples"]), by_key(expected(version, FINISHED)["samples"]))


def test_sql(version: Path) -> None:
    rows = duckdb.execute(
        "SELECT sample_id, sample_id_type, epoch, score_match, score_graded_by, error, "
        '"limit", total_tokens, started_at IS NULL '
        f"FROM '{version / FINISHED}' ORDER BY ALL"
    ).fetchall()

    assert [(*row[:3], str(row[3]), *row[4:]) for row in rows] == [
        ("1", "int", 1, "1.0", 0.25, None, None, 37, False),
        ("1", "int", 2, "0.5", 0.5, None, None, 37, False),
        ("1", "str", 1, "1.0", 0.25, None, None, 37, False),
        ("2", "int", 1, "nan", None, None, None, 37, False),
        ("3", "int", 1, "None", 1.0, None, None, 37, False),
        ("4", "int", 1, "None", None, None, None, None, True),
        ("a/'b\"/../c", "str", 1, "1.0", 0.25, None, None, 37, False),
        ("failed", "str", 1, "None", None, "ValueError: no", None, 37, False),
        ("limited", "str", 1, "1.0", 0.25, None, "token", 37, False),
        ("picture", "str", 1, "1.0", 0.25, None, None, 37, False),
    ]


def test_sql_on_parts(version: Path) -> None:
    rows = duckdb.execute(
        "SELECT sample_id, score_match, messages->>'$[1].content' "
        f"FROM '{version}/.live/*/*.parquet'"
    ).fetchall()

    assert rows == [(f"{n}", 1.0, f"What is 40 plus {n}?") for n in (1, 2, 3)]


def without_samples(log: EvalLog) -> dict[str, Any]:
    """A log's header as JSON data, in the form of the expected files."""
    plain: dict[str, Any] = to_plain(log)
    for name in ("samples", "location"):
        plain.pop(name, None)
    return plain
