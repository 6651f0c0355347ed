"""Manifests of folders of logs, bundles, and logs to try again."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

from tasks_lib._errors import LogError, MissingFileError, PrerequisiteError
from tasks_lib.log import (
    EvalLogInfo,
    EvalLogWriter,
    bundle_log_dir,
    list_eval_logs,
    read_eval_log,
    retryable_eval_logs,
    write_eval_log,
    write_log_dir_manifest,
)
from tasks_lib.schema import EvalLog, EvalSample, EvalStatus

MakeSample = Callable[..., EvalSample]
MakeHeader = Callable[..., EvalLog]
STAMP = "2026-11-21T21-04-45+00-00"
NAMES = (
    f"{STAMP}_arithmetic_task1.parquet",
    f"a/{STAMP}_arithmetic_task2.json",
    f"a/b/{STAMP}_arithmetic_task3.eval",
)


@pytest.fixture
def log(make_header: MakeHeader, make_sample: MakeSample) -> EvalLog:
    return make_header(status="success", samples=[make_sample(1), make_sample(2)])


@pytest.fixture
def log_dir(tmp_path: Path, log: EvalLog) -> Path:
    """Logs of all formats in folders, and what is no log."""
    for name in NAMES:
        write_eval_log(log, tmp_path / "logs" / name)
    (tmp_path / "logs" / "notes.txt").write_text("x")
    (tmp_path / "logs" / "foreign.eval").write_text("no log")
    return tmp_path / "logs"


def header_of(plain: object) -> EvalLog:
    return EvalLog.model_validate(plain)


def test_a_manifest_has_the_headers(
    log_dir: Path, log: EvalLog, caplog: pytest.LogCaptureFixture
) -> None:
    write_log_dir_manifest(log_dir)

    manifest = json.loads((log_dir / "logs.json").read_text())
    assert set(manifest) == set(NAMES)
    expected = log.model_copy(update={"samples": None})
    assert [header_of(plain) for plain in manifest.values()] == [expected] * 3
    assert "location" not in manifest[NAMES[0]]
    [record] = caplog.records
    assert (record.levelno, "foreign.eval" in record.message) == (logging.WARNING, True)


def test_a_manifest_elsewhere(log_dir: Path, tmp_path: Path) -> None:
    write_log_dir_manifest(log_dir, filename="all.json", output_dir=tmp_path / "new" / "out")

    assert set(json.loads((tmp_path / "new" / "out" / "all.json").read_text())) == set(NAMES)
    assert not (log_dir / "logs.json").exists()


def test_a_manifest_of_nothing(tmp_path: Path) -> None:
    write_log_dir_manifest(tmp_path / "logs")

    assert json.loads((tmp_path / "logs" / "logs.json").read_text()) == {}


def test_a_manifest_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(LogError, match=r"file/logs\.json' could not be written"):
        write_log_dir_manifest(tmp_path, output_dir=tmp_path / "file")


def test_a_bundle(log_dir: Path, tmp_path: Path, log: EvalLog) -> None:
    bundle_log_dir(log_dir, tmp_path / "site")

    files = [path for path in (tmp_path / "site").rglob("*") if path.is_file()]
    relative = {str(path.relative_to(tmp_path / "site" / "logs")) for path in files}
    assert relative == {"logs.json", *NAMES}
    assert set(json.loads((tmp_path / "site" / "logs" / "logs.json").read_text())) == set(NAMES)
    for name in NAMES:
        copy = tmp_path / "site" / "logs" / name
        assert copy.read_bytes() == (log_dir / name).read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"logs", "site"}


async def test_a_bundle_of_logs_that_are_being_written(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    writer = EvalLogWriter(make_header(), tmp_path / "logs", log_format="eval")
    await writer.start()
    await writer.append(make_sample(1))
    await writer.flush()

    bundle_log_dir(tmp_path / "logs", tmp_path / "site")

    [info] = list_eval_logs(tmp_path / "site")
    log = read_eval_log(info.name)
    assert (info.type, log.status, len(log.samples or [])) == ("file", "started", 1)
    assert Path(info.name).relative_to(tmp_path / "site" / "logs").name == (
        Path(writer.location).name
    )


def test_where_bundles_go_by_default(
    log_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVAL_LOG_DIR", str(log_dir))
    monkeypatch.delenv("INSPECT_VIEW_BUNDLE_OUTPUT_DIR", raising=False)
    monkeypatch.delenv("EVAL_VIEW_BUNDLE_OUTPUT_DIR", raising=False)
    with pytest.raises(PrerequisiteError, match="set EVAL_VIEW_BUNDLE_OUTPUT_DIR"):
        bundle_log_dir()

    monkeypatch.setenv("EVAL_VIEW_BUNDLE_OUTPUT_DIR", str(tmp_path / "site"))
    bundle_log_dir()

    assert (tmp_path / "site" / "logs" / "logs.json").exists()


def test_a_bundle_is_replaced_only_on_demand(log_dir: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "precious").write_text("x")

    with pytest.raises(PrerequisiteError, match=r"site' exists already.*overwrite=True"):
        bundle_log_dir(log_dir, site)
    assert [path.name for path in site.rglob("*")] == ["precious"]

    bundle_log_dir(log_dir, site, overwrite=True)
    assert sorted(path.name for path in site.iterdir()) == ["logs"]
    assert {path.name for path in tmp_path.iterdir()} == {"logs", "site"}


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("output", ["logs/site", "logs", "."])
def test_a_bundle_and_its_logs_are_apart(
    log_dir: Path, tmp_path: Path, output: str, overwrite: bool
) -> None:
    with pytest.raises(PrerequisiteError, match="cannot be one inside the other"):
        bundle_log_dir(log_dir, tmp_path / output, overwrite)

    assert len(list_eval_logs(log_dir)) == 4


def test_no_logs_to_bundle(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"log directory '.*/nowhere' does not exist"):
        bundle_log_dir(tmp_path / "nowhere", tmp_path / "site")


def test_a_bundle_that_fails_leaves_what_was_there(log_dir: Path, tmp_path: Path) -> None:
    """A file is in the way of a folder that the bundle needs."""
    site = tmp_path / "file" / "site"
    (tmp_path / "file").write_text("precious")

    with pytest.raises(LogError, match="could not be written"):
        bundle_log_dir(log_dir, site)

    assert (tmp_path / "file").read_text() == "precious"
    assert {path.name for path in tmp_path.iterdir()} == {"logs", "file"}


def test_a_bundle_on_another_store(log_dir: Path) -> None:
    bundle_log_dir(log_dir, "memory:///manifest/site")
    write_eval_log(read_eval_log(log_dir / NAMES[0]), "memory:///manifest/site/logs/old.eval")

    with pytest.raises(PrerequisiteError, match="exists already"):
        bundle_log_dir(log_dir, "memory:///manifest/site")
    bundle_log_dir(log_dir, "memory:///manifest/site", overwrite=True)

    store = fsspec.filesystem("memory")
    root = "/manifest/site/logs/"
    assert {path.removeprefix(root) for path in store.find(root)} == {"logs.json", *NAMES}


def test_logs_to_try_again(tmp_path: Path, make_header: MakeHeader) -> None:
    def write(task_id: str, status: EvalStatus, mtime: int) -> EvalLogInfo:
        log = make_header(status=status, samples=[])
        log.eval.task_id = task_id
        path = tmp_path / f"{STAMP}_arithmetic_{task_id}-{status}{mtime}.parquet"
        write_eval_log(log, path)
        os.utime(path, (mtime, mtime))
        [info] = [info for info in list_eval_logs(tmp_path) if info.name == str(path)]
        return info

    write("done", "error", 1000)
    write("done", "success", 2000)
    write("twice", "error", 1000)
    cancelled = write("twice", "cancelled", 3000)
    failed = write("failed", "error", 1000)
    write("running", "started", 1000)
    (tmp_path / "foreign.eval").write_text("no log")

    for descending in (True, False):
        with pytest.warns(DeprecationWarning, match="use eval_set"):
            found = retryable_eval_logs(list_eval_logs(tmp_path, descending=descending))
        assert {info.name for info in found} == {cancelled.name, failed.name}
