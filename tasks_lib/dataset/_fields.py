"""From raw records to samples: which field is what, and what it may contain."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from decimal import Decimal
from inspect import iscoroutinefunction
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from tasks_lib._errors import ParameterError, PrerequisiteError
from tasks_lib.dataset._records import Record, found
from tasks_lib.schema import ChatMessage, RecordToSample, Sample

_MESSAGE: TypeAdapter[ChatMessage] = TypeAdapter(ChatMessage)


@dataclass
class FieldSpec:
    """Names of the fields of a record that a sample is made of.

    A field that is named here must be in every record (it may be null there). One that is
    left at its default may be missing, except `input`.

    Raises:
        ParameterError: A name is no text, or `metadata` is none of the three.
    """

    input: str = "input"
    """Text, or a list of messages: objects with `role` and `content`. Fields of messages that
    are null count as missing: tables give every message the fields of all."""
    target: str = "target"
    """Text, a number, or a list of them. Missing: ""."""
    choices: str = "choices"
    """A list, or text that is split at commas, or at blanks if it has none."""
    id: str = "id"
    """Text or an integer."""
    metadata: list[str] | type[BaseModel] | None = None
    """Names of fields that are kept as metadata (None where one is missing); or a frozen
    pydantic model, read from the field "metadata" or else from the record itself; or None:
    the field "metadata", if there is one. It is an object, or an object as JSON text."""
    sandbox: str = "sandbox"
    """Type, or a list of type and config file, also as JSON text."""
    files: str = "files"
    """An object with texts, also as JSON text. Null ones are left out: tables give every
    object the keys of all."""
    setup: str = "setup"
    """Text."""

    def __post_init__(self) -> None:
        for parameter in _DEFAULTS.keys() - {"metadata"}:
            name = getattr(self, parameter)
            if not isinstance(name, str) or not name:
                raise ParameterError("FieldSpec", parameter, name, "the name of a field")
        wanted = self.metadata
        if wanted is None or _is_list_of_names(wanted):
            return
        if not isinstance(wanted, type) or not issubclass(wanted, BaseModel):
            expected = "a list of names of fields, a pydantic model, or None"
            raise ParameterError("FieldSpec", "metadata", wanted, expected)
        if not wanted.model_config.get("frozen", False):
            expected = "a frozen pydantic model: ConfigDict(frozen=True)"
            raise ParameterError("FieldSpec", "metadata", wanted, expected)


_DEFAULTS = {field.name: field.default for field in fields(FieldSpec) if field.default != MISSING}


def sample_reader(
    sample_fields: FieldSpec | RecordToSample | None,
) -> Callable[[Record], list[Sample]]:
    """Return the function that makes samples of records.

    Raises:
        ParameterError: `sample_fields` is none of the three, or a coroutine function.
    """
    if sample_fields is None:
        sample_fields = FieldSpec()
    if isinstance(sample_fields, FieldSpec):
        spec = sample_fields
        return lambda record: [_sample(_Row(record, spec))]
    if callable(sample_fields) and not iscoroutinefunction(sample_fields):
        convert = sample_fields
        return lambda record: _converted(record, convert)
    expected = "a FieldSpec, a function from a record to samples, or None"
    raise ParameterError("dataset", "sample_fields", sample_fields, expected)


class _Row:
    """A record, read as a field spec says."""

    __slots__ = ("record", "spec")

    def __init__(self, record: Record, spec: FieldSpec) -> None:
        self.record = record
        self.spec = spec

    def value(self, parameter: str, *, required: bool = False) -> tuple[str, Any]:
        """Return name and value of the field for `parameter`; None if it may be missing."""
        name: str = getattr(self.spec, parameter)
        if name in self.record.values:
            return name, self.record.values[name]
        if required or name != _DEFAULTS[parameter]:
            raise self.record.error(
                f"missing. Fields of this row: {_names(self.record)}. "
                f'Map it with FieldSpec({parameter}="…").',
                name,
            )
        return name, None


def _sample(row: _Row) -> Sample:
    return Sample(
        input=_input(row),
        choices=_choices(row),
        target=_target(row),
        id=_id(row),
        metadata=_metadata(row),
        sandbox=_sandbox(row),
        files=_files(row),
        setup=_setup(row),
    )


def _converted(record: Record, convert: RecordToSample) -> list[Sample]:
    """Call a user's function, and let its errors name the file and line."""
    name = getattr(convert, "__name__", type(convert).__name__)
    try:
        result = convert(record.values)
    except PrerequisiteError:
        raise
    except Exception as error:
        reason = _reason(error) if isinstance(error, ValidationError) else str(error)
        raise record.error(
            f"{name}() raised {type(error).__name__}: {reason}. "
            f"Fields of this row: {_names(record)}."
        ) from error
    samples = list(result) if isinstance(result, list | tuple) else [result]
    for sample in samples:
        if not isinstance(sample, Sample):
            raise record.error(
                f"{name}() returned {found(sample)}, expected a Sample or a list of them "
                "([] leaves the row out)"
            )
    return samples


