"""Which answers are used again: the policy, the key and the calls of a model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tasks_lib._errors import ModelError, ParameterError
from tasks_lib.context import SampleContext, use_sample
from tasks_lib.model import CachePolicy, Model, ModelAPI, cache_size, get_model, modelapi
from tasks_lib.model._cache import cache_key, cache_policy
from tasks_lib.model._cache_store import cache_fetch
from tasks_lib.model._input import Request
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    ContentImage,
    ContentText,
    GenerateConfig,
    JSONSchema,
    ModelEvent,
    ModelOutput,
    ModelUsage,
    ResponseSchema,
    ToolChoice,
    ToolFunction,
    ToolInfo,
)
from tests.model._cached import CALL, DAY, KEY, MODEL, POLICY, stored, use_cache


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the cache, which is not there yet."""
    return use_cache(tmp_path, monkeypatch)


class TestPolicy:
    @pytest.mark.parametrize(
        ("expiry", "seconds"),
        [
            ("30s", 30),
            ("5m", 300),
            ("12h", DAY // 2),
            ("1D", DAY),
            ("1W", 7 * DAY),
            ("2M", 60 * DAY),
            ("1Y", 365 * DAY),
            ("0s", 0),
            ("999999999Y", 999_999_999 * 365 * DAY),
            (None, None),
        ],
    )
    def test_expiry(self, expiry: str | None, seconds: int | None) -> None:
        assert CachePolicy(expiry).expiry_s == seconds

    @pytest.mark.parametrize(
        "expiry",
        ["", "1", "W", "1 W", "-1W", "1.5h", "1w", "1W ", "1W\n", "٣D", "9" * 5000 + "s", 7],
    )
    def test_wrong_expiry(self, expiry: Any) -> None:
        with pytest.raises(
            ParameterError, match=r"expiry is .*expected a number with s, m"
        ) as error:
            CachePolicy(expiry=expiry)

        assert repr(expiry) in str(error.value)

    @pytest.mark.parametrize("scopes", [None, ["a"], {"a": 1}, {1: "a"}])
    def test_wrong_scopes(self, scopes: Any) -> None:
        with pytest.raises(ParameterError, match=r"scopes is .*expected texts by name"):
            CachePolicy(scopes=scopes)

    def test_defaults(self) -> None:
        assert CachePolicy() == CachePolicy(expiry="1W", per_epoch=True, scopes={})

    @pytest.mark.parametrize(
        ("cache", "policy"),
        [
            pytest.param(True, CachePolicy("1W"), id="True"),
            pytest.param(False, None, id="False"),
            pytest.param(CachePolicy(None), CachePolicy(None), id="a policy"),
        ],
    )
    def test_argument(self, cache: bool | CachePolicy, policy: CachePolicy | None) -> None:
        assert cache_policy(cache) == policy

    @pytest.mark.parametrize("cache", [None, 1, "1W", {"expiry": "1W"}])
    def test_wrong_argument(self, cache: Any) -> None:
        with pytest.raises(
            ParameterError, match=r"cache is .*expected True, False or a CachePolicy"
        ):
            cache_policy(cache)


ADD = ToolInfo(name="add", description="Adds.")
MESSAGES: list[ChatMessage] = [
    ChatMessageSystem(content="Be brief."),
    ChatMessageUser(content=[ContentText(text="What is this?"), ContentImage(image="a.png")]),
    ChatMessageAssistant(content="I look.", tool_calls=[CALL]),
    ChatMessageTool(content="2", tool_call_id="call-1", function="add"),
]


def key_of(
    messages: list[ChatMessage] | str = "Hi",
    tools: list[ToolInfo] | None = None,
    choice: Any = "none",
    config: GenerateConfig | None = None,
    *,
    policy: CachePolicy = POLICY,
    epoch: int | None = 1,
    **options: Any,
) -> str:
    if isinstance(messages, str):
        messages = [ChatMessageUser(content=messages)]
    request = Request(messages, tools or [], choice, config or GenerateConfig())
    values: dict[str, Any] = {"model": MODEL, "base_url": None, **options}
    return cache_key(policy, request=request, epoch=epoch, **values)


OPTIONS: Mapping[str, Any] = {
    "max_retries": 3, "timeout": 60, "attempt_timeout": 20, "max_connections": 5,
    "system_message": "Be brief.", "max_tokens": 10, "top_p": 0.5, "temperature": 0.5,
    "stop_seqs": ["END"], "best_of": 2, "frequency_penalty": 0.1, "presence_penalty": 0.1,
    "logit_bias": {42: 10.0}, "seed": 1, "top_k": 5, "num_choices": 2, "logprobs": True,
    "top_logprobs": 3, "parallel_tool_calls": False, "internal_tools": False,
    "max_tool_output": 100, "cache_prompt": False, "reasoning_effort": "low",
    "reasoning_tokens": 1024, "reasoning_summary": "auto", "reasoning_history": "none",
    "response_schema": ResponseSchema(name="n", json_schema=JSONSchema(type="object")),
    "extra_body": {"a": [1, None]},
}  # fmt: skip
NOT_ANSWERED = {"max_retries", "timeout", "attempt_timeout", "max_connections"}


class TestKey:
    def test_is_the_same_for_ever(self) -> None:
        # Another key makes every cache useless: then say so in the changelog.
        config = GenerateConfig(**OPTIONS)

        assert key_of(MESSAGES, [ADD], "auto", config) == (
            "2b63a923a63ed2182d1eeccc8ad9aa002b9f75cd95509be1608a709615ec4ed4"
        )

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            pytest.param({}, {"messages": "Hi "}, id="text"),
            pytest.param({}, {"messages": [ChatMessageSystem(content="Hi")]}, id="role"),
            pytest.param({}, {"messages": [ChatMessageUser(content="Hi")] * 2}, id="number"),
            pytest.param(
                {"messages": MESSAGES},
                {"messages": [*MESSAGES[:-1], MESSAGES[-1].model_copy(update={"content": "3"})]},
                id="result of a tool",
            ),
            pytest.param(
                {"messages": [ChatMessageUser(content=[ContentImage(image="a.png")])]},
                {"messages": [ChatMessageUser(content=[ContentImage(image="b.png")])]},
                id="image",
            ),
            pytest.param(
                {"messages": [ChatMessageAssistant(content="", tool_calls=[CALL])]},
                {
                    "messages": [
                        ChatMessageAssistant(
                            content="", tool_calls=[CALL.model_copy(update={"arguments": {"x": 1}})]
                        )
                    ]
                },
                id="argument that is null",
            ),
            pytest.param(
                {"config": GenerateConfig(extra_body={"x": None})},
                {"config": GenerateConfig(extra_body={"x": math.nan})},
                id="null and NaN",
            ),
            pytest.param(
                {"messages": "\ud800"}, {"messages": "\ud801"}, id="text that is no UTF-8"
            ),
            pytest.param({"tools": [ADD]}, {"tools": []}, id="tools"),
            pytest.param(
                {"tools": [ADD]},
                {"tools": [ADD.model_copy(update={"description": "Sums."})]},
                id="description of a tool",
            ),
            pytest.param({"choice": "auto"}, {"choice": "any"}, id="tool choice"),
            pytest.param({"choice": "any"}, {"choice": ToolFunction("any")}, id="one tool"),
            pytest.param({}, {"model": "openai/gpt-4"}, id="model"),
            pytest.param({}, {"base_url": "http://127.0.0.1"}, id="address"),
            pytest.param({}, {"model_args": {"service_tier": "flex"}}, id="arguments of the model"),
            pytest.param({}, {"epoch": 2}, id="epoch"),
            pytest.param({}, {"epoch": None}, id="no epoch"),
            pytest.param({}, {"policy": CachePolicy("2W")}, id="expiry"),
            pytest.param({}, {"policy": CachePolicy(None)}, id="no expiry"),
            pytest.param({}, {"policy": CachePolicy(scopes={"a": "b"})}, id="scopes"),
            pytest.param({}, {"policy": CachePolicy(per_epoch=False)}, id="per epoch"),
        ],
    )
    def test_tells_apart(self, one: dict[str, Any], other: dict[str, Any]) -> None:
        assert key_of(**one) != key_of(**other)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            pytest.param(
                {"messages": [ChatMessageUser(content="Hi", id="a")]},
                {"messages": [ChatMessageUser(content="Hi", id="b")]},
                id="ids of messages",
            ),
            pytest.param(
                {"config": GenerateConfig(seed=1, top_k=2)},
                {"config": GenerateConfig(top_k=2).merge(GenerateConfig(seed=1))},
                id="order of options",
            ),
            pytest.param(
                {"policy": CachePolicy(scopes={"a": "1", "b": "2"})},
                {"policy": CachePolicy(scopes={"b": "2", "a": "1"})},
                id="order of scopes",
            ),
            pytest.param({}, {"policy": CachePolicy("7D")}, id="a week is seven days"),
            pytest.param({"model_args": {}}, {"model_args": None}, id="no arguments"),
            pytest.param(
                {"policy": CachePolicy(per_epoch=False)},
                {"policy": CachePolicy(per_epoch=False), "epoch": 2},
                id="epochs of one answer",
            ),
        ],
    )
    def test_is_the_same(self, one: dict[str, Any], other: dict[str, Any]) -> None:
        assert key_of(**one) == key_of(**other)

    @pytest.mark.parametrize("option", GenerateConfig.model_fields)
    def test_options(self, option: str) -> None:
        with_option = key_of(config=GenerateConfig(**{option: OPTIONS[option]}))

        assert (with_option == key_of()) == (option in NOT_ANSWERED)

    def test_conversation_with_an_answer_from_the_cache(self) -> None:
        output = ModelOutput.for_tool_call("m", "add", {"1": (1, 2), "x": None, "y": math.inf})
        stored(output=output)
        again = cache_fetch(MODEL, KEY)

        assert again is not None
        assert key_of([output.message]) == key_of([again.message])


