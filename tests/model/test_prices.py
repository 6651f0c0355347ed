"""Tables of prices, and what calls cost by them."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import deployments
from tasks_lib._errors import MissingFileError, PrerequisiteError, PriceTableError
from tasks_lib.model._prices import ModelCost, PriceTable, load_prices, use_prices, with_cost
from tasks_lib.schema import ModelUsage

PRICES: dict[str, Mapping[str, float]] = {
    "openai/small": {
        "input": 1,
        "output": 4,
        "input_cache_read": 0.25,
        "input_cache_write": 1.25,
    },
    "small": {"input": 10, "output": 40},
    "lab/open": {"input": 2, "output": 3},
    "free": {"input": 0, "output": 0},
}
MILLION = 1_000_000


def used(input: int = 0, output: int = 0, **counts: int) -> ModelUsage:
    return ModelUsage(
        input_tokens=input, output_tokens=output, total_tokens=input + output, **counts
    )


@pytest.mark.parametrize(
    ("usage", "dollars"),
    [
        pytest.param(used(MILLION), 1.0, id="input"),
        pytest.param(used(output=MILLION), 4.0, id="output"),
        pytest.param(used(1000, 500), 0.003, id="both"),
        pytest.param(used(), 0.0, id="nothing"),
        pytest.param(used(MILLION, input_tokens_cache_read=MILLION), 0.25, id="all from the cache"),
        pytest.param(used(MILLION, input_tokens_cache_write=MILLION), 1.25, id="all to the cache"),
        pytest.param(
            used(MILLION, input_tokens_cache_read=400_000, input_tokens_cache_write=200_000),
            0.4 * 1 + 0.4 * 0.25 + 0.2 * 1.25,
            id="input includes both",
        ),
        pytest.param(
            used(0, MILLION, reasoning_tokens=900_000), 4.0, id="output includes reasoning"
        ),
        pytest.param(used(MILLION, input_tokens_cache_read=0), 1.0, id="nothing cached"),
    ],
)
def test_cost_by_kind_of_token(usage: ModelUsage, dollars: float) -> None:
    assert load_prices(PRICES).cost("openai/small", usage) == pytest.approx(dollars, rel=1e-12)


@pytest.mark.parametrize(
    ("model", "dollars"),
    [
        pytest.param("openai/small", 1.0, id="full name"),
        pytest.param("azure/small", 10.0, id="name"),
        pytest.param("openai-api/lab/open", 2.0, id="name with a slash"),
        pytest.param("local/free", 0.0, id="0 is a price"),
        pytest.param("openai/smaller", None, id="not in the table"),
        pytest.param("openai/small-2026-11-01", None, id="no part of a name"),
        pytest.param("openai/azure/small", None, id="not the end of a name"),
        pytest.param("OpenAI/Small", None, id="letters matter"),
    ],
)
def test_prices_are_found_by_name(model: str, dollars: float | None) -> None:
    assert load_prices(PRICES).cost(model, used(MILLION)) == dollars


@pytest.mark.parametrize(
    ("model", "usage", "reason"),
    [
        pytest.param(
            "openai/other",
            used(1),
            "the price table does not have this model",
            id="unknown model",
        ),
        pytest.param(
            "lab/open",
            used(2, input_tokens_cache_read=1),
            "the price table has no 'input_cache_read' for it",
            id="no price of cache reads",
        ),
        pytest.param(
            "lab/open",
            used(2, input_tokens_cache_write=1),
            "the price table has no 'input_cache_write' for it",
            id="no price of cache writes",
        ),
        pytest.param(
            "openai/small",
            used(5, input_tokens_cache_read=3, input_tokens_cache_write=3),
            "its provider counts more cached tokens than were sent",
            id="counts that cannot be",
        ),
    ],
)
def test_what_is_not_known_has_no_cost(
    model: str, usage: ModelUsage, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    table = load_prices(PRICES)

    with caplog.at_level(logging.WARNING), use_prices(table):
        assert [with_cost(model, usage) for _ in range(3)] == [usage] * 3

    assert usage.total_cost is None
    assert [record.getMessage() for record in caplog.records] == [
        f"The cost of {model!r} is not known: {reason}."
    ]


def test_calls_have_a_cost_where_a_table_is_in_use() -> None:
    usage = used(1000, 500)
    other = load_prices({"small": {"input": 0, "output": 0}})

    assert with_cost("openai/small", usage) is usage
    with use_prices(load_prices(PRICES)):
        priced = with_cost("openai/small", usage)
        with use_prices(other):
            assert with_cost("openai/small", usage).total_cost == 0.0
        with use_prices(None):
            assert with_cost("openai/small", usage) is usage
        assert with_cost("openai/small", usage) == priced
    assert with_cost("openai/small", usage) is usage

    assert priced.model_dump() == {**usage.model_dump(), "total_cost": 0.003}
    assert usage.total_cost is None


def test_a_cost_that_the_provider_tells_stays() -> None:
    usage = used(1000).model_copy(update={"total_cost": 0.5})

    with use_prices(load_prices(PRICES)):
        assert with_cost("openai/small", usage) is usage


TABLE = """\
# a comment
openai/small: &small
  input: 1
  output: 4
  input_cache_read: 0.25
  input_cache_write: 1.25
alias: *small
merged:
  <<: *small
  output: 5
