"""What a log holds: one evaluation of one task on one model."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from tasks_lib._util._ids import short_uuid
from tasks_lib.schema._config import AnyGenerateConfig, GenerateConfig
from tasks_lib.schema._eval_sample import EvalSample
from tasks_lib.schema._event import EvalError
from tasks_lib.schema._model_output import ModelUsage
from tasks_lib.schema._record import AnyText, Record
from tasks_lib.schema._score import Scalar

EVAL_LOG_VERSION = 2
"""Version of this tree (not of the Parquet columns)."""

LogFormat = Literal["parquet", "json", "eval"]
"""Formats that logs are written in; also their file extensions."""

EvalStatus = Literal["started", "success", "cancelled", "error"]
"""How an evaluation stands. A run that was killed stays `started`."""


class EvalDataset(Record):
    """The dataset of an evaluation."""

    name: str | None = None
    location: str | None = None
    samples: int | None = None
    """Samples in the whole dataset."""
    sample_ids: list[str] | list[int] | list[str | int] | None = None
    """Ids of the samples that were selected; None when all of them were."""
    shuffled: bool | None = None
    digest: str | None = None
    """SHA-256 over the selected samples' inputs, choices, targets and metadata."""


class EvalConfig(Record):
    """How an evaluation was run. None: not set."""

    limit: int | tuple[int, int] | None = None
    sample_id: str | int | list[str] | list[int] | list[str | int] | None = None
    epochs: int | None = None
    epochs_reducer: list[str] | None = None
    approval: JsonValue | None = None
    fail_on_error: bool | float | None = None
    errors_as_incorrect: bool | None = None
    """Whether metrics count samples that ended with an error as incorrect."""
    retry_on_error: int | None = None
    message_limit: int | None = None
    token_limit: int | None = None
    time_limit: int | None = None
    working_limit: int | None = None
    max_samples: int | None = None
    max_tasks: int | None = None
    max_subprocesses: int | None = None
    max_sandboxes: int | None = None
    sandbox_cleanup: bool | None = None
    stall_timeout: float | None = None
    """Seconds without any event after which a sample ends as stalled; 0: never."""
    same_errors: int | None = None
    """The same error so many times in a row is not tried again; 0: it always is."""
    budget: dict[str, float] | None = None
    """What the whole run may use up: tokens, cost (US dollars), time (seconds)."""
    log_samples: bool | None = None
    log_realtime: bool | None = None
    log_images: bool | None = None
    log_buffer: int | None = None
    log_shared: int | None = None
    score_display: bool | None = None
    task_runs: str | None = None
    """What was a Prefect task run: stage, sample or shard."""


class EvalModelConfig(Record):
    """A model that took part in a role."""

    model: str
    config: AnyGenerateConfig = Field(default_factory=GenerateConfig)
    base_url: str | None = None
    args: dict[str, Any] = Field(default_factory=dict)


class EvalRevision(Record):
    """The state of the code."""

    type: Literal["git"] = "git"
    origin: str
    """URL of the remote, without credentials."""
    commit: str
    dirty: bool | None = None
    """Whether there were uncommitted changes."""


class EvalMetricDefinition(Record):
    """A metric with the options it was made with."""

    name: str
    options: dict[str, Any] | None = None


class EvalScorer(Record):
    """A scorer with the options it was made with."""

    name: str
    options: dict[str, Any] | None = None
    """The arguments that were passed."""
    defaults: dict[str, Any] | None = None
    """Those that were not, unless they are None."""
    metrics: (
        list[EvalMetricDefinition | dict[str, list[EvalMetricDefinition]]]
        | dict[str, list[EvalMetricDefinition]]
        | None
    ) = None
    metadata: dict[str, Any] | None = None


class EvalSpec(Record):
    """What was evaluated."""

    eval_id: str = Field(default_factory=short_uuid)
    """Unique for each log."""
    run_id: str = ""
    """The same for all logs of one call."""
    created: str
    """When it began, ISO 8601 with offset."""
    task: str
    """Name of the task."""
    task_id: str = Field(default_factory=short_uuid)
    """The same for all attempts at a task."""
    task_version: int | str = 0
    task_file: str | None = None
    task_registry_name: str | None = None
    task_attribs: dict[str, Any] = Field(default_factory=dict)
    task_args: dict[str, Any] = Field(default_factory=dict)
    """The task's arguments, defaults included."""
    task_args_passed: dict[str, Any] = Field(default_factory=dict)
    """The arguments that were passed."""
    solver: str | None = None
    """The solver that replaced the task's own."""
    solver_args: dict[str, Any] | None = None
    tags: list[str] | None = None
    dataset: EvalDataset = Field(default_factory=EvalDataset)
    sandbox: JsonValue | None = None
    model: str
    """`provider/name` of the evaluated model."""
    model_generate_config: AnyGenerateConfig = Field(default_factory=GenerateConfig)
    model_base_url: str | None = None
    model_args: dict[str, Any] = Field(default_factory=dict)
    model_roles: dict[str, EvalModelConfig | list[EvalModelConfig]] | None = None
    config: EvalConfig = Field(default_factory=EvalConfig)
    revision: EvalRevision | None = None
    packages: dict[str, str] = Field(default_factory=dict)
    """Versions of the packages that matter."""
    metadata: dict[str, Any] | None = None
    scorers: list[EvalScorer] | None = None
    metrics: (
        list[EvalMetricDefinition | dict[str, list[EvalMetricDefinition]]]
        | dict[str, list[EvalMetricDefinition]]
        | None
    ) = None
    attempt: int = 1
    """Which attempt at the task this is, from 1."""
    flow_run_id: str | None = None
    """The Prefect flow run that wrote the log."""
    task_identity: str | None = None
    """Digest of what makes two runs the same, with the version of its algorithm."""


