"""The model of evaluations that ask no model."""

from __future__ import annotations

from tasks_lib._errors import PrerequisiteError
from tasks_lib.model._api import ModelAPI
from tasks_lib.schema import ChatMessage, GenerateConfig, ModelOutput, ToolChoice, ToolInfo


class NoneAPI(ModelAPI):
    """`none/none`: solvers that need no model may run, asking it is an error."""

    limits_connections = False

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """Raise PrerequisiteError."""
        raise PrerequisiteError(
            "No model specified (and no EVAL_MODEL defined): name one as 'provider/name'."
        )
