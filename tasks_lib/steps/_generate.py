"""The function by which solvers ask the evaluated model."""

from __future__ import annotations

from typing import Literal, Unpack

from tasks_lib.model import CachePolicy, Model
from tasks_lib.schema import ChatMessageAssistant, GenerateConfig, GenerateConfigArgs, ToolChoice
from tasks_lib.task import Generate, TaskState
from tasks_lib.tool import execute_tools, mcp_connection

_NO_OPTIONS = GenerateConfig()


def generate_with(model: Model) -> Generate:
    """Return the `generate` that solvers get: it asks `model`."""

    async def generate(
        state: TaskState,
        tool_calls: Literal["loop", "single", "none"] = "loop",
        cache: bool | CachePolicy = False,
        **kwargs: Unpack[GenerateConfigArgs],
    ) -> TaskState:
        config = GenerateConfig(**kwargs) if kwargs else _NO_OPTIONS
        asked = _Asked(model, config, cache)
        if tool_calls == "none" or not state.tools:
            await asked.reply(state, state.tool_choice)
        else:
            async with mcp_connection(state.tools):
                await asked.turns(state, once=tool_calls == "single")
        return state

    return generate


class _Asked:
    """A model with the options of one call of `generate`."""

    __slots__ = ("_cache", "_config", "_model")

    def __init__(self, model: Model, config: GenerateConfig, cache: bool | CachePolicy) -> None:
        self._model = model
        self._config = config
        self._cache = cache

    async def turns(self, state: TaskState, *, once: bool) -> None:
        """Ask, do the calls of tools in the answer, and ask again until it has none."""
        choice = state.tool_choice
        while True:
            reply = await self.reply(state, choice)
            if reply is None or not reply.tool_calls or state.completed:
                return
            limit = self._model.max_tool_output(self._config)
            results = await execute_tools(state.messages, state.tools, limit)
            state.messages.extend(results.messages)
            if results.output is not None:
                state.output = results.output
            if once or state.completed:
                return
            if choice != "none":
                # What had to be called has been: a model that must go on calling never ends.
                choice = "auto"

    async def reply(
        self, state: TaskState, choice: ToolChoice | None
    ) -> ChatMessageAssistant | None:
        """Ask once; the answer joins the conversation and is returned, None if it is empty."""
        state.output = output = await self._model.generate(
            state.messages, state.tools, choice, self._config, self._cache
        )
        if output.empty:
            return None
        state.messages.append(output.message)
        return output.message
