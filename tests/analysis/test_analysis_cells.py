"""What is in the cells of a samples frame: types, conversions, names, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks_lib._errors import ColumnValueError, ParameterError
from tasks_lib.analysis import (
    EvalModel,
    MessageColumn,
    SampleColumn,
    SampleMessages,
    SampleScores,
    SampleSummary,
    samples_df,
)
from tasks_lib.schema import (
    EvalLog,
    EvalSample,
    Score,
)
from tests.analysis._rows import rows

MakeSample = Callable[..., EvalSample]
WriteLog = Callable[..., Path]

PIXEL = "data:image/png;base64," + "iVBORw0KGgo" * 20


def test_the_last_column_of_a_name_counts(make_sample: MakeSample, write_log: WriteLog) -> None:
    columns = [SampleColumn("x", path="epoch"), *EvalModel, SampleColumn("x", path="target")]

    assert [row["x"] for row in rows(write_log([make_sample()]), columns)] == ["42"]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        pytest.param(["C", 0.5, None], ["C", "0.5", None], id="text and numbers are text"),
        pytest.param([1, 0.5, 2], [1.0, 0.5, 2.0], id="whole numbers among others are floats"),
        pytest.param([1, None, 2], [1, None, 2], id="a missing value leaves whole numbers"),
        pytest.param([True, False, None], [True, False, None], id="flags"),
        pytest.param([True, 2, 1], ["True", "2", "1"], id="flags and numbers are text"),
        pytest.param([0.5, math.nan, math.inf], [0.5, None, math.inf], id="NaN is missing"),
        pytest.param([2**80, 1, 2], [str(2**80), "1", "2"], id="more than 64 bits are text"),
        pytest.param(["\ud800x", "y", None], ["\ufffdx", "y", None], id="lone surrogate"),
    ],
)
@pytest.mark.parametrize("together", [True, False], ids=["one log", "several logs"])
def test_types_of_scores(
    scores: list[Any],
    expected: list[Any],
    together: bool,
    make_sample: MakeSample,
    write_log: WriteLog,
) -> None:
    """A column has one type, however its values are spread over logs."""
    samples = [
        make_sample(n, scores=None if value is None else {"s": Score(value=value)})
        for n, value in enumerate(scores)
    ]
    if together:
        paths = [write_log(samples)]
    else:
        paths = [write_log([sample], f"{n}") for n, sample in enumerate(samples)]

    assert [row["score_s"] for row in rows(paths)] == expected


def test_lone_surrogates_are_replaced_in_text_and_json(
    make_sample: MakeSample, write_log: WriteLog
) -> None:
    """Ids have escapes instead: they must stay different."""
    sample = make_sample(
        "\ud800",
        input="\udfffin",
        target=["\ud800", "b"],
        metadata={"\ud801key": "\udc00value", "n": 1},
        uuid="uuid",
    )
    events = SampleColumn("events", path=lambda sample: len(sample.events), full=True)
    names = ("id", "input", "target", "metadata_n", "metadata_\ufffdkey", "events")

    [row] = rows(write_log([sample]), [*SampleSummary, events])

    assert [row[name] for name in names] == [
        "\ufdd0\\ud800",
        "user:\n\ufffdin\n",
        "\ufffd,b",
        1,
        "\ufffdvalue",
        5,
    ]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        pytest.param(
            [SampleColumn("x", path="epok")],
            "there is no field 'epok'. Did you mean 'epoch'",
            id="field that is not there",
        ),
        pytest.param(
            [SampleColumn("x", path="limit", required=True)],
            "Column 'x' cannot be read from path 'limit': there is no value",
            id="required value",
        ),
        pytest.param(
            [SampleColumn("x", path="target", type=bool)],
            "'42' cannot be converted to bool",
            id="value of another type",
        ),
        pytest.param(
            [SampleColumn("x", path="target", value=lambda target: target["a"])],
            "string indices must be integers",
            id="function of the value that fails",
        ),
        pytest.param(
            [SampleColumn("x", path=lambda summary: summary.nothing)],
            "has no attribute 'nothing'",
            id="function of the sample that fails",
        ),
        pytest.param(
            [SampleColumn("x", path=lambda summary: object())],
            "a cell cannot hold object",
            id="function that returns something else",
        ),
    ],
)
def test_cells_that_cannot_be_made(
    columns: list[SampleColumn], message: str, make_sample: MakeSample, write_log: WriteLog
) -> None:
    path = write_log([make_sample()])

    with pytest.raises(ColumnValueError) as failure:
        samples_df(path, columns=columns)
    table, errors = samples_df(path, columns=columns, strict=False, frame="arrow")

    assert message in str(failure.value)
    assert str(path) in str(failure.value)
    assert [str(error) for error in errors] == [str(failure.value)]
    assert [error.column for error in errors] == ["x"]
    assert table.column("x").to_pylist() == [None]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        pytest.param(["epoch", "metadata"], ["a", 1], id="entries that are there count"),
        pytest.param(["metadata", "epoch"], [1, 1], id="the later column counts"),
    ],
)
def test_an_entry_with_the_name_of_another_column(
    columns: list[str], expected: list[Any], make_sample: MakeSample, write_log: WriteLog
) -> None:
    known = {
        "epoch": SampleColumn("metadata_x", path="epoch"),
        "metadata": SampleColumn("metadata_*", path="metadata"),
    }
    path = write_log([make_sample(1, metadata={"x": "a"}), make_sample(2, metadata={})])

    found = rows(path, [known[name] for name in columns])

    assert [row["metadata_x"] for row in found] == [
        value if len({type(v) for v in expected}) == 1 else str(value) for value in expected
    ]


def test_columns_of_messages_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="samples_df: columns is MessageColumn"):
        samples_df(tmp_path, columns=[MessageColumn("x", path="id")])


def test_no_name_takes_the_place_of_another(make_sample: MakeSample, write_log: WriteLog) -> None:
    """Not even one that comes from a log."""
    metadata = {"sample_id": "forged", "log": "forged", "log_sample": 1, "order": 2}
    columns = [SampleColumn("*", path="metadata")]
    path = write_log([make_sample(metadata=metadata)])

    assert rows(path, columns) == [
        {
            "sample_id": "uuid-a-1-1",
            "eval_id": "eval-a",
            "log_eval": str(path),
            "log_sample_sample": "forged",
            "log_sample": 1,
            "order": 2,
            "sample_id_sample": "forged",
        }
    ]


def test_transcripts_stay_unread(
    make_sample: MakeSample, write_log: WriteLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Columns of the log are enough, also for messages and paths into metadata."""
    path = write_log([make_sample()])
    columns = [*SampleSummary, *SampleMessages, *SampleScores, *EvalModel]
    expected = rows(path, columns)

    def refuse(*args: object, **options: object) -> EvalLog:
        raise AssertionError("transcripts are read")

    monkeypatch.setattr(EvalSample, "model_validate", refuse)

    assert rows(path, columns) == expected
