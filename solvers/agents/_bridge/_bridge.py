"""Functions that make their own clients, as agents."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from copy import deepcopy
from typing import Any, TypeAlias

from solvers.agents._agent import Agent
from solvers.agents._agent import agent as agent_factory
from solvers.agents._bridge._agent_bridge import agent_bridge
from solvers.agents._bridge._sdk_clients import Address, ask_bridge, watch_sdk_clients
from solvers.agents._state import AgentState
from tasks_lib._errors import ParameterError
from tasks_lib._util._callables import is_async_callable
from tasks_lib.model import active_model, chat_params
from tasks_lib.schema import ModelOutput
from tasks_lib.task import sample_state

BridgedFunction: TypeAlias = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
"""What `bridge` makes an agent of."""


@agent_factory(name="bridge")
def bridge(agent: BridgedFunction) -> Agent:
    """Make an agent of an async function that asks its model with an SDK of its own.

    The function knows nothing of evaluations::

        async def ask(sample: dict[str, Any]) -> dict[str, Any]:
            client = AsyncOpenAI()
            completion = await client.chat.completions.create(
                model="inspect", messages=sample["messages"]
            )
            return {"output": completion.choices[0].message.content}

    It is passed a dict with `messages`, the conversation in the form of OpenAI's chat
    completions, `input`, the same, and `metadata` of the sample ({} outside of samples). It
    returns a dict with `output`, a text, and, if it likes, `messages` in the same form.
    Others of its keys are not looked at.

    Clients of the OpenAI SDK (chat completions, Responses) and of the Anthropic SDK, async or
    not, streaming or not, new or made at import time, ask the evaluated model when they name
    it `inspect` or `evals`, see `agent_bridge` for other names; all other requests go where
    they went. A client that is not async must be used in a thread (`asyncio.to_thread`), as
    always in an async function; in the event loop itself it is refused. So are requests from
    threads that do not have the context of the function (`asyncio.to_thread` keeps it).
    Classes of the SDKs for cloud platforms, except for Azure OpenAI's, are not looked at:
    point other clients and programs to an `agent_bridge`.

    The agent's output is what the function returned. Its messages are those that the function
    returned, else the main conversation that it had, see `AgentBridge`, else as before.

    Args:
        agent: The function.

    Raises:
        ParameterError: It is not async.
        BridgeError: It returned something else, or asked its model in a way that cannot work
            (raised when the agent runs).
    """
    if not is_async_callable(agent):
        raise ParameterError("bridge", "agent", agent, "an async function of a dict")

    async def execute(state: AgentState) -> AgentState:
        # What is checked of messages takes a while to build, and most evaluations need none.
        from solvers.agents._bridge._result import read_result

        messages = await chat_params(state.messages)
        sample = {"messages": messages, "metadata": _metadata(), "input": deepcopy(messages)}
        await asyncio.to_thread(watch_sdk_clients)
        async with agent_bridge(state) as opened:
            loop = asyncio.get_running_loop()
            with ask_bridge(Address(opened.anthropic_base_url, opened.api_key, loop)):
                result = read_result(await agent(sample))
        if result.messages is not None:
            state.messages = result.messages
        if not state.output.choices or state.output.completion != result.output:
            state.output = ModelOutput.from_content(str(active_model() or ""), result.output)
        return state

    return execute


def _metadata() -> dict[str, Any]:
    state = sample_state()
    return deepcopy(state.metadata) if state is not None else {}
