"""Frames of logs, samples, messages and events, for pandas, Polars and Arrow."""

from tasks_lib.analysis._columns import (
    Column,
    ColumnError,
    ColumnType,
    EvalColumn,
    EventColumn,
    EventFilter,
    MessageColumn,
    MessageFilter,
    SampleColumn,
)
from tasks_lib.analysis._eval_columns import (
    EvalColumns,
    EvalConfig,
    EvalConfiguration,
    EvalDataset,
    EvalInfo,
    EvalModel,
    EvalResults,
    EvalScores,
    EvalTask,
)
from tasks_lib.analysis._evals import evals_df
from tasks_lib.analysis._event_columns import (
    EventInfo,
    EventTiming,
    ModelEventColumns,
    ToolEventColumns,
)
from tasks_lib.analysis._events import events_df
from tasks_lib.analysis._message_columns import (
    MessageColumns,
    MessageContent,
    MessageToolCalls,
)
from tasks_lib.analysis._messages import messages_df
from tasks_lib.analysis._sample_columns import SampleMessages, SampleScores, SampleSummary
from tasks_lib.analysis._samples import samples_df

__all__ = [
    "Column",
    "ColumnError",
    "ColumnType",
    "EvalColumn",
    "EvalColumns",
    "EvalConfig",
    "EvalConfiguration",
    "EvalDataset",
    "EvalInfo",
    "EvalModel",
    "EvalResults",
    "EvalScores",
    "EvalTask",
    "EventColumn",
    "EventFilter",
    "EventInfo",
    "EventTiming",
    "MessageColumn",
    "MessageColumns",
    "MessageContent",
    "MessageFilter",
    "MessageToolCalls",
    "ModelEventColumns",
    "SampleColumn",
    "SampleMessages",
    "SampleScores",
    "SampleSummary",
    "ToolEventColumns",
    "evals_df",
    "events_df",
    "messages_df",
    "samples_df",
]
