"""What `score` refuses, before anything is scored or written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.score import score
from tasks_lib._errors import PrerequisiteError
from tests.flows._scored import log_with, log_with_lost_metric, one_sample, scored_length


@pytest.mark.parametrize(
    ("prepare", "options", "error", "text"),
    [
        pytest.param(
            lambda log: log.model_copy(update={"samples": []}), {}, ValueError,
            "score: log is \"the log of 'sums'\", expected a log that has samples.",
            id="no samples",
        ),
        pytest.param(
            lambda log: log.model_copy(update={"samples": None}), {}, ValueError,
            "score: log is \"the log of 'sums'\", expected a log with its samples, or with the "
            "place of its file.",
            id="header without a file",
        ),
        pytest.param(
            lambda log: log.model_copy(update={"status": "started"}), {}, PrerequisiteError,
            "score: the log of 'sums' is not finished. Wait for its end; if its run was killed, "
            "`evals log recover` finishes it.",
            id="started",
        ),
        pytest.param(
            # Others may have registered names that are near as well.
            lambda log: log, {"scorers": "scored_lenght"}, LookupError,
            "No scorer is named 'scored_lenght'. Did you mean 'scored_length'",
            id="unknown scorer",
        ),
        pytest.param(
            lambda log: log, {"scorers": []}, ValueError,
            "score: scorers is [], expected at least one; None: those of the log.",
            id="no scorer",
        ),
        pytest.param(
            lambda log: log, {"scorers": 3}, ValueError,
            "score: scorer is 3, expected a scorer, its name, or a list of these.",
            id="not a scorer",
        ),
        pytest.param(
            lambda log: log, {"scorers": {"location": "end"}}, ValueError,
            "score: scorers is {'location': 'end'}, expected {name: …, an argument: its value, …}.",
            id="scorer without a name",
        ),
        pytest.param(
            lambda log: log_with([one_sample(1)], []), {"scorers": None}, PrerequisiteError,
            "score: the log of 'sums' was not scored, so there is no scorer to repeat. Say which: "
            "scorers=… (--scorer).",
            id="nothing to repeat",
        ),
        pytest.param(
            lambda log: log, {"action": "add"}, ValueError,
            "score: action is 'add', expected input should be 'append' or 'overwrite'.",
            id="action",
        ),
        pytest.param(
            lambda log: log, {"overwrit": True}, ValueError,
            "score: argument name is 'overwrit', expected a known one. Did you mean 'overwrite'?.",
            id="argument",
        ),
        pytest.param(
            lambda log: log, {"overwrite": True, "output": "x"}, ValueError,
            "score: output is 'x', expected nothing beside overwrite=True, which writes to the log "
            "itself.",
            id="output and overwrite",
        ),
        pytest.param(
            lambda log: log, {"overwrite": True}, ValueError,
            "score: overwrite is True, expected a log that was read from a file: this one has no "
            "location.",
            id="overwrite without a file",
        ),
        pytest.param(
            lambda log: log_with_lost_metric(), {"epochs_reducer": "max"}, LookupError,
            "No metric is named 'gone_metrik'. Did you mean 'gone_metric'?",
            id="other reducer, unknown metric",
        ),
        pytest.param(
            lambda log: log, {"epochs_reducer": "pass_at_3"}, PrerequisiteError,
            "The reducer 'pass_at_3' needs 3 epochs, and there is only 1",
            id="more tries than epochs",
        ),
        pytest.param(
            lambda log: "nowhere.parquet", {}, FileNotFoundError,
            "The log 'nowhere.parquet' does not exist.",
            id="no such file",
        ),
        pytest.param(
            lambda log: [], {}, ValueError, "score: log is [], expected at least one log.",
            id="nothing",
        ),
    ],
)  # fmt: skip
def test_bad_input(
    prepare: Any, options: dict[str, Any], error: type[Exception], text: str
) -> None:
    log = prepare(log_with([one_sample(1)]))
    arguments = {"scorers": "scored_length", **options}
    with pytest.raises(error) as raised:
        score(log, display="none", **arguments)

    assert str(raised.value).startswith(text)


def test_folder_without_logs(tmp_path: Path) -> None:
    with pytest.raises(PrerequisiteError) as raised:
        score(tmp_path, scored_length(), display="none")

    assert str(raised.value) == f"score: there is no finished log in {str(tmp_path)!r}."


def test_file_that_is_no_log(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(b"PAR1 nothing")
    with pytest.raises(ValueError, match=r"x\.parquet"):
        score(str(path), scored_length(), display="none")
