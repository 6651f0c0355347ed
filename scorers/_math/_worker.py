"""The process that reads and compares formulas for the scorer math.

It is started by `_pool`, is told no secrets, can write no files, and the system ends it
when a question takes more processor time or memory than it may: whatever a model writes,
what it costs is bounded.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from typing import NoReturn, TypedDict

READY = b"ready"
"""Sent once, when questions can be asked."""
FAILED = b"failed:"
"""Sent in its place, with the reason."""
TARGETS_READ = b"targets"
"""Sent for each question as soon as only the answer can take long."""
TOO_MUCH = b"too much"
"""Sent in place of a verdict: the question took too much time or memory."""
ENDED = b"ended"
"""Sent in place of a verdict: something else ended the process that had the question."""

MEMORY_BYTES = 1 << 30
"""Memory that a process may have."""
_FRAMES = 4000
"""Nested calls of Python; the parser needs some thirty for each bracket."""
_NO_MEMORY = 3
"""Status of a process without memory."""
_GIVEN_UP = (-signal.SIGPROF, -signal.SIGSEGV, -signal.SIGBUS, -signal.SIGABRT, _NO_MEMORY)
"""How a question ends a process: time, stack, memory."""


class Question(TypedDict):
    """What the process is asked."""

    targets: list[str]
    answer: str
    cpu_s: float
    """Processor time that it may take."""


class Verdict(TypedDict):
    """What it finds."""

    is_correct: bool
    target_read: bool
    """Whether one of the targets could be read as mathematics."""
    answer_read: bool
    """Whether the answer could."""


def main() -> NoReturn:
    """Answer the questions on standard input until it is closed, then end the process."""
    questions = Connection(os.dup(0), writable=False)
    verdicts = Connection(os.dup(1), readable=False)
    silent = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):  # what libraries print is no verdict
        os.dup2(silent, standard)
    try:
        _prepare()
    except Exception:  # whoever started us is to say why
        verdicts.send_bytes(FAILED + traceback.format_exc().encode(errors="replace"))
        sys.exit(1)
    verdicts.send_bytes(READY)
    gc.freeze()  # what was imported stays shared between the processes
    while (status := _fork(questions, verdicts)) != 0:
        verdicts.send_bytes(TOO_MUCH if status in _GIVEN_UP else ENDED)
    sys.exit(0)


def _fork(questions: Connection, verdicts: Connection) -> int:
    """Answer questions in a fork; return how it ended, 0: nobody asks any more.

    To fork takes milliseconds, to start a process seconds.
    """
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        _serve(questions, verdicts)
    except MemoryError:
        os._exit(_NO_MEMORY)
    except BaseException:  # what follows in our caller is for the parent
        os._exit(1)
    os._exit(0)


def _serve(questions: Connection, verdicts: Connection) -> None:
    while True:
        try:
            question: Question = json.loads(questions.recv_bytes())
        except EOFError:
            return
        # The kernel ends us then, also in the middle of a multiplication that takes hours.
        signal.setitimer(signal.ITIMER_PROF, question["cpu_s"])
        verdict = _judge(question, verdicts)
        signal.setitimer(signal.ITIMER_PROF, 0)
        verdicts.send_bytes(json.dumps(verdict).encode())


def forbid_evaluation() -> None:
    """Make sympy refuse to evaluate text as Python. It does when it is given text as a value."""
    from sympy.parsing import sympy_parser

    def refuse(*args: object, **kwargs: object) -> NoReturn:
        raise ValueError("Text is not evaluated here.")

    sympy_parser.eval_expr = refuse


def _prepare() -> None:
    from scorers._math._compare import is_equal, read_formula, read_target

    forbid_evaluation()
    # What every first question would pay for: the parser's tables, lazy imports of sympy.
    target = read_target(r"\frac{1}{2}+\sqrt{x}")
    answer = read_formula(r"\sqrt{x}+0.5")
    assert target is not None
    assert answer is not None
    is_equal(target, answer)
    sys.setrecursionlimit(_FRAMES)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def _judge(question: Question, progress: Connection) -> Verdict:
    from scorers._math._compare import is_equal, read_formula, read_target

    targets = [read_target(text) for text in question["targets"]]
    progress.send_bytes(TARGETS_READ)
    answer = read_formula(question["answer"])
    return Verdict(
        is_correct=answer is not None
        and any(target is not None and is_equal(target, answer) for target in targets),
        target_read=any(target is not None for target in targets),
        answer_read=answer is not None,
    )
