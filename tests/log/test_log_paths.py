from __future__ import annotations

from pathlib import Path

import pytest

from tasks_lib._errors import PrerequisiteError
from tasks_lib.log import check_writable, resolve_log_dir
from tasks_lib.log._files import open_place
from tasks_lib.log._paths import (
    PartName,
    is_log_name,
    live_folder,
    log_file_name,
    log_of_live_folder,
    part_name,
    split_log_name,
    task_of_name,
)
from tasks_lib.schema import EvalSpec

CREATED = "2026-11-21T21:04:45+00:00"
STAMP = "2026-11-21T21-04-45+00-00"


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        pytest.param("sums", f"{STAMP}_sums_id1.parquet", id="plain"),
        pytest.param("my_sums", f"{STAMP}_my-sums_id1.parquet", id="underscores separate"),
        pytest.param("package/sums", f"{STAMP}_sums_id1.parquet", id="without its package"),
        pytest.param("a:b c", f"{STAMP}_a-b-c_id1.parquet", id="odd characters"),
        pytest.param("../../etc/..", f"{STAMP}_-_id1.parquet", id="no way out of the folder"),
        pytest.param("\ud800é\0", f"{STAMP}_---_id1.parquet", id="beyond ASCII"),
        pytest.param("x" * 300, f"{STAMP}_{'x' * 90}_id1.parquet", id="too long"),
    ],
)
def test_log_file_name(task: str, expected: str) -> None:
    spec = EvalSpec(created=CREATED, task=task, task_id="id1", model="p/m")

    assert log_file_name(spec) == expected


def test_log_file_name_of_another_format() -> None:
    spec = EvalSpec(created=CREATED, task="sums", task_id="id1", model="p/m")

    assert log_file_name(spec, ".eval") == f"{STAMP}_sums_id1.eval"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("a.b.parquet", ("a.b", ".parquet"), id="Parquet"),
        pytest.param("a.json", ("a", ".json"), id="JSON"),
        pytest.param("a.eval", ("a", ".eval"), id="eval"),
        pytest.param("a.txt", ("a.txt", ""), id="not ours"),
    ],
)
def test_split_log_name(name: str, expected: tuple[str, str]) -> None:
    assert split_log_name(name) == expected


def test_log_file_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = EvalSpec(created=CREATED, task="sums", task_id="id1", model="openai/gpt:x")
    monkeypatch.setenv("EVAL_LOG_FILE_PATTERN", "{model}_{id}")
    assert log_file_name(spec) == f"{STAMP}_openai-gpt-x_id1.parquet"

    monkeypatch.setenv("EVAL_LOG_FILE_PATTERN", "{date}")
    with pytest.raises(PrerequisiteError, match=r"only \{task\}, \{id\} and \{model\}"):
        log_file_name(spec)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param(f"{STAMP}_sums_id1.parquet", ("sums", "id1", None), id="default"),
        pytest.param(f"{STAMP}_sums_id1-2.parquet", ("sums", "id1", "2"), id="with suffix"),
        pytest.param(f"{STAMP}_sums_id1-re-run.parquet", ("sums", "id1", "re-run"), id="long"),
        pytest.param(f"{STAMP}_sums_m_id1.parquet", ("sums_m_id1", "", None), id="other pattern"),
        pytest.param(f"{STAMP}.parquet", ("", "", None), id="only a time"),
        pytest.param(f"{STAMP}_sums_id1-2.json", ("sums", "id1", "2"), id="JSON"),
        pytest.param(f"{STAMP}_sums_id1.eval", ("sums", "id1", None), id="eval"),
    ],
)
def test_task_of_name(name: str, expected: tuple[str, str, str | None]) -> None:
    assert task_of_name(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param(f"{STAMP}_sums_id1.parquet", True, id="log"),
        pytest.param("results.parquet", False, id="someone's table"),
        pytest.param(f"{STAMP}_sums_id1.parquet.partial", False, id="unfinished"),
        pytest.param(f"{STAMP}_sums_id1.json", True, id="JSON log"),
        pytest.param("results.json", False, id="someone's document"),
        pytest.param(f"{STAMP}_sums_id1.eval", True, id="eval log"),
        pytest.param("renamed.eval", True, id="eval log of any name"),
        pytest.param(f"{STAMP}_sums_id1.txt", False, id="other format"),
    ],
)
def test_is_log_name(name: str, expected: bool) -> None:
    assert is_log_name(name) is expected


def test_part_names_sort_in_order_of_writing() -> None:
    names = [str(PartName(number, shard)) for number in (0, 2, 10) for shard in ("0", "w-1")]

    assert names[:2] == ["part-0-000000.parquet", "part-w-1-000000.parquet"]
    found = [part_name(name) for name in reversed(names)]
    assert sorted(name for name in found if name) == [part_name(name) for name in names]
    assert part_name("final.parquet.partial") is None


def test_live_folder_and_back(tmp_path: Path) -> None:
    log = open_place(tmp_path / "a.parquet")

    folder = live_folder(log)

    assert folder.path == str(tmp_path / ".live" / "a.parquet")
    assert log_of_live_folder(folder) == log
    assert log_of_live_folder(log) is None


@pytest.mark.parametrize(
    ("variables", "log_dir", "expected"),
    [
        pytest.param({}, None, "./logs", id="default"),
        pytest.param({"INSPECT_LOG_DIR": "old"}, None, "old", id="old variable"),
        pytest.param({"INSPECT_LOG_DIR": "old", "EVAL_LOG_DIR": "new"}, None, "new", id="ours"),
        pytest.param({"EVAL_LOG_DIR": "new"}, "given", "given", id="argument"),
        pytest.param({"EVAL_LOG_DIR": ""}, "", "./logs", id="empty"),
    ],
)
def test_resolve_log_dir(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], log_dir: str | None, expected: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert resolve_log_dir(log_dir) == expected


def test_writable_log_dir_is_created_and_left_empty(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "logs")

    assert list((tmp_path / "new" / "logs").iterdir()) == []


@pytest.mark.parametrize(
    "log_dir",
    [
        pytest.param("a-file", id="a file"),
        pytest.param("a-file/logs", id="below a file"),
        pytest.param("/proc/logs", id="a file system that cannot be written"),
    ],
)
def test_unwritable_log_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_dir: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a-file").write_text("x")

    with pytest.raises(PrerequisiteError, match=r"cannot be written \(.+\)\. Pass another"):
        check_writable(log_dir)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("nonsense://logs", id="unknown protocol"),
        pytest.param("dropbox://logs", id="package not installed"),
    ],
)
def test_stores_that_cannot_be_used(url: str) -> None:
    with pytest.raises(PrerequisiteError, match=f"'{url}' cannot be used: "):
        check_writable(url)
