"""The log benchmark's runs and readings in this project, each in a process of its own."""

from __future__ import annotations

import duckdb

from flows.eval import eval as run_eval
from scorers import match
from solvers import generate, system_message
from tasks_lib import Task, task
from tasks_lib.analysis import samples_df
from tasks_lib.dataset import MemoryDataset, Sample
from tasks_lib.log import (
    read_eval_log,
    read_eval_log_sample,
    read_eval_log_sample_summaries,
    write_eval_log,
)
from tasks_lib.model import get_model
from tasks_lib.schema import ChatMessage, EvalLog, ModelOutput, ModelUsage
from tests.benchmarks import _logs_content as content
from tests.benchmarks._logs_measure import Found, Job, main, timed
from tests.benchmarks._logs_readings import Api, operations

SUFFIX = ".parquet"


@task
def tables(samples: int) -> Task:
    """Ask `samples` questions and compare the answers."""
    return Task(
        dataset=MemoryDataset(
            [
                Sample(input=content.question(n), target=content.target(n), id=n)
                for n in range(1, samples + 1)
            ]
        ),
        solver=[system_message(content.SYSTEM_MESSAGE), generate()],
        scorer=match(),
    )


def run(samples: int, log_dir: str) -> EvalLog:
    """Evaluate the task; return the header of its log."""
    [log] = run_eval(
        tables(samples),
        model=get_model("mockllm/model", custom_outputs=answer),
        task_runs="shard",
        log_dir=log_dir,
        log_header_only=True,
        display="none",
    )
    return log


def answer(messages: list[ChatMessage], *_: object) -> ModelOutput:
    """Answer the last question."""
    output = ModelOutput.from_content("mockllm/model", content.answer(messages[-1].text))
    output.usage = ModelUsage(**content.USAGE)
    return output


def query(job: Job) -> Found:
    """Get every sample's score by SQL."""

    def ask(log: str, _: int) -> list[float]:
        answer = duckdb.execute(f"SELECT sample_id, epoch, score_match FROM '{log}'")
        scores = [score for _, _, score in answer.fetchall()]
        return [len(scores), sum(scores)]

    return timed(ask, job, SUFFIX)


if __name__ == "__main__":
    api = Api(
        suffix=SUFFIX,
        run=run,
        read_eval_log=read_eval_log,
        read_eval_log_sample=read_eval_log_sample,
        read_eval_log_sample_summaries=read_eval_log_sample_summaries,
        write_eval_log=write_eval_log,
        samples_df=samples_df,
    )
    main({**operations(api), "query": query})
