"""What Model.generate does for every provider."""

from __future__ import annotations

import asyncio

import pytest

from tasks_lib._errors import LimitExceededError, ModelError, ParameterError
from tasks_lib.context import SampleContext, SampleLimits, use_sample
from tasks_lib.model import Model, ModelAPI, get_model, modelapi, use_active_model
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    Content,
    ContentReasoning,
    ContentText,
    GenerateConfig,
    ModelCall,
    ModelEvent,
    ModelOutput,
    ModelUsage,
    ToolCall,
    ToolChoice,
    ToolFunction,
    ToolInfo,
)

ADD = ToolInfo(name="add", description="Adds.")
SUB = ToolInfo(name="sub", description="Subtracts.")


@modelapi("recorder")
class RecorderAPI(ModelAPI):
    """Remembers its requests; what it is can be set by each test."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        traits: frozenset[str] = frozenset(),
        result: object = None,
    ) -> None:
        super().__init__(model_name, base_url, api_key, config=config)
        self.traits = traits
        self.result = result
        self.requests: list[tuple[list[ChatMessage], list[ToolInfo], ToolChoice]] = []
        self.configs: list[GenerateConfig] = []
        self.in_flight = self.most_in_flight = 0

    def collapse_user_messages(self) -> bool:
        return "collapse user" in self.traits

    def collapse_assistant_messages(self) -> bool:
        return "collapse assistant" in self.traits

    def tools_required(self) -> bool:
        return "tools required" in self.traits

    def max_tokens(self) -> int | None:
        return 100 if "max tokens" in self.traits else None

    def check_config(self, config: GenerateConfig) -> None:
        if config.top_k is not None:
            raise ParameterError("recorder", "top_k", config.top_k, "nothing")

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput | tuple[ModelOutput | Exception, ModelCall]:
        self.requests.append((input, tools, tool_choice))
        self.configs.append(config)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await asyncio.sleep(0)
        self.in_flight -= 1
        output = ModelOutput.from_content(self.model_name, "answer")
        output.usage = ModelUsage(input_tokens=3, output_tokens=2, total_tokens=5)
        call = ModelCall(request={"raw": 1}, response={"raw": 2})
        return (self.result, call) if isinstance(self.result, Exception) else (output, call)


def recorder(*traits: str, config: GenerateConfig | None = None) -> tuple[Model, RecorderAPI]:
    model = get_model("recorder/x", config=config, memoize=False, traits=frozenset(traits))
    assert isinstance(model.api, RecorderAPI)
    return model, model.api


def events(context: SampleContext) -> list[ModelEvent]:
    return [event for event in context.transcript.events if isinstance(event, ModelEvent)]


class TestConfig:
    """Which options count."""

    async def test_the_innermost_wins(self) -> None:
        model, api = recorder(config=GenerateConfig(temperature=0.1, seed=1, top_p=0.9))
        eval_config = GenerateConfig(seed=2, max_tokens=20)

        with use_active_model(model, eval_config):
            await model.generate("Hi", config=GenerateConfig(max_tokens=30))

        assert api.configs == [GenerateConfig(temperature=0.1, seed=2, top_p=0.9, max_tokens=30)]

    async def test_other_models_keep_their_own(self) -> None:
        grader, api = recorder(config=GenerateConfig(temperature=0.1))

        with use_active_model(get_model("mockllm/model"), GenerateConfig(seed=2)):
            await grader.generate("Hi")

        assert api.configs == [GenerateConfig(temperature=0.1)]

    async def test_changed_in_place(self) -> None:
        model, api = recorder()
        config = GenerateConfig(seed=1)

        await model.generate("Hi", config=config)
        config.seed = 2
        await model.generate("Hi", config=config)

        assert [used.seed for used in api.configs] == [1, 2]

    @pytest.mark.parametrize(
        ("config", "expected"),
        [
            pytest.param(GenerateConfig(), 100, id="the provider's by default"),
            pytest.param(GenerateConfig(max_tokens=7), 7, id="the config's if set"),
        ],
    )
    async def test_max_tokens(self, config: GenerateConfig, expected: int) -> None:
        model, api = recorder("max tokens")

        await model.generate("Hi", config=config)

        assert api.configs[0].max_tokens == expected

    async def test_refused_option(self) -> None:
        model, api = recorder()

        with pytest.raises(ParameterError, match="top_k is 5"):
            await model.generate("Hi", config=GenerateConfig(top_k=5))
        with pytest.raises(ParameterError, match="top_k is 5"):
            model.check_config(GenerateConfig(top_k=5))
        assert api.requests == []


class TestInput:
    """What the provider gets to see."""

    async def test_text_is_a_user_message(self) -> None:
        model, api = recorder()

        await model.generate("Hi")

        [(messages, tools, choice)] = api.requests
        assert [(m.role, m.content) for m in messages] == [("user", "Hi")]
        assert (tools, choice) == ([], "none")

    async def test_system_message_is_only_sent(self) -> None:
        model, api = recorder()
        messages: list[ChatMessage] = [ChatMessageUser(content="Hi")]

        await model.generate(messages, config=GenerateConfig(system_message="Be kind."))

        assert [m.role for m in messages] == ["user"]
        assert [(m.role, m.text) for m in api.requests[0][0]] == [
            ("system", "Be kind."),
            ("user", "Hi"),
        ]

    @pytest.mark.parametrize(
        ("choice", "traits", "sent", "sent_choice"),
        [
            pytest.param(None, (), [ADD, SUB], "auto", id="auto by default"),
            pytest.param("any", (), [ADD, SUB], "any", id="any"),
            pytest.param("none", (), [], "none", id="none sends no tools"),
            pytest.param("none", ("tools required",), [ADD, SUB], "none", id="unless required"),
            pytest.param(ToolFunction("sub"), (), [SUB], ToolFunction("sub"), id="only that one"),
        ],
    )
    async def test_tools(
        self,
        choice: ToolChoice | None,
        traits: tuple[str, ...],
        sent: list[ToolInfo],
        sent_choice: ToolChoice,
    ) -> None:
        model, api = recorder(*traits)

        await model.generate("Hi", tools=[ADD, SUB], tool_choice=choice)

        assert api.requests[0][1:] == (sent, sent_choice)

    async def test_collapsed_messages(self) -> None:
        model, api = recorder("collapse user", "collapse assistant")
        call = ToolCall(id="1", function="add", arguments={})
        messages: list[ChatMessage] = [
            ChatMessageSystem(content="s"),
            ChatMessageUser(content="a"),
            ChatMessageUser(content="b"),
            ChatMessageAssistant(content="c", tool_calls=[call]),
            ChatMessageAssistant(content=[ContentText(text="d")]),
            ChatMessageUser(content="e"),
        ]

        await model.generate(messages)

        sent = api.requests[0][0]
        assert [(m.role, m.text) for m in sent] == [
            ("system", "s"),
            ("user", "a\nb"),
            ("assistant", "c\nd"),
            ("user", "e"),
        ]
        assert isinstance(sent[2], ChatMessageAssistant)
        assert sent[2].tool_calls == [call]
        assert len(messages) == 6

    @pytest.mark.parametrize(
        ("history", "kept"),
        [
            pytest.param("all", [True, True], id="all"),
            pytest.param("last", [False, True], id="last"),
            pytest.param("none", [False, False], id="none"),
            pytest.param(None, [True, True], id="by default as the provider says"),
        ],
    )
    async def test_reasoning_history(self, history: str | None, kept: list[bool]) -> None:
        model, api = recorder()
        thoughts: list[Content] = [ContentReasoning(reasoning="hm"), ContentText(text="so")]
        messages: list[ChatMessage] = [
            ChatMessageAssistant(content=thoughts),
            ChatMessageUser(content="and?"),
            ChatMessageAssistant(content=thoughts),
        ]

        await model.generate(
            messages, config=GenerateConfig.model_validate({"reasoning_history": history})
        )

        sent = [m for m in api.requests[0][0] if isinstance(m, ChatMessageAssistant)]
        assert [len(m.content) == 2 for m in sent] == kept
        assert [m.text for m in sent] == ["so", "so"]


class TestRecord:
    """What a sample remembers of a call."""

    async def test_event_and_usage(self) -> None:
        model, _ = recorder(config=GenerateConfig(seed=1))
        context = SampleContext()
        messages: list[ChatMessage] = [ChatMessageUser(content="Hi")]

        with use_sample(context):
            output = await model.with_role("grader").generate(messages, tools=[ADD])
            await model.generate("again")
        messages[0].text = output.message.text = "changed afterwards"

        first, second = events(context)
        assert (first.model, first.role, second.role) == ("recorder/x", "grader", None)
        assert [m.text for m in first.input] == ["Hi"]
        assert first.output.completion == "answer"
        assert (first.tools, first.tool_choice, first.config.seed) == ([ADD], "auto", 1)
        assert (first.retries, first.error, first.call) == (None, None, None)
        assert first.completed is not None
        assert first.timestamp <= first.completed
        assert first.working_time is not None
        assert 0 < first.working_time < 5
        assert output.time is not None
        assert context.model_usage == {
            "recorder/x": ModelUsage(input_tokens=6, output_tokens=4, total_tokens=10)
        }

    async def test_raw_exchange_on_demand(self, monkeypatch: pytest.MonkeyPatch) -> None:
        model, _ = recorder()
        context = SampleContext()
        monkeypatch.setenv("EVAL_LOG_MODEL_API", "1")

        with use_sample(context):
            await model.generate("Hi")

        assert events(context)[0].call == ModelCall(request={"raw": 1}, response={"raw": 2})

    async def test_failure(self) -> None:
        model, api = recorder()
        api.result = KeyError("no such thing")
        context = SampleContext()

        with use_sample(context), pytest.raises(ModelError, match=r"recorder/x: KeyError: 'no"):
            await model.generate("Hi")

        [event] = events(context)
        assert event.error == "ModelError: recorder/x: KeyError: 'no such thing'"
        assert event.call == ModelCall(request={"raw": 1}, response={"raw": 2})
        assert event.output.empty

    async def test_works_without_a_sample(self) -> None:
        model, _ = recorder()

        assert (await model.generate("Hi")).completion == "answer"


class TestLimits:
    """What ends a sample."""

    async def test_no_room_for_an_answer(self) -> None:
        model, api = recorder()

        with (
            use_sample(SampleContext(limits=SampleLimits(message_limit=1))),
            pytest.raises(LimitExceededError) as caught,
        ):
            await model.generate("Hi")

        assert (caught.value.type, api.requests) == ("message", [])

    async def test_tokens(self) -> None:
        model, _ = recorder()
        context = SampleContext(limits=SampleLimits(token_limit=5))

        with use_sample(context), pytest.raises(LimitExceededError) as caught:
            await model.generate("fits exactly")
            await model.generate("is too much")

        assert (caught.value.type, caught.value.value, caught.value.limit) == ("token", 10, 5)
        assert len(events(context)) == 2

    async def test_connections(self) -> None:
        model, api = recorder(config=GenerateConfig(max_connections=2))

        await asyncio.gather(*(model.generate("Hi") for _ in range(10)))

        assert (len(api.requests), api.most_in_flight) == (10, 2)
        assert model.max_connections() == 2
        assert model.max_connections(GenerateConfig(max_connections=7)) == 7


async def test_loop_without_tools_is_one_call() -> None:
    model, _ = recorder()

    messages, output = await model.generate_loop("Hi")

    assert messages == [output.message]
