"""Writing a log as one JSON document, to whatever takes bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from tasks_lib.log._eval_log_document import (
    header_document,
    reductions_document,
    sample_document,
)
from tasks_lib.schema import EvalLog, EvalSample


class Sink(Protocol):
    """Takes bytes: a binary file, or something like one."""

    def write(self, content: bytes, /) -> object:
        """Take `content`, all of it."""
        ...


def write_json_log(sink: Sink, header: EvalLog, samples: Iterable[EvalSample] | None) -> None:
    """Write a log in the layout of `.json` logs, with one sample in memory at a time.

    Args:
        sink: Where to; it is left open.
        header: The log; its own samples are not looked at.
        samples: The samples, written as they are; None: the document has no samples at all,
            as for a log whose header alone was read.
    """
    sink.write(header_document(header)[:-1])
    # Said also when there are none, so that nobody looks for them behind the samples.
    sink.write(b',\n"reductions":%s' % reductions_document(header))
    if samples is not None:
        sink.write(b',\n"samples":[')
        for number, sample in enumerate(samples):
            sink.write(b",\n" if number else b"\n")
            sink.write(sample_document(sample))
        sink.write(b"\n]")
    sink.write(b"}\n")
