"""The benchmark's task in inspect_ai, measured in a process of its own environment.

inspect_ai does as by default, without a display; its mock model is given outputs with a
usage, because it would count tokens otherwise.
"""

from __future__ import annotations

from inspect_ai import Task, eval, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import Model, ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import match
from inspect_ai.solver import generate, system_message

from tests.benchmarks._measure import (
    ANSWER,
    HTTP_MODEL,
    QUESTION,
    SYSTEM_MESSAGE,
    Job,
    measure,
    read_job,
)


@task  # type: ignore[untyped-decorator]  # the peer is not in this environment
def throughput(samples: int) -> Task:
    """Ask `samples` questions and compare the answers."""
    return Task(
        dataset=MemoryDataset(
            [Sample(input=QUESTION.format(number=n), target=ANSWER) for n in range(samples)]
        ),
        solver=[system_message(SYSTEM_MESSAGE), generate()],
        scorer=match(),
    )


def _model(job: Job) -> Model:
    if job.base_url:
        return get_model(f"openai/{HTTP_MODEL}", base_url=job.base_url, responses_api=False)

    def answer(*_: object) -> ModelOutput:
        output = ModelOutput.from_content("mockllm/model", ANSWER)
        output.usage = ModelUsage(input_tokens=25, output_tokens=8, total_tokens=33)
        return output

    return get_model("mockllm/model", custom_outputs=answer)


def evaluate(job: Job, samples: int, log_dir: str) -> None:
    """Run the task as `job` says; its score shows that the work was done."""
    [log] = eval(
        throughput(samples),
        model=_model(job),
        max_connections=job.connections,
        log_dir=log_dir,
        log_header_only=True,
        display="none",
    )
    if log.status != "success" or log.results is None:
        raise RuntimeError(f"the evaluation ended with {log.status}: {log.error}")
    if log.results.scores[0].metrics["accuracy"].value != 1:
        raise RuntimeError(f"not all answers were right: {log.results.scores[0].metrics}")


if __name__ == "__main__":
    the_job = read_job()
    measure(lambda samples, log_dir: evaluate(the_job, samples, log_dir))
