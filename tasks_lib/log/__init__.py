"""Logs: one Parquet file per evaluation, in parts while it is written.

Where to look:

- What a row is: `_arrow` (columns), `_rows`, `_transcript` (messages and events in it),
  `_attachments`, `_header` (the rest of a log); JSON of untrusted content is in `_util`.
- Writing: `_writer`, `_live` (the folder of parts), `_compact` (which parts are merged when),
  `_spill` (when the store is away), `_final`; after a kill `_remains`, `_recover`, `_remove`,
  `_abandoned`.
- Reading: `_log_file` (any format), `_reader`, `_row_lookup`, `_parts`, `_tables`, `_listing`.
- Files: `_files` (stores), `_paths` (names), `_parquet`, `_whole_file`, `_lock` (of a folder).
- Formats of others: `_documents` (what they have in common), `_json_…`, `_eval_log…`;
  `_convert`, `_condense`.
"""

from tasks_lib.context import Transcript, transcript
from tasks_lib.log._abandoned import remove_abandoned
from tasks_lib.log._arrow import BASE_SCHEMA, SCHEMA_VERSION, columns_of_scorers
from tasks_lib.log._batch import sample_batch
from tasks_lib.log._condense import condense_sample, resolve_sample_attachments
from tasks_lib.log._convert import convert_eval_logs
from tasks_lib.log._ended import check_log_ended
from tasks_lib.log._files import open_place
from tasks_lib.log._json_write import write_json_log
from tasks_lib.log._listing import list_eval_logs
from tasks_lib.log._lock import lock_log_dir
from tasks_lib.log._log_file import EvalLogInfo, LogFile
from tasks_lib.log._manifest import (
    bundle_log_dir,
    check_bundle_dir,
    retryable_eval_logs,
    write_log_dir_manifest,
)
from tasks_lib.log._origin import Origin
from tasks_lib.log._paths import check_writable, resolve_log_dir
from tasks_lib.log._reader import (
    read_eval_log,
    read_eval_log_async,
    read_eval_log_sample,
    read_eval_log_sample_summaries,
    read_eval_log_samples,
)
from tasks_lib.log._recover import recover_eval_log
from tasks_lib.log._remove import remove_eval_log
from tasks_lib.log._rows import sample_id_text, sample_row
from tasks_lib.log._tables import read_eval_log_table
from tasks_lib.log._write_log import write_eval_log
from tasks_lib.log._writer import EvalLogWriter
from tasks_lib.schema import (
    ApprovalEvent,
    BaseEvent,
    ErrorEvent,
    EvalConfig,
    EvalDataset,
    EvalError,
    EvalIncomplete,
    EvalLog,
    EvalMetric,
    EvalMetricDefinition,
    EvalModelConfig,
    EvalPlan,
    EvalPlanStep,
    EvalResults,
    EvalRetryError,
    EvalRevision,
    EvalSample,
    EvalSampleLimit,
    EvalSampleReductions,
    EvalSampleScore,
    EvalSampleSummary,
    EvalScore,
    EvalScorer,
    EvalSpec,
    EvalStats,
    EvalStatus,
    Event,
    InfoEvent,
    InputEvent,
    LogFormat,
    LoggerEvent,
    LoggingMessage,
    ModelEvent,
    SampleInitEvent,
    SampleLimitEvent,
    SandboxEvent,
    ScoreEvent,
    SpanBeginEvent,
    SpanEndEvent,
    SpanNode,
    StateEvent,
    StepEvent,
    StoreEvent,
    SubtaskEvent,
    ToolEvent,
    UnknownEvent,
    WorkReceipt,
    WorkShare,
    event_sequence,
    event_tree,
)

__all__ = [
    "BASE_SCHEMA",
    "SCHEMA_VERSION",
    "ApprovalEvent",
    "BaseEvent",
    "ErrorEvent",
    "EvalConfig",
    "EvalDataset",
    "EvalError",
    "EvalIncomplete",
    "EvalLog",
    "EvalLogInfo",
    "EvalLogWriter",
    "EvalMetric",
    "EvalMetricDefinition",
    "EvalModelConfig",
    "EvalPlan",
    "EvalPlanStep",
    "EvalResults",
    "EvalRetryError",
    "EvalRevision",
    "EvalSample",
    "EvalSampleLimit",
    "EvalSampleReductions",
    "EvalSampleScore",
    "EvalSampleSummary",
    "EvalScore",
    "EvalScorer",
    "EvalSpec",
    "EvalStats",
    "EvalStatus",
    "Event",
    "InfoEvent",
    "InputEvent",
    "LogFile",
    "LogFormat",
    "LoggerEvent",
    "LoggingMessage",
    "ModelEvent",
    "Origin",
    "SampleInitEvent",
    "SampleLimitEvent",
    "SandboxEvent",
    "ScoreEvent",
    "SpanBeginEvent",
    "SpanEndEvent",
    "SpanNode",
    "StateEvent",
    "StepEvent",
    "StoreEvent",
    "SubtaskEvent",
    "ToolEvent",
    "Transcript",
    "UnknownEvent",
    "WorkReceipt",
    "WorkShare",
    "bundle_log_dir",
    "check_bundle_dir",
    "check_log_ended",
    "check_writable",
    "columns_of_scorers",
    "condense_sample",
    "convert_eval_logs",
    "event_sequence",
    "event_tree",
    "list_eval_logs",
    "lock_log_dir",
    "open_place",
    "read_eval_log",
    "read_eval_log_async",
    "read_eval_log_sample",
    "read_eval_log_sample_summaries",
    "read_eval_log_samples",
    "read_eval_log_table",
    "recover_eval_log",
    "remove_abandoned",
    "remove_eval_log",
    "resolve_log_dir",
    "resolve_sample_attachments",
    "retryable_eval_logs",
    "sample_batch",
    "sample_id_text",
    "sample_row",
    "transcript",
    "write_eval_log",
    "write_json_log",
    "write_log_dir_manifest",
]
