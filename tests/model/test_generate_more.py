"""Model.generate with tools, the cache of answers, prices, and connections that adapt."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tasks_lib._errors import ParameterError
from tasks_lib.context import (
    LocalSlots,
    SampleContext,
    connection_slots,
    use_connection_slots,
    use_sample,
)
from tasks_lib.model import (
    CachePolicy,
    Model,
    ModelAPI,
    get_model,
    load_prices,
    modelapi,
    use_prices,
)
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    ChatMessageUser,
    Content,
    ContentImage,
    ContentText,
    GenerateConfig,
    ModelEvent,
    ModelOutput,
    ModelUsage,
    ToolCall,
    ToolChoice,
    ToolInfo,
)
from tasks_lib.tool import Tool, ToolDef, tool, tool_with

USAGE = ModelUsage(input_tokens=10, output_tokens=2, total_tokens=12)
IMAGE = ContentImage(image="data:image/png;base64,AA==")


class BusyError(Exception):
    """The provider has too much to do."""


@modelapi("script")
class ScriptAPI(ModelAPI):
    """Answers with its outputs in order, raising those that are exceptions."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
    ) -> None:
        super().__init__(model_name, base_url, api_key, config=config)
        self.outputs: list[ModelOutput | Exception] = []
        self.inputs: list[list[ChatMessage]] = []
        self.tools: list[list[ToolInfo]] = []
        self.configs: list[GenerateConfig] = []

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        self.inputs.append(input)
        self.tools.append(tools)
        self.configs.append(config)
        output = self.outputs.pop(0)
        if isinstance(output, Exception):
            raise output
        return output

    def should_retry(self, ex: BaseException) -> bool:
        return isinstance(ex, BusyError)

    def retry_after(self, ex: BaseException) -> float | None:
        return 0.001

    def is_overloaded(self, ex: BaseException) -> bool:
        return isinstance(ex, BusyError)


@tool
def plus() -> Tool:
    async def execute(x: int, y: int) -> int:
        """Add.

        Args:
            x: A number.
            y: Another one.
        """
        return x + y

    return execute


def scripted(*outputs: ModelOutput | Exception) -> tuple[Model, ScriptAPI]:
    model = get_model("script/m", memoize=False)
    assert isinstance(model.api, ScriptAPI)
    model.api.outputs.extend(outputs)
    return model, model.api


def says(text: str) -> ModelOutput:
    output = ModelOutput.from_content("m", text)
    output.usage = USAGE
    return output


def calls_plus(x: int, y: int) -> ModelOutput:
    return ModelOutput.for_tool_call("m", "plus", {"x": x, "y": y}, tool_call_id=f"c{x}")


class TestTools:
    async def test_loop(self) -> None:
        model, api = scripted(calls_plus(1, 2), calls_plus(3, 3), says("6"))

        messages, output = await model.generate_loop("What is 1 + 2 + 3?", plus())

        assert [(m.role, m.text) for m in messages] == [
            ("assistant", "Calling the tool plus."),
            ("tool", "3"),
            ("assistant", "Calling the tool plus."),
            ("tool", "6"),
            ("assistant", "6"),
        ]
        assert output.completion == "6"
        assert [len(sent) for sent in api.inputs] == [1, 3, 5]
        assert [[t.name for t in sent] for sent in api.tools] == [["plus"]] * 3

    async def test_loop_cuts_results(self) -> None:
        model, api = scripted(calls_plus(10**9, 10**9), says("big"))

        await model.generate_loop("Add.", [plus()], GenerateConfig(max_tool_output=4))

        result = api.inputs[1][-1].text
        assert "2000" in result
        assert "2000000000" not in result

    async def test_loop_ends_without_an_answer(self) -> None:
        model, _ = scripted(ModelOutput(model="m"))

        messages, output = await model.generate_loop("Hi", plus())

        assert messages == []
        assert output.empty

    @pytest.mark.parametrize(
        ("parallel", "sent"),
        [pytest.param(True, None, id="may"), pytest.param(False, False, id="may not")],
    )
    async def test_parallel_calls(self, parallel: bool, sent: bool | None) -> None:
        model, api = scripted(says("ok"))

        await model.generate("Hi", [tool_with(plus(), parallel=parallel)])

        assert api.configs[0].parallel_tool_calls is sent

    async def test_what_the_model_sees_of_results(self) -> None:
        def forget(index: int, total: int, content: object, hints: object) -> str:
            return f"{index + 1} of {total}"

        model, api = scripted(says("ok"))
        results = [ChatMessageTool(content=str(n), function="plus") for n in range(2)]

        await model.generate([*results], [ToolDef(plus(), model_input=forget)])

        assert [message.text for message in api.inputs[0]] == ["1 of 2", "2 of 2"]
        assert [message.text for message in results] == ["0", "1"]

    async def test_images_of_results(self) -> None:
        model, api = scripted(says("ok"))
        content: list[Content] = [ContentText(text="see"), IMAGE]
        call = ChatMessageAssistant(
            content="", tool_calls=[ToolCall(id="1", function="look", arguments={})]
        )
        user = ChatMessageUser(content="And?")

        await model.generate(
            [call, ChatMessageTool(content=content), ChatMessageTool(content="b"), user]
        )

        sent = api.inputs[0]
        assert [message.role for message in sent] == ["assistant", "tool", "tool", "user", "user"]
        assert "next user message" in sent[1].text
        assert sent[3].content == [IMAGE]
        assert sent[4] is user


