"""Attempts at a task: what the next one takes over from the last."""

from __future__ import annotations

import logging
from copy import copy

from flows._identity import identify, latest_logs
from flows._session import Session
from tasks_lib._errors import PrerequisiteError
from tasks_lib._util._ids import short_uuid
from tasks_lib.context import connection_slots
from tasks_lib.log import remove_eval_log
from tasks_lib.schema import EvalLog, GenerateConfig, utc_now
from tasks_lib.task import RunPlan

logger = logging.getLogger(__name__)

LONGEST_WAIT_S = 3600.0
"""Waits between attempts double up to this."""

MOST_WAITS = 50
"""Prefect takes no longer list of waits; the last one holds for all further attempts."""


def waits(attempts: int, first_s: float) -> list[float]:
    """Return the seconds to wait before the second attempt, the third, …."""
    count = min(max(attempts - 1, 0), MOST_WAITS)
    return [min(first_s * 2**i, LONGEST_WAIT_S) for i in range(count)]


def adopt_logs(session: Session, log_dir: str) -> None:
    """Take over what an earlier call has left in the log directory.

    A run that has succeeded is not run again. Of one that has not, or that had fewer
    epochs, the finished samples are reused.

    Raises:
        PrerequisiteError: Two runs of the session are the same.
    """
    identify([plan.header for plan in session.plans])
    existing = latest_logs(log_dir)
    for position, plan in enumerate(session.plans):
        log = existing.get(plan.header.eval.task_identity or "")
        if log is None:
            continue
        if log.status == "success" and log.eval.config.epochs == plan.epochs:
            session.outcomes[position] = log
        else:
            session.plans[position] = _again(plan, log)
            session.previous[position] = log


def prepare_next(session: Session, position: int) -> None:
    """Make a plan ready for another attempt, with fewer connections, after its last log."""
    last = session.outcomes.pop(position)
    plan = _again(session.plans[position], last)
    session.previous[position] = last
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


def remove_superseded(previous: EvalLog | None, log: EvalLog) -> None:
    """Delete the log of an earlier attempt once `log` holds all that it had.

    That of a run which may still be going on stays.
    """
    if previous is None or not previous.location:
        return
    if log.location != previous.location and log.status == "success":
        try:
            remove_eval_log(previous.location)
        except (PrerequisiteError, OSError) as error:
            logger.warning("An earlier log of %s stays: %s", log.eval.task, error)


def _again(plan: RunPlan, last: EvalLog) -> RunPlan:
    again = copy(plan)
    spec = plan.header.eval.model_copy(
        update={
            "eval_id": short_uuid(),
            "task_id": last.eval.task_id,
            "attempt": last.eval.attempt + 1,
            "created": utc_now().isoformat(timespec="seconds"),
        }
    )
    spec.config = spec.config.model_copy()
    again.header = plan.header.model_copy(update={"eval": spec})
    return again
