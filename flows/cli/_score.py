"""`evals score`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import click
from rich.console import Console

from flows._click_options import parse_pairs
from flows._exit import exit_on_error
from flows._named import ByName
from flows._table import print_table
from flows.score import ScoringError, score
from tasks_lib._errors import ParameterError
from tasks_lib._util._harmless import one_line
from tasks_lib.schema import EvalLog, EvalScore

_ACTIONS = click.Choice(["append", "overwrite"])


@click.command("score", context_settings={"max_content_width": 100})
@click.argument("logs", nargs=-1, required=True, metavar="LOG…")
@click.option("--scorer", "scorers", multiple=True, help="Name of a scorer, or file.py@name.")
@click.option("-S", "scorer_args", multiple=True, help="Argument of the scorer: name=value.")
@click.option("--action", type=_ACTIONS, help="Add to the scores of the samples, or replace them.")
@click.option("--overwrite", is_flag=True, default=None, help="Replace the logs themselves.")
@click.option("--output", help="Folder or URL for the scored logs; default: beside the logs.")
@click.option("--epochs-reducer", help="How epochs become one score: mean, mode, max …")
@click.option("--model", help="What stands for the evaluated model where a scorer asks it.")
@click.option(
    "--model-role", "model_roles", multiple=True,
    help="role=model, or role={model: …, temperature: …}; wins over the log's.",
)  # fmt: skip
@click.option("--fail-on-error", type=float, help="Share or count of samples whose scorers fail.")
@click.option("--no-fail-on-error", "no_fail", is_flag=True, help="Go on whatever scorers raise.")
@click.option("--max-samples", type=int, help="Samples at once, per log.")
@click.option(
    "--task-runs", type=click.Choice(["auto", "stage", "sample", "shard"]),
    help="What is a Prefect task run.",
)  # fmt: skip
@click.option(
    "--display", type=click.Choice(["full", "rich", "plain", "log", "none"]),
    help="How progress is shown.",
)  # fmt: skip
@click.option("--log-level", help="From which level on log records are shown.")
def score_command(logs: tuple[str, ...], **options: Any) -> None:
    """Score LOGs (files, URLs, folders of logs) once more, or with other scorers.

    Without --scorer the scorers of the log judge again. Nothing is asked of the evaluated
    model. A scored log is written beside its original, as <name>-scored. On a terminal asks
    what to do with the scores that there are, if no option says so. Ends with status 0 when
    every log was scored; stopped before, it goes on when the same command is run again.
    """
    with exit_on_error():
        scorers, arguments = _arguments(options)
        _ask(arguments)
        arguments = {name: value for name, value in arguments.items() if value is not None}
        try:
            scored = score(list(logs), scorers, **arguments)
        except ScoringError as error:
            _show(error.logs)
            raise
        _show(scored if isinstance(scored, list) else [scored])


def _arguments(options: dict[str, Any]) -> tuple[list[ByName] | None, dict[str, Any]]:
    """Return the scorers, and the other arguments of `score`, that the options mean."""
    names = options.pop("scorers")
    args = parse_pairs("-S", options.pop("scorer_args"))
    if args and len(names) != 1:
        raise ParameterError("evals score", "-S", sorted(args), "exactly one --scorer beside it")
    reducer = options.pop("epochs_reducer")
    roles = parse_pairs("--model-role", options.pop("model_roles"))
    if options.pop("no_fail"):
        options["fail_on_error"] = False
    arguments = {
        **options,
        "model_roles": roles or None,
        "epochs_reducer": reducer.split(",") if reducer else None,
    }
    return [ByName(name, args) for name in names] or None, arguments


def _ask(arguments: dict[str, Any]) -> None:
    """Ask for what was not given, if somebody sits there."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    if arguments["action"] is None:
        arguments["action"] = click.prompt(
            "New scores join those of the samples (append) or replace them (overwrite)?",
            type=_ACTIONS,
            default="append",
        )
    if arguments["overwrite"] is None and arguments["output"] is None:
        arguments["overwrite"] = click.confirm("Replace the logs themselves?", default=False)


def _show(logs: list[EvalLog]) -> None:
    if not logs:
        return
    print_table(logs, Console())
    for log in logs:
        for result in log.results.scores if log.results else ():
            click.echo(f"{one_line(log.eval.task)}  {one_line(_line(result))}")


def _line(score: EvalScore) -> str:
    name = score.name if score.name == score.scorer else f"{score.scorer}/{score.name}"
    reducer = f" ({score.reducer})" if score.reducer else ""
    return f"{name}{reducer}: {', '.join(_metrics(score))}"


def _metrics(score: EvalScore) -> Iterator[str]:
    for key, metric in score.metrics.items():
        yield f"{key} {'-' if metric.value is None else format(metric.value, '.3f')}"
    yield f"{score.scored_samples} scored"
    if score.unscored_samples:
        yield f"{score.unscored_samples} unscored"
