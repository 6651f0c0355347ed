"""What a sample goes through: prompts, the model, choices, tools, critique, agents."""

from solvers._basic_agent import basic_agent
from solvers._bridge import bridge
from solvers._chain import chain
from solvers._fork import fork
from solvers._generate import generate
from solvers._multiple_choice import MultipleChoiceTemplate, multiple_choice
from solvers._plan import Plan, plan
from solvers._prompt import (
    assistant_message,
    chain_of_thought,
    prompt_template,
    system_message,
    user_message,
)
from solvers._self_critique import self_critique
from solvers._solver import solver
from solvers._use_tools import use_tools
from tasks_lib.schema import Choice, Choices
from tasks_lib.task import Generate, Solver, SolverSpec, TaskState

__all__ = [
    "Choice",
    "Choices",
    "Generate",
    "MultipleChoiceTemplate",
    "Plan",
    "Solver",
    "SolverSpec",
    "TaskState",
    "assistant_message",
    "basic_agent",
    "bridge",
    "chain",
    "chain_of_thought",
    "fork",
    "generate",
    "multiple_choice",
    "plan",
    "prompt_template",
    "self_critique",
    "solver",
    "system_message",
    "use_tools",
    "user_message",
]
