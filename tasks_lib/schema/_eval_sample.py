"""What a log holds of a sample."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, JsonValue, field_validator

from tasks_lib.schema._event import EvalError, EvalSampleLimitType, Event
from tasks_lib.schema._message import ChatMessage
from tasks_lib.schema._model_output import ModelOutput, ModelUsage
from tasks_lib.schema._record import AnyText, Record
from tasks_lib.schema._sample import metadata_as
from tasks_lib.schema._score import Score

M = TypeVar("M", bound=BaseModel)


class EvalRetryError(EvalError):
    """An attempt at a sample that failed and was repeated: its error, and what it used."""

    started_at: str | None = None
    """ISO 8601 with offset."""
    total_time: float | None = None
    """Seconds, waiting included."""
    working_time: float | None = None
    """Seconds without waiting for connections and retries."""
    model_usage: dict[str, ModelUsage] | None = None
    """Usage by `provider/name`; None: not known, as in logs of others."""


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
    error_retries: list[EvalRetryError] | None = None
    """The attempts that failed and were repeated, in order; `model_usage` and the times of the
    sample are those of the last attempt only."""
    attachments: dict[str, str] = Field(default_factory=dict)
    limit: EvalSampleLimit | None = None
    attempt: int = 1
    """Which attempt at the task ran the sample, from 1."""
    digest: str | None = None
    """Digest of what the dataset's sample asked and expected: see `sample_digest`."""

    @field_validator("error_retries", mode="before")
    @classmethod
    def _plain_errors(cls, value: object) -> object:
        if not isinstance(value, list):
            return value
        return [dict(e) if isinstance(e, EvalError) else e for e in value]

    def usage_of_attempts(self) -> Iterator[dict[str, ModelUsage]]:
        """Yield the usage of the last attempt, then of those before it as far as it is known."""
        yield self.model_usage
        for retry in self.error_retries or ():
            if retry.model_usage is not None:
                yield retry.model_usage

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
