"""What belongs to the running sample: transcript, store, limits, connections."""

from tasks_lib.context._limits import MessageList, SampleLimits
from tasks_lib.context._sample import (
    SampleContext,
    add_waiting,
    connection_slot,
    current_sample,
    span,
    store,
    transcript,
    use_sample,
)
from tasks_lib.context._slots import (
    ConnectionSlots,
    LocalSlots,
    connection_slots,
    use_connection_slots,
)
from tasks_lib.context._store import Store
from tasks_lib.context._store_model import StoreModel, store_as
from tasks_lib.context._transcript import Clock, Span, Transcript

__all__ = [
    "Clock",
    "ConnectionSlots",
    "LocalSlots",
    "MessageList",
    "SampleContext",
    "SampleLimits",
    "Span",
    "Store",
    "StoreModel",
    "Transcript",
    "add_waiting",
    "connection_slot",
    "connection_slots",
    "current_sample",
    "span",
    "store",
    "store_as",
    "transcript",
    "use_connection_slots",
    "use_sample",
]