def _input(row: _Row) -> str | list[ChatMessage]:
    name, value = row.value("input", required=True)
    if isinstance(value, str | list) and not value:
        raise row.record.error("empty: a sample needs an input", name)
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return [_message(row, f"{name}[{index}]", item) for index, item in enumerate(value)]
    raise row.record.error(f"expected text or a list of messages, found {found(value)}", name)


def _message(row: _Row, place: str, value: object) -> ChatMessage:
    if not isinstance(value, dict):
        raise row.record.error(f"expected a message with role and content: {found(value)}", place)
    for key in ("role", "content"):
        if value.get(key) is None:
            raise row.record.error(f"the message has no {key!r}: {found(value)}", place)
    content = value["content"]
    if isinstance(content, list):
        content = [_without_nulls(part) for part in content]
    try:
        return _MESSAGE.validate_python({**value, "content": content, "source": "input"})
    except ValidationError as error:
        raise row.record.error(f"not a message: {_reason(error, drop=1)}", place) from error


def _without_nulls(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: item for key, item in value.items() if item is not None}


def _target(row: _Row) -> str | list[str]:
    name, value = row.value("target")
    if value is None:
        return ""
    if isinstance(value, list):
        return [_text(row, f"{name}[{index}]", item) for index, item in enumerate(value)]
    return _text(row, name, value)


def _choices(row: _Row) -> list[str] | None:
    name, value = row.value("choices")
    if isinstance(value, list):
        return [_text(row, f"{name}[{index}]", item) for index, item in enumerate(value)]
    if isinstance(value, str):
        parts = value.split(",") if "," in value else value.split()
        return [part.strip() for part in parts] or None
    if value is None:
        return None
    raise row.record.error(f"expected a list or text, found {found(value)}", name)


def _id(row: _Row) -> int | str | None:
    name, value = row.value("id")
    if value is None or value == "":
        return None
    if isinstance(value, str) or type(value) is int:
        return value
    raise row.record.error(f"expected text or an integer, found {found(value)}", name)


def _metadata(row: _Row) -> dict[str, Any] | None:
    wanted = row.spec.metadata
    record = row.record
    if isinstance(wanted, list):
        return {name: record.values.get(name) for name in wanted}
    value = _object(row, "metadata", record.values.get("metadata"))
    if wanted is None:
        return value
    try:
        return wanted.model_validate(record.values if value is None else value).model_dump()
    except ValidationError as error:
        raise record.error(
            f"does not fit {wanted.__name__}: {_reason(error)}", "metadata"
        ) from error


def _sandbox(row: _Row) -> str | tuple[str, str] | None:
    name, value = row.value("sandbox")
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = _json(row, name, value)
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        if len(value) == 1:
            return str(value[0])
        if len(value) == 2:
            return (value[0], value[1])
    expected = "a type, or a list of type and config file"
    raise row.record.error(f"expected {expected}, found {found(value)}", name)


def _files(row: _Row) -> dict[str, str] | None:
    name, value = row.value("files")
    files: dict[str, str] | None = _without_nulls(_object(row, name, value))
    for key, content in (files or {}).items():
        if not isinstance(content, str):
            raise row.record.error(f"{key!r}: expected text, found {found(content)}", name)
    return files


def _setup(row: _Row) -> str | None:
    name, value = row.value("setup")
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    raise row.record.error(f"expected text, found {found(value)}", name)


def _object(row: _Row, name: str, value: object) -> dict[str, Any] | None:
    """Return an object, or text with a JSON object; None for neither."""
    if value is None or value == "":
        return None
    parsed = _json(row, name, value) if isinstance(value, str) else value
    if isinstance(parsed, dict):
        return parsed
    raise row.record.error(f"expected an object, found {found(parsed)}", name)


def _json(row: _Row, name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise row.record.error(f"not valid JSON ({error}): {found(text)}", name) from error


def _text(row: _Row, name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float | Decimal):
        return str(value)
    raise row.record.error(f"expected text or a number, found {found(value)}", name)


def _is_list_of_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) and name for name in value)


def _names(record: Record, most: int = 30) -> str:
    names = list(record.values)
    if len(names) <= most:
        return str(names)
    return f"{names[:most]} and {len(names) - most} more"


def _reason(error: ValidationError, drop: int = 0) -> str:
    """Return what pydantic complains of; `drop` leading parts of its place are ours.

    Of a value that may be of several types it says for each why it isn't one: the complaint
    that got deepest is about the type that was meant.
    """
    meant = max(error.errors(include_url=False), key=lambda one: len(one["loc"]))
    names = [str(part) for part in meant["loc"][drop:]]
    place = ".".join(name for name in names if "[" not in name)
    return f"{place}: {meant['msg']}" if place else str(meant["msg"])
