"""What the README shows of datasets, scorers and metrics does what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from flows.eval import eval
from flows.score import score
from tasks_lib.log import read_eval_log
from tasks_lib.model import get_model
from tasks_lib.schema import EvalLog, ModelOutput
from tests.flows._readme import shown_names

QUESTIONS = [
    {"question": "Capital of Peru?", "answer": "Lima", "continent": "America"},
    {"question": "Capital of Norway?", "answer": "Oslo", "continent": "Europe"},
]


def answer(messages: list[Any], *_: Any) -> ModelOutput:
    """Know Lima, and not Oslo."""
    text = "It is Lima." if "Peru" in messages[-1].text else "It is Bergen."
    return ModelOutput.from_content("mockllm/model", text)


def grade(messages: list[Any], *_: Any) -> ModelOutput:
    letter = "C" if "It is Lima." in messages[-1].text else "I"
    return ModelOutput.from_content("mockllm/grader", f"Checked.\n\nGRADE: {letter}")


def metrics_of(log: EvalLog) -> dict[tuple[str, str | None], dict[str, float | None]]:
    assert log.results is not None
    return {
        (item.name, item.reducer): {name: entry.value for name, entry in item.metrics.items()}
        for item in log.results.scores
    }


@pytest.mark.usefixtures("prefect_harness")
def test_two_scorers_with_intervals_groups_and_epochs(tmp_path: Path, log_dir: str) -> None:
    file = tmp_path / "capitals.parquet"
    parquet.write_table(pa.Table.from_pylist(QUESTIONS), file)
    names = shown_names("## Datasets, scorers and metrics", "readme_scoring")
    grader = get_model("mockllm/grader", custom_outputs=grade)
    model = get_model("mockllm/model", custom_outputs=answer)

    (log,) = eval(
        names["capitals"](str(file)),
        model,
        model_roles={"grader": grader},
        log_dir=log_dir,
        display="none",
    )

    assert log.status == "success", log.error
    groups = {"accuracy": 0.5, "America": 1.0, "Europe": 0.0, "all": 0.5}
    found = metrics_of(log)
    assert [*found] == [
        (scorer, reducer)
        for scorer in ("match", "model_graded_qa")
        for reducer in ("mean", "pass_at_2")
    ]
    for values in found.values():
        assert {name: values[name] for name in groups} == groups
        lower, upper = values["ci_lower"], values["ci_upper"]
        assert lower is not None and upper is not None and 0 < lower < 0.5 < upper < 1  # Wilson

    scored = score(log.location, "includes", display="none")

    assert isinstance(scored, EvalLog)
    assert {scorer for scorer, _ in metrics_of(scored)} == {"match", "model_graded_qa", "includes"}
    assert Path(scored.location).name == Path(log.location).stem + "-scored.parquet"
    for sample in read_eval_log(scored.location).samples or ():
        verdicts = [item.value for item in (sample.scores or {}).values()]
        assert verdicts == ["C" if sample.target == "Lima" else "I"] * 3
