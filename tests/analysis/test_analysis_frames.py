"""Kinds of frames, formats of logs, and reading several logs at a time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from tasks_lib._errors import MissingPackageError, ParameterError
from tasks_lib.analysis import (
    EvalModel,
    EventInfo,
    EventTiming,
    MessageColumns,
    ModelEventColumns,
    SampleColumn,
    SampleMessages,
    SampleScores,
    SampleSummary,
    evals_df,
    events_df,
    messages_df,
    samples_df,
)
from tasks_lib.schema import EvalLog, EvalSample

MakeSample = Callable[..., EvalSample]
MakeLog = Callable[..., EvalLog]
WriteLog = Callable[..., Path]

READERS = [
    pytest.param(evals_df, {}, id="evals"),
    pytest.param(samples_df, {}, id="samples"),
    pytest.param(messages_df, {}, id="messages"),
    pytest.param(events_df, {"columns": [*EventInfo, *EventTiming]}, id="events"),
]
EVERYTHING = [*SampleSummary, *SampleMessages, *SampleScores, *EvalModel]


def count_events(sample: EvalSample) -> int:
    return len(sample.events)


def is_answer(message: Any) -> bool:
    return bool(message.role == "assistant")


@pytest.fixture
def logs(make_sample: MakeSample, write_log: WriteLog) -> list[Path]:
    return [write_log([make_sample(1, log=n), make_sample("x", log=n)], n) for n in "abc"]


@pytest.mark.parametrize(("read", "options"), READERS)
def test_frames_hold_the_same(read: Any, options: Any, logs: list[Path]) -> None:
    arrow = read(logs, **options, frame="arrow")
    pandas = read(logs, **options)
    polars = read(logs, **options, frame="polars")

    assert isinstance(arrow, pa.Table)
    assert isinstance(pandas, pd.DataFrame)
    assert isinstance(polars, pl.DataFrame)
    assert len(arrow) > 0
    assert all(isinstance(kind, pd.ArrowDtype) for kind in pandas.dtypes)
    assert pa.Table.from_pandas(pandas, preserve_index=False).to_pylist() == arrow.to_pylist()
    assert polars.to_dicts() == arrow.to_pylist()


@pytest.mark.parametrize(("read", "options"), READERS)
def test_without_logs_there_are_columns_and_no_rows(
    read: Any, options: Any, logs: list[Path]
) -> None:
    found, empty = read(logs, **options), read([], **options)

    plain = [n for n in found.columns if not n.startswith(("metadata_", "score_match"))]
    assert list(empty.columns) == plain
    assert len(empty) == 0


@pytest.mark.parametrize("frame", ["pandas", "polars"])
@pytest.mark.parametrize(("read", "options"), READERS)
def test_a_package_that_is_not_installed(
    read: Any,
    options: Any,
    frame: Literal["pandas", "polars"],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, frame, None)

    with pytest.raises(MissingPackageError, match=rf"{frame}.*prefect-evals\[analysis\]"):
        read(tmp_path, **options, frame=frame)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"frame": "numpy"}, "frame is 'numpy'", id="kind of frame"),
        pytest.param({"parallel": 0}, "parallel is 0, expected True, False, 1 or more", id="none"),
        pytest.param({"parallel": -2}, "parallel is -2", id="fewer than none"),
    ],
)
def test_wrong_arguments(options: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=message):
        samples_df(tmp_path, **options)


@pytest.mark.parametrize("suffix", [".json", ".eval"])
def test_formats_hold_the_same(suffix: str, make_sample: MakeSample, write_log: WriteLog) -> None:
    samples = [make_sample(1), make_sample("x", scores=None, metadata={"a": [1]})]
    parquet, other = write_log(samples), write_log(samples, suffix=suffix)

    for read, columns in (
        (samples_df, EVERYTHING),
        (messages_df, MessageColumns),
        (events_df, [*EventInfo, *EventTiming, *ModelEventColumns]),
    ):
        expected = read(parquet, columns=columns, frame="arrow").drop_columns("log")
        found = read(other, columns=columns, frame="arrow").drop_columns("log")
        assert found.to_pylist() == expected.to_pylist()


def test_logs_in_memory_hold_the_same(
    make_sample: MakeSample, make_log: MakeLog, write_log: WriteLog
) -> None:
    samples = [make_sample("x"), make_sample(2), make_sample(1)]
    log, path = make_log("a", samples), write_log(samples)

    for read, columns in (
        (samples_df, [*EVERYTHING, SampleColumn("n", path=count_events, full=True)]),
        (messages_df, MessageColumns),
    ):
        expected = read(path, columns=columns, frame="arrow").drop_columns("log")
        found = read([log], columns=columns, frame="arrow").drop_columns("log")
        assert found.to_pylist() == expected.to_pylist()


def test_a_log_in_memory_without_samples_is_read(
    make_sample: MakeSample, make_log: MakeLog, write_log: WriteLog
) -> None:
    path = write_log([make_sample()])
    log = make_log("a").model_copy(update={"samples": None, "location": str(path)})

    assert samples_df(log, frame="arrow").column("id").to_pylist() == ["1"]


@pytest.mark.parametrize("parallel", [True, 2])
def test_threads_read_the_same(parallel: Any, logs: list[Path]) -> None:
    one, several = (samples_df(logs, parallel=n, frame="arrow") for n in (False, parallel))

    assert several.equals(one)


def test_processes_read_the_same(logs: list[Path]) -> None:
    columns = [*MessageColumns, SampleColumn("n", path=count_events, full=True), *EvalModel]
    bad = SampleColumn("bad", path="target", type=bool)

    one, errors = messages_df(logs, [*columns, bad], is_answer, strict=False, frame="arrow")
    several, same_errors = messages_df(
        logs, [*columns, bad], is_answer, strict=False, parallel=2, frame="arrow"
    )

    assert len(one) == 12
    assert several.equals(one)
    assert [str(error) for error in same_errors] == [str(error) for error in errors]
    assert len(errors) == 6


def test_functions_that_processes_cannot_get(logs: list[Path]) -> None:
    with pytest.raises(ParameterError, match="events_df: parallel is 2, expected False: a func"):
        events_df(logs, filter=lambda event: True, parallel=2)


def test_progress_is_for_terminals(logs: list[Path], capfd: pytest.CaptureFixture[str]) -> None:
    samples_df(logs)
    evals_df(logs)

    assert capfd.readouterr() == ("", "")
