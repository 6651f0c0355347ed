"""Logs of model calls, for tests of the replay."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from tasks_lib.context import SampleContext, use_sample
from tasks_lib.log import write_eval_log
from tasks_lib.model import Model, ModelAPI, get_model, modelapi
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageUser,
    ContentReasoning,
    ContentText,
    EvalConfig,
    EvalDataset,
    EvalLog,
    EvalPlan,
    EvalSample,
    EvalSpec,
    GenerateConfig,
    ModelOutput,
    ModelUsage,
    ToolChoice,
    ToolInfo,
)

LOG = "2026-11-21T12-00-00+00-00_sums_task.parquet"
PIXEL = "data:image/png;base64," + "iVBORw0KGgo" * 20


class Ask(NamedTuple):
    """One request of a sample."""

    input: str | list[ChatMessage]
    sample: int | str = 1
    epoch: int = 1
    tools: Sequence[ToolInfo] = ()
    choice: ToolChoice | None = None
    config: GenerateConfig | None = None


@modelapi("wishful")
class WishfulAPI(ModelAPI):
    """Answers "answer 1", "answer 2", …; wants its input as its arguments say."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        **wishes: Any,
    ) -> None:
        super().__init__(model_name, config=config)
        self.wishes = wishes
        self.answered = 0

    def force_reasoning_history(self) -> Literal["none", "all", "last"] | None:
        history: Literal["none", "all", "last"] | None = self.wishes.get("history")
        return history

    def tool_result_images(self) -> bool:
        return bool(self.wishes.get("images"))

    def collapse_user_messages(self) -> bool:
        return bool(self.wishes.get("collapse"))

    def collapse_assistant_messages(self) -> bool:
        return bool(self.wishes.get("collapse"))

    def tools_required(self) -> bool:
        return bool(self.wishes.get("required"))

    def max_tokens(self) -> int | None:
        tokens: int | None = self.wishes.get("tokens")
        return tokens

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        if input[-1].text == "Fail.":
            raise ValueError("out of order")
        self.answered += 1
        output = ModelOutput.from_content(self.model_name, f"answer {self.answered}")
        output.usage = ModelUsage(input_tokens=10, output_tokens=2, total_tokens=12)
        output.time = 1.5
        return output


class Sampler(NamedTuple):
    """Asks a model in the samples of one run."""

    model: Model
    contexts: dict[tuple[int | str, int], SampleContext]

    async def ask(self, ask: Ask) -> ModelOutput:
        key = (ask.sample, ask.epoch)
        context = self.contexts.setdefault(key, SampleContext(*key))
        with use_sample(context):
            return await self.model.generate(ask.input, ask.tools, ask.choice, ask.config)


def wishful(**wishes: Any) -> Model:
    return get_model("wishful/model", memoize=False, **wishes)


def replay(path: Path, **arguments: Any) -> Sampler:
    return Sampler(get_model(f"replay/{path}", memoize=False, **arguments), {})


def header(model: str = "wishful/model", config: GenerateConfig | None = None) -> EvalLog:
    spec = EvalSpec(
        created="2026-11-21T12:00:00+00:00",
        task="sums",
        task_id="task",
        model=model,
        dataset=EvalDataset(name="sums"),
        config=EvalConfig(),
    )
    plan = EvalPlan(config=config or GenerateConfig())
    return EvalLog(eval=spec, plan=plan, status="success")


async def record(
    path: Path, *asks: Ask, model: Model | None = None, log: EvalLog | None = None
) -> Path:
    """Make the requests, and a log of them at `path`."""
    sampler = Sampler(model or wishful(), {})
    for ask in asks:
        try:
            await sampler.ask(ask)
        except ValueError:
            assert ask.input == "Fail."
    log = log or header()
    log.samples = [
        EvalSample(id=id, epoch=epoch, input="?", target="!", events=context.transcript.events)
        for (id, epoch), context in sampler.contexts.items()
    ]
    write_eval_log(log, str(path))
    return path


def tool(name: str, description: str = "Does it.") -> ToolInfo:
    return ToolInfo(name=name, description=description)


def user(text: str, **fields: Any) -> ChatMessageUser:
    return ChatMessageUser(content=text, **fields)


def said(text: str, thought: str | None = None, **fields: Any) -> ChatMessageAssistant:
    content = [ContentReasoning(reasoning=thought), ContentText(text=text)] if thought else text
    return ChatMessageAssistant(content=content, **fields)
