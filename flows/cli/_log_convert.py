"""`evals log convert`."""

from __future__ import annotations

from typing import get_args

import click

from flows.cli._log_text import log_errors
from tasks_lib.log import LogFormat, convert_eval_logs


@click.command("convert")
@click.argument("path")
@click.option("--to", required=True, type=click.Choice(get_args(LogFormat)), help="The format.")
@click.option("--output-dir", required=True, help="Folder or URL; logs keep their folders in it.")
@click.option("--overwrite", is_flag=True, help="Replace logs that are there.")
def convert_command(path: str, to: LogFormat, output_dir: str, overwrite: bool) -> None:
    """Write the log at PATH, or all logs in that folder, in another format.

    What was there stays. `eval` and `json` are the formats of inspect_ai.
    """
    with log_errors():
        convert_eval_logs(path, to, output_dir, overwrite)
