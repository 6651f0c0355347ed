"""What the flows of one call share in this process, behind the names that Prefect stores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from flows._artifacts import ErrorRow
from flows._cancel import CancelWatch, Sigterm
from flows._display import Display
from flows._governor import Governor
from flows._link import ServerLink
from flows._options import EvalOptions
from tasks_lib._errors import PrerequisiteError
from tasks_lib.context import Budget
from tasks_lib.model import load_prices
from tasks_lib.schema import EvalLog
from tasks_lib.task import RunPlan, RunSpec

_sessions: dict[str, Session] = {}


class Session:
    """One call of `eval` or `eval_set`: its plans, display and what has come of it."""

    def __init__(
        self, run_id: str, plans: Sequence[RunPlan], options: EvalOptions, display: Display
    ) -> None:
        self.run_id = run_id
        self.plans = list(plans)
        self.options = options
        self.display = display
        source = options.model_cost_config
        self.prices = load_prices(source) if source is not None else None
        """What the models cost, None if nobody said."""
        self.budget = Budget(**dict(options.budget)) if options.budget is not None else None
        """What the run may still use up, None if nobody bounded it."""
        self.governor: Governor
        """Set while the session is open, as are the next three."""
        self.link: ServerLink
        """Our way to Prefect's server."""
        self.watch: CancelWatch
        """Ends what is cancelled in Prefect."""
        self.sigterm: Sigterm
        """Ends the session on SIGTERM."""
        self.has_begun = False
        """Whether a flow of the session has begun."""
        self.outcomes: dict[int, EvalLog] = {}
        """The latest log of each plan, by its position; headers only."""
        self.previous: dict[int, list[EvalLog]] = {}
        """Logs of earlier attempts, the newest first, whose finished samples are reused."""
        self.errors: dict[int, Exception] = {}
        """What ended plans of which no sample is to blame, or too many are; by position."""
        self.error_rows: dict[int, list[ErrorRow]] = {}
        """The failed samples of the latest logs, by position."""

    def spec(self, position: int) -> RunSpec:
        """Return what Prefect stores of the plan at `position`."""
        plan = self.plans[position]
        return RunSpec(
            plan_id=f"{self.run_id}/{position}",
            task=plan.header.eval.task,
            model=plan.header.eval.model,
            samples=plan.total,
            attempt=plan.header.eval.attempt,
        )

    @property
    def task_names(self) -> str:
        """The names of the tasks, for people to read."""
        return ", ".join(dict.fromkeys(plan.header.eval.task for plan in self.plans))

    @property
    def logs(self) -> list[EvalLog]:
        """The latest logs, in the order of the plans."""
        return [self.outcomes[position] for position in sorted(self.outcomes)]

    @property
    def success(self) -> bool:
        """Whether every plan has ended well."""
        return len(self.outcomes) == len(self.plans) and all(
            log.status == "success" for log in self.outcomes.values()
        )

    def raise_error(self) -> None:
        """Raise what ended the first plan that failed, if `debug_errors` asks for it."""
        if self.options.debug_errors and self.errors:
            raise self.errors[min(self.errors)]


@contextmanager
def register_session(session: Session) -> Iterator[Session]:
    """Let flows of this process find `session` within this block."""
    _sessions[session.run_id] = session
    try:
        yield session
    finally:
        del _sessions[session.run_id]


def find_session(run_id: str) -> Session:
    """Return the session of a run.

    Raises:
        PrerequisiteError: The flow was started on its own: live objects can't be stored.
    """
    session = _sessions.get(run_id)
    if session is None:
        raise PrerequisiteError(
            f"The run {run_id!r} is not known in this process. Start evaluations with "
            "flows.eval.eval, flows.eval_set.eval_set, or the eval-set deployment."
        )
    return session


def find_plan(spec: RunSpec) -> tuple[Session, int]:
    """Return the session of a plan, and the plan's position in it."""
    run_id, position = spec.plan_id.rsplit("/", 1)
    return find_session(run_id), int(position)
