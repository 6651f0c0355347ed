from pathlib import Path
from typing import Any

import pytest

from tasks_lib import Epochs, Task, task, task_with
from tasks_lib._errors import DatasetError, ParameterError, PrerequisiteError
from tasks_lib._util._registry import register_factory
from tasks_lib.dataset import MemoryDataset, Sample
from tasks_lib.model import ModelName
from tasks_lib.schema import (
    GenerateConfig,
    SampleScore,
    SandboxEnvironmentSpec,
    Score,
    Target,
)
from tasks_lib.task import Generate, Metric, Scorer, Solver, TaskState
from tasks_lib.task._solver_list import SolverList

SAMPLES = [Sample(input="a"), Sample(input="b")]


def _note(text: str = "x") -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.metadata.setdefault("notes", []).append(text)
        state.completed = text == "stop"
        return state

    return solve


def _verdict() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score | None:
        return None

    return score


def _count() -> Metric:
    def compute(scores: list[SampleScore]) -> float:
        return len(scores)

    return compute


note = register_factory("solver", _note, "note")
verdict = register_factory("scorer", _verdict, "verdict")
count = register_factory("metric", _count, "count")


def test_defaults() -> None:
    made = Task()

    assert [sample.input for sample in made.dataset] == ["prompt"]
    assert {key: value for key, value in vars(made).items() if key != "dataset"} == {
        "setup": None,
        "solver": None,
        "cleanup": None,
        "scorer": None,
        "metrics": None,
        "model": None,
        "config": GenerateConfig(),
        "model_roles": None,
        "sandbox": None,
        "approval": None,
        "epochs": None,
        "epochs_reducer": None,
        "fail_on_error": None,
        "message_limit": None,
        "token_limit": None,
        "time_limit": None,
        "working_limit": None,
        "_name": None,
        "version": 0,
        "metadata": None,
        "task_file": None,
        "run_dir": str(Path.cwd()),
        "task_args": {},
        "task_args_passed": {},
    }
    assert (made.name, made.registry_name, made.attribs) == ("task", None, {})


