"""`evals eval`."""

from __future__ import annotations

import sys
from typing import Any

import click
from rich.console import Console

from flows._click_options import eval_options
from flows._exit import FAILED, INTERRUPTED
from flows._table import print_table
from flows.eval import eval as run_eval
from tasks_lib.model import NOT_GIVEN


@click.command("eval", context_settings={"max_content_width": 100})
@click.argument("tasks", nargs=-1, metavar="[TASK…]")
@eval_options
def eval_command(tasks: tuple[str, ...], model: str | None, arguments: dict[str, Any]) -> None:
    """Evaluate TASKs once: names, files, file.py@name, folders; none: all below this folder.

    Ends with status 0 when every task succeeded. Options can be environment variables, too:
    EVAL_LIMIT=10 for --limit 10, EVAL_NO_SCORE=1 for --no-score.
    """
    chosen = model if model is not None else NOT_GIVEN
    logs = run_eval(list(tasks), chosen, log_header_only=True, **arguments)
    print_table(logs, Console())
    if any(log.status == "cancelled" and log.incomplete is None for log in logs):
        sys.exit(INTERRUPTED)
    sys.exit(0 if all(log.status == "success" for log in logs) else FAILED)
