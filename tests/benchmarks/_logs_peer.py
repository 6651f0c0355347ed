"""The log benchmark's runs and readings in inspect_ai, each in a process of its environment.

inspect_ai does as by default, without a display.
"""

from __future__ import annotations

from inspect_ai import Task, eval, task
from inspect_ai.analysis import samples_df
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import (
    EvalLog,
    read_eval_log,
    read_eval_log_sample,
    read_eval_log_sample_summaries,
    write_eval_log,
)
from inspect_ai.model import ChatMessage, ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import match
from inspect_ai.solver import generate, system_message

from tests.benchmarks import _logs_content as content
from tests.benchmarks._logs_measure import main
from tests.benchmarks._logs_readings import Api, operations


@task  # type: ignore[untyped-decorator]  # the peer is not in this environment
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
    [log] = eval(
        tables(samples),
        model=get_model("mockllm/model", custom_outputs=answer),
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


if __name__ == "__main__":
    api = Api(
        suffix=".eval",
        run=run,
        read_eval_log=read_eval_log,
        read_eval_log_sample=read_eval_log_sample,
        read_eval_log_sample_summaries=read_eval_log_sample_summaries,
        write_eval_log=write_eval_log,
        samples_df=samples_df,
    )
    main(operations(api))
