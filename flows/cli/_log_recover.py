"""`evals log recover`."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import click

from flows._exit import FAILED
from flows.cli._log_text import log_errors, moment, shown_location
from tasks_lib._errors import EvalsError, ParameterError
from tasks_lib._util._harmless import one_line
from tasks_lib.log import (
    EvalLogInfo,
    list_eval_logs,
    read_eval_log_table,
    recover_eval_log,
    resolve_log_dir,
)


@click.command("recover")
@click.argument("file", required=False)
@click.option("--log-dir", help="All unfinished logs in this folder; default: as `log list`.")
@click.option("--force", is_flag=True, help="Also logs whose run may be alive.")
@click.option("--list", "only_list", is_flag=True, help="Only say which logs are unfinished.")
def recover_command(file: str | None, log_dir: str | None, force: bool, only_list: bool) -> None:
    """Finish logs that a killed run left unfinished: FILE, or all in --log-dir.

    FILE is a log's path or URL, its folder of parts, or the folder in which a run kept what
    its store did not take. The log gets the status `error`; its samples are kept, and
    `eval-set` resumes from them.
    """
    with log_errors():
        if file is not None and (log_dir is not None or only_list):
            expected = "neither --log-dir nor --list beside it"
            raise ParameterError("evals log recover", "FILE", file, expected)
        if file is not None:
            _recover(file, force)
            return
        unfinished = [info for info in list_eval_logs(log_dir) if info.type == "live"]
        if not unfinished:
            click.echo(f"No unfinished logs in {one_line(resolve_log_dir(log_dir))}.", err=True)
        elif only_list:
            _list(unfinished)
        elif not all([_recovered(info, force) for info in unfinished]):
            sys.exit(FAILED)


def _list(unfinished: Iterable[EvalLogInfo]) -> None:
    for info in unfinished:
        count = f"{_samples(info.name):>7,} samples"
        click.echo(f"{moment(info.mtime)}  {count}  {_shown(info.name)}")


def _recovered(info: EvalLogInfo, force: bool) -> bool:
    try:
        _recover(info.name, force)
    except (EvalsError, OSError) as error:  # the others are recovered all the same
        click.echo(f"Error: {_shown(info.name)}: {one_line(str(error), 1000)}", err=True)
        return False
    return True


def _recover(file: str, force: bool) -> None:
    log = recover_eval_log(file, force=force)
    click.echo(f"{_shown(log.location)}: {_samples(log.location):,} samples")


def _samples(location: str) -> int:
    return int(read_eval_log_table(location, ["sample_id"]).num_rows)


def _shown(location: str) -> str:
    return one_line(shown_location(location), 1000)
