"""Whole logs, written at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tasks_lib._errors import LogError
from tasks_lib.log import read_eval_log, write_eval_log
from tasks_lib.schema import EvalLog, EvalSample, Score

MakeSample = Callable[..., EvalSample]
MakeHeader = Callable[..., EvalLog]


def test_write_eval_log_and_back(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    location = tmp_path / "new" / "log.parquet"
    log = make_header(status="success", samples=[make_sample(id) for id in ("b", "a", 10, 9)])
    log.samples = [*(log.samples or []), make_sample(9, scores={"odd/name": Score(value=2)})][1:]

    write_eval_log(log, location)
    back = read_eval_log(location)

    assert [sample.id for sample in back.samples or []] == [9, 10, "a"]
    assert pq.read_schema(location).names[16:18] == ["score_match", "score_odd_name"]
    assert [path.name for path in location.parent.iterdir()] == ["log.parquet"]


def test_editing_a_header_keeps_the_samples(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    location = str(tmp_path / "log.parquet")
    log = make_header(samples=[make_sample(1)])
    write_eval_log(log, location)

    header = read_eval_log(location, header_only=True)
    header.eval.tags = ["checked"]
    write_eval_log(header)

    back = read_eval_log(location)
    assert back.eval.tags == ["checked"]
    assert back.samples == log.samples


def test_write_eval_log_needs_a_place(tmp_path: Path, make_header: MakeHeader) -> None:
    with pytest.raises(ValueError, match="no location of its own"):
        write_eval_log(make_header())
    (tmp_path / "file").write_text("x")
    with pytest.raises(LogError, match="could not be written"):
        write_eval_log(make_header(), tmp_path / "file" / "log.parquet")
