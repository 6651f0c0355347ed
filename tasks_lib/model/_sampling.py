"""The evaluated model as servers of tools may ask it."""

from __future__ import annotations

from tasks_lib._errors import ParameterError, ToolServiceError
from tasks_lib.model._model import active_model
from tasks_lib.schema import ChatMessage, GenerateConfig, ModelOutput
from tasks_lib.tool import serve_sampling


@serve_sampling
async def answer_server(messages: list[ChatMessage], config: GenerateConfig) -> ModelOutput:
    """Return the evaluated model's answer to what a server asks.

    Options that a server asks for but the model does not have are left out, except
    `max_tokens`: a server does not know which model it asks.

    Raises:
        ToolServiceError: No model is evaluated here.
    """
    model = active_model()
    if model is None:
        raise ToolServiceError("A server of tools asks the model, but none is evaluated here.")
    try:
        model.check_config(config)
    except ParameterError:
        config = GenerateConfig(max_tokens=config.max_tokens)
    return await model.generate(messages, config=config)
