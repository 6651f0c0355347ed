"""What a log holds: one evaluation of one task on one model."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, JsonValue

from tasks_lib._util._ids import short_uuid
from tasks_lib.schema._config import AnyGenerateConfig, GenerateConfig
from tasks_lib.schema._event import EvalError, EvalSampleLimitType, Event
from tasks_lib.schema._message import ChatMessage
from tasks_lib.schema._model_output import ModelOutput, ModelUsage
from tasks_lib.schema._record import AnyText, Record
from tasks_lib.schema._sample import metadata_as
from tasks_lib.schema._score import Scalar, Score

M = TypeVar("M", bound=BaseModel)

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


class EvalStats(Record):
    """When an evaluation ran, and the tokens that it used."""

    started_at: str = ""
    completed_at: str = ""
    model_usage: dict[str, ModelUsage] = Field(default_factory=dict)
    """Usage by `provider/name`."""
    reused_samples: int = 0
    """Samples that were copied from the log of an earlier attempt."""


class EvalSampleLimit(Record):
    """The limit that ended a sample; -1 when its value is not known."""

    type: Annotated[EvalSampleLimitType, AnyText]
    limit: float = -1


class EvalSample(Record):
    """A sample as it was run."""

    id: int | str
    epoch: int
    """From 1."""
    input: str | list[ChatMessage]
    choices: list[str] | None = None
    chosen: list[int] | None = None
    """Positions in `choices`, from 0, of those that the model chose; None: it was not asked."""
    target: str | list[str] = ""
    sandbox: JsonValue | None = None
    files: list[str] | None = None
    """Names of the files that the sandbox got."""
    setup: str | None = None
    messages: list[ChatMessage] = Field(default_factory=list)
    output: ModelOutput = Field(default_factory=ModelOutput)
    scores: dict[str, Score] | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    store: dict[str, Any] = Field(default_factory=dict)
    events: list[Event] = Field(default_factory=list)
    model_usage: dict[str, ModelUsage] = Field(default_factory=dict)
    started_at: str | None = None
    """ISO 8601 with offset."""
    total_time: float | None = None
    """Seconds, waiting included, setting up the sandbox excluded."""
    working_time: float | None = None
    """Seconds without waiting for connections and retries."""
    uuid: str | None = None
    error: EvalError | None = None
    error_retries: list[EvalError] | None = None
    """Errors of the attempts that were repeated."""
    attachments: dict[str, str] = Field(default_factory=dict)
    limit: EvalSampleLimit | None = None
    attempt: int = 1
    """Which attempt at the task ran the sample, from 1."""

    def metadata_as(self, metadata_cls: type[M]) -> M:
        """Return the metadata as a frozen pydantic model. Raises ValueError if it can't be."""
        return metadata_as(self.metadata, metadata_cls)

    def summary(self) -> EvalSampleSummary:
        """Return what lists show of the sample."""
        return EvalSampleSummary(
            id=self.id,
            epoch=self.epoch,
            input=input_text(self.input),
            target=self.target,
            metadata=_short_scalars(self.metadata),
            scores={name: Score(value=score.value) for name, score in (self.scores or {}).items()},
            model_usage=self.model_usage,
            total_time=self.total_time,
            working_time=self.working_time,
            uuid=self.uuid,
            error=self.error.message if self.error else None,
            limit=self.limit.type if self.limit else None,
            retries=len(self.error_retries) if self.error_retries else None,
            completed=True,
        )


class EvalSampleSummary(Record):
    """What lists show of a sample."""

    id: int | str
    epoch: int
    input: str
    """Text of the input."""
    target: str | list[str] = ""
    metadata: dict[str, Any] = Field(default_factory=dict)
    """Single values only, text cut at 1,000 characters."""
    scores: dict[str, Score] | None = None
    """Values only."""
    model_usage: dict[str, ModelUsage] = Field(default_factory=dict)
    total_time: float | None = None
    working_time: float | None = None
    uuid: str | None = None
    error: str | None = None
    limit: str | None = None
    retries: int | None = None
    completed: bool = False


class EvalLog(Record):
    """A log: what was evaluated, how it went, and (if read) every sample."""

    version: int = EVAL_LOG_VERSION
    status: EvalStatus = "started"
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


def input_text(value: str | list[ChatMessage]) -> str:
    """Return a sample's input as text: messages' texts joined by newlines."""
    if isinstance(value, str):
        return value
    return "\n".join(message.text for message in value)


def _short_scalars(metadata: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value[:1000] if isinstance(value, str) else value
        for key, value in metadata.items()
        if isinstance(value, str | int | float | bool)
    }
