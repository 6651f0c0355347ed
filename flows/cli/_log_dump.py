"""`evals log dump`."""

from __future__ import annotations

from codecs import getincrementaldecoder
from typing import TextIO

import click

from flows.cli._log_text import json_output, log_errors
from tasks_lib._util._harmless import harmless_json
from tasks_lib.log import read_eval_log, read_eval_log_samples, write_json_log


@click.command("dump")
@click.argument("file")
@click.option("--header-only", is_flag=True, help="Everything but the samples.")
@click.option("--resolve-attachments", is_flag=True, help="Put attachments where they belong.")
def dump_command(file: str, header_only: bool, resolve_attachments: bool) -> None:
    """Print the log FILE as JSON, in the layout of inspect_ai's .json logs.

    FILE is a path or URL of any format; one that is being written gives what is there.
    """
    with log_errors():
        header = read_eval_log(file, header_only=True)
        samples = None
        if not header_only:
            samples = read_eval_log_samples(
                file, all_samples_required=False, resolve_attachments=resolve_attachments
            )
        write_json_log(_Terminal(json_output()), header, samples)


class _Terminal:
    """Takes UTF-8 JSON and prints it, with what a terminal would act on escaped."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._decode = getincrementaldecoder("utf-8")().decode

    def write(self, content: bytes) -> int:
        self._stream.write(harmless_json(self._decode(content)))
        return len(content)
