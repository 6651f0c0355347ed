"""A cache for the tests, and answers in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks_lib.model import CachePolicy, cache_path
from tasks_lib.model._cache_store import cache_store
from tasks_lib.schema import ModelOutput, ToolCall

MODEL = "openai/gpt-4o"
KEY = "0" * 64
DAY = 86_400
POLICY = CachePolicy()
ANSWER = ModelOutput.from_content("gpt-4o", "42")
CALL = ToolCall(id="call-1", function="add", arguments={"x": 1, "note": None})


def use_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a cache of its own; return its folder, which is not there yet."""
    monkeypatch.delenv("INSPECT_CACHE_DIR", raising=False)
    monkeypatch.setenv("EVAL_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "generate"


def stored(model: str = MODEL, key: str = KEY, output: ModelOutput = ANSWER) -> Path:
    """Store an answer and return its file."""
    assert cache_store(model, key, POLICY, output)
    return cache_path(model) / f"{key}.json"


def edited(path: Path, **changes: object) -> Path:
    """Change what a file says; so an answer expires without a wait."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return path
