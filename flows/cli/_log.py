"""`evals log`: the group of the commands about logs."""

from __future__ import annotations

import click

from flows.cli._log_convert import convert_command
from flows.cli._log_dump import dump_command
from flows.cli._log_list import list_command
from flows.cli._log_recover import recover_command
from flows.cli._log_show import show_command


@click.group("log", context_settings={"max_content_width": 100})
def log_group() -> None:
    """List, read, convert and repair logs.

    Logs are named by path or URL. Stores take credentials and options from the environment,
    as their fsspec packages document it (s3://: AWS_…, FSSPEC_S3_…).
    """


log_group.add_command(list_command)
log_group.add_command(show_command)
log_group.add_command(dump_command)
log_group.add_command(convert_command)
log_group.add_command(recover_command)
