"""What `eval` does about models: prices, the cache of answers, roles, arguments from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.eval import eval
from scorers import match
from solvers import generate
from tasks_lib import Task
from tasks_lib._errors import MissingFileError, ParameterError
from tasks_lib.model import get_model
from tasks_lib.schema import ModelEvent, ModelOutput, ModelUsage, Sample

pytestmark = pytest.mark.usefixtures("prefect_harness")

USAGE = ModelUsage(input_tokens=100, output_tokens=10, total_tokens=110)


def priced(name: str) -> Any:
    def answer(*_: object) -> ModelOutput:
        output = ModelOutput.from_content(name, "yes")
        output.usage = USAGE
        return output

    return get_model(f"mockllm/{name}", custom_outputs=answer)


def asking(count: int = 2, **options: Any) -> Task:
    samples = [Sample(input=f"q{n}", target="yes") for n in range(count)]
    return Task(dataset=samples, scorer=match(), **options)


def test_wrong_prices_start_nothing(tmp_path: Path) -> None:
    logs = tmp_path / "logs"

    with pytest.raises(MissingFileError, match=r"nowhere\.yaml"):
        eval(asking(), model="mockllm/m", model_cost_config="nowhere.yaml", log_dir=str(logs))

    assert not logs.exists()


def test_the_cache_answers_the_second_run(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVAL_CACHE_DIR", str(tmp_path / "cache"))
    task = asking(solver=generate(cache=True))

    first, second = (run(task, model=priced("m"), epochs=2) for _ in range(2))

    assert [caches(log) for log in (first, second)] == [["write"] * 4, ["read"] * 4]
    assert first.stats.model_usage["mockllm/m"].total_tokens == 440
    assert second.stats.model_usage == {}
    assert second.results.scores[0].metrics["accuracy"].value == 1


def caches(log: Any) -> list[str | None]:
    return [e.cache for s in log.samples for e in s.events if isinstance(e, ModelEvent)]


def test_arguments_of_the_model_from_a_file(tmp_path: Path) -> None:
    arguments = tmp_path / "model.yaml"
    arguments.write_text("user: me\n")

    with pytest.raises(ParameterError, match="user"):
        eval(asking(), model="mockllm/m", model_args=str(arguments))
    with pytest.raises(ParameterError, match=r"model_args is '.*none\.yaml'"):
        eval(asking(), model="mockllm/m", model_args=str(tmp_path / "none.yaml"))


def test_a_role_that_cannot_honour_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    grader = {"model": "openai/gpt-4o", "top_k": 3}

    with pytest.raises(ParameterError, match="openai/gpt-4o: top_k is 3"):
        eval(asking(), model="mockllm/m", model_roles={"grader": grader})