@pytest.fixture
def cache_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EVAL_CACHE_DIR", str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("cache_dir")
class TestCache:
    async def test_second_answer_is_from_the_cache(self) -> None:
        model, api = scripted(says("one"), says("two"))
        context = SampleContext()

        with use_sample(context):
            answers = [(await model.generate("Hi", cache=True)).completion for _ in range(2)]
            answers.append((await model.generate("Hi")).completion)

        events = [event for event in context.transcript.events if isinstance(event, ModelEvent)]
        assert answers == ["one", "one", "two"]
        assert [event.cache for event in events] == ["write", "read", None]
        assert len({event.output.message.id for event in events}) == 3
        assert context.model_usage == {"script/m": USAGE + USAGE}
        assert len(api.inputs) == 2

    @pytest.mark.parametrize(
        ("policy", "requests"),
        [
            pytest.param(CachePolicy(), 2, id="each epoch its own"),
            pytest.param(CachePolicy(per_epoch=False), 1, id="one for all"),
        ],
    )
    async def test_epochs(self, policy: CachePolicy, requests: int) -> None:
        model, api = scripted(says("one"), says("two"))

        for epoch in (1, 2):
            with use_sample(SampleContext(epoch=epoch)):
                await model.generate("Hi", cache=policy)

        assert len(api.inputs) == requests

    async def test_failures_are_not_kept(self) -> None:
        model, api = scripted(ValueError("no"), says("yes"))

        with pytest.raises(ValueError, match="no"):
            await model.generate("Hi", cache=True)

        assert (await model.generate("Hi", cache=True)).completion == "yes"
        assert len(api.inputs) == 2

    async def test_something_else(self) -> None:
        model, _ = scripted()

        with pytest.raises(ParameterError, match="cache is '1W'"):
            await model.generate("Hi", cache="1W")  # type: ignore[arg-type]


async def test_calls_say_what_they_cost() -> None:
    model, _ = scripted(says("one"), says("two"))
    context = SampleContext()

    with use_sample(context), use_prices(load_prices({"script/m": {"input": 1, "output": 5}})):
        output = await model.generate("Hi")
    with use_sample(context):
        await model.generate("Hi")

    assert output.usage is not None
    assert output.usage.total_cost == pytest.approx(20e-6)
    # The second call had no price: the cost of both is not known.
    assert context.model_usage["script/m"].total_cost is None


async def test_connections_learn_from_refusals() -> None:
    model, _ = scripted(says("one"), BusyError("429"), says("two"))
    auto = GenerateConfig(max_connections="auto")

    with use_connection_slots(LocalSlots()):
        await model.generate("Hi", config=auto)
        before = connection_slots().auto_connections("default")
        await model.generate("Hi", config=auto)
        after = connection_slots().auto_connections("default")

    assert before == 10
    assert after is not None and after < before


async def test_a_call_that_is_cut_short_is_on_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    model, api = scripted()
    attempts = iter((BusyError("full"), None))

    async def hang(*request: object) -> ModelOutput:
        if error := next(attempts):
            raise error
        await asyncio.Event().wait()
        return says("never")

    monkeypatch.setattr(api, "generate", hang)
    context = SampleContext()

    with use_sample(context), pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await model.generate("Hi")

    [event] = [event for event in context.transcript.events if isinstance(event, ModelEvent)]
    assert re.fullmatch(r"Cancelled after \d\.\d s without an answer\.", event.error or "")
    assert (event.pending, event.retries, event.output.choices) == (True, 1, [])
    assert [message.text for message in event.input] == ["Hi"]
    assert context.model_usage == {}