class EvalPlanStep(Record):
    """A solver with its arguments."""

    solver: str
    params: dict[str, Any] = Field(default_factory=dict)
    """The arguments that were passed."""
    defaults: dict[str, Any] | None = None
    """Those that were not, unless they are None."""


class EvalPlan(Record):
    """The solvers, in order."""

    name: str = "plan"
    steps: list[EvalPlanStep] = Field(default_factory=list)
    finish: EvalPlanStep | None = None
    config: AnyGenerateConfig = Field(default_factory=GenerateConfig)


class EvalMetric(Record):
    """A metric's value."""

    name: str
    value: int | float | None
    """None stands for NaN, which JSON cannot hold."""
    samples: int | None = None
    """How many scores, reduced over epochs, it was computed from."""
    params: dict[str, Any] = Field(default_factory=dict)
    metadata: dict[str, Any] | None = None


class EvalScore(Record):
    """The metrics of a scorer (or of one key of its scores)."""

    name: str
    scorer: str
    reducer: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)
    metrics: dict[str, EvalMetric] = Field(default_factory=dict)
    metadata: dict[str, Any] | None = None
    scored_samples: int | None = None
    """Samples (per epoch) that the scorer gave a verdict on."""
    unscored_samples: int | None = None
    """Samples (per epoch) that it did not score though they ended without an error."""
    errors_as_incorrect: int | None = None
    """Samples (per epoch) that ended with an error and count as incorrect here; None: no
    metric includes them."""


class EvalResults(Record):
    """The results of an evaluation. Samples are counted once per epoch.

    Every sample is either completed, or errored, or missing; a completed one is scored or
    unscored. What is None was not counted, as in logs of earlier versions.
    """

    total_samples: int = 0
    """Samples that were to be evaluated."""
    completed_samples: int = 0
    """Samples that ended without an error."""
    errored_samples: int | None = None
    """Samples that ended with an error."""
    scored_samples: int | None = None
    """Completed samples with a verdict of at least one scorer."""
    unscored_samples: int | None = None
    """Completed samples without any verdict."""
    limited_samples: int | None = None
    """Completed samples that a limit ended; they are scored as they were then."""
    missing_samples: int | None = None
    """Samples that did not end: the evaluation was stopped before."""
    scores: list[EvalScore] = Field(default_factory=list)
    metadata: dict[str, Any] | None = None


class EvalSampleScore(Record):
    """A sample's score, reduced over its epochs."""

    sample_id: str | int | None = None
    value: str | int | float | bool | list[Scalar] | dict[str, Scalar | None]
    answer: str | None = None
    explanation: str | None = None
    metadata: dict[str, Any] | None = None


class EvalSampleReductions(Record):
    """All samples' scores of one scorer, reduced over their epochs by one reducer."""

    scorer: str
    reducer: str | None = None
    samples: list[EvalSampleScore] = Field(default_factory=list)


class WorkShare(Record):
    """Some samples of an evaluation, counted once per epoch, and what they used."""

    samples: int = 0
    model_usage: dict[str, ModelUsage] = Field(default_factory=dict)


class WorkReceipt(Record):
    """Which work of earlier attempts an evaluation kept, and what it did itself."""

    kept: WorkShare = Field(default_factory=WorkShare)
    """Samples that were copied from an earlier log; their usage was paid for then."""
    redone: WorkShare = Field(default_factory=WorkShare)
    """Samples that an earlier log has unfinished or changed, and their usage in this run."""
    new: WorkShare = Field(default_factory=WorkShare)
    """Samples that no earlier log has, and their usage in this run."""
    lost: dict[str, ModelUsage] = Field(default_factory=dict)
    """What earlier logs say was used by attempts at these samples whose outcome was not kept.
    What was in flight when a run was killed is in no log."""


class EvalIncomplete(Record):
    """Why an evaluation stopped before its end though nothing failed."""

    reason: Annotated[Literal["budget"], AnyText]
    message: str


class EvalStats(Record):
    """When an evaluation ran, and the tokens that it used."""

    started_at: str = ""
    completed_at: str = ""
    model_usage: dict[str, ModelUsage] = Field(default_factory=dict)
    """Usage by `provider/name`, of repeated attempts at samples too; not of copied samples."""
    reused_samples: int = 0
    """Samples that were copied from the log of an earlier attempt."""
    work: WorkReceipt | None = None
    """What was kept and redone of an earlier attempt; None: there was none."""


class EvalLog(Record):
    """A log: what was evaluated, how it went, and (if read) every sample."""

    version: int = EVAL_LOG_VERSION
    status: EvalStatus = "started"
    incomplete: EvalIncomplete | None = None
    """Why it was stopped, if not by somebody; `status` is then "cancelled"."""
    eval: EvalSpec
    plan: EvalPlan = Field(default_factory=EvalPlan)
    results: EvalResults | None = None
    stats: EvalStats = Field(default_factory=EvalStats)
    error: EvalError | None = None
    samples: list[EvalSample] | None = None
    """None when only the header was read."""
    reductions: list[EvalSampleReductions] | None = None
    location: str = Field(default="", exclude=True)
    """Where the log is; not written into it."""
