"""The scoring benchmark in inspect_ai, in a process of its environment."""

from __future__ import annotations

from inspect_ai.model import ModelName, ModelOutput
from inspect_ai.scorer import Score, Target, answer, choice, exact, f1, includes, match, pattern
from inspect_ai.solver import TaskState

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
    return float(score.as_float()) if isinstance(score.value, float) else str(score.as_str())


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
