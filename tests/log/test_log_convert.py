"""Logs from one format to another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks_lib._errors import (
    LogError,
    LogFormatError,
    MissingFileError,
    ParameterError,
    PrerequisiteError,
)
from tasks_lib.log import (
    EvalLogWriter,
    LogFormat,
    convert_eval_logs,
    list_eval_logs,
    read_eval_log,
    write_eval_log,
)
from tasks_lib.schema import EvalLog, EvalSample, EvalSampleReductions, EvalSampleScore

MakeSample = Callable[..., EvalSample]
MakeHeader = Callable[..., EvalLog]
FORMATS: tuple[LogFormat, ...] = ("parquet", "json", "eval")
NAME = "2026-11-21T21-04-45+00-00_arithmetic_task1"


@pytest.fixture
def log(make_header: MakeHeader, make_sample: MakeSample) -> EvalLog:
    """A log with what does not look the same in all formats."""
    reduced = EvalSampleReductions(
        scorer="match", samples=[EvalSampleScore(sample_id=1, value=0.5)]
    )
    image = "data:image/png;base64," + "iVBORw0KGgo" * 40
    content = [{"type": "image", "image": image}, {"type": "text", "text": "What is it?"}]
    log = make_header(status="success", reductions=[reduced])
    log.eval.config.epochs = 2
    log.samples = [
        make_sample(1),
        make_sample(1, 2),
        make_sample("1", error={"message": "boom", "traceback": "…"}),
        EvalSample.model_validate(
            make_sample(2).model_dump()
            | {"input": [{"role": "user", "content": content, "id": "seen"}]}
        ),
    ]
    for sample in log.samples:
        init = sample.events[0].model_copy(update={"state": {"text": "repeated " * 50}})
        sample.events[0] = init
    log.samples.sort(key=lambda sample: (sample.epoch, isinstance(sample.id, str), str(sample.id)))
    return log


def resolved(path: Path | str) -> EvalLog:
    log = read_eval_log(path, resolve_attachments=True)
    log.location = ""
    return log


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("source", FORMATS)
def test_every_format_to_every_other(
    tmp_path: Path, log: EvalLog, source: LogFormat, to: LogFormat
) -> None:
    path = tmp_path / f"{NAME}.{source}"
    write_eval_log(log, path)

    convert_eval_logs(path, to, tmp_path / "out")

    assert [entry.name for entry in (tmp_path / "out").iterdir()] == [f"{NAME}.{to}"]
    assert resolved(tmp_path / "out" / f"{NAME}.{to}") == log


def test_a_log_that_has_the_format_is_copied(tmp_path: Path, log: EvalLog) -> None:
    path = tmp_path / f"{NAME}.json"
    write_eval_log(log, path)
    text = path.read_text().replace('"status":', ' "status" : ')
    path.write_text(text)

    convert_eval_logs(path, "json", tmp_path / "out")

    assert (tmp_path / "out" / path.name).read_text() == text


def test_a_folder_keeps_its_folders(tmp_path: Path, log: EvalLog) -> None:
    names = [f"{NAME}.eval", f"a/{NAME}.json", f"a/b/{NAME}.parquet", "a/b/any.eval"]
    for name in names:
        write_eval_log(log, tmp_path / "in" / name)
    (tmp_path / "in" / "notes.txt").write_text("x")

    convert_eval_logs(f"{tmp_path}/in/", "parquet", tmp_path / "out")

    out = tmp_path / "out"
    found = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert found == {
        *(f"{NAME}.parquet", f"a/{NAME}.parquet", f"a/b/{NAME}.parquet", "a/b/any.parquet")
    }
    for name in found:
        assert resolved(out / name) == log


@pytest.mark.parametrize("to", FORMATS)
async def test_a_log_that_is_being_written(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample, to: LogFormat
) -> None:
    writer = EvalLogWriter(make_header(), tmp_path, score_columns=["match"], log_format="json")
    await writer.start()
    await writer.append(make_sample(1))
    await writer.flush()

    convert_eval_logs(tmp_path, to, tmp_path / "out")

    [info] = list_eval_logs(tmp_path / "out")
    converted = resolved(info.name)
    assert (info.type, converted.status) == ("file", "started")
    assert converted == resolved(writer.location)
    convert_eval_logs(writer.location, to, tmp_path / "one")
    assert resolved(list_eval_logs(tmp_path / "one")[0].name) == converted


def test_nothing_is_written_when_a_file_is_there(tmp_path: Path, log: EvalLog) -> None:
    for name in (f"{NAME}.json", f"a/{NAME}.json"):
        write_eval_log(log, tmp_path / "in" / name)
    blocking = tmp_path / "out" / "a" / f"{NAME}.eval"
    blocking.parent.mkdir(parents=True)
    blocking.write_text("precious")

    with pytest.raises(FileExistsError, match=r"a/.*\.eval' exists already.*overwrite=True"):
        convert_eval_logs(tmp_path / "in", "eval", tmp_path / "out")

    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == [blocking]
    assert blocking.read_text() == "precious"
    convert_eval_logs(tmp_path / "in", "eval", tmp_path / "out", overwrite=True)
    assert resolved(blocking) == log
    assert len(list_eval_logs(tmp_path / "out")) == 2


def test_a_log_may_replace_itself(tmp_path: Path, log: EvalLog) -> None:
    for to in FORMATS:
        write_eval_log(log, tmp_path / f"{NAME}.{to}")
        convert_eval_logs(tmp_path / f"{NAME}.{to}", to, tmp_path, overwrite=True)
        assert resolved(tmp_path / f"{NAME}.{to}") == log


def test_two_logs_that_would_become_one_file(tmp_path: Path, log: EvalLog) -> None:
    for format in ("json", "eval"):
        write_eval_log(log, tmp_path / "in" / f"{NAME}.{format}")

    with pytest.raises(PrerequisiteError, match=r"\.(json|eval)' and .* would both become"):
        convert_eval_logs(tmp_path / "in", "parquet", tmp_path / "out", overwrite=True)

    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("damaged", [1, 2])
def test_logs_that_cannot_be_read_do_not_stop_the_others(
    tmp_path: Path, log: EvalLog, damaged: int
) -> None:
    write_eval_log(log, tmp_path / "in" / f"{NAME}.json")
    for number in range(damaged):
        (tmp_path / "in" / f"bad{number}.eval").write_text("no log")

    with pytest.raises(LogError) as caught:
        convert_eval_logs(tmp_path / "in", "parquet", tmp_path / "out")

    assert all(f"bad{number}.eval" in str(caught.value) for number in range(damaged))
    assert ("2 of 3 logs" in str(caught.value)) == (damaged == 2)
    assert [info.name for info in list_eval_logs(tmp_path / "out")] == [
        str(tmp_path / "out" / f"{NAME}.parquet")
    ]


def test_a_damaged_log_leaves_no_half_of_one(tmp_path: Path, log: EvalLog) -> None:
    path = tmp_path / f"{NAME}.json"
    write_eval_log(log, path)
    path.write_text(path.read_text()[:-40])

    for to in FORMATS[::2]:
        with pytest.raises(LogFormatError, match="cannot be read"):
            convert_eval_logs(path, to, tmp_path / "out")

    assert list((tmp_path / "out").rglob("*")) == []


@pytest.mark.parametrize(
    ("path", "to", "error", "message"),
    [
        pytest.param("nowhere", "json", MissingFileError, "'.*/nowhere' does not exist", id="path"),
        pytest.param("no.eval", "json", MissingFileError, "does not exist", id="file"),
        pytest.param(".", "csv", ParameterError, "to is 'csv'", id="format"),
    ],
)
def test_wrong_arguments(
    tmp_path: Path, path: str, to: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        convert_eval_logs(tmp_path / path, to, tmp_path / "out")


@pytest.mark.parametrize("to", FORMATS)
def test_from_store_to_store(tmp_path: Path, log: EvalLog, to: LogFormat) -> None:
    url = f"memory:///convert/{to}/in"
    write_eval_log(log, f"{url}/a/{NAME}.json")

    convert_eval_logs(url, to, f"memory:///convert/{to}/out")
    convert_eval_logs(f"{url}/a/{NAME}.json", to, tmp_path / "out")

    assert resolved(f"memory:///convert/{to}/out/a/{NAME}.{to}") == log
    assert resolved(tmp_path / "out" / f"{NAME}.{to}") == log
