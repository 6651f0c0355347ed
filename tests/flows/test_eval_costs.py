"""What an evaluation costs: from the price table to the transcript, the log and its sums."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.eval import eval
from scorers import match
from solvers import Generate, Solver, TaskState, solver
from tasks_lib import Task
from tasks_lib._errors import PriceTableError
from tasks_lib.dataset import MemoryDataset
from tasks_lib.log import read_eval_log_table
from tasks_lib.model import get_model
from tasks_lib.schema import ModelEvent, ModelOutput, ModelUsage, Sample

pytestmark = pytest.mark.usefixtures("prefect_harness")

PRICES = {"mockllm/priced": {"input": 2, "output": 10}}


def output(name: str) -> ModelOutput:
    said = ModelOutput.from_content(name, "yes")
    said.usage = ModelUsage(input_tokens=1000, output_tokens=100, total_tokens=1100)
    return said


@solver
def ask_also(model: str) -> Solver:
    """Let the second sample ask another model, too."""
    other = get_model(model, custom_outputs=[output("other")] * 9)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if state.sample_id == 2:
            await other.generate("And you?")
        return await generate(state)

    return solve


def asked() -> Task:
    samples = [Sample(id=number, input="Yes?", target="yes") for number in (1, 2, 3)]
    ask = ask_also("mockllm/unknown")
    return Task(dataset=MemoryDataset(samples), solver=ask, scorer=match(), name="asked")


def test_samples_and_tasks_have_a_cost(log_dir: str) -> None:
    model = get_model("mockllm/priced", custom_outputs=[output("priced")] * 9)

    [log] = eval(asked(), model=model, model_cost_config=PRICES, log_dir=log_dir)

    assert log.stats.model_usage["mockllm/priced"].total_cost == pytest.approx(0.009)
    assert log.stats.model_usage["mockllm/unknown"].total_cost is None
    rows = read_eval_log_table(log.location, ["sample_id", "cost"]).to_pylist()
    assert {row["sample_id"]: row["cost"] for row in rows} == {"1": 0.003, "2": None, "3": 0.003}
    events = [e for s in log.samples or [] for e in s.events if isinstance(e, ModelEvent)]
    assert sorted(str(e.output.usage and e.output.usage.total_cost) for e in events) == [
        "0.003",
        "0.003",
        "0.003",
        "None",
    ]


def test_without_prices_nothing_has_a_cost(log_dir: str) -> None:
    model = get_model("mockllm/priced", custom_outputs=[output("priced")] * 9)

    [log] = eval(asked(), model=model, log_dir=log_dir)

    assert {usage.total_cost for usage in log.stats.model_usage.values()} == {None}


def test_a_wrong_table_is_found_before_anything_runs(log_dir: str, tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text("mockllm/priced:\n  input: -1\n  output: 0\n", encoding="utf-8")

    with pytest.raises(PriceTableError, match=r"prices\.yaml:2: field 'mockllm/priced\.input'"):
        eval(asked(), model="mockllm/priced", model_cost_config=str(path), log_dir=log_dir)

    assert not list(Path(log_dir).glob("**/*.parquet"))
