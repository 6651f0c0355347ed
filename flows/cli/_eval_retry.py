"""`evals eval-retry`."""

from __future__ import annotations

import sys
from typing import Any

import click
from rich.console import Console

from flows._click_options import retry_options
from flows._exit import FAILED
from flows._table import print_table
from flows.eval_retry import eval_retry


@click.command("eval-retry", context_settings={"max_content_width": 100})
@click.argument("logs", nargs=-1, required=True, metavar="LOG…")
@retry_options
def eval_retry_command(logs: tuple[str, ...], arguments: dict[str, Any]) -> None:
    """Finish the evaluations of LOGs (files, URLs): what they hold is not asked again.

    A new log is written beside each. Ends with status 0 when every task succeeded.
    """
    retried = eval_retry(list(logs), log_header_only=True, **arguments)
    print_table(retried, Console())
    sys.exit(0 if all(log.status == "success" for log in retried) else FAILED)
