"""The scorer math: whether the answer is mathematically the target."""

from __future__ import annotations

import math as numbers
from importlib.util import find_spec

from scorers._scorer import scorer
from scorers.metrics import accuracy, stderr
from tasks_lib._errors import MissingPackageError, ParameterError
from tasks_lib.schema import Score, Target
from tasks_lib.task import Scorer, TaskState

_PACKAGES = {"sympy": "sympy", "latex2sympy2_extended": "latex2sympy2-extended"}


@scorer(metrics=[accuracy(), stderr()])
def math(*, timeout: float = 2.0) -> Scorer:
    r"""Correct when the answer in the output is mathematically equal to one of the targets.

    The answer is what stands in the last `\boxed{…}` of the output; else after the last
    "answer is" or `ANSWER:`; else in the last formula between dollar signs or LaTeX
    brackets; else at the end of the last line; else it is the last number. Of a target with
    a `\boxed{…}` that is what counts. LaTeX and plain notation (`2*x+1`, `sqrt(2)/2`) may
    be used on either side.

    Equal are numbers of the same value (exactly; to a relative 1e-6 when a decimal stands
    for a number that has no finite decimal form, as 0.333333 for 1/3); expressions with the
    same value at any value of their variables, of which the names count; sets in any
    order; points, intervals (open is not closed) and matrices item by item; equations and
    inequalities, also multiplied by a number, and inequalities and their intervals. `x = 5`
    is the same as `5`. Units and number bases count if both sides have one; `50%` equals
    `50` and `0.5`. What cannot be read as mathematics is compared as text, without layout.

    Nothing that a model wrote is evaluated as code: a grammar makes formulas of it, in
    processes of their own that have neither keys nor write access and 1 GiB of memory. A
    sample whose target cannot be read within the limits is unscored, as is one for which
    such a process got no time. An answer that exceeds them is incorrect, as otherwise a
    model could take the samples that it fails out of the results; the explanation says so.
    A sample without a target is unscored; an output without an answer is incorrect.

    `metadata["compared"]` of a score says how the verdict was found: as "text", "numbers" or
    "formulas". It is missing where there was nothing to compare.

    Args:
        timeout: Seconds of processor time that judging a sample may take, without the
            start of a process (a second or two, once).

    Raises:
        ParameterError: `timeout` is not a positive number.
        MissingPackageError: The packages of the extra `math` are not installed.
    """
    if not (numbers.isfinite(timeout) and timeout > 0):
        raise ParameterError("math", "timeout", timeout, "more than 0 seconds")
    for module, package in _PACKAGES.items():
        if find_spec(module) is None:
            raise MissingPackageError("The scorer 'math'", package, "math")

    from scorers._math._judge import judge_answer  # its patterns take time to compile

    async def score(state: TaskState, target: Target) -> Score:
        return await judge_answer(state.output.completion, target, timeout)

    return score
