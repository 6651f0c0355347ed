"""What `eval_retry` refuses, before anything runs: what a log cannot tell, or must not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows._retry_plan import find_old_logs, prepare_retry
from flows._session import Session
from flows.eval_retry import eval_retry
from tasks_lib._errors import PrerequisiteError
from tasks_lib.log import EvalLogWriter
from tasks_lib.schema import EvalConfig, EvalLog, EvalModelConfig, EvalScorer
from tests.flows._retried import Opaque, notes_again, retried_opaque, retried_typed
from tests.flows._scored import log_with, one_sample, write

HERE = str(Path(__file__).with_name("_retried.py"))


def a_log(made_by: Callable[..., Any] = notes_again, /, **spec: Any) -> EvalLog:
    """Return the log of a task of `_retried.py` on the mock model, with one sample."""
    values = {
        "task": made_by.__name__,
        "task_registry_name": made_by.__name__,
        "task_file": HERE,
        "model": "mockllm/model",
        "model_base_url": None,
        "config": EvalConfig(epochs=1, epochs_reducer=["mean"]),
    }
    scorers = spec.pop("scorers", None)
    log = log_with([one_sample(1)], **(values | spec))
    log.eval.scorers = scorers or log.eval.scorers
    return log


def prepared(path: str, model: Any = None, **given: Any) -> Session:
    return prepare_retry("eval_retry", find_old_logs("eval_retry", path), model, given)


@pytest.mark.parametrize(
    ("log", "arguments", "error", "text"),
    [
        pytest.param(
            a_log(task_file=None, task_registry_name=None, task="ad hoc"), {}, FileNotFoundError,
            "The task 'ad hoc' does not exist. The log '.*' does not say which @task function",
            id="a Task that no function made",
        ),
        pytest.param(
            a_log(task_file="gone.py"), {}, FileNotFoundError,
            "The task file 'gone.py' does not exist. The log '.*' names it; it was searched in",
            id="no task file",
        ),
        pytest.param(
            a_log(task_registry_name="gone"), {}, LookupError,
            "No task in '.*_retried.py' is named 'gone'", id="no such task in the file",
        ),
        pytest.param(
            a_log(task_args_passed={"coun": 1}), {}, ValueError,
            "notes_again: argument name is 'coun'", id="an argument that the task has no more",
        ),
        pytest.param(
            a_log(retried_opaque, task_args_passed={"what": "<retried.Opaque object>"}),
            {}, ValueError, "retried_opaque: what is '<.*Opaque object>', expected something that "
            "can be made from a log", id="an object as an argument",
        ),
        pytest.param(
            a_log(retried_typed, task_args_passed={"what": "opaque"}), {}, ValueError,
            "retried_typed: what is 'opaque', expected something that can be made from a log",
            id="an argument of another type",
        ),
        pytest.param(
            a_log(task_args_passed={"how": "gone_solver"}), {}, ValueError,
            "notes_again: how is 'gone_solver', expected something that can be made from a log",
            id="a solver as an argument, not registered",
        ),
        pytest.param(
            a_log(solver="gone_solver"), {}, LookupError, "No solver is named 'gone_solver'",
            id="solver",
        ),
        pytest.param(
            a_log(solver="generate", solver_args={"tool_call": "none"}), {}, ValueError,
            "generate: option name is 'tool_call'", id="argument of the solver",
        ),
        pytest.param(
            a_log(scorers=[EvalScorer(name="gone_scorer")]), {}, LookupError,
            "No scorer is named 'gone_scorer'", id="scorer",
        ),
        pytest.param(
            a_log(config=EvalConfig(epochs=1, epochs_reducer=["gone"])), {}, LookupError,
            "is named 'gone'", id="reducer",
        ),
        pytest.param(
            a_log(config=EvalConfig(approval={"approvers": [{"name": "gone", "tools": "*"}]})), {},
            ValueError, "gone", id="approver",
        ),
        pytest.param(
            a_log(model="nobody/m"), {}, LookupError, "nobody", id="provider",
        ),
        pytest.param(
            a_log(model="openai/m", model_base_url="https://evil.example/v1"), {},
            PrerequisiteError,
            "eval_retry: the log has the model 'openai/m' at 'https://evil.example/v1', which is "
            "not where it is here", id="address of the model",
        ),
        pytest.param(
            a_log(model="openai/m", model_args={"base_url": "https://evil.example/v1"},
                  model_base_url="https://evil.example/v1"), {}, PrerequisiteError,
            r"eval_retry: the log passes \['base_url'\] to the model 'openai/m'",
            id="address among the arguments",
        ),
        pytest.param(
            a_log(model_roles={"grader": EvalModelConfig(
                model="openai/m", base_url="https://evil.example/v1")}), {}, PrerequisiteError,
            r"Pass model_roles=\{'grader': …\}", id="address of a role",
        ),
        pytest.param(
            a_log(model_roles={"grader": [EvalModelConfig(model="openai/m")] * 2}), {},
            PrerequisiteError,
            "the role 'grader' of the log has 2 models", id="role with two models",
        ),
        pytest.param(
            a_log(), {"model": "mockllm/other"}, ValueError,
            r"model is 'mockllm/other', expected the model of a log \(mockllm/model\)",
            id="another model",
        ),
        pytest.param(
            a_log(), {"limit": 5}, ValueError,
            "argument name is 'limit', expected what a retry may change; the rest is as",
            id="what only the log says",
        ),
        pytest.param(
            a_log(), {"max_retry": 5}, ValueError, "Did you mean 'max_retries'", id="unknown",
        ),
        pytest.param(a_log(), {"max_samples": 0}, ValueError, "max_samples is 0", id="no samples"),
        pytest.param(
            a_log(), {"trace": True, "display": "none"}, ValueError,
            "trace is True, expected None because display is given too", id="trace and display",
        ),
        pytest.param(
            a_log(), {"log_level": "loud"}, ValueError, "log_level is 'loud'", id="log level",
        ),
    ],
)  # fmt: skip
def test_refused(
    log: EvalLog,
    arguments: dict[str, Any],
    error: type[Exception],
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    path = write(log, tmp_path)

    with pytest.raises(error, match=text) as raised:
        eval_retry(path, **arguments)

    assert isinstance(raised.value, PrerequisiteError)
    assert [file.name for file in tmp_path.iterdir()] == [Path(path).name]


@pytest.mark.parametrize(
    ("logs", "error", "text"),
    [
        pytest.param(lambda path: [], ValueError, r"tasks is \[\], expected at least one log",
                     id="none"),
        pytest.param(lambda path: [path, path], ValueError, "expected each log once", id="twice"),
        pytest.param(lambda path: str(Path(path).parent), ValueError,
                     "all that is unfinished in a folder is for eval_set", id="a folder"),
        pytest.param(lambda path: "gone.parquet", FileNotFoundError,
                     "The log 'gone.parquet' does not exist", id="no such file"),
        pytest.param(lambda path: a_log(), ValueError, "expected a log that is in a file",
                     id="in memory"),
    ],
)  # fmt: skip
def test_logs_that_are_none(
    logs: Callable[[str], Any], error: type[Exception], text: str, tmp_path: Path
) -> None:
    path = write(a_log(), tmp_path)

    with pytest.raises(error, match=text):
        eval_retry(logs(path))


async def test_a_log_that_is_being_written_is_refused_and_one_of_a_killed_run_is_not(
    tmp_path: Path,
) -> None:
    writer = EvalLogWriter(a_log(), str(tmp_path), score_columns=["match"])
    await writer.start()
    [live] = (tmp_path / ".live").iterdir()

    with pytest.raises(PrerequisiteError, match="is being written by process"):
        find_old_logs("eval_retry", str(live))

    await writer.leave()
    [old] = find_old_logs("eval_retry", str(live))
    assert old.folder == str(tmp_path)


@pytest.mark.parametrize(
    ("log", "model", "arguments", "variables", "address"),
    [
        pytest.param("https://a.example/v1", None, {}, {"OPENAI_BASE_URL": "https://a.example/v1"},
                     "https://a.example/v1", id="where the environment says"),
        pytest.param("https://a.example/v1", "openai/m", {}, {}, "https://api.openai.com/v1",
                     id="the name is passed: the usual place"),
        pytest.param("https://a.example/v1", None, {"model_base_url": "https://b.example/v1"}, {},
                     "https://b.example/v1", id="where the call says"),
        pytest.param(None, None, {}, {}, "https://api.openai.com/v1", id="nothing special"),
    ],
)  # fmt: skip
def test_where_the_model_is(
    log: str | None,
    model: str | None,
    arguments: dict[str, Any],
    variables: dict[str, str],
    address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    path = write(a_log(model="openai/m", model_base_url=log), tmp_path)

    [plan] = prepared(path, model, **arguments).plans

    assert plan.header.eval.model == "openai/m"
    assert (plan.model.base_url or "https://api.openai.com/v1").rstrip("/") == address


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, ["retried_notes", "generate"], id="the task's own"),
        pytest.param({"solver": "generate", "solver_args": {"tool_calls": "none"}}, ["generate"],
                     id="one"),
        pytest.param({"solver": f"{HERE}@retried_notes", "solver_args": {"words": ["a"]}},
                     ["retried_notes"], id="one of a file"),
        pytest.param({"task_args_passed": {"how": {"name": "chain", "params": {"solvers": [
            "generate", {"name": "retried_notes", "params": {"suffix": "?"}}]}}}},
            ["generate", "retried_notes"], id="an argument of the task"),
        pytest.param({"task_args_passed": {"levels": [3, 4]}}, ["retried_notes", "generate"],
                     id="a tuple, which JSON does not have"),
    ],
)  # fmt: skip
def test_what_is_restored(spec: dict[str, Any], expected: list[str], tmp_path: Path) -> None:
    path = write(a_log(**spec), tmp_path)

    [plan] = prepared(path).plans

    assert [step.solver for step in plan.header.plan.steps] == expected
    new = plan.header.eval
    assert (new.solver, new.solver_args) == (spec.get("solver"), spec.get("solver_args"))
    assert new.task_args_passed == spec.get("task_args_passed", {})


def test_a_file_that_this_process_has_imported_is_not_imported_again(tmp_path: Path) -> None:
    path = write(a_log(retried_typed), tmp_path)

    [plan] = prepared(path).plans

    assert type(plan.solvers[0]).__module__ == "builtins"
    assert plan.solvers[0].__module__ == "tests.flows._retried"
    assert Opaque.__module__ == "tests.flows._retried"


@pytest.mark.parametrize(
    ("budgets", "given", "expected"),
    [
        pytest.param([{"tokens": 5.0}] * 2, {}, 5, id="the logs' own"),
        pytest.param([{"tokens": 5.0}, None], {"budget": {"tokens": 7}}, 7, id="the call's"),
        pytest.param([None, None], {}, None, id="none"),
        pytest.param([{"tokens": 5.0}, None], {}, ValueError, id="not the same"),
    ],
)
def test_budget(budgets: list[Any], given: Any, expected: Any, tmp_path: Path) -> None:
    paths = [
        write(a_log(config=EvalConfig(budget=budget)), tmp_path, f"{number}.parquet")
        for number, budget in enumerate(budgets)
    ]
    if expected is ValueError:
        with pytest.raises(ValueError, match="budget is None, expected one for all the logs"):
            prepare_retry("eval_retry", find_old_logs("eval_retry", paths), None, given)
        return

    session = prepare_retry("eval_retry", find_old_logs("eval_retry", paths), None, given)

    assert (session.options.budget.tokens if session.options.budget else None) == expected
