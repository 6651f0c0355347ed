import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks_lib import Task, TaskInfo, task
from tasks_lib._errors import PrerequisiteError
from tasks_lib.dataset import Sample
from tasks_lib.task import load_tasks

WriteFile = Callable[..., Path]


def names(tasks: list[Task]) -> list[str]:
    return [made.name for made in tasks]


@task
def registered(level: int = 1, *, kind: str = "easy") -> Task:
    return Task([Sample(input=f"{level} {kind}")])


@task
def demanding(level: int) -> Task:
    return Task([Sample(input=str(level))])


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param(None, ["zeta", "alpha", "beta"], id="none: the current folder"),
        pytest.param([], ["zeta", "alpha", "beta"], id="empty: the current folder"),
        pytest.param("registered", ["registered"], id="registered name"),
        pytest.param("b.py", ["zeta", "alpha"], id="file, in the order of definition"),
        pytest.param("./b.py@alpha", ["alpha"], id="task of a file"),
        pytest.param("sub", ["beta"], id="folder"),
        pytest.param("**/*.py", ["zeta", "alpha", "beta"], id="glob"),
        pytest.param("_x*.py", None, id="file that fails"),
        pytest.param(TaskInfo(file="b.py", name="zeta"), ["zeta"], id="info"),
        pytest.param(registered, ["registered"], id="function"),
        pytest.param(
            ["sub/a.py", registered, "b.py@zeta"], ["beta", "registered", "zeta"], id="mix"
        ),
    ],
)
def test_load(folder: Path, spec: Any, expected: list[str] | None) -> None:
    if spec == "**/*.py":
        for hidden in [*folder.rglob("*x.py")]:
            hidden.unlink()
    if expected is None:
        with pytest.raises(PrerequisiteError, match=r"_x\.py:4: importing the task file failed"):
            load_tasks(spec)
    else:
        assert names(load_tasks(spec)) == expected


def test_absolute_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")

    (made,) = load_tasks(f"{folder / 'sub' / 'a.py'}@beta")

    assert (made.task_file, made.run_dir) == (str(folder / "sub" / "a.py"), str(folder / "sub"))


def test_nothing_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert load_tasks() == []


def test_task_is_taken_as_it_is() -> None:
    made = Task()

    (loaded,) = load_tasks(made, {"level": 2})

    assert loaded is made


def test_each_call_makes_new_tasks(folder: Path) -> None:
    (first,) = load_tasks("sub")
    (second,) = load_tasks("sub")

    assert first is not second


def test_changed_file_is_read_again(
    folder: Path, write: WriteFile, simple: Callable[..., str]
) -> None:
    assert names(load_tasks("sub")) == ["beta"]
    write(folder / "sub" / "a.py", simple("gama"))

    assert names(load_tasks("sub")) == ["gama"]


def test_files_with_the_same_name(folder: Path, write: WriteFile) -> None:
    for name in ("one", "two"):
        write(folder / name / "words.py", f"WORD = {name!r}", head="")
        text = "from words import WORD\n@task\ndef same():\n    return Task([Sample(WORD)])\n"
        write(folder / name / "t.py", text)

    loaded = [load_tasks(f"{name}/t.py@same")[0] for name in ("one", "two", "one")]

    assert [made.dataset[0].input for made in loaded] == ["one", "two", "one"]
    assert [Path(made.run_dir).name for made in loaded] == ["one", "two", "one"]


def test_folder_and_path_are_restored(folder: Path, write: WriteFile) -> None:
    text = """
        import os, sys
        sys.path.append("/nowhere")
        here = os.getcwd()
        os.chdir("/")
        @task
        def t():
            inside = os.getcwd()
            os.chdir("/")
            return Task([Sample(here), Sample(inside)])
        """
    write(folder / "sub" / "a.py", text)
    before = (Path.cwd(), list(sys.path))

    (made,) = load_tasks("sub")

    assert (Path.cwd(), sys.path) == before
    assert [sample.input for sample in made.dataset] == [str(folder / "sub")] * 2


def test_dataset_beside_the_task_file(folder: Path, write: WriteFile) -> None:
    write(folder / "sub" / "q.jsonl", '{"input": "q"}', head="")
    text = """
        @task
        def t():
            return Task(json_dataset("q.jsonl"))
        """
    write(folder / "sub" / "a.py", text)

    assert load_tasks("sub")[0].dataset[0].input == "q"


def test_arguments() -> None:
    (made,) = load_tasks(registered, {"kind": "hard"})

    assert made.dataset[0].input == "1 hard"
    assert made.task_args_passed == {"kind": "hard"}
    assert made.task_args == {"level": 1, "kind": "hard"}


def test_each_task_gets_the_arguments_that_it_has() -> None:
    loaded = load_tasks([registered, demanding], {"level": 3, "kind": "hard"})

    assert [made.dataset[0].input for made in loaded] == ["3 hard", "3"]


def test_name_of_a_loaded_file_is_registered(folder: Path) -> None:
    load_tasks("sub")
    os.chdir("/")

    assert names(load_tasks("beta")) == ["beta"]
