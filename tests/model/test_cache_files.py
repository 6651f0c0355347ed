"""The cache as a whole: its size, how it is emptied, and several processes at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tasks_lib._errors import ParameterError
from tasks_lib.model import cache_clear, cache_list_expired, cache_path, cache_prune, cache_size
from tests.model._cached import KEY, edited, stored, use_cache

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the cache, which is not there yet."""
    return use_cache(tmp_path, monkeypatch)


class TestWholeCache:
    """What is in it, and how it is emptied."""

    @pytest.fixture(autouse=True)
    def files(self, root: Path) -> dict[str, Path]:
        """Store answers of three models, among the files of a stranger."""
        files = {
            "4o": stored("openai/gpt-4o"),
            "4o again": stored("openai/gpt-4o", "1" * 64),
            "deeper": stored("openai/gpt-4o/tuned:7"),
            "other": stored("anthropic/claude"),
        }
        for name in ("notes.txt", "d41d8cd98f00b204e9800998ecf8427e", f"{KEY}.json.bak"):
            (cache_path("openai/gpt-4o") / name).write_text("theirs")
        return files

    @pytest.mark.parametrize(
        ("model", "left"),
        [
            pytest.param("", [], id="all"),
            pytest.param("openai", ["other"], id="provider"),
            pytest.param("openai/gpt-4o", ["other"], id="model, and what is below it"),
            pytest.param("openai/gpt-4o/tuned:7", ["4o", "4o again", "other"], id="deeper model"),
        ],
    )
    def test_clear(self, model: str, left: list[str], files: dict[str, Path], root: Path) -> None:
        assert cache_clear(model)

        assert [name for name, path in files.items() if path.exists()] == left
        assert len([path for path in root.rglob("*") if path.is_file()]) == len(left) + 3
        assert not cache_clear(model)

    @pytest.mark.parametrize("model", ["openai/gpt", "..", "openai/../anthropic", "nobody"])
    def test_clear_nothing(self, model: str, files: dict[str, Path]) -> None:
        assert not cache_clear(model)
        assert all(path.exists() for path in files.values())

    @pytest.mark.parametrize(
        ("subdirs", "of", "expected"),
        [
            pytest.param(
                [], [], {"anthropic/claude": ["other"], "openai/gpt-4o": ["4o", "4o again"],
                         "openai/gpt-4o/tuned:7": ["deeper"]}, id="all",
            ),
            pytest.param(["anthropic"], [], {"anthropic/claude": ["other"]}, id="provider"),
            pytest.param(
                ["openai/gpt-4o", "openai"], [],
                {"openai/gpt-4o": ["4o", "4o again"], "openai/gpt-4o/tuned:7": ["deeper"]},
                id="each counts once",
            ),
            pytest.param(["openai/gpt"], [], {}, id="no such model"),
            pytest.param([], ["4o again"], {"openai/gpt-4o": ["4o again"]}, id="files"),
            pytest.param(
                ["anthropic"], ["4o", "other"],
                {"anthropic/claude": ["other"], "openai/gpt-4o": ["4o"]}, id="both",
            ),
        ],
    )  # fmt: skip
    def test_size(
        self,
        subdirs: list[str],
        of: list[str],
        expected: dict[str, list[str]],
        files: dict[str, Path],
    ) -> None:
        assert cache_size(subdirs, [files[name] for name in of]) == [
            (model, sum(files[name].stat().st_size for name in names))
            for model, names in expected.items()
        ]

    def test_size_of_files_that_are_gone(self, files: dict[str, Path]) -> None:
        files["other"].unlink()

        assert cache_size(files=[files["other"]]) == []

    def test_nothing_there(self) -> None:
        cache_clear()

        cache_prune()
        assert (cache_size(["x"]), cache_list_expired()) == ([], [])

    @pytest.mark.parametrize(
        ("filter_by", "expected"),
        [
            pytest.param([], {"4o", "deeper"}, id="all"),
            pytest.param(["openai/gpt-4o/tuned:7"], {"deeper"}, id="model"),
            pytest.param(["anthropic"], set(), id="none of it"),
            pytest.param(["openai", "openai/gpt-4o"], {"4o", "deeper"}, id="each once"),
        ],
    )
    def test_expired(
        self, filter_by: list[str], expected: set[str], files: dict[str, Path]
    ) -> None:
        for name in ("4o", "deeper"):
            edited(files[name], expires=time.time() - 1)
        files["other"].write_bytes(b"damaged, so nobody knows")

        found = cache_list_expired(filter_by)

        assert len(found) == len(expected)
        assert set(found) == {files[name] for name in expected}

    def test_prune(self, files: dict[str, Path]) -> None:
        for name in ("4o", "deeper"):
            edited(files[name], expires=time.time() - 1)

        cache_prune([files["4o"], files["4o again"]])
        assert [name for name, path in files.items() if not path.exists()] == ["4o"]

        cache_prune()
        assert [name for name, path in files.items() if not path.exists()] == ["4o", "deeper"]

    def test_what_a_killed_process_left(self, files: dict[str, Path]) -> None:
        old, new = (files["4o"].with_name(f"{KEY}.{char * 22}.partial") for char in "ab")
        for path in (old, new):
            path.write_bytes(b"{")
        os.utime(old, (1, 1))

        assert cache_list_expired() == [old]
        cache_prune()
        assert (old.exists(), new.exists()) == (False, True)
        cache_clear()
        assert not new.exists()

    @pytest.mark.parametrize(
        "place",
        [
            pytest.param("generate/openai/notes.txt", id="another file"),
            pytest.param(f"{KEY}.json", id="above the cache"),
            pytest.param(f"generate/../{KEY}.json", id="by dots"),
            pytest.param(f"link/{KEY}.json", id="behind a link"),
        ],
    )
    def test_files_of_others(self, place: str, root: Path, tmp_path: Path) -> None:
        (root.parent / "link").symlink_to(tmp_path)
        path = root.parent / place
        path.write_text(json.dumps({"version": 1, "model": "m", "key": KEY, "created": 0,
                                    "expires": 1}))  # fmt: skip

        for function in (cache_prune, lambda files: cache_size(files=files)):
            with pytest.raises(ParameterError, match="expected a file of the cache in"):
                function([path])
        assert path.exists()

    def test_files_by_another_way(
        self, files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "link").symlink_to(tmp_path / "cache")
        monkeypatch.chdir(tmp_path)
        edited(files["other"], expires=1)
        way = Path("link") / files["other"].relative_to(tmp_path / "cache")

        assert cache_size(["anthropic"], [way]) == cache_size(["anthropic"])
        cache_prune([way])
        assert not files["other"].exists()


WRITER = """
import sys
from tasks_lib.model import CachePolicy, cache_clear
from tasks_lib.model._cache_store import cache_fetch, cache_store
from tasks_lib.schema import ModelOutput

me, wrong = sys.argv[1], []
answers = {name * 20_000 for name in "abc"}
output = ModelOutput.from_content("m", me * 20_000)
print("ready", flush=True)
sys.stdin.readline()
for n in range(60):
    key = f"{n % 2:064x}"
    for model in ("p/kept", "p/cleared"):
        if not cache_store(model, key, CachePolicy(), output):
            wrong.append("not stored")
        found = cache_fetch(model, key)
        if found is None and model == "p/kept":
            wrong.append("missed")
        elif found is not None and found.completion not in answers:
            wrong.append("mixed up")
    if me == "a" and n % 10 == 5:
        cache_clear("p/cleared")
print(wrong)
"""


def test_processes_at_once(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for name in "abc"
    ]  # fmt: skip
    try:
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        results = [writer.communicate(timeout=60) for writer in writers]
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()

    assert results == [("[]\n", "")] * 3
    files = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json"}
