"""Every misuse of the entry points is one error, before anything ran or was written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect import get_client

from flows.eval import eval, eval_async
from flows.eval_set import eval_set
from solvers import Generate, TaskState
from tasks_lib import Epochs, Task
from tasks_lib._errors import PrerequisiteError
from tasks_lib.schema import Sample
from tests.flows._tasks import halves


@pytest.fixture(scope="module", autouse=True)
def _no_flow_runs(prefect_harness: Path) -> Iterator[None]:
    """Make sure at the end that nothing here has started a flow."""
    before = _flow_runs()
    yield
    assert _flow_runs() == before


def _flow_runs() -> set[str]:
    with get_client(sync_client=True) as client:
        return {str(run.id) for run in client.read_flow_runs(limit=200)}


def undecorated() -> Task:
    return Task([Sample(input="a")])


async def unregistered(state: TaskState, generate: Generate) -> TaskState:
    return state


async def unregistered_scorer(state: TaskState, target: object) -> None:
    return None


def _twice() -> Task:
    return Task([Sample(input="a", id=1), Sample(input="b", id="1")])


def _pair(name: str, value: Any, text: str, error: Any = ValueError, id: str | None = None) -> Any:
    shown = getattr(value, "__name__", None) or repr(
        value
    )  # the repr of a function has its address
    return pytest.param({name: value}, error, text, id=id or f"{name}={shown}"[:40])


_NEGATIVE = [
    _pair(name, -1, f"{name} is -1, expected input should be greater than or equal to")
    for name in (
        "message_limit", "token_limit", "time_limit", "working_limit", "max_samples", "max_tasks",
        "max_subprocesses", "max_sandboxes", "retry_on_error", "stall_timeout", "same_errors",
        "log_buffer", "log_shared",
    )
]  # fmt: skip

BOTH: list[Any] = [
    _pair("tasks", undecorated, "tasks is 'undecorated', expected a function decorated with @task"),
    _pair("tasks", "nowhere.py", "The task file 'nowhere.py' does not exist", FileNotFoundError),
    _pair("tasks", "nowhere.py@x", "The task file 'nowhere.py' does not exist", FileNotFoundError),
    _pair("tasks", "halvess", "No task is named 'halvess'. Did you mean", LookupError),
    _pair("tasks", "set.yaml", "'set.yaml' is not a task file", PrerequisiteError),
    _pair("tasks", 3, "tasks is 3, expected a name, path, @task function"),
    _pair("tasks", [], "no task was found|has no .py files", PrerequisiteError),
    _pair("tasks", _twice(), "have the same id '1'", id="duplicate ids"),
    _pair("task_args", {"cont": 1}, "argument name is 'cont'.*'count'"),
    _pair("task_args", "gone.yaml", "task_args is 'gone.yaml', expected a dict, or a YAML"),
    _pair("task_args", "list.json", "task_args is 'list.json', expected a file that holds names"),
    _pair("model", "mockllm", "model is 'mockllm', expected 'provider/name'"),
    _pair("model", "nobody/x", "No model provider is named 'nobody'|nobody", LookupError),
    _pair("model", "mockllm/a,,mockllm/b", "expected names separated by single commas"),
    _pair("model_args", "gone.yaml", "model_args is 'gone.yaml', expected a dict, or a YAML"),
    _pair("model_args", "list.json", "model_args is 'list.json', expected a file that holds"),
    _pair("model_args", {"nope": 1}, "argument name is 'nope'"),
    _pair("model_args", {"base_url": "x"}, "use model_base_url instead"),
    _pair("model_roles", {"grader": "nobody/x"}, "nobody", LookupError),
    _pair("model_roles", {"grader": {"name": "x"}}, "expected a model's name, or a mapping"),
    _pair("solver", "generat", "No solver is named 'generat'. Did you", (LookupError, ValueError)),
    _pair("solver", "gone.py@x", "The file of solvers 'gone.py' does not exist", FileNotFoundError),
    _pair("solver", unregistered, "The solver 'unregistered' is not registered", PrerequisiteError),
    _pair("solver", {"x": 1}, r"solver is \{'x': 1\}, expected \{name: …"),
    _pair("scorer", "matsch", "No scorer is named 'matsch'. Did you mean", LookupError),
    _pair("scorer", unregistered_scorer, "unregistered_scorer.* is not", PrerequisiteError),
    _pair("approval", "nobody", "nobody", (LookupError, ValueError)),
    _pair("approval", "gone.yaml", "gone.yaml", FileNotFoundError),
    _pair("sandbox", "nowhere", "nowhere", LookupError),
    _pair("sandbox", 3, "sandbox is 3, expected"),
    _pair("epochs", 0, "epochs is 0"),
    _pair("epochs", -2, "epochs is -2"),
    pytest.param(
        lambda: {"epochs": Epochs(2, "meen")}, LookupError, "is named 'meen'. Did you mean 'mean'",
        id="unknown reducer",
    ),
    pytest.param(
        lambda: {"epochs": Epochs(2, "pass_at_3")}, PrerequisiteError,
        "The reducer 'pass_at_3' needs 3 epochs, and there are only 2", id="k > epochs",
    ),
    _pair("limit", -1, "limit is -1, expected a number of samples"),
    _pair("limit", (3, 1), r"limit is \(3, 1\), expected a number of samples"),
    pytest.param(
        {"limit": 1, "sample_id": 2}, ValueError,
        r"limit is 1, expected None because sample_id is given too \(2\)", id="limit and sample_id",
    ),
    _pair("sample_id", "z", r"sample_id 'z' is not in .*Its ids: 1, 2", PrerequisiteError),
    _pair("sample_id", ["y*", "z"], r"sample_id 'y\*', 'z' is not in", PrerequisiteError),
    _pair("fail_on_error", -0.5, "fail_on_error is -0.5"),
    _pair("fail_on_error", "often", "fail_on_error is 'often'"),
    *_NEGATIVE,
    _pair("budget", {}, "budget is {}"),
    _pair("budget", {"tokens": -1}, "budget.tokens is -1"),
    _pair("budget", {"token": 1}, "budget.token is 1"),
    _pair("budget", {"cost": 1.0}, "mockllm/model"),
    _pair("display", "loud", "display is 'loud'"),
    pytest.param(
        {"trace": True, "display": "plain"}, ValueError,
        r"trace is True, expected None because display is given too \('plain'\)",
        id="trace and display",
    ),
    _pair("log_level", "loud", "log_level is 'loud'"),
    _pair("log_level_transcript", "loud", "log_level_transcript is 'loud'"),
    _pair("log_format", "xml", "log_format is 'xml'"),
    _pair("log_dir", "/dev/null/x", "/dev/null/x", PrerequisiteError),
    _pair("task_runs", "row", "task_runs is 'row'"),
    _pair("temperature", "hot", "temperature"),
    _pair("limt", 1, "argument name is 'limt'.*'limit'"),
    _pair("model_cost_config", "gone.yaml", "gone.yaml", PrerequisiteError),
]  # fmt: skip

ONLY_EVAL: list[Any] = [
    pytest.param(
        {"display": "conversation", "model": ["mockllm/a", "mockllm/b"]}, RuntimeError,
        "display is 'conversation', which shows one model, but there are 2",
        id="conversation of two models",
    ),
    pytest.param(
        {"display": "conversation", "max_tasks": 2}, ValueError,
        "max_tasks is 2, expected 1, or nothing, beside display='conversation'",
        id="conversation of two tasks at once",
    ),
    pytest.param(
        {"trace": True, "max_samples": 3}, ValueError,
        "max_samples is 3, expected 1, or nothing, beside display='conversation'",
        id="conversation of three samples at once",
    ),
    _pair("retry_attempts", 2, "argument name is 'retry_attempts'"),
]  # fmt: skip

ONLY_SET: list[Any] = [
    _pair("log_dir", "", "eval_set: log_dir is ''"),
    _pair("display", "conversation", "display is 'conversation'", RuntimeError),
    _pair("retry_attempts", -1, "retry_attempts is -1"),
    _pair("retry_wait", -1, "retry_wait is -1"),
    _pair("retry_connections", 1.5, "retry_connections is 1.5"),
    _pair("ignore_changes", ["colour"], "ignore_changes"),
    pytest.param(
        {"tasks": [halves, halves]}, PrerequisiteError, "the same run twice", id="same task twice"
    ),
    pytest.param(
        {"bundle_overwrite": True}, ValueError, "bundle_overwrite is True", id="no bundle_dir"
    ),
    _pair("bundle_dir", "list.json", "list.json", PrerequisiteError, id="bundle_dir exists"),
]


def _evaluate(function: str, arguments: dict[str, Any]) -> None:
    tasks = halves if "task_args" in arguments else halves(2)
    common = {"tasks": tasks, "model": "mockllm/model", "log_dir": "logs", "display": "none"}
    given: dict[str, Any] = {**common, **arguments}
    if arguments.get("trace"):
        given["display"] = arguments.get("display")
    if function == "eval_async":
        asyncio.run(eval_async(**given))
    else:
        (eval if function == "eval" else eval_set)(**given)


@pytest.mark.parametrize(
    ("function", "arguments", "error", "text"),
    [
        pytest.param(function, *case.values, id=f"{function}: {case.id}")
        for function, cases in [
            ("eval", BOTH + ONLY_EVAL),
            ("eval_async", BOTH[:1]),
            ("eval_set", BOTH[::6] + ONLY_SET),  # the others by the same way
        ]
        for case in cases
    ],
)
def test_misuse(function: str, arguments: Any, error: Any, text: str, own_folder: Path) -> None:
    (own_folder / "list.json").write_text("[1]")
    (own_folder / "set.yaml").write_text("tasks: [a]")
    arguments = arguments() if callable(arguments) else arguments

    with pytest.raises(PrerequisiteError, match=text) as raised:
        _evaluate(function, arguments)

    for kind in error if isinstance(error, tuple) else (error,):
        assert isinstance(raised.value, kind)
    assert {file.name for file in own_folder.rglob("*")} == {"list.json", "set.yaml"}
