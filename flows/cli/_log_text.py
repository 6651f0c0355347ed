"""What the commands for logs print on a terminal: text, tables, errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from io import TextIOWrapper
from typing import TextIO

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows._exit import FAILED, INTERRUPTED, USAGE
from tasks_lib._errors import EvalsError, PrerequisiteError
from tasks_lib._util._harmless import one_line


def json_output() -> TextIO:
    """Return standard output, in the only encoding that JSON has."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    return sys.stdout


def moment(seconds: float | None) -> str:
    """Return a time as people here read it: local, to the minute."""
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M}"


def shown_location(location: str, absolute: bool = False) -> str:
    """Return a log's location: local ones relative to the working directory, unless absolute."""
    return location if absolute or "://" in location else os.path.relpath(location)


def open_console(width: int | None = None) -> Console:
    """Return a console on standard output; what its encoding lacks is escaped."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    return Console(markup=False, highlight=False, emoji=False, width=width)


def print_whole(table: Table, console: Console) -> None:
    """Print a table as wide as it needs to be; a narrower terminal wraps its lines."""
    unlimited = console.options.update(width=10_000)
    open_console(console.measure(table, options=unlimited).maximum).print(table)


def print_facts(facts: Iterable[tuple[str, str]], console: Console) -> None:
    """Print a line for each name with its value; those without a value are left out."""
    for name, value in facts:
        if value:
            console.print(Text.assemble((f"{name:<11}", "dim"), value), soft_wrap=True)


@contextmanager
def log_errors() -> Iterator[None]:
    """Turn what is expected to go wrong with logs into one line and an exit status.

    2: the command line is wrong or names something that is not there. 1: something could not
    be read or done. A broken pipe is left to click, which ends quietly.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except _WRONG_COMMAND as error:
        _fail(error, USAGE)
    except _failures() as error:
        _fail(error, FAILED)
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
        sys.exit(INTERRUPTED)


_WRONG_COMMAND = (PrerequisiteError, FileNotFoundError, FileExistsError, IsADirectoryError)


def _failures() -> tuple[type[Exception], ...]:
    """Return what stands for something that could not be done; of S3's client, if it is used."""
    s3 = sys.modules.get("botocore.exceptions")
    known = (EvalsError, OSError)
    return known if s3 is None else (*known, s3.BotoCoreError, s3.ClientError)


def _fail(error: Exception, status: int) -> None:
    click.echo(f"Error: {one_line(str(error) or type(error).__name__, 1000)}", err=True)
    sys.exit(status)
