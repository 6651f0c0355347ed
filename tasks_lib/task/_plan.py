"""One task on one model, made ready: what is stored of it, and what is alive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from tasks_lib.approval import ApprovalPolicy
from tasks_lib.model import Model
from tasks_lib.sandbox import SandboxPlan
from tasks_lib.schema import EvalLog, GenerateConfig, LogFormat, Sample
from tasks_lib.task._protocols import Generate, Scorer, ScoreReducer, Solver
from tasks_lib.task._scorer_plans import ScorerPlan
from tasks_lib.task._state import TaskState


class RunSpec(BaseModel):
    """What Prefect stores of a run: names and numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plan_id: str
    """Key of the live plan in this process."""
    task: str
    model: str
    samples: int
    """Samples to evaluate, once per epoch."""
    attempt: int = 1


class RunPlan:
    """All that evaluating one task on one model needs, resolved and checked.

    A plain class on purpose: Prefect walks dataclasses and pydantic models field by field
    whenever they are passed to a Prefect task, here the whole dataset.
    """

    def __init__(  # noqa: PLR0913 - stands in for a dataclass, see above
        self,
        *,
        header: EvalLog,
        samples: Sequence[Sample],
        model: Model,
        roles: Mapping[str, Model],
        setup: Solver | None,
        solvers: Sequence[Solver],
        cleanup: Callable[[TaskState], object] | None,
        scorers: Sequence[tuple[ScorerPlan, Scorer]],
        reducers: Mapping[str, ScoreReducer],
        approval: Sequence[ApprovalPolicy] | None = None,
        sandboxes: SandboxPlan | None = None,
        generate: Generate,
        config: GenerateConfig,
        log_dir: str,
        log_format: LogFormat = "parquet",
    ) -> None:
        self.header = header
        """The log without samples; its `eval.config` holds limits and counts."""
        self.samples = samples
        """The selected samples, each with an id."""
        self.model = model
        self.roles = roles
        self.setup = setup
        self.solvers = solvers
        """The solvers in order; a chain is taken apart."""
        self.cleanup = cleanup
        self.scorers = scorers
        """In order, each with its name and metrics; empty when nothing is scored."""
        self.reducers = reducers
        self.approval = approval
        """Who decides on calls of tools; None: all are done."""
        self.sandboxes = sandboxes
        """Where which sample runs; None: none of them has a sandbox."""
        self.generate = generate
        self.config = config
        """Generate options of the task and of the call, merged."""
        self.log_dir = log_dir
        self.log_format: LogFormat = log_format

    @property
    def epochs(self) -> int:
        """How often each sample is evaluated."""
        return self.header.eval.config.epochs or 1

    def label(self, sample_id: int | str | None, epoch: int) -> str:
        """Return how Prefect names a sample: by its id, and the epoch if there are several."""
        return str(sample_id) if self.epochs == 1 else f"{sample_id}/{epoch}"

    @property
    def total(self) -> int:
        """Samples to evaluate, once per epoch."""
        return len(self.samples) * self.epochs
