"""The model in the process: the real one, so these take seconds."""

from __future__ import annotations

import asyncio
import json
import math
from pathlib import Path

import pytest

from tasks_lib._errors import MissingFileError, ModelError, ParameterError, UnknownNameError
from tasks_lib.model import Model, get_model
from tasks_lib.schema import (
    ChatMessageSystem,
    ChatMessageUser,
    ContentImage,
    GenerateConfig,
    JSONSchema,
    ResponseSchema,
    ToolInfo,
)

pytest.importorskip("xllamacpp", reason="the extra 'demo' is not installed")

GREEDY = GenerateConfig(temperature=0.0, max_tokens=8)


@pytest.fixture(scope="module")
def smollm() -> Model:
    return get_model("local/smollm2-135m-instruct", copies=2, context_tokens=512)


async def test_answers(smollm: Model) -> None:
    output = await smollm.generate(
        [
            ChatMessageSystem(content="Answer with one word."),
            ChatMessageUser(content="What is the opposite of hot?"),
        ],
        config=GREEDY,
    )

    assert output.completion.strip()
    assert output.model == "smollm2-135m-instruct"
    assert output.usage is not None
    assert output.usage.input_tokens > 20
    assert 0 < output.usage.output_tokens <= 8
    assert output.stop_reason in ("stop", "max_tokens")


async def test_greedy_answers_repeat_and_run_side_by_side(smollm: Model) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.001)
            ticks += 1

    ticking = asyncio.create_task(tick())
    outputs = await asyncio.gather(
        *(smollm.generate("Name a color.", config=GREEDY) for _ in "123")
    )
    ticking.cancel()

    assert len({output.completion for output in outputs}) == 1
    assert ticks > 5, "the event loop was blocked"


async def test_options_are_honoured(smollm: Model) -> None:
    config = GenerateConfig(
        temperature=1.0, seed=5, top_p=0.9, top_k=40, max_tokens=3, logprobs=True, top_logprobs=2
    )

    first, second = [await smollm.generate("Tell a story.", config=config) for _ in range(2)]

    assert first.completion == second.completion
    assert first.stop_reason == "max_tokens"
    logprobs = first.choices[0].logprobs
    assert logprobs is not None
    assert [len(token.top_logprobs or []) for token in logprobs.content] == [2, 2, 2]
    assert all(math.exp(token.logprob) <= 1 for token in logprobs.content)


async def test_stops_at_a_text(smollm: Model) -> None:
    config = GREEDY.merge(GenerateConfig(max_tokens=30))
    free = await smollm.generate("Count: 1, 2, 3", config=config)
    word = free.completion.split()[1]

    stopped = await smollm.generate(
        "Count: 1, 2, 3", config=config.merge(GenerateConfig(stop_seqs=[word]))
    )

    assert stopped.completion == free.completion[: free.completion.index(word)]
    assert stopped.stop_reason == "stop"


async def test_structured_and_uncached(smollm: Model) -> None:
    """Both are llama.cpp's own: a schema is a grammar, and no prompt is kept."""
    schema = JSONSchema(
        type="object",
        properties={"color": JSONSchema(type="string", enum=["red", "blue"])},
        required=["color"],
        additionalProperties=False,
    )
    config = GREEDY.merge(
        GenerateConfig(
            max_tokens=40,
            response_schema=ResponseSchema(name="answer", json_schema=schema),
            cache_prompt=False,
        )
    )

    output = await smollm.generate("Name a color.", config=config)

    assert json.loads(output.completion)["color"] in ("red", "blue")


async def test_too_long(smollm: Model) -> None:
    output = await smollm.generate("sea " * 2000, config=GREEDY)

    assert output.stop_reason == "model_length"
    assert output.error is not None
    assert "context" in output.error


async def test_refusals(smollm: Model) -> None:
    with pytest.raises(ParameterError, match="num_choices is 2"):
        await smollm.generate("Hi", config=GenerateConfig(num_choices=2))
    with pytest.raises(ParameterError, match=r"tools is \['add'\]"):
        await smollm.generate("Hi", tools=[ToolInfo(name="add", description="Adds.")])
    image = ContentImage(image="https://example.org/cat.png")
    with pytest.raises(ModelError, match="'image' cannot be sent"):
        await smollm.generate([ChatMessageUser(content=[image])])


def test_options_are_honoured_or_refused(smollm: Model) -> None:
    refused = set()
    for name in GenerateConfig.model_fields:
        try:
            smollm.api.check_config(GenerateConfig.model_validate({name: _VALUES.get(name, 2)}))
        except ParameterError as error:
            assert error.name == name
            refused.add(name)

    assert refused == {
        "best_of",
        "internal_tools",
        "num_choices",
        "reasoning_effort",
        "reasoning_summary",
        "reasoning_tokens",
    }


_VALUES: dict[str, object] = {
    "system_message": "Be kind.",
    "stop_seqs": ["x"],
    "logit_bias": {1: 1},
    "logprobs": True,
    "parallel_tool_calls": False,
    "internal_tools": True,
    "cache_prompt": False,
    "reasoning_effort": "low",
    "reasoning_summary": "auto",
    "reasoning_history": "none",
    "response_schema": {"name": "x", "json_schema": {}},
    "extra_body": {"min_p": 0.1},
}
"""Values of the options that are no numbers."""


def test_defaults(smollm: Model) -> None:
    api = smollm.api

    assert (api.max_connections(), api.max_tokens()) == (2, 512)
    assert api.connection_key().startswith("local-SmolLM2")
    assert str(smollm) == "local/smollm2-135m-instruct"


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"none\.gguf"):
        get_model(f"local/{tmp_path}/none.gguf")


def test_unknown_model() -> None:
    with pytest.raises(UnknownNameError, match="'smollm2-135m-instruct'"):
        get_model("local/smollm2-135m")


async def test_file_that_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"GGUF but not really")

    with pytest.raises(ModelError, match=r"broken\.gguf"):
        await get_model(f"local/{path}").generate("Hi")


@pytest.mark.parametrize("argument", ["copies", "context_tokens"])
def test_wrong_arguments(argument: str) -> None:
    with pytest.raises(ParameterError, match=f"{argument} is 0"):
        get_model("local/smollm2-135m-instruct", **{argument: 0})  # type: ignore[arg-type]
