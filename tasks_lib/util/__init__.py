"""What solvers, tools and scorers need beside models: limits, stores, processes, displays."""

from tasks_lib._errors import LimitExceededError, OutputLimitExceededError
from tasks_lib._util._registry import RegistryType, registry_create
from tasks_lib._util._resource import resource
from tasks_lib._util._throttle import throttle
from tasks_lib._util._trace import trace_action, trace_message
from tasks_lib.context import (
    DisplayType,
    ExecResult,
    Limit,
    LimitScope,
    Store,
    StoreModel,
    apply_limits,
    collect,
    concurrency,
    display_counter,
    display_type,
    input_screen,
    message_limit,
    span,
    store,
    store_as,
    subprocess,
    subtask,
    time_limit,
    token_limit,
    working_limit,
)
from tasks_lib.tool import JSONSchema, JSONType, json_schema
from tasks_lib.util._panel import InputPanel, input_panel
from tasks_lib.util._subtask import Subtask

__all__ = [
    "DisplayType",
    "ExecResult",
    "InputPanel",
    "JSONSchema",
    "JSONType",
    "Limit",
    "LimitExceededError",
    "LimitScope",
    "OutputLimitExceededError",
    "RegistryType",
    "Store",
    "StoreModel",
    "Subtask",
    "apply_limits",
    "collect",
    "concurrency",
    "display_counter",
    "display_type",
    "input_panel",
    "input_screen",
    "json_schema",
    "message_limit",
    "registry_create",
    "resource",
    "span",
    "store",
    "store_as",
    "subprocess",
    "subtask",
    "throttle",
    "time_limit",
    "token_limit",
    "trace_action",
    "trace_message",
    "working_limit",
]
