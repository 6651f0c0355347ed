"""Logs as runs leave them that end too early."""

from __future__ import annotations

from pathlib import Path

from tasks_lib.log import EvalLogWriter, LogFormat, read_eval_log
from tasks_lib.schema import EvalLog, EvalSample

STEM = "2026-11-21T21-04-45+00-00_arithmetic_task1"
NAME = f"{STEM}.parquet"
"""Name of the log of `make_header`."""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def uuids(location: str | Path) -> list[str | None]:
    return [sample.uuid for sample in read_eval_log(location).samples or []]


def part(log_dir: Path, number: int, name: str = NAME) -> Path:
    return log_dir / ".live" / name / f"part-0-{number:06d}.parquet"


def only_entry(folder: Path) -> Path:
    [path] = folder.iterdir()
    return path


def go_away(folder: Path) -> None:
    folder.rename(folder.with_name(f"{folder.name} that is gone"))


def come_back(folder: Path) -> None:
    folder.with_name(f"{folder.name} that is gone").rename(folder)


async def leave(
    header: EvalLog,
    log_dir: Path | str,
    samples: list[EvalSample],
    log_format: LogFormat = "parquet",
) -> EvalLogWriter:
    """Write a log and stop in the middle of it, as a killed run does."""
    header.eval.config.log_buffer = 1
    writer = EvalLogWriter(header, log_dir, score_columns=["match"], log_format=log_format)
    await writer.start()
    for sample in samples:
        await writer.append(sample)
    return writer
