"""Models: how they are named, asked, retried and recorded; and the providers."""

from tasks_lib.model._api import ModelAPI, modelapi
from tasks_lib.model._cache import CachePolicy
from tasks_lib.model._cache_store import (
    cache_clear,
    cache_list_expired,
    cache_path,
    cache_prune,
    cache_size,
)
from tasks_lib.model._model import (
    Model,
    active_generate_config,
    active_model,
    model_roles,
    use_active_model,
)
from tasks_lib.model._name import ModelName
from tasks_lib.model._prices import ModelCost, PriceTable, load_prices, use_prices
from tasks_lib.model._providers import BUILTIN_PROVIDERS
from tasks_lib.model._resolve import (
    NOT_GIVEN,
    NotGiven,
    RoleModel,
    close_models,
    environment_model_args,
    get_model,
    resolve_model_roles,
    resolve_models,
)
from tasks_lib.model._retry import MAX_ATTEMPTS, MAX_RETRY_SECONDS
from tasks_lib.model._tool_call import parse_tool_call
from tasks_lib.model._tools import execute_tools

__all__ = [
    "BUILTIN_PROVIDERS",
    "MAX_ATTEMPTS",
    "MAX_RETRY_SECONDS",
    "NOT_GIVEN",
    "CachePolicy",
    "Model",
    "ModelAPI",
    "ModelCost",
    "ModelName",
    "NotGiven",
    "PriceTable",
    "RoleModel",
    "active_generate_config",
    "active_model",
    "cache_clear",
    "cache_list_expired",
    "cache_path",
    "cache_prune",
    "cache_size",
    "close_models",
    "environment_model_args",
    "execute_tools",
    "get_model",
    "load_prices",
    "model_roles",
    "modelapi",
    "parse_tool_call",
    "resolve_model_roles",
    "resolve_models",
    "use_active_model",
    "use_prices",
]
