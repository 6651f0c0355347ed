"""`self_critique`: lets a model judge the answer, and the evaluated model improve it."""

from __future__ import annotations

from solvers._solver import solver
from tasks_lib._errors import ParameterError
from tasks_lib._util._template import check_template, fill_template, read_template
from tasks_lib._util._text import template_variables
from tasks_lib.model import Model, get_model
from tasks_lib.schema import ChatMessageUser
from tasks_lib.task import Generate, Solver, TaskState

DEFAULT_CRITIQUE_TEMPLATE = """\
Somebody answered a question. Judge the answer.

A good answer deals with all that the question asks for, and is never a refusal to answer.
Name what is wrong, missing or unclear, and say how it could be put right. If there is nothing
to criticise, write only: "The answer is fully correct."

=== Question ===
{question}

=== Answer ===
{completion}

=== End ===

What do you think of the answer?
"""
"""What the critic is asked."""

DEFAULT_CRITIQUE_COMPLETION_TEMPLATE = """\
Here is your answer to a question once more, and what a reviewer thinks of it.

=== Question ===
{question}

=== Your answer ===
{completion}

=== Review ===
{critique}

=== End ===

Write a better answer that heeds the review. If the review finds nothing wrong, repeat your
answer word for word. Close with a line of its own that reads "ANSWER: $ANSWER" (leave out the
quotes), $ANSWER being what you answer to the question.
"""
"""What the evaluated model is asked then."""


@solver
def self_critique(
    critique_template: str | None = None,
    completion_template: str | None = None,
    model: str | Model | None = None,
) -> Solver:
    """Let a model criticise the answer, then ask the evaluated one for a better answer.

    The critique is a call of its own: its request and answer are in the transcript, but not
    in the conversation. That gets one user message, with the critique, and the new answer.

    Args:
        critique_template: Text, or path or URL of a file with it: what the critic is asked.
            Variables are `{completion}` (the answer so far), `{question}` (the sample's
            input) and the sample's metadata.
        completion_template: Text, or path or URL of a file with it: what the evaluated model
            is asked then. It has `{critique}` as well.
        model: Who criticises; by default the model that is evaluated, whichever it is.

    Raises:
        ParameterError: `critique_template` lacks `{completion}` or has `{critique}`,
            `completion_template` lacks `{critique}`, or the braces of one are not balanced.
        PrerequisiteError: There is no such model, or its key is missing, see `get_model`.
        DatasetError: When it runs: the sample's metadata lacks a variable of a template.
    """
    ask = _template("critique_template", critique_template, DEFAULT_CRITIQUE_TEMPLATE, "completion")
    retry = _template(
        "completion_template",
        completion_template,
        DEFAULT_CRITIQUE_COMPLETION_TEMPLATE,
        "critique",
    )
    if "critique" in template_variables(ask):
        expected = "no variable {critique}, as there is none yet"
        raise ParameterError("self_critique", "critique_template", ask, expected)
    critic = get_model(model) if isinstance(model, str) else model

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        facts: dict[str, object] = {
            "question": state.input_text,
            "completion": state.output.completion,
        }
        _filled(retry, {**facts, "critique": "text"}, state)  # so that nobody is asked in vain
        # None is resolved here: one solver may be evaluated on several models.
        critique = await (critic or get_model()).generate(_filled(ask, facts, state))
        facts["critique"] = critique.completion
        state.messages.append(ChatMessageUser(content=_filled(retry, facts, state)))
        return await generate(state)

    return solve


def _template(parameter: str, given: str | None, default: str, required: str) -> str:
    text = default if given is None else read_template(given)
    check_template("self_critique", text, required=(required,), allowed=None, parameter=parameter)
    return text


def _filled(template: str, own: dict[str, object], state: TaskState) -> str:
    return fill_template(
        "self_critique", template, own, metadata=state.metadata, sample_id=state.sample_id
    )