def test_everything_given() -> None:
    dataset = MemoryDataset(SAMPLES)
    solver, scorer, metric = note(), verdict(), count()

    async def cleanup(state: TaskState) -> None: ...

    made = Task(
        dataset=dataset,
        setup=solver,
        solver=[solver],
        cleanup=cleanup,
        scorer=scorer,
        metrics=[metric, {"a*": [metric]}],
        model="mockllm/model",
        config=GenerateConfig(temperature=0.5),
        model_roles={"grader": "mockllm/grader"},
        epochs=Epochs(3, "max"),
        fail_on_error=0.1,
        message_limit=10,
        token_limit=20,
        time_limit=30,
        working_limit=40,
        name="mine",
        version="2b",
        metadata={"k": 1},
    )

    assert made.dataset is dataset
    assert (made.setup, made.solver, made.cleanup) == (solver, solver, cleanup)
    assert (made.scorer, made.metrics) == ([scorer], [metric, {"a*": [metric]}])
    assert (made.model, made.model_roles) == ("mockllm/model", {"grader": "mockllm/grader"})
    assert made.config.temperature == 0.5
    assert (made.epochs, made.epochs_reducer, made.fail_on_error) == (3, ["max"], 0.1)
    limits = (made.message_limit, made.token_limit, made.time_limit, made.working_limit)
    assert limits == (10, 20, 30, 40)
    assert (made.name, made.version, made.metadata) == ("mine", "2b", {"k": 1})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            {"dataset": []},
            "The dataset of the task is empty: it needs at least one sample. Was all left out by "
            "a filter, a limit or the function that makes samples?",
            id="empty list",
        ),
        pytest.param(
            {"dataset": MemoryDataset(SAMPLES, location="/q.csv").filter(lambda sample: False)},
            "/q.csv: The dataset of the task is empty: it needs at least one sample. Was all left "
            "out by a filter, a limit or the function that makes samples?",
            id="filter that leaves nothing",
        ),
        pytest.param(
            {"dataset": [SAMPLES[0], "b"]},
            "Item 2 of the dataset is 'b', expected a Sample.",
            id="text in the dataset",
        ),
        pytest.param(
            {"dataset": "a.json"},
            "Task: dataset is 'a.json', expected a Dataset or a list of Sample objects.",
            id="path as dataset",
        ),
        pytest.param(
            {"solver": "generate"},
            "Task: solver is 'generate', expected a solver or a list of solvers.",
            id="name as solver",
        ),
        pytest.param(
            {"setup": _note()},
            "Task: setup _note.<locals>.solve is not registered, so a log could not name it: "
            "decorate the function that makes it with @solver.",
            id="solver that is not registered",
        ),
        pytest.param(
            {"solver": [note(), [_note()]]},
            "Task: solver _note.<locals>.solve is not registered, so a log could not name it: "
            "decorate the function that makes it with @solver.",
            id="solver in a list that is not registered",
        ),
        pytest.param(
            {"scorer": [_verdict()]},
            "Task: scorer _verdict.<locals>.score is not registered, so a log could not name it: "
            "decorate the function that makes it with @scorer.",
            id="scorer that is not registered",
        ),
        pytest.param(
            {"scorer": "match"},
            "Task: scorer is 'm', expected a scorer or a list of scorers.",
            id="name as scorer",
        ),
        pytest.param(
            {"metrics": "accuracy"},
            "Task: metrics is 'accuracy', expected a list of metrics, or a dict from score keys to "
            "lists of metrics.",
            id="name as metrics",
        ),
        pytest.param(
            {"metrics": {"a": ["mean"]}},
            "Task: metrics is 'mean', expected a list of metrics, or a dict from score keys to "
            "lists of metrics.",
            id="name in metrics",
        ),
        pytest.param(
            {"model": 4},
            'Task: model is 4, expected a name such as "openai/gpt-4o", or a Model.',
            id="number as model",
        ),
        pytest.param(
            {"model_roles": {"grader": 4}},
            "Task: model_roles is {'grader': 4}, expected a dict from roles to models or their "
            "names.",
            id="number as role",
        ),
        pytest.param(
            {"config": {"temperature": 1}},
            "Task: config is {'temperature': 1}, expected a GenerateConfig.",
            id="dict as config",
        ),
        pytest.param(
            {"epochs": 0},
            "Epochs: epochs is 0, expected a number of epochs, 1 or more.",
            id="no epochs",
        ),
        pytest.param(
            {"token_limit": -1},
            "Task: token_limit is -1, expected a number, 0 or more, or None.",
            id="negative limit",
        ),
        pytest.param(
            {"time_limit": True},
            "Task: time_limit is True, expected a number, 0 or more, or None.",
            id="truth as limit",
        ),
        pytest.param(
            {"fail_on_error": -0.5},
            "Task: fail_on_error is -0.5, expected True, False, a share of the samples (below 1) "
            "or a number of them.",
            id="negative share of errors",
        ),
        pytest.param(
            {"cleanup": "rm"},
            "Task: cleanup is 'rm', expected an async function of a TaskState.",
            id="text as cleanup",
        ),
        pytest.param(
            {"scorers": []},
            "Task: argument name is 'scorers', expected one that Task has "
            "(Did you mean 'scorer', 'solver'?).",
            id="unknown argument",
        ),
    ],
)
def test_wrong_argument(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(PrerequisiteError) as error:
        Task(**arguments)

    assert str(error.value) == message
    if "registered" not in message:
        assert isinstance(error.value, ValueError)


@pytest.mark.parametrize(
    ("parameter", "factory"),
    [("solver", note), ("scorer", verdict), ("metrics", [count])],
    ids=["solver", "scorer", "metrics"],
)
def test_factory_without_its_call(parameter: str, factory: Any) -> None:
    with pytest.raises(ParameterError, match=r"expected a call of it: \w+\(\)"):
        Task(**{parameter: factory})


def test_sandbox() -> None:
    assert Task().sandbox is None
    # Whether there is such a type is seen when it is to run: the evaluation may name another.
    assert Task(sandbox=("docker", "a.yaml")).sandbox == SandboxEnvironmentSpec("docker", "a.yaml")
    with pytest.raises(ParameterError, match="Task: sandbox is 3, expected a type"):
        Task(sandbox=3)  # type: ignore[arg-type]


def test_deprecated_arguments() -> None:
    solver = note()

    with pytest.warns(DeprecationWarning, match=r"Task\(\w+=…\) is deprecated, use ") as warned:
        made = Task(
            epochs=2,
            plan=solver,
            max_messages=5,
            epochs_reducer=["mean", "max"],
            tool_environment="local",
        )

    assert (made.solver, made.message_limit) == (solver, 5)
    assert (made.epochs, made.epochs_reducer) == (2, ["mean", "max"])
    assert made.sandbox == SandboxEnvironmentSpec("local")
    assert [Path(warning.filename) for warning in warned] == [Path(__file__)] * 4


async def test_solvers_run_in_turn_until_completed() -> None:
    made = Task(solver=[note("a"), SolverList([note("b"), note("stop")]), note("never")])
    state = TaskState(ModelName("mockllm/model"), 1, 1, "q", [])

    assert isinstance(made.solver, SolverList)
    assert len(made.solver) == 3
    state = await made.solver(state, None)  # type: ignore[arg-type]
    assert state.metadata == {"notes": ["a", "b", "stop"]}


def test_task_with_changes_what_is_passed() -> None:
    made = Task(SAMPLES, epochs=Epochs(2, "max"), message_limit=5, name="old")

    same = task_with(made, epochs=4, message_limit=None, name="new")

    assert same is made
    assert (made.epochs, made.epochs_reducer) == (4, ["max"])
    assert (made.message_limit, made.name, len(made.dataset)) == (None, "new", 2)


def test_task_with_wrong_argument_changes_nothing() -> None:
    made = Task(SAMPLES, message_limit=5)

    with pytest.raises(DatasetError):
        task_with(made, message_limit=6, dataset=[])
    with pytest.raises(ParameterError, match=r"argument name is 'mesage_limit'.*'message_limit'"):
        task_with(made, mesage_limit=6)  # type: ignore[call-arg]

    assert made.message_limit == 5


@pytest.mark.parametrize(
    ("reducer", "expected"),
    [(None, None), ("max", ["max"]), (["mean", "max"], ["mean", "max"]), (max, [max])],
    ids=["none", "name", "names", "function"],
)
def test_epochs(reducer: Any, expected: object) -> None:
    epochs = Epochs(3, reducer)

    assert (epochs.epochs, epochs.reducer) == (3, expected)


@pytest.mark.parametrize(("count", "reducer"), [(0, None), (True, None), (1, 5), (1, []), (1, [2])])
def test_wrong_epochs(count: Any, reducer: Any) -> None:
    with pytest.raises(ParameterError):
        Epochs(count, reducer)


@task
def plain() -> Task:
    """What it is about."""
    return Task(SAMPLES)


@task(name="fancy", light=True)
def decorated(level: int, *more: int, kind: str = "easy", **others: object) -> Task:
    return Task(SAMPLES)


@task
class Whole(Task):
    def __init__(self, count: int = 2) -> None:
        super().__init__(SAMPLES[:count])


def test_task_knows_its_origin() -> None:
    made = plain()

    assert (made.name, made.registry_name, made.attribs) == ("plain", "plain", {})
    assert (made.task_file, made.run_dir) == (__file__, str(Path(__file__).parent))
    assert (plain.__name__, plain.__doc__) == ("plain", "What it is about.")


def test_task_knows_its_arguments() -> None:
    made = decorated(1, 2, 3, path=Path("a"), solver=note(text="n"), reducer=max)

    passed: dict[str, object] = {
        "level": 1,
        "more": [2, 3],
        "path": "a",
        "solver": {"name": "note", "params": {"text": "n"}},
        "reducer": "max",
    }
    assert made.task_args_passed == passed
    assert made.task_args == {**passed, "kind": "easy"}
    assert (made.name, made.attribs) == ("fancy", {"light": True})


def test_task_class() -> None:
    made = Whole(count=1)

    assert (made.name, len(made.dataset), made.task_args) == ("Whole", 1, {"count": 1})


def test_outer_function_names_the_task() -> None:
    @task
    def outer() -> Task:
        return plain()

    assert outer().name == "outer"


def test_function_that_makes_no_task() -> None:
    @task
    def empty() -> Any:
        return None

    with pytest.raises(PrerequisiteError, match="task function 'empty' returned None, not a Task"):
        empty()


def test_async_function() -> None:
    async def later() -> Task:
        return Task()

    with pytest.raises(ParameterError, match="expected a function that is not async"):
        task(later)  # type: ignore[arg-type]
