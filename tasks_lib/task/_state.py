"""The state of a sample while solvers work on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy, deepcopy
from typing import Any, Self, TypeVar

from pydantic import BaseModel

from tasks_lib._errors import ParameterError
from tasks_lib.context import (
    MessageList,
    SampleContext,
    SampleLimits,
    Store,
    StoreModel,
    current_sample,
    store,
)
from tasks_lib.model import ModelName
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageUser,
    Choice,
    Choices,
    ModelOutput,
    Score,
    Target,
    ToolChoice,
    metadata_as,
)
from tasks_lib.tool import Tool, ToolDef, tool_def

M = TypeVar("M", bound=BaseModel)
SM = TypeVar("SM", bound=StoreModel)


class TaskState:
    """A conversation with what belongs to it: what solvers change and scorers judge.

    A deep copy has a conversation, metadata and store of its own; tools, limits and usage are
    those of the sample.
    """

    def __init__(  # noqa: PLR0913 - the documented signature
        self,
        model: ModelName,
        sample_id: int | str,
        epoch: int,
        input: str | list[ChatMessage],
        messages: Iterable[ChatMessage],
        target: Target | None = None,
        choices: Sequence[str | Choice] | Choices | None = None,
        output: ModelOutput | None = None,
        message_limit: int | None = None,
        token_limit: int | None = None,
        completed: bool = False,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        context = current_sample()
        if context is None:
            _check_limit("message_limit", message_limit)
            _check_limit("token_limit", token_limit)
            limits = SampleLimits(message_limit=message_limit, token_limit=token_limit)
            context = SampleContext(sample_id, epoch, limits)
            self._store = context.store
        else:
            self._store = store()
        self._context = context
        self._model = model
        self._sample_id = sample_id
        self._epoch = epoch
        self._input = input
        self._target = target if target is not None else Target("")
        self._messages = MessageList(messages, context.limits)
        self._output = output if output is not None else ModelOutput(model=str(model))
        self._choices = choices if isinstance(choices, Choices) else Choices(choices or ())
        self._completed = completed
        self._tools: list[Tool] = []
        self.metadata = metadata if metadata is not None else {}
        """Metadata of the sample, a copy that solvers may change."""
        self.tool_choice: ToolChoice | None = None
        """Which tools the model must call; None leaves it to the model."""
        self.scores: dict[str, Score] | None = None
        """Scores by name: given by solvers, later also by the task's scorers."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        twin = copy(self)
        memo[id(self)] = twin
        for name, value in vars(self).items():
            # The context is the running sample itself; tools may hold connections.
            if name not in ("_context", "_tools"):
                setattr(twin, name, deepcopy(value, memo))
        twin._tools = list(self._tools)
        return twin

    @property
    def model(self) -> ModelName:
        """The evaluated model."""
        return self._model

    @property
    def sample_id(self) -> int | str:
        """Id of the sample, unique in its dataset."""
        return self._sample_id

    @property
    def epoch(self) -> int:
        """How often this sample is evaluated by now, from 1."""
        return self._epoch

    @property
    def uuid(self) -> str:
        """Unique for this run of the sample."""
        return self._context.uuid

    @property
    def input(self) -> str | list[ChatMessage]:
        """Input of the sample, as it was at the start."""
        return self._input

    @property
    def input_text(self) -> str:
        """The input, or the text of its last user message. Raises ValueError if none."""
        if isinstance(self._input, str):
            return self._input
        for message in reversed(self._input):
            if message.role == "user":
                return message.text
        raise ValueError(f"The input of sample {self._sample_id!r} has no user message.")

    @property
    def user_prompt(self) -> ChatMessageUser:
        """The last user message; changing it changes the conversation.

        Raises:
            ValueError: There is none.
        """
        for message in reversed(self._messages):
            if isinstance(message, ChatMessageUser):
                return message
        raise ValueError(f"The conversation of sample {self._sample_id!r} has no user message.")

    @property
    def messages(self) -> list[ChatMessage]:
        """The conversation. It cannot outgrow the message limit."""
        return self._messages

    @messages.setter
    def messages(self, messages: list[ChatMessage]) -> None:
        self._messages = MessageList(messages, self._context.limits)

    @property
    def output(self) -> ModelOutput:
        """The model's last answer; empty before the first."""
        return self._output

    @output.setter
    def output(self, output: ModelOutput) -> None:
        self._output = output

    @property
    def choices(self) -> Choices:
        """The answers to choose from."""
        return self._choices

    @property
    def target(self) -> Target:
        """The right answer or answers."""
        return self._target

    @property
    def tools(self) -> list[Tool]:
        """Tools that the model may call."""
        return self._tools

    @tools.setter
    def tools(self, tools: Iterable[Tool | ToolDef]) -> None:
        self._tools = [
            tool.as_tool() if isinstance(tool, ToolDef) else _known(tool) for tool in tools
        ]

    @property
    def store(self) -> Store:
        """Values that solvers, tools and scorers share."""
        return self._store

    def store_as(self, model_cls: type[SM], instance: str | None = None) -> SM:
        """Return the store as a `StoreModel`."""
        return model_cls(store=self.store, instance=instance)

    def metadata_as(self, metadata_cls: type[M]) -> M:
        """Return the metadata as a frozen pydantic model. Raises ValueError if it can't be."""
        return metadata_as(self.metadata, metadata_cls)

    @property
    def message_limit(self) -> int | None:
        """Messages that the conversation may have; setting it checks at once.

        Raises:
            LimitExceededError: It has more than the limit that is set.
            ParameterError: The limit that is set is negative.
        """
        return self._context.limits.message_limit

    @message_limit.setter
    def message_limit(self, limit: int | None) -> None:
        _check_limit("message_limit", limit)
        self._context.limits.message_limit = limit
        self._context.limits.check_messages(len(self._messages))

    @property
    def token_limit(self) -> int | None:
        """Tokens that the sample may use, over all models; setting it checks at once.

        Raises:
            LimitExceededError: It has used more than the limit that is set.
            ParameterError: The limit that is set is negative.
        """
        return self._context.limits.token_limit

    @token_limit.setter
    def token_limit(self, limit: int | None) -> None:
        _check_limit("token_limit", limit)
        self._context.limits.token_limit = limit
        self._context.check_limits()

    @property
    def token_usage(self) -> int:
        """Tokens that the sample has used so far, over all models."""
        return self._context.total_tokens

    @property
    def completed(self) -> bool:
        """Whether no further solver should run. Reading it checks the working limit."""
        self._context.check_limits()
        return self._completed

    @completed.setter
    def completed(self, completed: bool) -> None:
        self._completed = completed


def _check_limit(name: str, limit: int | None) -> None:
    # Not `limit < 0`: that would let NaN pass, which no usage exceeds.
    if limit is not None and not limit >= 0:
        raise ParameterError("TaskState", name, limit, "0 or more, or None")


def _known(tool: Tool) -> Tool:
    """Return `tool`; raise ToolDefinitionError unless a model can be told what it does."""
    tool_def(tool)
    return tool
