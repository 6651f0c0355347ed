"""Score logs that there are: `from flows.score import score`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, Unpack

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Cancelled, Failed

from flows._artifacts import publish
from flows._display import Display
from flows._options import with_signature
from flows._prepare import start_prefect
from flows._run import check_cancelled, do_work, open_session, run_flow
from flows._score_job import ScoreJob, score_jobs
from flows._score_log import LogScoring
from flows._score_options import ScoreAction, ScoreArgs, ScoreOptions, read_score_options
from flows._score_source import LogsArg, find_sources, is_single
from flows._server import FLOW_OPTIONS, MESSAGE_LENGTH
from flows._session import Session, find_session
from flows._subflow import run_subflow
from flows.eval import run_blocking
from tasks_lib._errors import DisplayError, EvalsError
from tasks_lib._util._aio import gather_limited
from tasks_lib._util._blot import blotted
from tasks_lib._util._ids import short_uuid
from tasks_lib.model import use_active_model
from tasks_lib.schema import EvalLog
from tasks_lib.task import RunSpec, ScoreReducers, use_scorers

LOGS_AT_ONCE = 4
"""Logs of one call that are scored at once."""


class ScoringError(EvalsError):
    """Some logs could not be scored. The samples of these that were scored are kept.

    `logs` are those of the call that were scored.
    """

    def __init__(self, message: str, logs: Sequence[EvalLog] = ()) -> None:
        super().__init__(message)
        self.logs = list(logs)


@with_signature(ScoreArgs)
def score(
    log: LogsArg,
    scorers: Any = None,
    epochs_reducer: ScoreReducers | None = None,
    action: ScoreAction | None = None,
    **kwargs: Unpack[ScoreArgs],
) -> EvalLog | list[EvalLog]:
    """Score the samples of logs, without asking the evaluated model for anything.

    Results are computed over all scores of the samples, those that they had and the new ones,
    with the metrics that the log names for the old ones. A sample that ended with an error is
    not scored, and counted as errored; but one whose scorers had failed is scored now. What
    scorers do joins the events and the usage of a sample.

    Where a log says that its models were at another address than they would be here, they are only
    asked if `model` or `model_roles` says so: a log must not choose who is sent your keys.

    When a scorer raises, the sample is logged as unscored, with the error, and keeps the scores
    that stay; `fail_on_error`, by default as it was in the evaluation, says when that stops the
    scoring of the log.

    Whatever stops the scoring of a log that is written to a file (Ctrl-C, a kill, scorers that
    fail), nothing of it is paid for twice: the original and its file stay as they are, and the
    samples that were scored are kept as an unfinished log, `<name>-scored` with the status
    `started`, as a warning says. The same call goes on after them, and its result is that of a
    call that was not stopped; samples whose scorers had failed are scored again. The same is a
    call for the same log, unchanged, with the same scorers and arguments, `action`, `model` and
    `model_roles`, that writes to the same folder; metrics, reducers and `fail_on_error` may
    differ. Any other call starts afresh, as `<name>-scored-2`, and leaves what is kept alone:
    `evals log recover` makes a log of it, with the status `error`.

    Args:
        log: A log with its samples; the path or URL of one; a folder of logs; an entry of a
            listing; or several of these. In a folder, logs that are not finished are left out
            with a warning, and so is what `score` has written beside its original.
        scorers: One or several, as objects, by name, or as `{name: …, argument: …}`; None:
            those of the log once more.
        epochs_reducer: How the epochs of a sample become one score; None: as it was.
        action: Whether new scores join those of the samples ("append", the default; a name
            that is taken gets `-1`, `-2`, … behind it), or replace them ("overwrite").
        **kwargs: See `flows._score_options.ScoreOptions`.

    Returns:
        The scored log, or a list of them for a folder or several. One that was passed with its
        samples comes back with them, as a copy, and is only written if `output` or `overwrite`
        says so. One in a file is written beside it as `<name>-scored` (in `output`, or in place
        of the original if `overwrite` says so), and its header is returned.

    Raises:
        PrerequisiteError: Something is unknown, missing or contradictory (ValueError when there
            are no samples); nothing was scored.
        ScoringError: Some logs could not be scored. The same call goes on with these, the
            others are done.
        KeyboardInterrupt: It was stopped. The same call goes on.
    """
    return run_blocking(_score("score", log, scorers, epochs_reducer, action, kwargs))


@with_signature(ScoreArgs)
async def score_async(
    log: LogsArg,
    scorers: Any = None,
    epochs_reducer: ScoreReducers | None = None,
    action: ScoreAction | None = None,
    **kwargs: Unpack[ScoreArgs],
) -> EvalLog | list[EvalLog]:
    """Do the same as `score`, in a running event loop."""
    return await _score("score_async", log, scorers, epochs_reducer, action, kwargs)


@flow(name="score", flow_run_name="score {logs}", **FLOW_OPTIONS)
async def score_flow(logs: str, run_id: str) -> State[None] | None:
    """Score each log. `logs` tells people what `run_id` stands for."""
    session = _find(run_id)
    jobs = [partial(_score_one, session, position) for position in range(len(session.jobs))]
    work = partial(gather_limited, min(LOGS_AT_ONCE, len(jobs)), jobs)
    folders = {job.folder for job in session.jobs if job.folder is not None}
    try:
        await do_work(session, folders, work)
    except asyncio.CancelledError:
        return Cancelled(message="Stopped. What was scored is kept: the same call goes on.")
    failed = session.failures
    return Failed(message="; ".join(failed)[:MESSAGE_LENGTH]) if failed else None


@flow(name="score-log", flow_run_name="{spec.task} on {spec.model}", **FLOW_OPTIONS)
async def score_log(spec: RunSpec) -> State[None] | None:
    """Let the scorers judge every sample of a log, write the scored log, publish its results."""
    run_id, _, position = spec.plan_id.rpartition("/")
    session = _find(run_id)
    session.sigterm.claim()
    job = session.jobs[int(position)]
    display = session.display.task(spec.task, spec.model, job.source.total)
    scoring = LogScoring(job, display, session.governor)
    try:
        with (
            use_active_model(job.model, job.header.plan.config, job.roles),
            use_scorers(job.rescoring.scorers),
        ):
            log = await session.watch.run(flow_run.id, scoring.run())
            session.scored[int(position)] = log
    except asyncio.CancelledError:
        return Cancelled(message="Stopped. What was scored is kept: the same call goes on.")
    except Exception as error:  # whatever it is, the other logs are scored
        session.errors[int(position)] = error
        return Failed(message=_message(error)[:MESSAGE_LENGTH])
    finally:
        display.close(session.scored.get(int(position)))
    await publish(log, scoring.error_rows, session.link)
    return None


class ScoreSession(Session):
    """One call of `score`: its jobs, display and what has come of it."""

    def __init__(
        self, run_id: str, jobs: Sequence[ScoreJob], options: ScoreOptions, display: Display
    ) -> None:
        super().__init__(run_id, [], options.session, display)
        self.jobs = jobs
        self.scored: dict[int, EvalLog] = {}
        """The scored logs, by the position of their job."""
        self.errors: dict[int, Exception] = {}
        """What logs could not be scored for, by the position of their job."""

    @property
    def logs(self) -> list[EvalLog]:
        """The scored logs, in the order of the jobs."""
        return [self.scored[position] for position in sorted(self.scored)]

    @property
    def failures(self) -> list[str]:
        """A sentence on each log that could not be scored."""
        return [
            f"{self.jobs[position].source.label} was not scored: {_message(error)}"
            for position, error in sorted(self.errors.items())
        ]


async def _score(
    function: str,
    log: LogsArg,
    scorers: Any,
    epochs_reducer: ScoreReducers | None,
    action: ScoreAction | None,
    kwargs: ScoreArgs,
) -> EvalLog | list[EvalLog]:
    options = read_score_options(function, action, kwargs)
    jobs = score_jobs(find_sources(log), scorers, epochs_reducer, options)
    display = Display(options.session.display)
    if display.kind == "conversation":
        raise DisplayError(
            f"{function}: display is 'conversation', which shows one sample after another, but "
            "several are scored at once. Use another display."
        )
    session = ScoreSession(short_uuid(), jobs, options, display)
    await asyncio.to_thread(start_prefect, session)
    async with open_session(session):
        try:
            names = ", ".join(dict.fromkeys(job.header.eval.task for job in jobs))
            await run_flow(session, score_flow(names, session.run_id, return_state=True))
        finally:
            for model in {id(model): model for job in jobs for model in job.models}.values():
                await model.aclose()
    check_cancelled()
    if session.errors:
        raise ScoringError("\n".join(session.failures), session.logs) from next(
            iter(session.errors.values())
        )
    if len(session.scored) < len(jobs):  # cancelled in Prefect
        raise KeyboardInterrupt
    return session.logs[0] if is_single(log) else session.logs


async def _score_one(session: ScoreSession, position: int) -> None:
    job = session.jobs[position]
    spec = RunSpec(
        plan_id=f"{session.run_id}/{position}",
        task=job.header.eval.task,
        model=job.header.eval.model,
        samples=job.source.total,
        attempt=job.header.eval.attempt,
    )
    raised = await run_subflow(
        session.link, score_log, spec, lambda: position in {*session.scored, *session.errors}
    )
    if raised is not None:
        session.errors[position] = raised
    check_cancelled()


def _find(run_id: str) -> ScoreSession:
    session = find_session(run_id)
    assert isinstance(session, ScoreSession)
    return session


def _message(error: Exception) -> str:
    text = str(error) if isinstance(error, EvalsError) else f"{type(error).__name__}: {error}"
    return blotted(text)