"""


def test_yaml(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(TABLE, encoding="utf-8")

    table = load_prices(path)

    assert [
        table.cost(f"x/{name}", used(output=MILLION)) for name in ("openai/small", "alias")
    ] == [4, 4]
    assert table.cost("x/merged", used(MILLION, MILLION)) == 6


def test_json(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    content = {"a/b": {"input": 1e-7, "output": 2}}
    path.write_text(json.dumps(content, indent="\t"), encoding="utf-8")

    assert load_prices(str(path)).cost("a/b", used(MILLION)) == 1e-7


def test_a_mapping_of_costs() -> None:
    cost = ModelCost(input=1, output=2, input_cache_write=3, input_cache_read=4)

    table = load_prices({"a/b": cost})

    assert isinstance(table, PriceTable)
    assert table.cost("a/b", used(MILLION, MILLION)) == 3


DOLLARS = "expected US dollars for a million tokens, 0 or more, got"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "expected models with their prices, got nothing.", id="empty"),
        pytest.param("- a", "expected models with their prices, got ['a'].", id="a list"),
        pytest.param(
            "1: {input: 1, output: 1}", "the key 1 is no text: put it in quotes.", id="a number"
        ),
        pytest.param(
            "\na/b: 3", ":2: field 'a/b': expected prices by kind of token, got 3.", id="one price"
        ),
        pytest.param(
            "a/b:", ":1: field 'a/b': expected prices by kind of token, got nothing.", id="no price"
        ),
        pytest.param(
            "a/b:\n  input: 1\n  output: 2\n  cached: 1",
            ":4: field 'a/b.cached': unknown. Known: 'input', 'input_cache_read', "
            "'input_cache_write', 'output'.",
            id="unknown field",
        ),
        pytest.param(
            "a/b: {input: 1, output: 2, input_cache: 1}",
            ":1: field 'a/b.input_cache': unknown. Did you mean 'input_cache_read', "
            "'input_cache_write', 'input'?",
            id="nearly a field",
        ),
        pytest.param(
            "\na/b:\n  input: 1",
            ":2: field 'a/b.output': missing. A model needs 'input' and 'output'; 0 is a price.",
            id="missing field",
        ),
        pytest.param(
            "c: {input: 1, output: 1}\na/b:\n  input: 1\n  output: -2",
            f":4: field 'a/b.output': {DOLLARS} -2.",
            id="negative",
        ),
        pytest.param(
            "a.b/c-1.5: {input: .nan, output: 2}",
            f":1: field 'a.b/c-1.5.input': {DOLLARS} nan.",
            id="no number",
        ),
        pytest.param("a: {input: .inf, output: 2}", f"'a.input': {DOLLARS} inf.", id="infinite"),
        pytest.param("a: {input: yes, output: 2}", f"'a.input': {DOLLARS} True.", id="a truth"),
        pytest.param("a: {input: $1, output: 2}", f"'a.input': {DOLLARS} '$1'.", id="text"),
        pytest.param("a: {input: , output: 2}", f"'a.input': {DOLLARS} None.", id="nothing"),
        pytest.param("a: {input: 1\nb: 2", ":2: is no YAML: expected ',' or '}'", id="no YAML"),
        pytest.param(
            "a: {input: 1, output: 1}\na: {input: 2, output: 2}",
            ":2: is no YAML: the key 'a' is there twice.",
            id="a model twice",
        ),
        pytest.param(
            "a: &a {output: 1, input: *a}",
            f"'a.input': {DOLLARS} {{'input': {{",
            id="a circle",
        ),
        pytest.param(
            "a: " + "[" * 50 + "]" * 50, "by kind of token, got [[[[[[[...]]]]]]].", id="deep"
        ),
    ],
)
def test_a_wrong_yaml_file(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(PriceTableError) as caught:
        load_prices(path)

    assert isinstance(caught.value, PrerequisiteError)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("{", "is no JSON: Expecting property name", id="cut"),
        pytest.param(
            '{"a": {"input": 1, "output": 1}, "a": {}}',
            "is no JSON: the key 'a' is there twice.",
            id="a model twice",
        ),
        pytest.param(
            '{"a": {"input": NaN, "output": 1}}', f"field 'a.input': {DOLLARS} nan.", id="NaN"
        ),
    ],
)
def test_a_wrong_json_file(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "prices.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(PriceTableError) as caught:
        load_prices(path)

    assert message in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"\xe9: {}")

    with pytest.raises(MissingFileError, match=r"The price table '.*none\.yaml' does not exist"):
        load_prices(tmp_path / "none.yaml")
    with pytest.raises(PriceTableError, match=r"cannot be read .*directory"):
        load_prices(tmp_path)
    with pytest.raises(PriceTableError, match=r"cannot be read .*utf-8"):
        load_prices(tmp_path / "latin.yaml")


def test_a_wrong_mapping_names_the_argument() -> None:
    wrong: dict[str, Any] = {"a/b": {"input": -1, "output": 2}}

    with pytest.raises(PriceTableError) as caught:
        load_prices(wrong)

    assert str(caught.value) == f"model_cost_config: field 'a/b.input': {DOLLARS} -1."
    assert (caught.value.path, caught.value.line, caught.value.field) == (None, None, "a/b.input")


def test_the_example_that_ships() -> None:
    table = load_prices(Path(deployments.__file__).parent / "prices.yaml")
    usage = used(1000, 100, input_tokens_cache_read=200)

    assert table.cost("openai/gpt-4o-mini", usage) == pytest.approx(195e-6)
    assert table.cost("local/smollm2-135m-instruct", used(9, 9)) == 0.0
    assert table.cost("mockllm/model", usage) is None
