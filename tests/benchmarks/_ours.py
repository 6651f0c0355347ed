"""The benchmark's task in this project, measured in a process of its own."""

from __future__ import annotations

from typing import cast

import httpx
from prefect.client.orchestration import get_client

from flows._options import TaskRuns
from flows.eval import eval as run_eval
from scorers import match
from solvers import generate, system_message
from tasks_lib import Task, task
from tasks_lib.dataset import MemoryDataset, Sample
from tests.benchmarks._measure import (
    ANSWER,
    HTTP_MODEL,
    QUESTION,
    SYSTEM_MESSAGE,
    Job,
    measure,
    read_job,
)


@task
def throughput(samples: int) -> Task:
    """Ask `samples` questions and compare the answers."""
    return Task(
        dataset=MemoryDataset(
            [Sample(input=QUESTION.format(number=n), target=ANSWER) for n in range(samples)]
        ),
        solver=[system_message(SYSTEM_MESSAGE), generate()],
        scorer=match(),
    )


def evaluate(job: Job, samples: int, log_dir: str) -> None:
    """Run the task as `job` says; its score shows that the work was done."""
    [log] = run_eval(
        throughput(samples),
        model=f"openai/{HTTP_MODEL}" if job.base_url else "mockllm/model",
        model_base_url=job.base_url,
        max_connections=job.connections,
        task_runs=cast(TaskRuns, job.task_runs),
        log_dir=log_dir,
        log_header_only=True,
        display="none",
    )
    if log.status != "success" or log.results is None:
        raise RuntimeError(f"the evaluation ended with {log.status}: {log.error}")
    if log.results.scores[0].metrics["accuracy"].value != 1:
        raise RuntimeError(f"not all answers were right: {log.results.scores[0].metrics}")


def count_task_runs() -> int:
    """Return how many completed task runs Prefect's server knows."""
    completed = {"task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
    with get_client(sync_client=True) as client:
        answer = httpx.post(f"{client.api_url}task_runs/count", json=completed, timeout=60)
    return int(answer.raise_for_status().text)


if __name__ == "__main__":
    the_job = read_job()
    measure(lambda samples, log_dir: evaluate(the_job, samples, log_dir), count_task_runs)
