"""What a budget counts of calls to models: answers that were paid for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks_lib.context import Budget, use_budget
from tasks_lib.model import get_model
from tasks_lib.schema import ModelOutput, ModelUsage


async def test_answers_from_the_cache_cost_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INSPECT_CACHE_DIR", raising=False)
    monkeypatch.setenv("EVAL_CACHE_DIR", str(tmp_path))
    answer = ModelOutput.from_content("cached", "yes")
    answer.usage = ModelUsage(output_tokens=10, total_tokens=10)
    model = get_model("mockllm/cached", custom_outputs=[answer, answer])
    budget = Budget(tokens=20)

    with use_budget(budget):
        for _ in range(3):
            assert (await model.generate("Yes?", cache=True)).completion == "yes"
        assert budget.used_up is None
        await model.generate("Yes?", cache=False)

    assert budget.used_up == "20 of 20 tokens are used"
