"""What a sample goes through: prompts, the model, choices."""

from solvers._chain import chain
from solvers._generate import generate
from solvers._multiple_choice import MultipleChoiceTemplate, multiple_choice
from solvers._prompt import (
    assistant_message,
    chain_of_thought,
    prompt_template,
    system_message,
    user_message,
)
from solvers._solver import solver
from tasks_lib.schema import Choice, Choices
from tasks_lib.task import Generate, Solver, SolverSpec, TaskState

__all__ = [
    "Choice",
    "Choices",
    "Generate",
    "MultipleChoiceTemplate",
    "Solver",
    "SolverSpec",
    "TaskState",
    "assistant_message",
    "chain",
    "chain_of_thought",
    "generate",
    "multiple_choice",
    "prompt_template",
    "solver",
    "system_message",
    "user_message",
]
