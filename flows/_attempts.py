"""Attempts at a task: what the next one takes over from the last."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

from flows._earlier_logs import (
    check_only_of,
    is_as_asked,
    logs_of_run,
    read_earlier_logs,
    remove_superseded,
    warn_of_others,
)
from flows._session import Session
from tasks_lib._util._ids import short_uuid
from tasks_lib.context import connection_slots
from tasks_lib.schema import EvalLog, GenerateConfig, utc_now
from tasks_lib.task import RunPlan

LONGEST_WAIT_S = 3600.0
"""Waits between attempts double up to this."""

MOST_WAITS = 50
"""Prefect takes no longer list of waits; the last one holds for all further attempts."""


def waits(attempts: int, first_s: float) -> list[float]:
    """Return the seconds to wait before the second attempt, the third, …."""
    return [wait_after(n, attempts, first_s) for n in range(1, min(attempts - 1, MOST_WAITS) + 1)]


def wait_after(attempt: int, attempts: int, first_s: float) -> float:
    """Return the seconds from the end of an attempt to the next one; 0 after the last one."""
    if attempt >= attempts:
        return 0.0
    return min(first_s * 2.0 ** (min(attempt, MOST_WAITS) - 1), LONGEST_WAIT_S)


def adopt_logs(session: Session, log_dir: str) -> None:
    """Take over what earlier calls, of `eval` too, have left in the log directory.

    A run that has succeeded, with the same epochs, reducers and metrics, is not run again. Of
    any other the finished samples of all its logs are reused. Logs that a finished one has made
    needless, as when the process was killed between the two, are removed (`retry_cleanup`).

    Raises:
        PrerequisiteError: The directory has logs of tasks that are not in the set.
    """
    headers = [plan.header for plan in session.plans]
    options = session.options
    logs = read_earlier_logs(log_dir)
    if not options.log_dir_allow_dirty:
        check_only_of(log_dir, logs, headers)
    claimed: set[str] = set()
    for position, plan in enumerate(session.plans):
        own = logs_of_run(plan.header, logs, options.ignore_changes)
        claimed.update(log.location for log in own)
        done = next((log for log in own if is_as_asked(plan, log)), None)
        if done is not None:
            session.outcomes[position] = done
            if options.retry_cleanup:
                for log in own:
                    if log.status != "success":
                        remove_superseded(log, done)
        elif own:
            session.plans[position] = _again(plan, own)
            session.previous[position] = own
    warn_of_others(headers, [log for log in logs if log.location not in claimed])


def prepare_next(session: Session, position: int) -> None:
    """Make a plan ready for another attempt, with fewer connections, after its last log."""
    last = session.outcomes.pop(position)
    session.errors.pop(position, None)
    plan = _again(session.plans[position], [last])
    session.previous[position] = [last, *session.previous.get(position, [])]
    _lower_connections(plan, session.options.retry_connections)
    session.plans[position] = plan


def _lower_connections(plan: RunPlan, factor: float) -> None:
    connections = plan.model.max_connections(plan.config)
    if connections == "auto":
        # Not turned into a number: "auto" climbs again once the provider takes more.
        connection_slots().scale_auto(plan.model.api.connection_key(), factor)
        return
    fewer = max(round(connections * factor), 1)
    plan.config = plan.config.merge(GenerateConfig(max_connections=fewer))
    plan.header.plan = plan.header.plan.model_copy(update={"config": plan.config})


def _again(plan: RunPlan, previous: Sequence[EvalLog]) -> RunPlan:
    """Return the plan of the next attempt after earlier logs, the newest first."""
    again = copy(plan)
    spec = plan.header.eval.model_copy(
        update={
            "eval_id": short_uuid(),
            "task_id": previous[0].eval.task_id,
            "attempt": max(log.eval.attempt for log in previous) + 1,
            "created": utc_now().isoformat(timespec="seconds"),
        }
    )
    spec.config = spec.config.model_copy()
    again.header = plan.header.model_copy(update={"eval": spec})
    return again
