"""The line that says what an evaluation kept, redid and did anew."""

from __future__ import annotations

import pytest

from flows._receipt import receipt_text
from tasks_lib.schema import (
    EvalLog,
    EvalSpec,
    EvalStats,
    ModelUsage,
    WorkReceipt,
    WorkShare,
)


def share(samples: int, tokens: int = 0, cost: float | None = None) -> WorkShare:
    usage = {"m/a": ModelUsage(total_tokens=tokens, total_cost=cost)} if tokens else {}
    return WorkShare(samples=samples, model_usage=usage)


def text(work: WorkReceipt | None) -> str | None:
    spec = EvalSpec(created="2026-01-01T00:00:00+00:00", task="t", model="m/a")
    return receipt_text(EvalLog(eval=spec, stats=EvalStats(work=work)))


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        pytest.param(None, None, id="nothing was there before"),
        pytest.param(
            WorkReceipt(),
            "kept 0 samples; redid 0; 0 new",
            id="nothing to keep, nothing to do",
        ),
        pytest.param(
            WorkReceipt(kept=share(1), redone=share(1), new=share(1)),
            "kept 1 sample; redid 1; 1 new",
            id="no tokens",
        ),
        pytest.param(
            WorkReceipt(
                kept=share(1120, 34_000, 0.12),
                redone=share(3, 900, 0.004),
                new=share(177, 5_310),
                lost={"m/a": ModelUsage(total_tokens=450), "m/b": ModelUsage(total_tokens=50)},
            ),
            "kept 1,120 samples (34,000 tokens, $0.12); redid 3 (900 tokens, $0.00400); "
            "177 new (5,310 tokens); 500 tokens of earlier attempts were not kept",
            id="everything",
        ),
        pytest.param(
            WorkReceipt(redone=share(2), lost={"m/a": ModelUsage(total_tokens=7, total_cost=0.5)}),
            "kept 0 samples; redid 2; 0 new; 7 tokens, $0.50 of earlier attempts were not kept",
            id="lost, with its cost",
        ),
    ],
)
def test_receipt_text(work: WorkReceipt | None, expected: str | None) -> None:
    assert text(work) == expected
