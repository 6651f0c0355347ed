"""What settings make of a log: when parts are written, what they hold, the format."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks_lib.log import EvalLogWriter, LogFormat, list_eval_logs, read_eval_log
from tasks_lib.log._writer import FLUSH_BYTES, FlushPolicy
from tasks_lib.schema import (
    ChatMessageUser,
    ContentImage,
    EvalConfig,
    EvalLog,
    EvalSample,
)

MakeSample = Callable[..., EvalSample]
MakeHeader = Callable[..., EvalLog]

NAME = "2026-11-21T21-04-45+00-00_arithmetic_task1.parquet"


def parts(log_dir: Path, name: str = NAME) -> list[str]:
    folder = log_dir / ".live" / name
    return names(folder) if folder.exists() else []


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def ids(log_dir: Path, name: str = NAME) -> list[int | str]:
    return [sample.id for sample in read_eval_log(log_dir / name).samples or []]


async def test_parts_are_written_by_count(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    writer = EvalLogWriter(make_header(config=EvalConfig(log_buffer=2)), tmp_path)
    await writer.start()

    for id in range(5):
        await writer.append(make_sample(id))

    assert ids(tmp_path) == [0, 1, 2, 3]
    assert len(parts(tmp_path)) == 3


async def test_parts_are_written_by_bytes(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    writer = EvalLogWriter(make_header(), tmp_path)
    await writer.start()

    await writer.append(make_sample(1, input="x" * FLUSH_BYTES))

    assert ids(tmp_path) == [1]


async def test_parts_are_written_by_age(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    writer = EvalLogWriter(make_header(config=EvalConfig(log_shared=1)), tmp_path)
    await writer.start()

    began = time.monotonic()
    await writer.append(make_sample(1))
    async with asyncio.timeout(10):
        while ids(tmp_path) != [1]:  # noqa: ASYNC110 - what happens, happens on the disk
            await asyncio.sleep(0.01)
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize(
    ("config", "is_local", "expected"),
    [
        pytest.param({}, True, (256, 1.5), id="nothing set"),
        pytest.param({}, False, (256, 5.0), id="a store where writing costs"),
        pytest.param({"log_realtime": True}, True, (256, 1.5), id="readers"),
        pytest.param({"log_realtime": False}, True, (256, 30.0), id="no readers"),
        pytest.param({"log_realtime": False}, False, (256, 30.0), id="no readers, store"),
        pytest.param({"log_shared": 10}, True, (256, 10.0), id="readers elsewhere"),
        pytest.param({"log_shared": 3}, False, (256, 3.0), id="fresher than by default"),
        pytest.param(
            {"log_shared": 3, "log_realtime": False}, True, (256, 30.0), id="contradiction"
        ),
        pytest.param({"log_buffer": 7}, True, (7, 1.5), id="fewer samples"),
        pytest.param({"log_buffer": 0}, True, (256, 1.5), id="no buffer: the default"),
    ],
)
def test_flush_policy(
    config: dict[str, int | bool], is_local: bool, expected: tuple[int, float]
) -> None:
    assert FlushPolicy.of(EvalConfig.model_validate(config), is_local=is_local) == expected


@pytest.mark.parametrize("log_format", ["parquet", "json", "eval"])
async def test_formats(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample, log_format: LogFormat
) -> None:
    writer = EvalLogWriter(
        make_header(config=EvalConfig(log_buffer=1)),
        tmp_path,
        score_columns=["match"],
        log_format=log_format,
    )
    name = NAME.replace("parquet", log_format)
    await writer.start()
    assert writer.location == str(tmp_path / name)
    again = make_sample(1, uuid="again", attempt=2)
    other = make_sample(2)
    for sample in (make_sample(1), other, again):
        await writer.append(sample)
    live = read_eval_log(writer.location)
    assert (live.status, [sample.uuid for sample in live.samples or []]) == (
        "started",
        ["again", "uuid-2-1"],
    )
    assert parts(tmp_path, name) == [f"part-0-{number:06d}.parquet" for number in range(4)]

    await writer.finish(make_header(status="success"))

    assert names(tmp_path) == [name]
    log = read_eval_log(writer.location)
    assert log.status == "success"
    assert log.samples == [again, other]
    assert [info.name for info in list_eval_logs(tmp_path)] == [writer.location]


@pytest.mark.parametrize("log_format", ["parquet", "json", "eval"])
async def test_samples_that_are_not_logged_are_counted(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample, log_format: LogFormat
) -> None:
    writer = EvalLogWriter(
        make_header(config=EvalConfig(log_samples=False, log_buffer=1)),
        tmp_path,
        log_format=log_format,
    )
    await writer.start()
    for id in range(3):
        await writer.append(make_sample(id))
    await writer.flush()
    assert len(parts(tmp_path, Path(writer.location).name)) == 1
    await writer.finish(make_header(status="success"))

    assert writer.rows == 3
    log = read_eval_log(writer.location)
    assert (log.status, log.samples) == ("success", [])


async def test_images_that_are_not_logged(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    image = "data:image/png;base64," + "A" * 200
    message = ChatMessageUser(content=[ContentImage(image=image)], id="picture")
    writer = EvalLogWriter(make_header(config=EvalConfig(log_images=False)), tmp_path)
    await writer.start()
    await writer.append(make_sample(1, messages=[message]))
    await writer.finish(make_header(status="success"))

    [sample] = read_eval_log(writer.location).samples or []
    assert sample.messages[0].content == [ContentImage(image="<base64-data-removed>")]
    assert image.encode() not in (tmp_path / NAME).read_bytes()
