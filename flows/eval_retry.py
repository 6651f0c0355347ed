"""Go on with evaluations that were not finished: `from flows.eval_retry import eval_retry`."""

from __future__ import annotations

from typing import Any, Unpack

from prefect import flow
from prefect.client.schemas.objects import State

from flows._one_at_a_time import one_at_a_time
from flows._options import with_signature
from flows._retry_options import EvalRetryArgs, given_arguments
from flows._retry_plan import LogsArg, ModelsOfLogs, find_old_logs, prepare_retry
from flows._run import run_plans
from flows._server import FLOW_OPTIONS
from flows._session import find_session
from flows.eval import run_session, run_to_logs
from flows.eval_task import run_eval_task
from tasks_lib.schema import EvalLog


@with_signature(EvalRetryArgs)
def eval_retry(
    tasks: LogsArg, model: ModelsOfLogs = None, **kwargs: Unpack[EvalRetryArgs]
) -> list[EvalLog]:
    """Finish evaluations from their logs, and return the new logs, in the order of the old ones.

    Each log is gone on with in a new one, with an `eval_id` of its own and the `task_id` of the
    old one. Samples that are finished there (without an error, and unchanged in the dataset)
    are copied and not asked again, also those that a limit ended; all others are run. So it is
    with a log of status "success", too. The old log stays where it is.

    What is evaluated is as the log says: the task, made anew by its function with the arguments
    that were passed, model and roles with their options, solver, scorers, approval and sandbox
    of the call, limits, epochs, selected samples, tags, metadata, error and log options. New
    logs go to the folder of the old one, in its format. What a log cannot tell (a `Task` that no
    function made, an argument that was an object) is an error before anything runs.

    Keys come from the environment, and a log must not choose who gets them: where it has a model
    at another address than the environment says, `model`, `model_base_url` or `model_roles` must
    say which is meant.

    Args:
        tasks: A log; its path or URL; an entry of a listing; or several of these. Formats are
            those that `read_eval_log` reads. Logs of killed runs are gone on with from what had
            been written.
        model: Models in place of those that would be made from the logs, as objects or names;
            each log takes the one of its name.
        **kwargs: See `flows._retry_options.EvalRetryArgs`, and `flows._options.EvalOptions` for
            what they mean. None: as the log says. `budget` and the maxima of processes and
            sandboxes hold for all logs together; `max_tasks` is how many are gone on with at
            once, by default one. With `score=False` nothing is scored; what the log has no
            scores of is never scored.

    Raises:
        PrerequisiteError: Something is unknown, missing, contradictory or cannot be restored, or
            a log is being written; nothing was run.
        EvaluationRunningError: This process is evaluating something already.
        LogFormatError: A file is no log, or damaged.
    """
    return run_to_logs(lambda outcome: _retry("eval_retry", tasks, model, kwargs, outcome))


@with_signature(EvalRetryArgs)
async def eval_retry_async(
    tasks: LogsArg, model: ModelsOfLogs = None, **kwargs: Unpack[EvalRetryArgs]
) -> list[EvalLog]:
    """Do the same as `eval_retry`, in a running event loop. Being cancelled finishes the logs."""
    return await _retry("eval_retry_async", tasks, model, kwargs, [])


@flow(name="eval-retry", flow_run_name="eval-retry {tasks}", **FLOW_OPTIONS)
async def eval_retry_flow(tasks: str, run_id: str) -> State[None] | None:
    """Go on with each log. `tasks` tells people what `run_id` stands for."""
    session = find_session(run_id)

    async def run_plan(position: int) -> None:
        await run_eval_task(session, position)

    return await run_plans(session, session.options.max_tasks or 1, run_plan)


async def _retry(
    function: str, tasks: LogsArg, model: ModelsOfLogs, args: Any, outcome: list[EvalLog]
) -> list[EvalLog]:
    given = given_arguments(function, args)
    with one_at_a_time(function):
        session = prepare_retry(function, find_old_logs(function, tasks), model, given)
        return await run_session(session, eval_retry_flow, outcome)
