"""The scoring benchmark in this project, in a process of its own."""

from __future__ import annotations

from scorers import Score, Target, answer, choice, exact, f1, includes, match, pattern
from tasks_lib.model import ModelName
from tasks_lib.schema import ModelOutput
from tasks_lib.task import TaskState
from tests.benchmarks._scoring_measure import Sample, main

MODEL = "mockllm/model"


def arguments(sample: Sample) -> tuple[TaskState, Target]:
    """Return what a scorer is called with."""
    state = TaskState(
        model=ModelName(MODEL),
        sample_id=1,
        epoch=1,
        input="question",
        messages=[],
        choices=None if sample.chosen is None else ["one", "two", "three", "four"],
        output=ModelOutput.from_content(MODEL, sample.output),
    )
    for position in range(len(state.choices)):
        state.choices.mark_choice(position, position == sample.chosen)
    return state, Target(sample.target)


def value(score: Score) -> str | float:
    """Return the value of a score."""
    return score.as_float() if isinstance(score.value, float) else score.as_str()


if __name__ == "__main__":
    scorers = {
        "match": match(),
        "numeric": match(numeric=True),
        "includes": includes(),
        "pattern": pattern(r"#### (\S+)"),
        "answer": answer("line"),
        "choice": choice(),
        "exact": exact(),
        "f1": f1(),
    }
    main(scorers, arguments, value)
