"""What a run left that did not finish its log becomes a log."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tasks_lib._errors import LogError, LogFormatError, MissingFileError, PrerequisiteError
from tasks_lib.log import LogFormat, list_eval_logs, read_eval_log, recover_eval_log
from tasks_lib.log._log_file import LogFile
from tasks_lib.log._origin import ORIGIN_KEY
from tasks_lib.schema import (
    EvalConfig,
    EvalError,
    EvalLog,
    EvalResults,
    EvalSample,
    EvalSampleLimit,
    EvalStats,
    ModelUsage,
    Score,
)
from tests.log._left_logs import NAME, STEM, leave, names, only_entry, part, uuids

MakeSample = Callable[..., EvalSample]
MakeHeader = Callable[..., EvalLog]

MESSAGE = "The run ended without finishing its log, which was recovered from its parts."


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where parts are spilled to: a folder of the test's own."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def log_dir(tmp_path: Path) -> Path:
    return tmp_path / "logs"


def change_origin(path: Path, **fields: Any) -> None:
    """Let a part say that another process wrote it; None: that it does not say who."""
    table = pq.read_table(path)
    file = pq.ParquetFile(path)
    metadata = dict(file.metadata.metadata)
    origin = json.loads(metadata.pop(ORIGIN_KEY))
    if fields:
        metadata[ORIGIN_KEY] = json.dumps(origin | fields).encode()
    pq.write_table(table.replace_schema_metadata(metadata), path)


def content_of(location: str) -> bytes:
    return Path(location).read_bytes()


@pytest.mark.parametrize("log_format", ["parquet", "json", "eval"])
async def test_a_killed_run(
    log_dir: Path, make_header: MakeHeader, make_sample: MakeSample, log_format: LogFormat
) -> None:
    header = make_header(
        config=EvalConfig(epochs=2), stats=EvalStats(started_at="2026-11-21T11:59:59+00:00")
    )
    samples = [
        make_sample(1),
        make_sample(2, started_at="2026-11-21T12:00:10+00:00", total_time=2.0),
        make_sample(3, error=EvalError(message="broken", traceback=""), model_usage={}),
        make_sample(2, started_at="2026-11-21T12:00:20+00:00", total_time=3.5, attempt=2),
    ]
    writer = await leave(header, log_dir, samples, log_format)

    log = recover_eval_log(writer.location, force=True)

    assert log.location == writer.location == str(log_dir / f"{STEM}.{log_format}")
    assert log.samples is None
    assert (log.status, log.error) == ("error", EvalError(message=MESSAGE, traceback=""))
    assert log.eval.task == "arithmetic"
    assert log.results == EvalResults(
        total_samples=6,
        completed_samples=2,
        errored_samples=1,
        scored_samples=2,
        unscored_samples=0,
        limited_samples=0,
        missing_samples=3,
        scores=[],
    )
    assert log.stats == EvalStats(
        started_at="2026-11-21T11:59:59+00:00",
        completed_at="2026-11-21T12:00:23+00:00",
        model_usage={
            "mockllm/model": ModelUsage(input_tokens=20, output_tokens=8, total_tokens=28)
        },
    )
    assert names(log_dir) == [f"{STEM}.{log_format}"]
    whole = read_eval_log(writer.location)
    assert whole.samples == [samples[0], samples[3], samples[2]]
    assert [(info.name, info.type) for info in list_eval_logs(log_dir)] == [
        (writer.location, "file")
    ]
    assert recover_eval_log(writer.location) == log  # nothing is left to do


@pytest.mark.parametrize("named_by", ["future path", "live folder", "listing"])
async def test_how_a_log_is_named(
    log_dir: Path, make_header: MakeHeader, make_sample: MakeSample, named_by: str
) -> None:
    writer = await leave(make_header(), log_dir, [make_sample(1)])
    log_files: dict[str, LogFile] = {
        "future path": log_dir / NAME,
        "live folder": log_dir / ".live" / NAME,
        "listing": list_eval_logs(log_dir)[0],
    }

    assert recover_eval_log(log_files[named_by], force=True).location == writer.location
    assert uuids(writer.location) == ["uuid-1-1"]


async def test_counts_of_samples(
    log_dir: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    header = make_header()
    header.eval.dataset.samples, header.eval.dataset.sample_ids = 9, None  # all were selected
    samples = [
        make_sample(1, limit=EvalSampleLimit(type="token", limit=10)),
        make_sample(2, scores={"match": Score.unscored(), "f1": Score(value=0)}),
        make_sample(3, scores={"match": Score.unscored()}),
        make_sample(4, scores={}),
        make_sample(5, scores=None),
    ]
    writer = await leave(header, log_dir, samples)

    log = recover_eval_log(writer.location, force=True)

    assert log.results == EvalResults(
        total_samples=9 * (header.eval.config.epochs or 1),
        completed_samples=5,
        errored_samples=0,
        scored_samples=2,
        unscored_samples=3,
        limited_samples=1,
        missing_samples=9 * (header.eval.config.epochs or 1) - 5,
    )


def _counts(total: int, scored: int) -> EvalResults:
    """Return results of samples all of which were scored, or are missing."""
    return EvalResults(
        total_samples=total,
        completed_samples=scored,
        errored_samples=0,
        scored_samples=scored,
        unscored_samples=0,
        limited_samples=0,
        missing_samples=total - scored,
    )


async def test_a_run_without_samples(log_dir: Path, make_header: MakeHeader) -> None:
    writer = await leave(make_header(), log_dir, [])

    log = recover_eval_log(writer.location, force=True)

    assert log.results == _counts(total=3, scored=0)
    assert log.stats.completed_at == ""
    assert read_eval_log(writer.location).samples == []


def test_no_log_at_all(log_dir: Path) -> None:
    with pytest.raises(MissingFileError, match=r"The log .+ does not exist"):
        recover_eval_log(log_dir / NAME)


@pytest.mark.parametrize("log_format", ["parquet", "json", "eval"])
async def test_killed_before_the_parts_were_removed(
    log_dir: Path, make_header: MakeHeader, make_sample: MakeSample, log_format: LogFormat
) -> None:
    writer = await leave(make_header(), log_dir, [make_sample(1), make_sample(2)], log_format)
    folder = log_dir / ".live" / f"{STEM}.{log_format}"
    kept = {path: path.read_bytes() for path in folder.iterdir()}
    await writer.finish(make_header(status="success"))
    folder.mkdir(parents=True)
    for path, content in kept.items():
        path.write_bytes(content)
    before = content_of(writer.location)

    assert recover_eval_log(writer.location, force=True).status == "success"

    assert names(log_dir) == [f"{STEM}.{log_format}"]
    assert content_of(writer.location) == before


@pytest.mark.parametrize("log_format", ["parquet", "json", "eval"])
async def test_a_writer_that_was_recovered_from_while_it_wrote(
    log_dir: Path,
    temporary_folder: Path,
    make_header: MakeHeader,
    make_sample: MakeSample,
    log_format: LogFormat,
) -> None:
    samples = [make_sample(id) for id in (1, 2, 3, 4)]
    writer = await leave(make_header(), log_dir, samples[:2], log_format)
    recover_eval_log(writer.location, force=True)
    await writer.append(samples[2])
    await writer.append(samples[3])
    with pytest.raises(LogError, match="evals log recover"):
        await writer.finish(make_header(status="success"))
    spill = only_entry(temporary_folder)

    log = recover_eval_log(spill, force=True)

    assert log.location == writer.location
    assert log.results == _counts(total=4, scored=4)
    assert read_eval_log(writer.location).samples == samples
    assert names(log_dir) == [f"{STEM}.{log_format}"]
    assert names(temporary_folder) == []


async def test_what_is_written_meanwhile_stays(
    log_dir: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    writer = await leave(make_header(), log_dir, [make_sample(1), make_sample(2)])
    late = part(log_dir, 2)
    content = late.read_bytes()
    late.unlink()
    recover_eval_log(writer.location, force=True)
    late.parent.mkdir(parents=True)
    late.write_bytes(content)
    (late.parent / f"{NAME}.partial").write_text("half a log")

    log = recover_eval_log(writer.location, force=True)

    assert log.results == _counts(total=3, scored=2)
    assert uuids(writer.location) == ["uuid-1-1", "uuid-2-1"]
    assert names(log_dir) == [NAME]


class TestRunsThatMayGoOn:
    async def test_a_process_of_this_machine(
        self, log_dir: Path, make_header: MakeHeader, make_sample: MakeSample
    ) -> None:
        writer = await leave(make_header(), log_dir, [make_sample(1)])

        with pytest.raises(PrerequisiteError, match=f"by process {os.getpid()} of this machine"):
            recover_eval_log(writer.location)
        await writer.append(make_sample(2))
        await writer.finish(make_header(status="success"))
        assert uuids(writer.location) == ["uuid-1-1", "uuid-2-1"]

    @pytest.mark.parametrize(
        ("origin", "age_s", "refused"),
        [
            pytest.param({"pid": 2**22 + 1}, 0, None, id="dead process"),
            pytest.param({"began": "1"}, 0, None, id="pid of another process by now"),
            pytest.param({"host": "elsewhere"}, 30, "30 seconds ago", id="elsewhere, just now"),
            pytest.param({"host": "elsewhere"}, 590, "'elsewhere'", id="elsewhere, minutes ago"),
            pytest.param({"host": "elsewhere"}, 610, None, id="elsewhere, long ago"),
            pytest.param({}, 30, "'unknown'", id="nobody says"),
            pytest.param({}, 610, None, id="nobody says, long ago"),
        ],
    )
    async def test_other_processes(
        self,
        log_dir: Path,
        make_header: MakeHeader,
        make_sample: MakeSample,
        origin: dict[str, Any],
        age_s: float,
        refused: str | None,
    ) -> None:
        writer = await leave(make_header(), log_dir, [make_sample(1)])
        written = datetime.now().timestamp() - age_s
        for path in (log_dir / ".live" / NAME).iterdir():
            change_origin(path, **origin)
            os.utime(path, (written, written))

        if refused is None:
            assert recover_eval_log(writer.location).status == "error"
            assert uuids(writer.location) == ["uuid-1-1"]
        else:
            with pytest.raises(PrerequisiteError, match=refused):
                recover_eval_log(writer.location)
            assert len(names(log_dir / ".live" / NAME)) == 2
            assert recover_eval_log(writer.location, force=True).status == "error"

    async def test_what_a_part_says_of_its_writer(
        self, log_dir: Path, make_header: MakeHeader, make_sample: MakeSample
    ) -> None:
        writer = await leave(make_header(), log_dir, [make_sample(1)])

        origins = [
            json.loads(pq.read_metadata(part(log_dir, number)).metadata[ORIGIN_KEY])
            for number in (0, 1)
        ]
        for origin in origins:
            assert (origin["log"], origin["host"], origin["pid"]) == (
                writer.location,
                socket.gethostname(),
                os.getpid(),
            )


class TestDamage:
    @pytest.mark.parametrize(
        "number", [pytest.param(0, id="the header"), pytest.param(2, id="a sample")]
    )
    async def test_a_part_that_was_cut_in_half(
        self, log_dir: Path, make_header: MakeHeader, make_sample: MakeSample, number: int
    ) -> None:
        writer = await leave(make_header(), log_dir, [make_sample(id) for id in (1, 2, 3)])
        damaged = part(log_dir, number)
        half = damaged.read_bytes()[: damaged.stat().st_size // 2]
        damaged.write_bytes(half)

        for _ in range(2):  # it is said again until somebody removes it
            with pytest.raises(LogFormatError) as raised:
                recover_eval_log(writer.location, force=True)
            assert str(raised.value) == (
                f"These parts of a log are damaged and stay where they are: {str(damaged)!r}. "
                f"All others are in the log {writer.location!r}."
            )
            assert uuids(writer.location) == [f"uuid-{id}-1" for id in (1, 2, 3) if id != number]
            assert names(log_dir / ".live" / NAME) == [damaged.name]
        assert damaged.read_bytes() == half

    async def test_a_page_that_was_changed(
        self, log_dir: Path, make_header: MakeHeader, make_sample: MakeSample
    ) -> None:
        writer = await leave(make_header(), log_dir, [make_sample(id) for id in (1, 2)])
        content = bytearray(part(log_dir, 1).read_bytes())
        content[len(content) // 4] ^= 0xFF
        part(log_dir, 1).write_bytes(content)

        with pytest.raises(LogFormatError, match="part-0-000001"):
            recover_eval_log(writer.location, force=True)
        assert uuids(writer.location) == ["uuid-2-1"]

    async def test_nothing_but_damage(
        self, log_dir: Path, make_header: MakeHeader, make_sample: MakeSample
    ) -> None:
        writer = await leave(make_header(), log_dir, [make_sample(1)])
        for number in (0, 1):
            part(log_dir, number).write_bytes(b"PAR1")

        with pytest.raises(LogFormatError, match="There are no others"):
            recover_eval_log(writer.location, force=True)
        assert names(log_dir / ".live" / NAME) == [part(log_dir, n).name for n in (0, 1)]
        assert names(log_dir) == [".live"]

    async def test_a_log_that_cannot_be_written(
        self, log_dir: Path, make_header: MakeHeader, make_sample: MakeSample
    ) -> None:
        writer = await leave(make_header(), log_dir, [make_sample(1)])
        (log_dir / NAME).mkdir()

        with pytest.raises(LogError, match=r"could not be recovered .+ Its parts stay\."):
            recover_eval_log(writer.location, force=True)
        (log_dir / NAME).rmdir()
        assert uuids(writer.location) == ["uuid-1-1"]


async def test_recovered_scores_have_their_column(
    log_dir: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    sample = make_sample(1, scores={"match": Score(value="C")})
    writer = await leave(make_header(), log_dir, [sample])

    recover_eval_log(writer.location, force=True)

    assert pq.read_table(writer.location).column("score_match").to_pylist() == [1.0]
