"""What `score` asks of models: nothing of the evaluated one, graders what they grade."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from flows.cli._app import main
from flows.score import ScoringError, score
from scorers import match
from tasks_lib.log import read_eval_log
from tasks_lib.schema import EvalLog, EvalModelConfig, ModelEvent, ModelUsage
from tests.flows._fault_server import SOON, FaultServer, answer, by_prompt, failure
from tests.flows._scored import (
    log_with,
    metrics,
    one_sample,
    score_values,
    scored_by,
    scored_length,
    write,
)

pytestmark = pytest.mark.usefixtures("prefect_harness")


def scored(log: Any, scorers: Any, **options: Any) -> EvalLog:
    found = score(log, scorers, display="none", **options)
    assert isinstance(found, EvalLog)
    return found


def test_text_scorers_need_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "EVAL_MODEL", "INSPECT_EVAL_MODEL"):
        monkeypatch.delenv(name, raising=False)
    roles = {"grader": EvalModelConfig(model="gone/provider")}
    with FaultServer(by_prompt({})) as server:
        log = log_with([one_sample(1)], model_base_url=server.url, model_roles=roles)
        new = scored(log, [match(), scored_length()])

    assert (dict(server.requests), score_values(new)) == (
        {},
        [{"match": "C", "match-1": "C", "scored_length": 2}],
    )


def test_models_of_the_log_grade(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-this-test")
    busy = failure(429, "slow down", headers=SOON)
    replies = {"grade a1": [busy, answer("0.25")], "grade a2": [answer("0.75")]}
    with FaultServer(by_prompt(replies)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        config = {"model": "openai/g", "base_url": server.url, "config": {"max_tokens": 7}}
        roles = {"grader": EvalModelConfig.model_validate(config)}
        log = log_with([one_sample(1), one_sample(2)], model_roles=roles)
        new = scored(log, scored_by("grader"))

    assert dict(server.requests) == {"grade a1": 2, "grade a2": 1}
    assert score_values(new) == [
        {"match": "C", "scored_by": "0.25"},
        {"match": "C", "scored_by": "0.75"},
    ]
    assert metrics(new)["scored_by"] == {"accuracy": 0.5}
    calls = [e for s in new.samples or () for e in s.events if isinstance(e, ModelEvent)]
    assert [(e.model, e.role, e.config.max_tokens, e.retries) for e in calls] == [
        ("openai/g", "grader", 7, 1),
        ("openai/g", "grader", 7, None),
    ]
    four = ModelUsage(input_tokens=3, output_tokens=1, total_tokens=4)
    one = ModelUsage(input_tokens=1, total_tokens=1)
    assert [s.model_usage for s in new.samples or ()] == [{"openai/m": one, "openai/g": four}] * 2
    assert new.stats.model_usage == {
        "openai/m": ModelUsage(input_tokens=4, total_tokens=4),
        "openai/g": four + four,
    }


def test_a_log_does_not_choose_who_is_sent_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-this-test")
    with FaultServer(by_prompt({})) as server:
        roles = {"grader": EvalModelConfig(model="openai/g", base_url=server.url)}
        log = log_with([one_sample(1)], model_base_url=server.url, model_roles=roles)
        for scorer in (scored_by(), scored_by("grader")):
            with pytest.raises(ScoringError, match=f"at '{server.url}', which is not where"):
                scored(log, scorer)

    assert dict(server.requests) == {}


def test_models_of_the_call_win() -> None:
    roles = {"grader": EvalModelConfig(model="openai/g")}
    log = log_with([one_sample(1)], model_roles=roles)
    given = {"grader": "mockllm/grader"}
    new = scored(log, [scored_by(), scored_by("grader")], model="mockllm/m", model_roles=given)
    calls = [e for s in new.samples or () for e in s.events if isinstance(e, ModelEvent)]

    assert [call.model for call in calls] == ["mockllm/m", "mockllm/grader"]


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(log_with([one_sample(1), one_sample(2, right=False)]), tmp_path)
    file = tmp_path / "own.py"
    file.write_text(
        "from scorers import Score, mean, scorer\n"
        "@scorer(metrics=[mean()])\n"
        "def of_a_file(value):\n"
        "    async def score(state, target):\n"
        "        return Score(value=value)\n"
        "    return score\n"
    )
    command = ["score", path, "--scorer", f"{file}@of_a_file", "-S", "value=0.25"]
    result = CliRunner().invoke(main, [*command, "--action", "overwrite", "--display", "none"])

    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1] == "sums  of_a_file: mean 0.250, 2 scored"
    [new] = tmp_path.glob("*-scored.parquet")
    assert score_values(read_eval_log(new)) == [{"of_a_file": 0.25}] * 2


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nowhere.parquet"], "The log 'nowhere.parquet' does not exist."),
        (
            ["x", "-S", "a=1"],
            "evals score: -S is ['a'], expected exactly one --scorer beside it.",
        ),
        (
            ["x", "--scorer", "gone.py@f"],
            "The file of scorers 'gone.py' does not exist. Searched in {cwd!r}.",
        ),
    ],
    ids=["no log", "arguments of nothing", "no file"],
)
def test_command_with_wrong_arguments(own_folder: Path, arguments: list[str], text: str) -> None:
    write(log_with([one_sample(1)]), own_folder, "x")
    result = CliRunner().invoke(main, ["score", *arguments])

    assert (result.exit_code, result.output) == (2, f"Error: {text.format(cwd=str(Path.cwd()))}\n")


def test_command_tells_of_scorers_that_fail(tmp_path: Path) -> None:
    path = write(log_with([one_sample(1)]), tmp_path)
    command = ["score", path, "--scorer", "scored_breaks", "-S", "all=true", "--display", "none"]
    result = CliRunner().invoke(main, command)

    assert (result.exit_code, [*tmp_path.iterdir()]) == (1, [Path(path)])
    assert "was not scored" in result.output
