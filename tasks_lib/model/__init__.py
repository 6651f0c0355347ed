"""Models: how they are named, asked, retried and recorded; and the providers."""

from tasks_lib.model._api import ModelAPI, modelapi
from tasks_lib.model._model import (
    Model,
    active_generate_config,
    active_model,
    model_roles,
    use_active_model,
)
from tasks_lib.model._name import ModelName
from tasks_lib.model._providers import BUILTIN_PROVIDERS
from tasks_lib.model._resolve import (
    NOT_GIVEN,
    NotGiven,
    close_models,
    environment_model_args,
    get_model,
    resolve_model_roles,
    resolve_models,
)
from tasks_lib.model._retry import MAX_ATTEMPTS, MAX_RETRY_SECONDS
from tasks_lib.model._tool_call import parse_tool_call

__all__ = [
    "BUILTIN_PROVIDERS",
    "MAX_ATTEMPTS",
    "MAX_RETRY_SECONDS",
    "NOT_GIVEN",
    "Model",
    "ModelAPI",
    "ModelName",
    "NotGiven",
    "active_generate_config",
    "active_model",
    "close_models",
    "environment_model_args",
    "get_model",
    "model_roles",
    "modelapi",
    "parse_tool_call",
    "resolve_model_roles",
    "resolve_models",
    "use_active_model",
]
