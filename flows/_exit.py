"""How a command ends when something goes wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from tasks_lib._errors import EvalsError, PrerequisiteError

USAGE = 2
"""Exit status: something was wrong before anything ran."""

FAILED = 1
"""Exit status: something went wrong while it ran."""

INTERRUPTED = 130
"""Exit status: Ctrl-C, as shells have it."""


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Turn our errors into one line on standard error and an exit status, no traceback."""
    try:
        yield
    except (PrerequisiteError, NotImplementedError) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(USAGE)
    except EvalsError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(FAILED)
    except KeyboardInterrupt:
        click.echo("Stopped. The logs hold every sample that had finished.", err=True)
        sys.exit(INTERRUPTED)
