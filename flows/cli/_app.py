"""`evals`: the group of all commands."""

from __future__ import annotations

import click

from flows.cli._eval import eval_command
from flows.eval_set import command as eval_set_command


@click.group(context_settings={"max_content_width": 100})
@click.version_option(package_name="prefect-evals")
def main() -> None:
    """LLM evaluations as Prefect flows, with logs in Parquet."""


main.add_command(eval_command)
main.add_command(eval_set_command)
