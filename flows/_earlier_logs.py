"""What a log directory holds of the runs of an eval set, and what does not belong there."""

from __future__ import annotations

import logging
from collections.abc import Container, Sequence
from datetime import UTC, datetime

from flows._identity import changed_parts, known_identities, run_label, task_key
from tasks_lib._errors import LogError, PrerequisiteError
from tasks_lib.log import (
    list_eval_logs,
    read_eval_log,
    read_eval_log_table,
    remove_eval_log,
)
from tasks_lib.schema import EvalLog
from tasks_lib.task import RunPlan

logger = logging.getLogger(__name__)

_KEY_COLUMNS = ("sample_id", "sample_id_type", "epoch")


def read_earlier_logs(log_dir: str) -> list[EvalLog]:
    """Return the headers of all logs in a folder and those below, the newest first.

    Files that cannot be read are left out, with a warning.
    """
    logs: list[EvalLog] = []
    for info in list_eval_logs(log_dir):
        try:
            logs.append(read_eval_log(info.name, header_only=True))
        except FileNotFoundError:  # gone meanwhile
            continue
        except (LogError, OSError) as error:
            logger.warning("%s The eval set does not go on from it, and leaves it.", error)
    # Not by the time of the file: scores of an old log may have been edited since.
    return sorted(logs, key=_age, reverse=True)


def check_only_of(log_dir: str, logs: Sequence[EvalLog], headers: Sequence[EvalLog]) -> None:
    """Refuse a log directory that has logs of other tasks than those of the set.

    Which task a log is of follows from the name of its file, its name, arguments and model and
    the models of its roles. Logs of the same task that differ otherwise (another solver, scores
    that `score` added, logs of other engines) may be there.

    Raises:
        PrerequisiteError: There is such a log; it is named.
    """
    known = {task_key(header) for header in headers}
    strangers = [log for log in logs if task_key(log) not in known]
    if not strangers:
        return
    first, others = strangers[0], len(strangers) - 1
    more = f", and {others} more" if others else ""
    raise PrerequisiteError(
        f"{log_dir!r} has a log of a task, arguments or model that are not in this eval set: "
        f"{run_label(first)} ({first.location}{more}). Use a folder of its own for each eval set, "
        "add the task to the set, or pass log_dir_allow_dirty=True to leave such logs alone."
    )


def logs_of_run(
    header: EvalLog, logs: Sequence[EvalLog], ignored: Container[str] = ()
) -> list[EvalLog]:
    """Return the logs of the run that `header` describes, apart from `ignored` parts of it.

    A log without identity is of no run: one of another engine, of added scores, or from before
    runs had one.
    """
    identities, key = known_identities(header), task_key(header)

    def is_own(log: EvalLog) -> bool:
        identity = log.eval.task_identity
        if identity is None or identity in identities or not ignored:
            return identity in identities
        changed = changed_parts(header, log) if task_key(log) == key else []
        return bool(changed) and all(part in ignored for part in changed)

    return [log for log in logs if is_own(log)]


def warn_of_others(headers: Sequence[EvalLog], others: Sequence[EvalLog]) -> None:
    """Say which logs are of tasks of the set, but of other runs: queries see both."""
    by_key = {task_key(header): header for header in headers}
    for log in others:
        header = by_key.get(task_key(log))
        if header is not None and log.eval.task_identity is not None:
            changed = ", ".join(changed_parts(header, log)) or "a newer version"
            logger.warning(
                "%s: the folder also has %s, which was run differently (%s). It is left alone; "
                "queries over the folder see both.",
                run_label(header),
                log.location,
                changed,
            )


def is_as_asked(plan: RunPlan, log: EvalLog) -> bool:
    """Tell whether a log of the plan's run is all that it would give: nothing is left to run."""
    return log.status == "success" and _outcome(plan.header) == _outcome(log)


def remove_superseded(previous: EvalLog | None, log: EvalLog) -> None:
    """Delete an earlier log once `log` has succeeded and holds every finished sample that it has.

    That of a run which may still be going on stays, as does one that has more (of epochs that
    are not asked for any more), with a warning.
    """
    if previous is None or not previous.location or log.location == previous.location:
        return
    if log.status != "success":
        return
    try:
        if more := len(_finished(previous) - _finished(log)):
            logger.warning(
                "%s stays: %d finished samples of it are not in %s.",
                previous.location,
                more,
                log.location,
            )
            return
        remove_eval_log(previous.location)
    except (PrerequisiteError, LogError, OSError) as error:
        logger.warning("An earlier log of %s stays: %s", log.eval.task, error)


def _age(log: EvalLog) -> tuple[datetime, int]:
    try:
        created = datetime.fromisoformat(log.eval.created)
    except ValueError:  # of another engine
        created = datetime(1970, 1, 1, tzinfo=UTC)
    return created.astimezone(UTC), log.eval.attempt


def _outcome(header: EvalLog) -> list[object]:
    """Return what decides over the results of samples that are all there."""
    spec = header.eval
    scorers = [(scorer.name, scorer.metrics) for scorer in spec.scorers or ()]
    return [
        spec.dataset.digest,
        spec.config.epochs or 1,
        spec.config.epochs_reducer,
        bool(spec.config.errors_as_incorrect),
        scorers,
        spec.metrics,
    ]


def _finished(log: EvalLog) -> set[tuple[object, ...]]:
    """Return ids, epochs and digests of the samples that ended without an error."""
    table = read_eval_log_table(log.location, [*_KEY_COLUMNS, "digest", "error"])
    rows = zip(*(table.column(name).to_pylist() for name in table.column_names), strict=True)
    # A log without digests has the samples of its dataset.
    return {
        (*key, digest or log.eval.dataset.digest) for *key, digest, error in rows if error is None
    }
