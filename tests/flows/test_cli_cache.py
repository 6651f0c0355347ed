"""`evals cache`, as a person or a program starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flows.cli._app import main
from tasks_lib.model import CachePolicy, cache_path
from tasks_lib.model._cache_store import cache_store
from tasks_lib.schema import ModelOutput
from tests.flows._cli_logs import ROOT, rows_of

STRANGE = "anthropic/claude\x1b[2J\u202e\ud800"
"""What a terminal would act on, and what UTF-8 cannot hold."""
SHOWN = r"anthropic/claude\x1b[2J\u202e\ud800"
EXPIRED, FRESH = "0" * 64, "1" * 64


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the cache, which is not there yet."""
    monkeypatch.setenv("EVAL_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "generate"


@pytest.fixture
def sizes() -> dict[str, int]:
    """Store answers of two models, one of which has expired; return the models' bytes."""
    model = "openai/gpt-4o"
    files = [
        answer(model, FRESH),
        answer(model, EXPIRED, "0s"),
        answer(STRANGE, FRESH, text="C" * 2000),
    ]
    fresh, expired, other = (file.stat().st_size for file in files)
    return {"openai": fresh + expired, "expired": expired, "anthropic": other}


def answer(model: str, key: str, expiry: str = "1W", text: str = "42") -> Path:
    assert cache_store(model, key, CachePolicy(expiry), ModelOutput.from_content("m", text))
    return cache_path(model) / f"{key}.json"


def evals(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["cache", *arguments])


def lines_of(done: Result) -> list[tuple[str, int]]:
    assert (done.exit_code, done.stderr) == (0, ""), done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(set(line) == {"model", "bytes"} for line in lines)
    return [(line["model"], line["bytes"]) for line in lines]


class TestList:
    def test_for_people(self, sizes: dict[str, int]) -> None:
        done = evals("list")

        assert rows_of(done.stdout) == [
            ["model", "size"],
            [SHOWN, f"{sizes['anthropic'] / 1000:.1f} kB"],
            ["openai/gpt-4o", f"{sizes['openai']} bytes"],
        ]
        assert (done.exit_code, done.stderr) == (0, "")

    def test_for_programs(self, sizes: dict[str, int]) -> None:
        done = evals("list", "--json")

        assert lines_of(done) == [
            (STRANGE, sizes["anthropic"]),
            ("openai/gpt-4o", sizes["openai"]),
        ]
        assert done.stdout.isascii()

    def test_pruneable(self, sizes: dict[str, int]) -> None:
        expected = [("openai/gpt-4o", sizes["expired"])]

        assert lines_of(evals("list", "--pruneable", "--json")) == expected


class TestSize:
    def test_for_people(self, sizes: dict[str, int]) -> None:
        total = sizes["anthropic"] + sizes["openai"]

        assert evals("size").stdout == f"{total / 1000:.1f} kB, 2 models\n"
        assert evals("size", "--model", "openai").stdout == f"{sizes['openai']} bytes, 1 model\n"

    def test_for_programs(self, sizes: dict[str, int]) -> None:
        done = evals("size", "--json", "--model", "openai/gpt-4o", "--model", "openai/")

        assert json.loads(done.stdout) == {"models": 1, "bytes": sizes["openai"]}


class TestClear:
    def test_model(self, sizes: dict[str, int]) -> None:
        removed = lines_of(evals("clear", "--model", "openai/gpt-4o", "--json"))

        assert removed == [("openai/gpt-4o", sizes["openai"])]
        assert [model for model, _ in lines_of(evals("list", "--json"))] == [STRANGE]

    def test_all(self, sizes: dict[str, int], root: Path) -> None:
        done = evals("clear", "--all")

        assert [row[0] for row in rows_of(done.stdout)][1:] == [
            SHOWN,
            "openai/gpt-4o",
        ]
        assert not [path for path in root.rglob("*") if path.is_file()]

    def test_unknown_model(self, sizes: dict[str, int]) -> None:
        done = evals("clear", "--model", "openai/gpt4o")

        assert (done.exit_code, done.stdout) == (0, "")
        assert done.stderr == (
            "Nothing is cached for 'openai/gpt4o'. Did you mean 'openai/gpt-4o'?\n"
        )

    @pytest.mark.parametrize("options", [[], ["--all", "--model", "openai"]])
    def test_what(self, options: list[str], sizes: dict[str, int]) -> None:
        done = evals("clear", *options)

        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr == ("Error: evals cache clear: pass either --all or --model MODEL.\n")
        assert len(lines_of(evals("list", "--json"))) == 2


class TestPrune:
    def test_all(self, sizes: dict[str, int]) -> None:
        assert lines_of(evals("prune", "--json")) == [("openai/gpt-4o", sizes["expired"])]
        assert lines_of(evals("list", "--json")) == [
            (STRANGE, sizes["anthropic"]),
            ("openai/gpt-4o", sizes["openai"] - sizes["expired"]),
        ]

    def test_model(self, sizes: dict[str, int]) -> None:
        done = evals("prune", "--model", "anthropic")

        assert (done.exit_code, done.stdout) == (0, "")
        assert lines_of(evals("list", "--pruneable", "--json")) != []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["list"], "Nothing is cached in {}.\n", id="list"),
        pytest.param(["list", "--pruneable"], "Nothing is expired in {}.\n", id="pruneable"),
        pytest.param(["list", "--json"], "", id="json"),
        pytest.param(["clear", "--all", "--json"], "", id="clear, json"),
        pytest.param(["clear", "--all"], "Nothing is cached in {}.\n", id="clear"),
        pytest.param(["prune"], "Nothing is expired in {}.\n", id="prune"),
        pytest.param(["size", "--model", "a/b"], "Nothing is cached for 'a/b'.\n", id="size"),
    ],
)
def test_empty_cache(arguments: list[str], said: str, root: Path) -> None:
    done = evals(*arguments)

    assert done.exit_code == 0
    assert done.stdout == ("0 bytes, 0 models\n" if "size" in arguments else "")
    assert done.stderr == said.format(root)


def test_path(root: Path) -> None:
    assert evals("path").stdout == f"{root}\n"
    assert evals("path", "--model", "ollama/llama3:8b").stdout == f"{root}/ollama/llama3%3A8b\n"


def test_wrong_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVAL_CACHE_DIR", "s3://bucket")

    for command in (["path"], ["list"], ["size"], ["clear", "--all"], ["prune"]):
        done = evals(*command)
        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr == (
            "Error: environment: EVAL_CACHE_DIR is 's3://bucket', expected a local folder.\n"
        )


def test_usual_place_without_prefect(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path)}
    for name in ("EVAL_CACHE_DIR", "INSPECT_CACHE_DIR"):
        environment.pop(name, None)
    program = (
        "import sys\n"
        "from flows.cli import main\n"
        "main(['cache', 'path'], standalone_mode=False)\n"
        "print('prefect' in sys.modules)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60
    )

    assert done.stdout.splitlines() == [f"{tmp_path}/prefect-evals/generate", "False"]
    assert done.stderr == ""
