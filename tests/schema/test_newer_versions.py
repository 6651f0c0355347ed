"""What logs of newer versions and other engines hold besides passes through unharmed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from tasks_lib._util._models import build
from tasks_lib.schema import (
    ChatMessage,
    ContentDocument,
    ContentToolUse,
    EvalLog,
    EvalSampleLimit,
    EvalSpec,
    Event,
    GenerateConfig,
    LoggedGenerateConfig,
    ModelEvent,
    ModelOutput,
    ModelUsage,
    Sample,
    Score,
    SpanBeginEvent,
    ToolCallError,
    UnknownEvent,
)

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
MESSAGE: TypeAdapter[ChatMessage] = TypeAdapter(ChatMessage)
AT = "2026-11-21T12:00:00Z"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cls", "fields"),
    [
        pytest.param(Score, {"value": 1}, id="score"),
        pytest.param(ModelUsage, {"input_tokens": 1}, id="usage"),
        pytest.param(ModelOutput, {"model": "m", "choices": []}, id="output"),
        pytest.param(EvalSpec, {"created": AT, "task": "t", "model": "m"}, id="spec"),
        pytest.param(EvalLog, {"eval": {"created": AT, "task": "t", "model": "m"}}, id="log"),
    ],
)
def test_unknown_fields_are_kept(cls: type[BaseModel], fields: dict[str, Any]) -> None:
    model = cls.model_validate({**fields, "future": {"a": [1, None]}})

    assert model.model_extra == {"future": {"a": [1, None]}}
    assert cls.model_validate_json(model.model_dump_json()) == model
    assert model.model_dump()["future"] == {"a": [1, None]}


def test_built_models_can_be_extended_like_others() -> None:
    event = build(SpanBeginEvent, id="a", name="n", timestamp=NOON)

    assert event.model_extra == {}
    assert event.model_copy(update={"uuid": "u"}).model_dump()["uuid"] == "u"


def test_an_event_of_an_unknown_kind() -> None:
    plain = {"event": "prophecy", "timestamp": AT, "what": [1], "span_id": "s"}

    event = EVENT.validate_python(plain)

    assert isinstance(event, UnknownEvent)
    assert (event.event, event.span_id, event.model_extra) == ("prophecy", "s", {"what": [1]})
    assert EVENT.validate_json(EVENT.dump_json(event)) == event


@pytest.mark.parametrize(
    ("plain", "where"),
    [
        pytest.param({"event": "model", "model": "m"}, "input", id="fields are missing"),
        pytest.param({"event": "span_begin", "id": 1, "name": "n"}, "id", id="a field is wrong"),
        pytest.param({"timestamp": AT}, "event", id="no kind"),
    ],
)
def test_an_event_of_a_known_kind_must_be_right(plain: dict[str, Any], where: str) -> None:
    with pytest.raises(ValidationError, match=where):
        EVENT.validate_python(plain)


def test_values_that_newer_versions_may_have() -> None:
    limit = EvalSampleLimit.model_validate({"type": "patience"})
    error = ToolCallError.model_validate({"type": "bored", "message": "m"})
    message = MESSAGE.validate_python({"role": "user", "content": "c", "source": "oracle"})

    assert [limit.type, error.type, message.source] == ["patience", "bored", "oracle"]


@pytest.mark.parametrize(
    ("part", "cls"),
    [
        pytest.param({"type": "document", "document": "a.pdf"}, ContentDocument, id="document"),
        pytest.param(
            {
                "type": "tool_use",
                "tool_type": "web_search",
                "id": "i",
                "name": "n",
                "arguments": "{}",
                "result": "r",
            },
            ContentToolUse,
            id="a tool of the provider",
        ),
    ],
)
def test_parts_that_only_logs_of_others_hold(part: dict[str, Any], cls: type[BaseModel]) -> None:
    message = MESSAGE.validate_python({"role": "user", "content": [part]})

    found = message.content[0]
    assert isinstance(found, cls)
    assert part.items() <= found.model_dump().items()


def test_options_of_users_are_checked_those_of_logs_are_kept() -> None:
    with pytest.raises(ValidationError, match="temprature"):
        GenerateConfig.model_validate({"temprature": 1})
    with pytest.raises(ValidationError, match="inptu"):
        Sample(input="i", inptu="j")
    fields = {"event": "model", "timestamp": AT, "model": "m", "tools": [], "tool_choice": "auto"}

    usual, newer = (
        EVENT.validate_python({**fields, "input": [], "config": config, "output": {}})
        for config in ({"seed": 1}, {"seed": 1, "verbosity": "low"})
    )

    assert isinstance(usual, ModelEvent)
    assert isinstance(newer, ModelEvent)
    assert type(usual.config) is GenerateConfig
    assert isinstance(newer.config, LoggedGenerateConfig)
    assert EVENT.dump_python(newer, exclude_none=True)["config"] == {"seed": 1, "verbosity": "low"}
