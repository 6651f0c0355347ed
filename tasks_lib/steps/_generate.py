"""The function by which solvers ask the evaluated model."""

from __future__ import annotations

from typing import Literal, Unpack

from tasks_lib.model import CachePolicy, Model
from tasks_lib.schema import GenerateConfig, GenerateConfigArgs
from tasks_lib.task import Generate, TaskState

_NO_OPTIONS = GenerateConfig()


def generate_with(model: Model) -> Generate:
    """Return the `generate` that solvers get: it asks `model`."""

    async def generate(
        state: TaskState,
        tool_calls: Literal["loop", "single", "none"] = "loop",
        cache: bool | CachePolicy = False,
        **kwargs: Unpack[GenerateConfigArgs],
    ) -> TaskState:
        output = await model.generate(
            state.messages,
            tools=state.tools,
            tool_choice=state.tool_choice,
            config=GenerateConfig(**kwargs) if kwargs else _NO_OPTIONS,
            cache=cache,
        )
        state.output = output
        if output.empty:
            return state
        state.messages.append(output.message)
        if output.message.tool_calls and tool_calls != "none":
            raise NotImplementedError(
                f"{model} called the tool {output.message.tool_calls[0].function!r}: "
                "calling tools is not implemented yet."
            )
        return state

    return generate
