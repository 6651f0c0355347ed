"""The budget of a run as an argument, and what is said when it is used up."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Self

from prefect.client.schemas.objects import State
from prefect.states import Cancelled
from pydantic import BaseModel, ConfigDict, Field, model_validator

from flows._server import MESSAGE_LENGTH
from tasks_lib._errors import ParameterError
from tasks_lib.context import Budget
from tasks_lib.model import NO_MODEL
from tasks_lib.schema import EvalIncomplete, EvalLog
from tasks_lib.task import RunPlan


class BudgetLimits(BaseModel):
    """What a whole run may use up, all tasks and models together. None: no bound.

    What is in flight when a bound is reached ends, and is paid for: keep a margin of as many
    samples as run at once.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    tokens: int | None = Field(default=None, gt=0)
    """Of all calls that were answered anew; answers from a cache cost nothing."""
    cost: float | None = Field(default=None, gt=0)
    """US dollars; needs prices of all models, see `model_cost_config`."""
    time: float | None = Field(default=None, gt=0)
    """Seconds since the run began."""

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.tokens is None and self.cost is None and self.time is None:
            raise ValueError("at least one of tokens, cost (US dollars) and time (seconds)")
        return self


def check_budget(
    function: str, limits: BudgetLimits | None, plans: Sequence[RunPlan], prices: Container[str]
) -> None:
    """Make sure that a budget can be kept to.

    Args:
        function: What was called.
        limits: Its `budget`.
        plans: What is to be run.
        prices: The models that have a price, by name (`provider/name`).

    Raises:
        ParameterError: `cost` is bounded and what a model costs is not known. That a provider
            may say it with each answer does not help: that is too late.
    """
    if limits is None or limits.cost is None:
        return
    models = {str(model): None for plan in plans for model in (plan.model, *plan.roles.values())}
    unknown = [name for name in models if name not in prices and name != NO_MODEL]
    if unknown:
        expected = (
            f"prices of all models because it bounds the cost: {', '.join(unknown)} "
            f"{'has' if len(unknown) == 1 else 'have'} none in model_cost_config"
        )
        raise ParameterError(function, "budget", {"cost": limits.cost}, expected)


def incomplete(budget: Budget | None, wait_s: float = 0) -> EvalIncomplete | None:
    """Return what a log says when nothing of it may start after a wait; None if it may."""
    used_up = budget.used_up_after(wait_s) if budget is not None else None
    if used_up is None:
        return None
    return EvalIncomplete(
        reason="budget",
        message=f"The budget is used up: {used_up}. Run it again to go on, with a budget anew.",
    )


def not_started(header: EvalLog, budget: Budget | None) -> EvalLog | None:
    """Return the outcome of a task that must not start, None if it may.

    For `run_eval_task`, before it starts the subflow: a header without a file.
    """
    reason = incomplete(budget)
    if reason is None:
        return None
    return header.model_copy(update={"status": "cancelled", "incomplete": reason})


def incomplete_state(
    logs: Sequence[EvalLog], budget: Budget | None = None, wait_s: float = 0
) -> State[None] | None:
    """Return the Prefect state of a run that the budget ended; None if it was not the budget.

    Its type is Cancelled, so that Prefect repeats nothing; its name is Incomplete.

    Args:
        logs: What has come of the task, or of all tasks of the run.
        budget: Given where a failed task would be tried again: if it is used up, the run
            ends instead. (In an eval set, also ask before an attempt is prepared: it takes
            the place of the last one, whose log must stay.)
        wait_s: How long a failed task waits until it is tried again.
    """
    messages = [log.incomplete.message for log in logs if log.incomplete is not None]
    if not messages and any(log.status == "error" for log in logs):
        messages = [reason.message] if (reason := incomplete(budget, wait_s)) else []
    if not messages:
        return None
    return Cancelled(name="Incomplete", message=messages[0][:MESSAGE_LENGTH])
