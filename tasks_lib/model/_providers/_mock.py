"""A model that says what a test wants it to say."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from tasks_lib._util._ids import short_uuid
from tasks_lib.model._api import ModelAPI
from tasks_lib.schema import ChatMessage, GenerateConfig, ModelOutput, ToolChoice, ToolInfo

MockAnswer: TypeAlias = Callable[
    [list[ChatMessage], list[ToolInfo], ToolChoice, GenerateConfig],
    ModelOutput | Awaitable[ModelOutput],
]
"""Makes the answer to a request; may be async."""

DEFAULT_OUTPUT = "Default output from mockllm/model"


class MockAPI(ModelAPI):
    """`mockllm/…`: answers from a script, without a network.

    Every answer is a copy with a message id of its own, so that one output may serve many
    samples. No usage is made up.
    """

    limits_connections = False

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        custom_outputs: Iterable[ModelOutput | Mapping[str, Any]] | MockAnswer | None = None,
    ) -> None:
        """Prepare the answers.

        Args:
            model_name: Anything.
            base_url: Not used.
            api_key: Not used.
            config: Options that the model was made with; not used.
            custom_outputs: The answers, in the order of the calls, over all samples; or a
                function that makes the answer to a request. By default every answer is the
                same text. An answer may be the JSON of an output, as a log has it.

        Raises:
            ValueError: `custom_outputs` is neither.
        """
        super().__init__(model_name, base_url, api_key, config=config)
        self._answer: MockAnswer | None = None
        self._outputs: Iterator[object] | None = None
        if callable(custom_outputs):
            self._answer = custom_outputs
        elif isinstance(custom_outputs, Iterable) and not isinstance(custom_outputs, _NO_OUTPUTS):
            self._outputs = iter(custom_outputs)
        elif custom_outputs is not None:
            raise ValueError(
                "mockllm: custom_outputs must be an iterable of ModelOutput, or a function "
                f"that returns one, not {custom_outputs!r}."
            )

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """Return the next answer.

        Raises:
            ValueError: There is no further one, or it is not a ModelOutput.
        """
        if self._answer is not None:
            made = self._answer(input, tools, tool_choice, config)
            return _copy(await made if inspect.isawaitable(made) else made)
        if self._outputs is None:
            return ModelOutput.from_content(self.model_name, DEFAULT_OUTPUT)
        # A marker, because StopIteration must not leave a coroutine.
        output = next(self._outputs, _END)
        if output is _END:
            raise ValueError("mockllm: custom_outputs ran out of values.")
        return _copy(output)


_END = object()
_NO_OUTPUTS = (str, bytes, Mapping, ModelOutput)
"""What can be iterated over, but has no outputs in it."""


def _copy(output: object) -> ModelOutput:
    if isinstance(output, Mapping):
        output = ModelOutput.model_validate(output)
    if not isinstance(output, ModelOutput):
        raise ValueError(f"mockllm: custom_outputs gave {output!r}, not a ModelOutput.")
    choices = [
        choice.model_copy(
            update={"message": choice.message.model_copy(update={"id": short_uuid()})}
        )
        for choice in output.choices
    ]
    return output.model_copy(update={"choices": choices})
