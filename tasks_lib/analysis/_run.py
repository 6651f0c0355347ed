"""How a frame is made of many logs: one after the other, or several at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from multiprocessing.reduction import ForkingPickler
from typing import NamedTuple, TypeVar

import pyarrow as pa
from rich.console import Console
from rich.progress import track

from tasks_lib._errors import ParameterError
from tasks_lib._util._gc import calm_gc
from tasks_lib.analysis._assemble import check_paths, evals_table, rows_table
from tasks_lib.analysis._columns import ColumnError
from tasks_lib.analysis._frame import Frame, FrameType, as_frame, check_frame
from tasks_lib.analysis._read import LogPart, Plan, read_evals, read_part
from tasks_lib.analysis._sources import FsOptions, Logs, find_sources

T = TypeVar("T")

_MOST_WORKERS = 8
"""Most workers of `parallel=True`: more wait for the disk."""
_HEADERS_AT_ONCE = 8
"""Headers are small; what takes time is waiting for a store."""


class Request(NamedTuple):
    """What the functions that make frames have in common."""

    function: str
    logs: Logs
    quiet: bool | None
    frame: FrameType
    fs_options: FsOptions
    parallel: bool | int = False


def evals_frame(request: Request, plan: Plan) -> Frame | tuple[Frame, list[ColumnError]]:
    """Return a frame with a row for each log; see `rows_frame`."""
    check_frame(request.function, request.frame)
    sources = find_sources(request.logs, request.fs_options)
    read = partial(read_evals, plan=plan)
    with ThreadPoolExecutor(_HEADERS_AT_ONCE) as executor:
        parts = _all(executor.map(read, sources), len(sources), "logs", request.quiet)
    return _finished(request, parts, plan, lambda: evals_table(parts, plan.evals))


def rows_frame(request: Request, plan: Plan) -> Frame | tuple[Frame, list[ColumnError]]:
    """Return a frame with a row for each sample, message or event.

    Unless the plan is strict, the cells that could not be made come with it.

    Raises:
        ParameterError: `parallel` is less than one, or a column has a function that cannot
            be sent to other processes.
    """
    check_frame(request.function, request.frame)
    workers = _workers(request)
    sources = find_sources(request.logs, request.fs_options)
    read = partial(read_part, plan=plan)
    label = f"{plan.detail.name}s" if plan.detail else "samples"
    with calm_gc(), _executor(request, plan, workers) as executor:
        found = executor.map(read, sources) if executor else map(read, sources)
        parts = _all(found, len(sources), label, request.quiet)
        return _finished(request, parts, plan, lambda: rows_table(parts, plan))


def _finished(
    request: Request, parts: Sequence[LogPart], plan: Plan, table: Callable[[], pa.Table]
) -> Frame | tuple[Frame, list[ColumnError]]:
    check_paths(parts, [*plan.evals, *plan.samples], plan.strict)
    frame = as_frame(table(), request.frame)
    if plan.strict:
        return frame
    return frame, [error for part in parts for error in part.errors]


def _all(parts: Iterator[T], total: int, label: str, quiet: bool | None) -> list[T]:
    """Return all parts; a bar on a terminal shows how many of the logs were read."""
    console = Console(stderr=True)
    if quiet or (quiet is None and console.is_jupyter) or not console.is_terminal:
        return list(parts)
    return list(track(parts, f"reading {label}", total, console=console, transient=True))


def _workers(request: Request) -> int:
    parallel = request.parallel
    if parallel is True:
        return max(2, min(os.cpu_count() or 1, _MOST_WORKERS))
    if parallel is False:
        return 1
    if parallel < 1:
        raise ParameterError(request.function, "parallel", parallel, "True, False, 1 or more")
    return parallel


@contextmanager
def _executor(request: Request, plan: Plan, workers: int) -> Iterator[Executor | None]:
    """Provide threads where Arrow does the work, processes where Python does, or neither."""
    if workers == 1:
        yield None
        return
    if not plan.needs_transcripts:
        with ThreadPoolExecutor(workers) as threads:
            yield threads
        return
    try:
        ForkingPickler.dumps(plan)
    except (AttributeError, TypeError, ValueError, RuntimeError) as error:
        raise ParameterError(
            request.function,
            "parallel",
            request.parallel,
            f"False: a function cannot be sent to other processes ({error}). Functions at "
            "the top level of a module can",
        ) from error
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as processes:
        try:
            yield processes
        except BaseException:
            processes.shutdown(wait=False, cancel_futures=True)
            raise
