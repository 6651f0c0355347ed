"""How the costs of usages add up."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_lib.schema import ModelUsage


def used(tokens: int, cost: float | None) -> ModelUsage:
    return ModelUsage(input_tokens=tokens, total_tokens=tokens, total_cost=cost)


@pytest.mark.parametrize(
    ("usages", "cost"),
    [
        pytest.param([], None, id="nothing"),
        pytest.param([used(3, 0.5)], 0.5, id="one"),
        pytest.param([used(3, 0.5), used(1, 0.25)], 0.75, id="all known"),
        pytest.param([used(3, 0.0), used(1, 0.0)], 0.0, id="all free"),
        pytest.param([used(3, 0.5), used(1, None)], None, id="a part is not known"),
        pytest.param([used(1, None), used(3, 0.5)], None, id="the first part is not known"),
        pytest.param([used(1, None), used(0, 0.5)], None, id="not known, and a fee"),
        pytest.param([used(0, None), used(3, 0.5), used(0, None)], 0.5, id="unused ones"),
        pytest.param([used(0, 0.5), used(3, 0.5)], 1.0, id="a fee without tokens"),
        pytest.param([used(0, None), used(0, None)], None, id="unused only"),
        pytest.param([ModelUsage(output_tokens=1), used(1, 1.0)], None, id="no total"),
    ],
)
def test_the_cost_of_a_sum_misses_nothing(usages: list[ModelUsage], cost: float | None) -> None:
    assert sum(usages, ModelUsage()).total_cost == cost


usages = st.builds(
    used, st.integers(0, 2), st.none() | st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0**40])
)


@given(usages, usages, usages)
def test_in_any_order(a: ModelUsage, b: ModelUsage, c: ModelUsage) -> None:
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert ModelUsage() + a == a


@given(usages, usages)
def test_a_part_is_taken_away(a: ModelUsage, b: ModelUsage) -> None:
    left = (a + b) - b

    assert (left.input_tokens, left.total_tokens) == (a.input_tokens, a.total_tokens)
    assert left.total_cost in (a.total_cost, a.total_cost or 0.0, None)
    if None not in (a.total_cost, b.total_cost):
        assert left.total_cost == a.total_cost


def test_what_is_left() -> None:
    whole = ModelUsage(output_tokens=5, input_tokens_cache_read=3, reasoning_tokens=2)
    part = ModelUsage(output_tokens=1, reasoning_tokens=2)

    assert whole - part == ModelUsage(
        output_tokens=4, input_tokens_cache_read=3, reasoning_tokens=0
    )


def test_it_is_read_and_written_as_the_reference_does() -> None:
    usage = ModelUsage.model_validate({"input_tokens": 3, "total_cost": 0.5})

    assert usage.total_cost == 0.5
    assert usage.model_extra == {}
    assert usage.model_dump(exclude_none=True)["total_cost"] == 0.5
    assert math.isnan(ModelUsage(total_cost=math.nan).total_cost or 0)
