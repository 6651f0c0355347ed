"""`Budget`: what is counted, and when it is used up."""

from __future__ import annotations

import asyncio

import pytest

from tasks_lib.context import Budget, SampleContext, record_usage, use_budget, use_sample
from tasks_lib.schema import ModelUsage


def tokens(count: int, cost: float | None = None) -> ModelUsage:
    return ModelUsage(output_tokens=count, total_tokens=count, total_cost=cost)


@pytest.mark.parametrize(
    ("bounds", "usages", "used_up"),
    [
        pytest.param({"tokens": 10}, [], None, id="nothing yet"),
        pytest.param({"tokens": 10}, [tokens(9)], None, id="a token is left"),
        pytest.param(
            {"tokens": 10}, [tokens(9), tokens(1)], "10 of 10 tokens are used", id="all tokens"
        ),
        pytest.param(
            {"tokens": 1_000_000}, [tokens(1_003_210)],
            "1,003,210 of 1,000,000 tokens are used", id="more tokens",
        ),
        pytest.param({"tokens": 10}, [tokens(9, None)], None, id="tokens need no prices"),
        pytest.param({"cost": 1.0}, [tokens(5, 0.5), tokens(5, 0.25)], None, id="some cost"),
        pytest.param(
            {"cost": 1.0}, [tokens(5, 0.5), tokens(5, 0.5)], "$1.00 of $1.00 are used",
            id="all cost",
        ),
        pytest.param(
            {"cost": 2e-5}, [tokens(20, 2e-5)], "$0.0000200 of $0.0000200 are used", id="little",
        ),
        pytest.param({"cost": 1.0}, [ModelUsage()], None, id="a call without usage is free"),
        pytest.param(
            {"cost": 1.0}, [tokens(5, 0.5), tokens(5, None), tokens(5, 0.1)],
            "what a call to 'mockllm/any' cost is not known, nor therefore what is left of $1.00",
            id="a cost that nobody knows",
        ),
        pytest.param(
            {"tokens": 10, "cost": 9.0}, [tokens(10, 1.0)], "10 of 10 tokens are used",
            id="one bound of two",
        ),
        pytest.param({"time": 3600}, [tokens(9)], None, id="time is left"),
        pytest.param({}, [tokens(9)], None, id="no bound"),
    ],
)  # fmt: skip
def test_used_up(bounds: dict[str, float], usages: list[ModelUsage], used_up: str | None) -> None:
    budget = Budget(**bounds)  # type: ignore[arg-type]  # a table of whole numbers and others

    for usage in usages:
        budget.add(usage, "mockllm/any")

    assert budget.used_up == used_up


async def test_time_passes() -> None:
    budget = Budget(time=0.1)
    assert budget.used_up is None
    assert budget.used_up_after(0.01) is None
    assert budget.used_up_after(60) == (
        "0.0 of 0.1 s have passed, and the next attempt has to wait 60.0 s"
    )

    await asyncio.sleep(0.11)

    assert budget.used_up == "0.1 of 0.1 s have passed"


def test_calls_are_counted_inside_and_outside_of_samples() -> None:
    budget = Budget(tokens=4)
    context = SampleContext()

    with use_budget(budget):
        record_usage("mockllm/any", tokens(1))
        with use_sample(context):
            record_usage("mockllm/any", tokens(2))
        assert budget.used_up is None
        record_usage("mockllm/other", tokens(1))
    record_usage("mockllm/any", tokens(9))

    assert budget.used_up == "4 of 4 tokens are used"
    assert context.total_tokens == 2


def test_a_budget_ends_with_its_block() -> None:
    outer, inner = Budget(tokens=1), Budget(tokens=1)

    with use_budget(outer):
        with use_budget(inner):
            record_usage("mockllm/any", tokens(1))
        with use_budget(None):
            record_usage("mockllm/any", tokens(1))

    assert (outer.used_up, inner.used_up) == (None, "1 of 1 tokens are used")
