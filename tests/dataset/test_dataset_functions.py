"""Datasets whose records a user's function makes samples of; what a FieldSpec may be."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from tasks_lib._errors import DatasetError, MissingKeyError, ParameterError
from tasks_lib.dataset import FieldSpec, RecordToSample, Sample, json_dataset


class Difficulty(BaseModel):
    model_config = ConfigDict(frozen=True)

    level: int


class Thawed(BaseModel):
    level: int


def read(tmp_path: Path, record: object, fields: FieldSpec | RecordToSample) -> list[Sample]:
    """Read a file whose 3rd line is `record`."""
    file = tmp_path / "q.jsonl"
    file.write_text(f"\n\n{json.dumps(record)}\n", encoding="utf-8")
    return list(json_dataset(str(file), fields))


def one_of(record: dict[str, Any]) -> Sample:
    return Sample(input=record["q"])


def two_of(record: dict[str, Any]) -> list[Sample]:
    return [Sample(input=record["q"]), Sample(input=record["q"] * 2)]


def dropped(record: dict[str, Any]) -> list[Sample]:
    return []


def text_of(record: dict[str, Any]) -> Any:
    return record["q"]


def nothing(record: dict[str, Any]) -> Any:
    return None


def mixed(record: dict[str, Any]) -> Any:
    return [Sample(input="a"), {"input": "b"}]


def not_an_input(record: dict[str, Any]) -> Sample:
    return Sample(input=record["n"], target="t")


def needs_a_key(record: dict[str, Any]) -> Sample:
    raise MissingKeyError("openai", "OPENAI_API_KEY")


async def later(record: dict[str, Any]) -> Sample:
    return Sample(input="a")


class Prefixed:
    def __call__(self, record: dict[str, Any]) -> Sample:
        return Sample(input=f"> {record['q']}")


@pytest.mark.parametrize(
    ("convert", "inputs"),
    [
        pytest.param(one_of, ["a"], id="one sample"),
        pytest.param(two_of, ["a", "aa"], id="several samples"),
        pytest.param(dropped, [], id="none"),
        pytest.param(Prefixed(), ["> a"], id="an object that is called"),
    ],
)
def test_samples_of_a_record(tmp_path: Path, convert: Any, inputs: list[str]) -> None:
    assert read(tmp_path, {"q": "a"}, convert) == [Sample(input=text) for text in inputs]


@pytest.mark.parametrize(
    ("convert", "message"),
    [
        pytest.param(
            one_of, "one_of() raised KeyError: 'q'. Fields of this row: ['n'].", id="it raises"
        ),
        pytest.param(
            not_an_input,
            "not_an_input() raised ValidationError: input.str: Input should be a valid string. "
            "Fields of this row: ['n'].",
            id="a sample of wrong types",
        ),
        pytest.param(
            nothing,
            "nothing() returned null, expected a Sample or a list of them ([] leaves the row out)",
            id="nothing",
        ),
        pytest.param(
            mixed,
            "mixed() returned dict {'input': 'b'}, expected a Sample or a list of them "
            "([] leaves the row out)",
            id="something else among samples",
        ),
        pytest.param(
            Prefixed(),
            "Prefixed() raised KeyError: 'q'. Fields of this row: ['n'].",
            id="an object that is called",
        ),
    ],
)
def test_errors_name_the_line(tmp_path: Path, convert: Any, message: str) -> None:
    with pytest.raises(DatasetError) as error:
        read(tmp_path, {"n": 5}, convert)

    assert str(error.value) == f"{tmp_path / 'q.jsonl'}:3: {message}"


def test_the_cause_of_an_error_is_kept(tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as error:
        read(tmp_path, {"question": "a"}, one_of)

    assert isinstance(error.value.__cause__, KeyError)


def test_errors_that_are_not_of_the_row_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(MissingKeyError):
        read(tmp_path, {"q": "a"}, needs_a_key)


@pytest.mark.parametrize(
    "sample_fields", ["q", {"input": "q"}, later], ids=["text", "dict", "async"]
)
def test_sample_fields_of_a_wrong_type(tmp_path: Path, sample_fields: Any) -> None:
    expected = f"sample_fields is {re.escape(repr(sample_fields))}, expected a FieldSpec, a func"

    with pytest.raises(ParameterError, match=expected):
        read(tmp_path, {"q": "a"}, sample_fields)


NAMES = "expected the name of a field."
METADATA = "expected a list of names of fields, a pydantic model, or None."


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"input": 5}, f"input is 5, {NAMES}", id="number"),
        pytest.param({"target": ""}, f"target is '', {NAMES}", id="empty text"),
        pytest.param({"choices": None}, f"choices is None, {NAMES}", id="None"),
        pytest.param({"id": ["id"]}, f"id is ['id'], {NAMES}", id="list"),
        pytest.param(
            {"metadata": "level"}, f"metadata is 'level', {METADATA}", id="metadata: text"
        ),
        pytest.param({"metadata": [1]}, f"metadata is [1], {METADATA}", id="metadata: numbers"),
        pytest.param(
            {"metadata": dict}, f"metadata is <class 'dict'>, {METADATA}", id="metadata: no model"
        ),
        pytest.param(
            {"metadata": Difficulty(level=1)},
            f"metadata is Difficulty(level=1), {METADATA}",
            id="metadata: a model's object",
        ),
        pytest.param(
            {"metadata": Thawed},
            f"metadata is {Thawed!r}, expected a frozen pydantic model: ConfigDict(frozen=True).",
            id="metadata: not frozen",
        ),
    ],
)
def test_wrong_field_spec(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError) as error:
        FieldSpec(**arguments)

    assert str(error.value) == f"FieldSpec: {message}"
