"""One sample of a log as people read it: what was said, how it was scored, what happened."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow.compute as pc
from rich.console import Console
from rich.text import Text

from flows._cost import cost_text
from flows._message_text import plain, print_heading, print_message, print_score, print_text
from flows.cli._log_events import event_lines
from flows.cli._log_text import print_facts
from tasks_lib._errors import ParameterError, UnknownNameError
from tasks_lib._util._harmless import one_line
from tasks_lib.log import EvalSample, read_eval_log_sample, read_eval_log_table
from tasks_lib.schema import ModelUsage


def print_samples(file: str, sample_id: str, epoch: int, console: Console) -> None:
    """Print the sample with this id; both, if the log has it as a number and as text.

    Raises:
        UnknownNameError: No sample has this id; the message names the nearest.
        ParameterError: It has no such epoch.
    """
    rows = read_eval_log_table(file, ["sample_id", "sample_id_type", "epoch"])
    known = rows.filter(pc.equal(rows.column("sample_id"), sample_id))
    if not known.num_rows:
        ids: list[str] = pc.unique(rows.column("sample_id")).to_pylist()
        raise UnknownNameError("sample of this log", sample_id, ids)
    chosen = known.filter(pc.equal(known.column("epoch"), epoch))
    if not chosen.num_rows:
        epochs = sorted(set(known.column("epoch").to_pylist()))
        raise ParameterError("evals log show", "--epoch", epoch, f"one of {epochs}")
    for kind in chosen.column("sample_id_type").to_pylist():
        id = int(sample_id) if kind == "int" else sample_id
        _print_sample(read_eval_log_sample(file, id, epoch, resolve_attachments=True), console)


def _print_sample(sample: EvalSample, console: Console) -> None:
    console.print(Text(f"Sample {one_line(repr(sample.id))}, epoch {sample.epoch}", style="bold"))
    print_facts(_facts(sample), console)
    for name, score in (sample.scores or {}).items():
        print_score(name, score, console)
    if sample.error is not None:
        print_heading("error", one_line(sample.error.message), "red", console)
        print_text(sample.error.traceback, console)
    for message in sample.messages:
        print_message(message, console)
    print_heading("events", f"{len(sample.events):,}", "blue", console)
    for line in event_lines(sample.events):
        console.print(Text(line), soft_wrap=True)
    console.print()


def _facts(sample: EvalSample) -> Iterator[tuple[str, str]]:
    targets = [sample.target] if isinstance(sample.target, str) else sample.target
    yield "target", one_line(" | ".join(targets), 1000)
    for number, choice in enumerate(sample.choices or ()):
        yield f"choice {number + 1}", one_line(choice, 1000)
    if sample.total_time is not None:
        working = "" if sample.working_time is None else f", working {sample.working_time:,.2f} s"
        yield "time", f"{sample.total_time:,.2f} s{working}"
    for model, usage in sample.model_usage.items():
        yield "tokens", f"{_tokens(usage)} of {one_line(model)}"
    yield "cost", one_line(cost_text(sample.model_usage) or "")
    if sample.limit is not None:
        yield "limit", f"{sample.limit.type} {sample.limit.limit:g}"
    for number, error in enumerate(sample.error_retries or ()):
        yield f"retry {number + 1}", f"after {one_line(error.message, 1000)}"
    for name, values in (("metadata", sample.metadata), ("store", sample.store)):
        if values:
            yield name, one_line(plain(values), 1000)


def _tokens(usage: ModelUsage) -> str:
    return f"{usage.total_tokens:,} ({usage.input_tokens:,} in, {usage.output_tokens:,} out)"