@modelapi("counting")
class CountingAPI(ModelAPI):
    """Answers with the number of the request; an odd prompt is refused."""

    requests = 0

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        self.requests += 1
        if input[-1].text == "odd":
            raise ModelError("odd")
        output = ModelOutput.from_content("x", str(self.requests))
        output.usage = ModelUsage(input_tokens=3, output_tokens=2, total_tokens=5)
        return output


class TestThroughModel:
    """Calls that a solver or a scorer makes itself."""

    @staticmethod
    async def ask(
        model: Model, cache: bool | CachePolicy = True, epoch: int = 1
    ) -> tuple[str, list[tuple[str | None, bool]]]:
        """Return the answer, and how each call is in the log and whether it was booked."""
        context = SampleContext(epoch=epoch)
        with use_sample(context):
            output = await model.generate("Hi", cache=cache)
        calls = [event for event in context.transcript.events if isinstance(event, ModelEvent)]
        return output.completion, [(call.cache, bool(context.model_usage)) for call in calls]

    @pytest.fixture
    def model(self) -> Model:
        return get_model("counting/x", memoize=False)

    async def test_second_time(self, model: Model) -> None:
        assert await self.ask(model) == ("1", [("write", True)])
        assert await self.ask(model) == ("1", [("read", False)])

    async def test_without(self, model: Model) -> None:
        await self.ask(model)

        assert await self.ask(model, cache=False) == ("2", [(None, True)])

    @pytest.mark.parametrize(
        ("per_epoch", "answers"),
        [(True, ["1", "2", "1", "2"]), (False, ["1", "1", "1", "1"])],
    )
    async def test_epochs(self, per_epoch: bool, answers: list[str], model: Model) -> None:
        policy = CachePolicy(per_epoch=per_epoch)

        given = [(await self.ask(model, policy, epoch))[0] for epoch in (1, 2, 1, 2)]

        assert given == answers

    async def test_outside_of_samples(self, model: Model) -> None:
        given = [(await model.generate("Hi", cache=True)).completion for _ in range(2)]

        assert given == ["1", "1"]

    async def test_failure_is_not_kept(self, model: Model) -> None:
        for _ in range(2):
            with pytest.raises(ModelError, match="odd"):
                await model.generate("odd", cache=True)

        assert isinstance(model.api, CountingAPI)
        assert (model.api.requests, cache_size()) == (2, [])
