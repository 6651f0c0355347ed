"""Tasks, the roles they give away, and the state that goes through them."""

from tasks_lib.task._branch import sample_state, use_branch
from tasks_lib.task._decorator import task
from tasks_lib.task._discover import TaskInfo, list_tasks
from tasks_lib.task._epochs import Epochs
from tasks_lib.task._import import registered_in, source_module
from tasks_lib.task._load import Tasks, load_tasks
from tasks_lib.task._logged_plans import (
    logged_arguments,
    logged_metrics,
    logged_scorer,
    plan_of_scorer,
)
from tasks_lib.task._metric_values import metric_values
from tasks_lib.task._plan import RunPlan, RunSpec
from tasks_lib.task._protocols import (
    AgentLike,
    AnySolver,
    Generate,
    Metric,
    MetricProtocol,
    MetricsSpec,
    Scorer,
    ScoreReducer,
    ScoreReducers,
    Solver,
    SolverSpec,
)
from tasks_lib.task._results import compute_results, count_results
from tasks_lib.task._run_solver import run_solver, running_generate
from tasks_lib.task._score_state import score, use_scorers
from tasks_lib.task._score_table import ScoreTable
from tasks_lib.task._scorer_plans import (
    ScorerPlan,
    eval_scorer,
    metric_definitions,
    scorer_metrics,
    scorer_plans,
)
from tasks_lib.task._solver_list import SolverList
from tasks_lib.task._state import TaskState
from tasks_lib.task._task import Task, task_with

__all__ = [
    "AgentLike",
    "AnySolver",
    "Epochs",
    "Generate",
    "Metric",
    "MetricProtocol",
    "MetricsSpec",
    "RunPlan",
    "RunSpec",
    "ScoreReducer",
    "ScoreReducers",
    "ScoreTable",
    "Scorer",
    "ScorerPlan",
    "Solver",
    "SolverList",
    "SolverSpec",
    "Task",
    "TaskInfo",
    "TaskState",
    "Tasks",
    "compute_results",
    "count_results",
    "eval_scorer",
    "list_tasks",
    "load_tasks",
    "logged_arguments",
    "logged_metrics",
    "logged_scorer",
    "metric_definitions",
    "metric_values",
    "plan_of_scorer",
    "registered_in",
    "run_solver",
    "running_generate",
    "sample_state",
    "score",
    "scorer_metrics",
    "scorer_plans",
    "source_module",
    "task",
    "task_with",
    "use_branch",
    "use_scorers",
]
