"""What a column of a frame is: a name, and where its values come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import BaseModel, JsonValue

from tasks_lib._errors import ParameterError
from tasks_lib.analysis._path import Path, parse_path
from tasks_lib.schema import ChatMessage, EvalLog, EvalSample, EvalSampleSummary, Event

if TYPE_CHECKING:
    from jsonpath_ng import JSONPath

ColumnType: TypeAlias = int | float | bool | str | date | time | datetime | None
"""What a cell can hold. Lists and dicts become JSON text."""

CellType: TypeAlias = (
    type[int] | type[float] | type[bool] | type[str] | type[date] | type[time] | type[datetime]
)
"""What `type` of a column can be."""

Convert: TypeAlias = Callable[[Any], object]
"""Turns what was found in a log into the value of a cell."""

_FULL_FIELDS = frozenset(EvalSample.model_fields) - frozenset(EvalSampleSummary.model_fields)
"""Fields of a sample that its summary lacks."""


class Column:
    """A column of a frame, or several: see `name`. Use one of its subclasses."""

    record: type[BaseModel] | None = None
    """What paths are looked up in, where it has a fixed type."""

    def __init__(
        self,
        name: str,
        *,
        path: str | JSONPath | Callable[..., object],
        required: bool = False,
        default: JsonValue = None,
        type: CellType | None = None,
        value: Convert | None = None,
    ) -> None:
        """Describe a column.

        Args:
            name: Name of the column. Each `*` in it stands for the keys of a dict, so that
                `metadata_*` makes a column of each entry, and `score_*_*` of each entry of
                the dicts in a dict. What is no dict makes no column then.
            path: Where values come from: a JSONPath such as `eval.model` (the first match
                counts), or a function of what a row is about.
            required: Whether a missing value is an error.
            default: Stands for a missing value.
            type: What values are converted to; text is read as YAML for it, and numbers are
                seconds since 1970 for points in time. A value that cannot be converted
                without loss is an error. None: values stay as they are.
            value: Called with each value that was found, before it is converted.

        Raises:
            ParameterError: `name` is empty.
        """
        if not name:
            raise ParameterError(self.__class__.__name__, "name", name, "a name")
        self.name = name
        self.required = required
        self.default = default
        self.type = type
        self.convert = value
        self.extract: Callable[[Any], object] | None = path if callable(path) else None
        self.path: Path | None = None if callable(path) else parse_path(path)

    def find(self, record: Any) -> object:
        """Return what the column is made of in `record`; None if there is nothing."""
        if self.path is not None:
            return self.path.find(record)
        return None if self.extract is None else self.extract(record)

    def value(self, found: Any) -> object:
        """Return the value of a cell for what was found in the log."""
        return found if self.convert is None else self.convert(found)

    def __repr__(self) -> str:
        where = self.path.text if self.path else getattr(self.extract, "__name__", "function")
        return f"{type(self).__name__}({self.name!r}, path={where!r})"


class EvalColumn(Column):
    """A column about the log as a whole; functions get its `EvalLog` without samples."""

    record = EvalLog

    def __init__(
        self,
        name: str,
        *,
        path: str | JSONPath | Callable[[EvalLog], object],
        required: bool = False,
        default: JsonValue = None,
        type: CellType | None = None,
        value: Convert | None = None,
    ) -> None:
        """Describe a column as `Column` does."""
        super().__init__(
            name, path=path, required=required, default=default, type=type, value=value
        )


class SampleColumn(Column):
    """A column about a sample; functions get its `EvalSampleSummary` or `EvalSample`."""

    def __init__(  # noqa: PLR0913 - the documented signature
        self,
        name: str,
        *,
        path: (
            str | JSONPath | Callable[[EvalSampleSummary], object] | Callable[[EvalSample], object]
        ),
        required: bool = False,
        default: JsonValue = None,
        type: CellType | None = None,
        value: Convert | None = None,
        full: bool | None = None,
    ) -> None:
        """Describe a column as `Column` does.

        With `full` it is about the `EvalSample` and not its `EvalSampleSummary`, where
        metadata are short values, and errors and limits are text. For a function,
        transcripts are read then, which takes its time. None: only for paths to fields that
        summaries lack, or that lead through any field.
        """
        super().__init__(
            name, path=path, required=required, default=default, type=type, value=value
        )
        if full is None:
            full = self.path is not None and self.path.field in (None, *_FULL_FIELDS)
        self.full = full
        self.record = EvalSample if full else EvalSampleSummary


class MessageColumn(Column):
    """A column about a message; functions get the `ChatMessage`."""


class EventColumn(Column):
    """A column about an event; functions get the `Event`."""

    def __init__(  # noqa: PLR0913 - the documented signature, and the kind of event
        self,
        name: str,
        *,
        path: str | JSONPath | Callable[[Any], object],
        required: bool = False,
        default: JsonValue = None,
        type: CellType | None = None,
        value: Convert | None = None,
        event: str | None = None,
    ) -> None:
        """Describe a column as `Column` does.

        `event` names the kind of event that it is about, `model` for instance; the cells of
        others are missing. None: it is about all.
        """
        super().__init__(
            name, path=path, required=required, default=default, type=type, value=value
        )
        self.event = event

    def find(self, record: Any) -> object:
        """Return what the column is made of in an event; None if it is not about its kind."""
        if self.event is not None and record.event != self.event:
            return None
        return super().find(record)


MessageFilter: TypeAlias = Callable[[ChatMessage], bool]
"""Whether a message gets a row."""

EventFilter: TypeAlias = Callable[[Event], bool]
"""Whether an event gets a row."""


@dataclass
class ColumnError:
    """A cell that could not be made."""

    column: str
    """Name of the column."""

    _: KW_ONLY

    path: str | None
    """The column's JSONPath; None if it has a function."""
    error: Exception
    """What went wrong."""
    log: EvalLog
    """The log, without samples; `log.location` says where it is."""

    def __str__(self) -> str:
        source = f" from path {self.path!r}" if self.path else ""
        return f"Column {self.column!r} cannot be read{source}: {self.error} ({self.log.location})"
