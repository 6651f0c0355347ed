"""Listing, reading, converting and bundling on object stores."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest

from tasks_lib._errors import PrerequisiteError
from tasks_lib.log import (
    LogFormat,
    bundle_log_dir,
    convert_eval_logs,
    list_eval_logs,
    read_eval_log,
    read_eval_log_sample,
    read_eval_log_sample_summaries,
    read_eval_log_samples,
    read_eval_log_table,
    write_eval_log,
    write_log_dir_manifest,
)
from tasks_lib.schema import EvalLog, EvalSample
from tests.log._stores import MotoStore, Store, moto_store, seaweed_store

MakeSample = Callable[..., EvalSample]
MakeHeader = Callable[..., EvalLog]
FORMATS: tuple[LogFormat, ...] = ("parquet", "json", "eval")
NAME = "2026-11-21T21-04-45+00-00_arithmetic_task1"


@pytest.fixture(scope="module")
def moto() -> Iterator[MotoStore]:
    with moto_store() as store:
        yield store


@pytest.fixture(scope="module")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with seaweed_store(tmp_path_factory.mktemp("seaweed")) as store:
        yield store


@pytest.fixture(params=["moto", "seaweed"])
def store(request: pytest.FixtureRequest) -> Store:
    found: Store = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("log_format", FORMATS)
def test_every_way_to_read(
    store: Store, make_header: MakeHeader, make_sample: MakeSample, log_format: LogFormat
) -> None:
    url = f"{store.url}/read/{log_format}/{NAME}.{log_format}"
    samples = [make_sample(1), make_sample("1", 2)]
    options = store.fs_options
    write_eval_log(make_header(status="success", samples=samples), url, fs_options=options)

    [info] = list_eval_logs(url.rpartition("/")[0], filter=lambda _: True, fs_options=options)
    assert (info.name, info.type, info.task, info.mtime is None) == (url, "file", "arithmetic", 0)
    log = read_eval_log(info, resolve_attachments=True, fs_options=options)
    assert (log.samples, log.location) == (samples, url)
    assert read_eval_log(url, header_only=True, fs_options=options).samples is None
    sample = read_eval_log_sample(url, "1", 2, resolve_attachments=True, fs_options=options)
    assert sample == samples[1]
    assert len(list(read_eval_log_samples(url, fs_options=options))) == 2
    assert len(read_eval_log_sample_summaries(url, fs_options=options)) == 2
    table = read_eval_log_table(url, ["sample_id", "score_match"], options)
    assert table.to_pydict() == {"sample_id": ["1", "1"], "score_match": [1.0, 1.0]}
    header = read_eval_log(url, header_only=True, fs_options=options)
    header.status = "cancelled"
    write_eval_log(header, fs_options=options)
    edited = read_eval_log(url, resolve_attachments=True, fs_options=options)
    assert (edited.status, edited.samples) == ("cancelled", samples)


def test_convert_manifest_and_bundle(
    store: Store, tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    options = store.fs_options
    log_dir, site = f"{store.url}/logs", f"{store.url}/site"
    log = make_header(status="success", samples=[make_sample(1)])
    write_eval_log(log, f"{log_dir}/a/{NAME}.parquet", fs_options=options)

    convert_eval_logs(log_dir, "eval", f"{log_dir}/converted", fs_options=options)
    convert_eval_logs(log_dir, "json", tmp_path, overwrite=True, fs_options=options)
    write_log_dir_manifest(log_dir, fs_options=options)
    for overwrite in (False, True):
        bundle_log_dir(log_dir, site, overwrite, fs_options=options)
    with pytest.raises(PrerequisiteError, match="exists already"):
        bundle_log_dir(log_dir, site, fs_options=options)

    names = {f"a/{NAME}.parquet", f"converted/a/{NAME}.eval"}
    fs = fsspec.filesystem("s3", **(options or {}))
    for manifest in (f"{log_dir}/logs.json", f"{site}/logs/logs.json"):
        assert set(json.loads(fs.cat_file(manifest))) == names
    root = f"{site}/logs/".removeprefix("s3://")
    assert {path.removeprefix(root) for path in fs.find(root)} == {"logs.json", *names}
    bundled = read_eval_log(f"{site}/logs/converted/a/{NAME}.eval", True, fs_options=options)
    assert bundled.eval == log.eval
    local = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.json"))
    assert local == [f"a/{NAME}.json", f"converted/a/{NAME}.json"]


def test_what_is_not_there(store: Store) -> None:
    options = store.fs_options

    assert list_eval_logs(f"{store.url}/nowhere", fs_options=options) == []
    for extension in FORMATS:
        with pytest.raises(FileNotFoundError, match="no log at"):
            read_eval_log(f"{store.url}/nowhere/x.{extension}", fs_options=options)
