"""Task files to list and load."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

HEAD = """
from tasks_lib import Task, task
from tasks_lib.dataset import Sample, json_dataset
"""


WriteFile = Callable[..., Path]


def _write(path: Path, text: str, head: str = HEAD) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(head + textwrap.dedent(text), encoding="utf-8")
    return path


def _simple(*names: str) -> str:
    return "".join(f"@task\ndef {n}(level=1):\n    return Task([Sample('{n}')])\n" for n in names)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Some task files, in the current folder."""
    _write(tmp_path / "b.py", _simple("zeta", "alpha"))
    _write(tmp_path / "sub" / "a.py", _simple("beta"))
    for hidden in ("_x.py", ".x.py", "tests/x.py", "venv/x.py", "env/x.py", "_s/x.py", ".s/x.py"):
        _write(tmp_path / hidden, "raise RuntimeError('imported')\n" + _simple("hidden"))
    _write(tmp_path / "other.py", "raise RuntimeError('imported')")
    _write(
        tmp_path / "flow.py", "from prefect import task\nraise RuntimeError\n@task\ndef f(): ..."
    )
    _write(tmp_path / "broken.py", "def (")
    _write(tmp_path / "notes.txt", "")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def write() -> WriteFile:
    """Write a Python file that begins with the imports that a task file needs."""
    return _write


@pytest.fixture
def simple() -> Callable[..., str]:
    """Return the source of task functions with the names given."""
    return _simple
