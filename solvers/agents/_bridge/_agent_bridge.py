"""Programs of all kinds run against the evaluated model."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Generic, TypeVar, overload

from solvers.agents._bridge._conversations import Conversation
from solvers.agents._bridge._run import Run
from solvers.agents._state import AgentState
from tasks_lib.model import Model, get_model
from tasks_lib.task import TaskState

S = TypeVar("S", bound=AgentState | TaskState)


class AgentBridge(Generic[S]):
    """Where a program finds its model, and what has come of it.

    Attributes:
        state: The main conversation as its last call had it, with the answer, and that answer.
            Main is the one that last went on from an earlier answer of this run; until one
            does, the one that was asked last. So a call beside the point (a title, a summary,
            a vote) does not take its place, and of agents that take turns the last one counts.
        openai_base_url: For clients of OpenAI's chat completions and Responses.
        anthropic_base_url: For clients of Anthropic's messages.
        api_key: The key of this run, a secret: it is good for nothing else and as long as the
            bridge is open.
    """

    def __init__(self, state: S, url: str, key: str, run: Run) -> None:
        self.state = state
        self.openai_base_url = f"{url}/v1"
        self.anthropic_base_url = url
        self.api_key = key
        self._run = run

    def __repr__(self) -> str:
        return f"AgentBridge({self.anthropic_base_url!r})"

    @property
    def conversations(self) -> list[Conversation]:
        """All conversations with the bridge's own model, by when they got their first answer.

        Each has its `messages` and its last `output`. A call goes on with the conversation
        whose last answer it brings along; two that go on from the same answer are two.
        """
        return list(self._run.conversations.all)

    @property
    def env(self) -> dict[str, str]:
        """What points SDKs of a program here, to be added to its environment."""
        here = ",".join(filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1"]))
        return {
            "OPENAI_BASE_URL": self.openai_base_url,
            "OPENAI_API_BASE": self.openai_base_url,
            "OPENAI_API_KEY": self.api_key,
            "ANTHROPIC_BASE_URL": self.anthropic_base_url,
            "ANTHROPIC_API_KEY": self.api_key,
            # A proxy of the network cannot reach this machine's loopback.
            "NO_PROXY": here,
            "no_proxy": here,
        }


@overload
def agent_bridge(
    state: None = None, *, model: str | Model | None = None
) -> AbstractAsyncContextManager[AgentBridge[AgentState]]: ...


@overload
def agent_bridge(
    state: S, *, model: str | Model | None = None
) -> AbstractAsyncContextManager[AgentBridge[S]]: ...


def agent_bridge(
    state: S | None = None, *, model: str | Model | None = None
) -> (
    AbstractAsyncContextManager[AgentBridge[AgentState]]
    | AbstractAsyncContextManager[AgentBridge[S]]
):
    """Open a bridge: an address at which a program finds the evaluated model.

    The program may be written in any language, with any SDK that takes a base URL and a key::

        async with agent_bridge(state) as bridge:
            await subprocess(["node", "agent.js"], env=bridge.env)

    The bridge speaks OpenAI's chat completions and Responses and Anthropic's messages, all of
    them also streamed (a stream brings the whole answer at its end). Each request is one call
    of `Model.generate`: on record in the sample's transcript, under its limits, with
    connections, retries and cache of prompts as all others. Options of the request win over
    those of the evaluation. What cannot be passed on is refused with an error of the
    interface that says so, and so is what the provider refuses.

    The program's model is the bridge's own, whatever the program calls it; `inspect` and
    `evals` are its names too. `inspect/<role>` (or `evals/<role>`) is the model with that
    role, `inspect/<provider>/<model>` any other; these are on record but not in `state`.

    What ends the sample ends the program: at a limit, and when a provider fails for good,
    its call gets an error that SDKs do not try again, the block is cancelled, and raises.

    It listens on 127.0.0.1 only. Requests without the key of an open bridge are refused. In
    requests the key is blacked out, so that no log has it.

    Args:
        state: Its messages and output follow the program's main conversation, see
            `AgentBridge`. By default that is a new state without messages.
        model: Who answers; by default the evaluated model.

    Raises:
        PrerequisiteError: There is no such model (raised when the block is entered).
        LimitExceededError: A call reached a limit (from the block, as are all of these).
        ModelRetryError: A call failed on all its attempts.
    """
    if state is None:
        return _open(AgentState(messages=[]), model)
    return _open(state, model)


@asynccontextmanager
async def _open(state: S, model: str | Model | None) -> AsyncIterator[AgentBridge[S]]:
    # The web server takes a while to import, and most evaluations need none.
    from solvers.agents._bridge._proxy import serve

    run = Run(get_model(model), state)
    async with serve(run) as place, run:
        yield AgentBridge(state, place.url, place.key, run)
