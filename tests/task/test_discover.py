from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks_lib import TaskInfo, list_tasks
from tasks_lib.task._discover import tasks_of

WriteFile = Callable[..., Path]


def test_list_tasks(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert [str(info) for info in list_tasks()] == ["b.py@alpha", "b.py@zeta", "sub/a.py@beta"]
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("globs", "expected"),
    [
        pytest.param("sub", ["sub/a.py@beta"], id="folder"),
        pytest.param("*.py", ["_x.py@hidden", "b.py@alpha", "b.py@zeta"], id="glob"),
        pytest.param(["b.py", "sub/*"], ["b.py@alpha", "b.py@zeta", "sub/a.py@beta"], id="several"),
        pytest.param("none", [], id="nothing"),
    ],
)
def test_list_tasks_of_globs(folder: Path, globs: Any, expected: list[str]) -> None:
    assert [str(i) for i in list_tasks(globs) if ".x" not in i.file] == expected


def test_list_tasks_elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")

    assert [info.file for info in list_tasks(root_dir=folder / "sub")] == ["a.py"]
    absolute = list_tasks("sub", absolute=True, root_dir=folder)
    assert [info.file for info in absolute] == [str(folder / "sub" / "a.py")]


def test_list_tasks_filter(folder: Path, write: WriteFile) -> None:
    write(folder / "b.py", "@task(light=True)\ndef one(): ...\n@task(light=False)\ndef two(): ...")

    found = list_tasks("b.py", filter=lambda info: info.attribs.get("light") is True)

    assert found == [TaskInfo(file="b.py", name="one", attribs={"light": True})]


def test_list_tasks_skips_broken_files_aloud(
    folder: Path, caplog: pytest.LogCaptureFixture, write: WriteFile
) -> None:
    write(folder / "broken.py", "@task\ndef (")

    assert len(list_tasks()) == 3
    assert len(caplog.messages) == 1
    assert "broken.py is skipped, it is not valid Python" in caplog.messages[0]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("@task\ndef a(): ...", [("a", {})], id="bare"),
        pytest.param("@task()\ndef a(): ...", [("a", {})], id="called"),
        pytest.param("@task(name='n', x=[1], y=z)\ndef a(): ...", [("n", {"x": [1]})], id="named"),
        pytest.param("@tasks_lib.task\ndef a(): ...", [("a", {})], id="of the package"),
        pytest.param("@m.n.task(x=1)\ndef a(): ...", [("a", {"x": 1})], id="of a module"),
        pytest.param("@task\nclass A: ...", [("A", {})], id="class"),
        pytest.param("@other\n@task\ndef a(): ...", [("a", {})], id="among others"),
        pytest.param("@task\nasync def a(): ...", [], id="async"),
        pytest.param("def a():\n    @task\n    def b(): ...", [], id="inner function"),
        pytest.param("@tasks\ndef a(): ...", [], id="other name"),
        pytest.param("@task.run\ndef a(): ...", [], id="attribute of task"),
        pytest.param("from prefect import task\n@task\ndef a(): ...", [], id="task of Prefect"),
        pytest.param("import prefect as p\n@p.task\ndef a(): ...", [], id="module of Prefect"),
    ],
)
def test_tasks_of_source(source: str, expected: list[tuple[str, dict[str, object]]]) -> None:
    assert [tuple(found) for found in tasks_of(source, "f.py")] == expected
