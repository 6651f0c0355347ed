import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks_lib import Task, task
from tasks_lib._errors import (
    MissingFileError,
    ParameterError,
    PrerequisiteError,
    UnknownNameError,
)
from tasks_lib.task import load_tasks

WriteFile = Callable[..., Path]


@task
def registered(level: int = 1, *, kind: str = "easy") -> Task:
    return Task()


@task
def demanding(level: int) -> Task:
    return Task()


@task
def failing() -> Task:
    raise KeyError("no such row")


def no_task() -> None: ...


TASK = "@task\ndef t():\n    return Task()\n"


@pytest.mark.parametrize(
    ("spec", "arguments", "error", "message"),
    [
        pytest.param(
            "registred",
            {},
            UnknownNameError,
            "No task is named 'registred'. Did you mean 'registered'?",
            id="unknown name",
        ),
        pytest.param(
            "b.py@zetta",
            {},
            UnknownNameError,
            "No task in 'b.py' is named 'zetta'. Did you mean 'zeta'?",
            id="unknown task of a file",
        ),
        pytest.param(
            "b.py@gsm",
            {},
            UnknownNameError,
            "No task in 'b.py' is named 'gsm'. Known: 'alpha', 'zeta'.",
            id="far-off task of a file",
        ),
        pytest.param(
            "c.py@zeta",
            {},
            MissingFileError,
            "The task file 'c.py' does not exist. Searched in {folder!r}.",
            id="missing file with a task",
        ),
        pytest.param(
            "sub/c.py",
            {},
            MissingFileError,
            "The task file 'sub/c.py' does not exist. Searched in {folder!r}.",
            id="missing file",
        ),
        pytest.param(
            "sub/z*",
            {},
            MissingFileError,
            "The task file 'sub/z*' does not exist. Searched in {folder!r}.",
            id="glob that matches nothing",
        ),
        pytest.param(
            "other.py",
            {},
            PrerequisiteError,
            "There is no task in 'other.py': no function there is decorated with @task.",
            id="file without tasks",
        ),
        pytest.param(
            "notes.txt",
            {},
            PrerequisiteError,
            "'notes.txt' is not a task file, expected a .py file.",
            id="other file",
        ),
        pytest.param(
            "broken.py",
            {},
            PrerequisiteError,
            "broken.py:4: importing the task file failed: SyntaxError: invalid syntax",
            id="syntax error",
        ),
        pytest.param(
            registered,
            {"levl": 1},
            ParameterError,
            "registered: argument name is 'levl', expected an argument of the task "
            "(Did you mean 'level'?).",
            id="unknown argument",
        ),
        pytest.param(
            [registered, demanding],
            {"level": 1, "kin": 1},
            ParameterError,
            "tasks: argument name is 'kin', expected an argument of the task "
            "(Did you mean 'kind'?).",
            id="argument that no task has",
        ),
        pytest.param(
            demanding,
            {},
            ParameterError,
            "demanding: arguments is [], expected a full set "
            "(missing a required argument: 'level').",
            id="missing argument",
        ),
        pytest.param(
            no_task,
            {},
            ParameterError,
            "load_tasks: tasks is 'no_task', expected a function decorated with @task.",
            id="function that is no task",
        ),
        pytest.param(
            failing,
            {},
            PrerequisiteError,
            "creating task 'failing' failed: KeyError: 'no such row'",
            id="function that fails",
        ),
        pytest.param(
            3,
            {},
            ParameterError,
            "load_tasks: tasks is 3, expected a name, path, @task function, TaskInfo, Task, "
            "or a list of these.",
            id="number",
        ),
    ],
)
def test_bad_input(
    folder: Path,
    spec: Any,
    arguments: dict[str, object],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error) as raised:
        load_tasks(spec, arguments)

    assert str(raised.value) == message.format(folder=str(folder))


def test_missing_file_is_a_file_not_found_error(folder: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_tasks("c.py@zeta")


def test_notebooks_are_for_later(folder: Path) -> None:
    with pytest.raises(NotImplementedError, match="notebooks"):
        load_tasks("a.ipynb")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "import math\nLEVEL = int('x')\n" + TASK,
            "sub/a.py:5: importing the task file failed: "
            "ValueError: invalid literal for int() with base 10: 'x'",
            id="module level",
        ),
        pytest.param(
            "def deep():\n    return [][1]\nLEVEL = deep()\n" + TASK,
            "sub/a.py:5: importing the task file failed: IndexError: list index out of range",
            id="deepest line of the file",
        ),
        pytest.param(
            "import no_such_module_\n" + TASK,
            "sub/a.py:4: importing the task file failed: "
            "ModuleNotFoundError: No module named 'no_such_module_'",
            id="missing module",
        ),
        pytest.param(
            "import sys\nsys.exit(3)\n" + TASK,
            "sub/a.py:5: importing the task file failed: SystemExit: 3",
            id="exit",
        ),
        pytest.param(
            "@task\ndef t(\n",
            "sub/a.py:5: importing the task file failed: SyntaxError: '(' was never closed",
            id="syntax error",
        ),
        pytest.param(
            "@task\ndef t():\n    return 1 / 0\n",
            "sub/a.py:6: creating task 't' failed: ZeroDivisionError: division by zero",
            id="task function",
        ),
    ],
)
def test_error_in_a_task_file(folder: Path, write: WriteFile, text: str, message: str) -> None:
    write(folder / "sub" / "a.py", text)
    before = (set(sys.modules), list(sys.path), Path.cwd())

    with pytest.raises(PrerequisiteError) as error:
        load_tasks("sub/a.py")

    assert str(error.value) == message
    assert error.value.__cause__ is not None
    assert (sys.path, Path.cwd()) == before[1:]
    fresh = {name for name in set(sys.modules) - before[0] if name.startswith("evals_task_file")}
    assert fresh == set() or "creating" in message


def test_our_errors_keep_their_type(folder: Path, write: WriteFile) -> None:
    write(folder / "sub" / "a.py", "@task\ndef t():\n    return Task([])\n")

    with pytest.raises(PrerequisiteError, match="The dataset of the task is empty") as error:
        load_tasks("sub")

    assert error.value.__notes__ == ["sub/a.py:6: creating task 't'"]


def test_broken_file_in_a_folder(folder: Path, write: WriteFile) -> None:
    write(folder / "broken.py", "@task\ndef (")

    with pytest.raises(PrerequisiteError, match=r"broken\.py:5: importing the task file failed"):
        load_tasks(".")


def test_folder_without_tasks(folder: Path) -> None:
    (folder / "hollow").mkdir()

    with pytest.raises(PrerequisiteError, match=r"no task in the folder 'hollow': it has no \.py"):
        load_tasks("hollow")
