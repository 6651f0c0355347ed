"""`evals`: the group of all commands."""

from __future__ import annotations

from pkgutil import resolve_name

import click

_COMMANDS = {
    "cache": "flows.cli._cache:cache_group",
    "eval": "flows.cli._eval:eval_command",
    "eval-retry": "flows.cli._eval_retry:eval_retry_command",
    "eval-set": "flows.eval_set:command",
    "log": "flows.cli._log:log_group",
    "score": "flows.cli._score:score_command",
}


class _Commands(click.Group):
    """Imports a command when it is asked for.

    What runs evaluations imports Prefect, which takes seconds; reading a log needs none of it.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; None if there is none of that name."""
        place = _COMMANDS.get(cmd_name)
        if place is None:
            return None
        command = resolve_name(place)
        assert isinstance(command, click.Command)
        return command


@click.command(cls=_Commands, context_settings={"max_content_width": 100})
@click.version_option(package_name="prefect-evals")
def main() -> None:
    """LLM evaluations as Prefect flows, with logs in Parquet."""
