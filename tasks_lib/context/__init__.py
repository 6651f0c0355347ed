"""What belongs to the running sample: transcript, store, limits, connections."""

from tasks_lib.context._adaptive import FIRST_CONNECTIONS, MOST_CONNECTIONS
from tasks_lib.context._gate import Gate, MaxConnections, Slot
from tasks_lib.context._limits import MessageList, SampleLimits
from tasks_lib.context._sample import (
    SampleContext,
    current_sample,
    span,
    store,
    transcript,
    use_sample,
    waiting,
)
from tasks_lib.context._slots import (
    ConnectionSlots,
    LocalSlots,
    connection_feedback,
    connection_slot,
    connection_slots,
    use_connection_slots,
)
from tasks_lib.context._store import Store
from tasks_lib.context._store_model import StoreModel, store_as
from tasks_lib.context._transcript import Clock, Span, Transcript

__all__ = [
    "FIRST_CONNECTIONS",
    "MOST_CONNECTIONS",
    "Clock",
    "ConnectionSlots",
    "Gate",
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
    "connection_feedback",
    "connection_slot",
    "connection_slots",
    "current_sample",
    "span",
    "store",
    "store_as",
    "transcript",
    "use_connection_slots",
    "use_sample",
    "waiting",
]
