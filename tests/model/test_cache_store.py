"""The files of the cache: what is stored, what is fetched, where they are."""

from __future__ import annotations

import json
import logging
import math
import os
import pickle
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks_lib._errors import ParameterError
from tasks_lib.model import CachePolicy, cache_path, cache_size
from tasks_lib.model._cache_store import cache_fetch, cache_store
from tasks_lib.schema import (
    ChatCompletionChoice,
    ChatMessageAssistant,
    ContentReasoning,
    ContentText,
    DocumentCitation,
    DocumentRange,
    Logprob,
    Logprobs,
    ModelOutput,
    ModelUsage,
)
from tests.model._cached import ANSWER, CALL, DAY, KEY, MODEL, POLICY, edited, stored, use_cache


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the cache, which is not there yet."""
    return use_cache(tmp_path, monkeypatch)


def without_ids(output: ModelOutput) -> dict[str, Any]:
    return output.model_dump(exclude={"choices": {"__all__": {"message": {"id": True}}}})


def rich_output() -> ModelOutput:
    cited = DocumentCitation(
        cited_text=(0, 4), range=DocumentRange(type="page", start_index=1, end_index=2)
    )
    message = ChatMessageAssistant(
        content=[
            ContentReasoning(reasoning="Hm.", signature="s"),
            ContentText(text="Two.", citations=[cited]),
        ],
        tool_calls=[CALL, CALL.model_copy(update={"parse_error": "no"})],
        model="gpt-4o",
        source="generate",
        internal={"id": "resp-1"},
    )
    likely = Logprob(token="Two", logprob=-math.inf, bytes=[84], top_logprobs=[])
    return ModelOutput(
        model="gpt-4o-2024",
        choices=[
            ChatCompletionChoice(
                message=message, stop_reason="tool_calls", logprobs=Logprobs(content=[likely])
            ),
            ChatCompletionChoice(message=ChatMessageAssistant(content=""), stop_reason="stop"),
        ],
        usage=ModelUsage(input_tokens=3, output_tokens=2, total_tokens=5, reasoning_tokens=1),
        time=1.5,
        metadata={"seen": None, "list": [1, "\x00"]},
    )


class TestFetch:
    @pytest.mark.parametrize(
        "output",
        [
            pytest.param(ANSWER, id="text"),
            pytest.param(rich_output(), id="everything"),
            pytest.param(ModelOutput.from_content("m", "half \ud83d"), id="no UTF-8"),
            pytest.param(ModelOutput.from_content("m", "é漢\u2028" * 100_000), id="long"),
            pytest.param(
                ModelOutput.model_validate({**ANSWER.model_dump(), "later": {"x": [1]}}),
                id="fields of a later version",
            ),
        ],
    )
    def test_what_was_stored(self, output: ModelOutput) -> None:
        stored(output=output)

        fetched = cache_fetch(MODEL, KEY)

        assert fetched is not None
        assert without_ids(fetched) == without_ids(output)

    def test_each_time_a_message_of_its_own(self) -> None:
        stored()

        ids = [output.message.id for _ in range(2) if (output := cache_fetch(MODEL, KEY))]

        assert len({*ids, ANSWER.message.id, None}) == 4

    def test_price_is_not_kept(self) -> None:
        usage = ModelUsage.model_validate({"input_tokens": 3, "total_cost": 0.25})
        stored(output=ANSWER.model_copy(update={"usage": usage}))

        fetched = cache_fetch(MODEL, KEY)

        assert fetched is not None
        assert fetched.usage == ModelUsage(input_tokens=3)

    def test_the_latest(self) -> None:
        path = stored()
        stored(output=ModelOutput.from_content("gpt-4o", "43"))

        fetched = cache_fetch(MODEL, KEY)

        assert fetched is not None
        assert fetched.completion == "43"
        assert list(path.parent.iterdir()) == [path]

    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b'{"version": 1, "model": "openai/g', id="cut"),
            pytest.param(b"\xff\xfe\x00", id="no text"),
            pytest.param(pickle.dumps((None, ANSWER)), id="a pickle"),
            pytest.param(b"[]", id="no object"),
            pytest.param(b"[" * 200_000, id="nested too deep"),
        ],
    )
    def test_damaged_file(self, content: bytes) -> None:
        path = stored()
        path.write_bytes(content)

        assert cache_fetch(MODEL, KEY) is None
        assert path.read_bytes() == content

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"version": 2}, id="version"),
            pytest.param({"model": "openai/gpt-4"}, id="model"),
            pytest.param({"key": "1" * 64}, id="key"),
            pytest.param({"output": {"choices": [{"message": "42"}]}}, id="output"),
            pytest.param({"expires": "soon"}, id="time"),
        ],
    )
    def test_other_file(self, changes: dict[str, object]) -> None:
        edited(stored(), **changes)

        assert cache_fetch(MODEL, KEY) is None

    def test_nothing_there(self, root: Path) -> None:
        assert cache_fetch(MODEL, KEY) is None
        assert not root.exists()

    def test_expired(self) -> None:
        path = edited(stored(), expires=time.time() - 1)

        assert cache_fetch(MODEL, KEY) is None
        assert not path.exists()

    def test_a_folder_in_the_way(self, caplog: pytest.LogCaptureFixture) -> None:
        path = cache_path(MODEL) / f"{KEY}.json"
        path.mkdir(parents=True)

        assert cache_fetch(MODEL, KEY) is None
        assert not cache_store(MODEL, KEY, POLICY, ANSWER)
        assert [path.name for path in path.parent.iterdir()] == [path.name]
        assert [record.getMessage() for record in caplog.records] == [
            f"Answers cannot be read in the cache {str(path.parent)!r}: Is a directory.",
            f"Answers cannot be written in the cache {str(path.parent)!r}: Is a directory.",
        ]


class TestStore:
    def test_file(self, root: Path) -> None:
        before = time.time()
        path = stored()
        entry = json.loads(path.read_text())

        assert path == root / "openai" / "gpt-4o" / f"{KEY}.json"
        assert before <= entry["created"] <= time.time()
        assert entry == {
            "version": 1,
            "model": MODEL,
            "key": KEY,
            "created": entry["created"],
            "expires": entry["created"] + 7 * DAY,
            "output": {
                "model": "gpt-4o",
                "choices": [
                    {
                        "message": {
                            "content": "42",
                            "source": "generate",
                            "role": "assistant",
                            "model": "gpt-4o",
                        },
                        "stop_reason": "stop",
                    }
                ],
            },
        }

    def test_for_ever(self) -> None:
        cache_store(MODEL, KEY, CachePolicy(None), ANSWER)

        assert "expires" not in json.loads((cache_path(MODEL) / f"{KEY}.json").read_text())
        assert cache_fetch(MODEL, KEY) is not None

    @pytest.mark.parametrize(
        "output",
        [
            pytest.param(ModelOutput(model="m"), id="empty"),
            pytest.param(ModelOutput.from_content("m", "", error="refused"), id="error"),
            pytest.param(ModelOutput.from_content("m", "No.", "content_filter"), id="filter"),
        ],
    )
    def test_no_answer(self, output: ModelOutput, root: Path) -> None:
        assert not cache_store(MODEL, KEY, POLICY, output)
        assert not root.exists()

    def test_no_place(self, root: Path, caplog: pytest.LogCaptureFixture) -> None:
        root.parent.write_bytes(b"a file")

        done = [cache_store(MODEL, key, POLICY, ANSWER) for key in (KEY, "1" * 64)]

        assert done == [False, False]
        assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
            (
                logging.WARNING,
                f"Answers cannot be written in the cache {str(cache_path(MODEL))!r}: "
                "Not a directory.",
            )
        ]

    def test_no_json(self, caplog: pytest.LogCaptureFixture) -> None:
        output = ANSWER.model_copy(update={"metadata": {"x": object()}})

        done = [cache_store(MODEL, key, POLICY, output) for key in (KEY, "1" * 64)]

        assert done == [False, False]
        [record] = caplog.records
        assert "Object of type object is not JSON serializable" in record.getMessage()


class TestPath:
    @pytest.mark.parametrize(
        ("model", "folders"),
        [
            ("", []),
            ("openai", ["openai"]),
            ("openai/", ["openai"]),
            ("openai/gpt-4o", ["openai", "gpt-4o"]),
            ("ollama/llama3:8b", ["ollama", "llama3%3A8b"]),
            ("together/meta/Llama_3@v1+x=2,3", ["together", "meta", "Llama_3@v1+x=2,3"]),
            ("a/../../b", ["a", "%2E%2E", "%2E%2E", "b"]),
            ("/etc/./passwd", ["%", "etc", "%2E", "passwd"]),
            ("a\\..\\b\0", ["a%5C..%5Cb%00"]),
            ("%2E", ["%252E"]),
            ("1/2/3/4/5/6/7/8/9/10", ["1", "2", "3", "4", "5", "6", "7", "8%2F9%2F10"]),
            (
                "local/" + "x" * 10_000,
                ["local", "x" * 40 + "%-e4ee97ec252749d2096447e849628d0d"],
            ),
        ],
    )
    def test_of_a_model(self, model: str, folders: list[str], root: Path) -> None:
        assert cache_path(model) == root.joinpath(*folders)

    @settings(max_examples=200)
    @given(st.lists(st.text(st.characters(), max_size=100), min_size=2, max_size=2, unique=True))
    def test_any_names(self, names: list[str]) -> None:
        one, other = (cache_path(f"p/{name}x") for name in names)

        assert one != other
        for path in (one, other):
            parts = path.relative_to(cache_path()).parts
            assert 2 <= len(parts) <= 8
            assert all(len(os.fsencode(part)) <= 80 for part in parts)
            assert not {"..", "."} & set(parts)

    @pytest.mark.parametrize("model", ["p/../../x", "p" + "/y" * 5000, "p/\0\ud800", "p//q"])
    def test_answers_of_any_name(self, model: str, root: Path) -> None:
        path = stored(model)

        assert path.resolve().is_relative_to(root.resolve())
        assert cache_fetch(model, KEY) is not None
        assert cache_size() == [(model, path.stat().st_size)]

    def test_variables(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "theirs"))
        assert cache_path() == tmp_path / "cache" / "generate"

        monkeypatch.delenv("EVAL_CACHE_DIR")
        assert cache_path() == tmp_path / "theirs" / "generate"

        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("EVAL_CACHE_DIR", "~/mine")
        assert cache_path() == tmp_path / "mine" / "generate"

    def test_url(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EVAL_CACHE_DIR", "s3://bucket/cache")

        with pytest.raises(ParameterError, match=r"EVAL_CACHE_DIR is 's3://bucket/cache'.*local"):
            cache_path()
