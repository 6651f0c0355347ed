"""ModelName."""

from __future__ import annotations

import pytest

from tasks_lib._errors import ParameterError
from tasks_lib.model import ModelName, get_model


@pytest.mark.parametrize(
    ("model", "api", "name"),
    [
        pytest.param("openai/gpt-4o", "openai", "gpt-4o", id="provider and name"),
        pytest.param("hf/meta/llama-3", "hf", "meta/llama-3", id="the name may have slashes"),
        pytest.param("local//tmp/a.gguf", "local", "/tmp/a.gguf", id="an absolute path"),
    ],
)
def test_parts(model: str, api: str, name: str) -> None:
    parsed = ModelName(model)

    assert (parsed.api, parsed.name, str(parsed)) == (api, name, model)


def test_of_a_model() -> None:
    assert str(ModelName(get_model("mockllm/model"))) == "mockllm/model"


@pytest.mark.parametrize("model", ["gpt-4o", "", "/gpt", "openai/"])
def test_needs_provider_and_name(model: str) -> None:
    with pytest.raises(ParameterError, match="'provider/name'"):
        ModelName(model)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        pytest.param("openai/gpt-4o", True, id="the whole name"),
        pytest.param("gpt-4", True, id="a part of it"),
        pytest.param("GPT-4", False, id="case counts"),
        pytest.param(ModelName("openai/gpt-4o"), True, id="an equal name"),
        pytest.param(ModelName("openai/gpt-4"), False, id="names are compared whole"),
        pytest.param(4, False, id="something else"),
    ],
)
def test_equality(other: object, expected: bool) -> None:
    assert (ModelName("openai/gpt-4o") == other) is expected


def test_equal_names_hash_equally() -> None:
    assert len({ModelName("a/b"), ModelName("a/b")}) == 1
