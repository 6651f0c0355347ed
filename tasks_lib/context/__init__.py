"""What belongs to the running sample: transcript, store, limits, connections."""

from tasks_lib.context._adaptive import FIRST_CONNECTIONS, MOST_CONNECTIONS
from tasks_lib.context._apply_limits import LimitScope, apply_limits
from tasks_lib.context._budget import Budget, use_budget
from tasks_lib.context._clock import Clock
from tasks_lib.context._collect import collect
from tasks_lib.context._concurrency import concurrency, use_concurrency
from tasks_lib.context._display import (
    Display,
    DisplayType,
    display_counter,
    display_type,
    use_display,
)
from tasks_lib.context._gate import Gate, MaxConnections, Slot, regain_connection
from tasks_lib.context._limit_scopes import (
    Limit,
    message_limit,
    time_limit,
    token_limit,
    working_limit,
)
from tasks_lib.context._limits import SampleLimits
from tasks_lib.context._messages import MessageList, check_message_limit
from tasks_lib.context._sample import (
    SampleContext,
    check_limits,
    current_sample,
    on_hold,
    record_usage,
    span,
    transcript,
    use_sample,
    waiting,
)
from tasks_lib.context._screen import InputScreen, has_terminal, input_screen, open_input_screen
from tasks_lib.context._slots import (
    ConnectionSlots,
    LocalSlots,
    connection_feedback,
    connection_slot,
    connection_slots,
    use_connection_slots,
)
from tasks_lib.context._stall import stall_guard
from tasks_lib.context._store import Store, store, use_store
from tasks_lib.context._store_model import StoreModel, store_as
from tasks_lib.context._subprocess import ExecResult, subprocess
from tasks_lib.context._subtask import subtask
from tasks_lib.context._transcript import EventListener, Span, Transcript, listen_to_events

__all__ = [
    "FIRST_CONNECTIONS",
    "MOST_CONNECTIONS",
    "Budget",
    "Clock",
    "ConnectionSlots",
    "Display",
    "DisplayType",
    "EventListener",
    "ExecResult",
    "Gate",
    "InputScreen",
    "Limit",
    "LimitScope",
    "LocalSlots",
    "MaxConnections",
    "MessageList",
    "SampleContext",
    "SampleLimits",
    "Slot",
    "Span",
    "Store",
    "StoreModel",
    "Transcript",
    "apply_limits",
    "check_limits",
    "check_message_limit",
    "collect",
    "concurrency",
    "connection_feedback",
    "connection_slot",
    "connection_slots",
    "current_sample",
    "display_counter",
    "display_type",
    "has_terminal",
    "input_screen",
    "listen_to_events",
    "message_limit",
    "on_hold",
    "open_input_screen",
    "record_usage",
    "regain_connection",
    "span",
    "stall_guard",
    "store",
    "store_as",
    "subprocess",
    "subtask",
    "time_limit",
    "token_limit",
    "transcript",
    "use_budget",
    "use_concurrency",
    "use_connection_slots",
    "use_display",
    "use_sample",
    "use_store",
    "waiting",
    "working_limit",
]
