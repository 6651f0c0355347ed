"""A writer goes on with the parts that another one has left of the same work."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tasks_lib._errors import LogError, PrerequisiteError
from tasks_lib.log import (
    EvalLogWriter,
    read_eval_log,
    read_eval_log_table,
    recover_eval_log,
    remove_eval_log,
)
from tasks_lib.log._origin import ORIGIN_KEY
from tasks_lib.schema import EvalConfig, EvalLog, EvalSample
from tests.log._left_logs import NAME, STEM, names, part

MakeSample = Callable[..., EvalSample]
MakeHeader = Callable[..., EvalLog]
NEVER = 2**31 - 1
"""The id of no process."""


@pytest.fixture
def log_dir(tmp_path: Path) -> Path:
    return tmp_path / "logs"


@pytest.fixture
def begin(make_header: MakeHeader, log_dir: Path) -> Callable[..., Any]:
    """Return what starts a writer."""

    async def start(work: str | None = "a", where: Any = log_dir) -> EvalLogWriter:
        header = make_header(config=EvalConfig(log_buffer=1))
        writer = EvalLogWriter(header, where, score_columns=["match"], work=work)
        await writer.start()
        return writer

    return start


async def leave(writer: EvalLogWriter, *samples: EvalSample) -> None:
    for sample in samples:
        await writer.append(sample)
    await writer.leave()


def ids(location: str | Path) -> list[str]:
    return [str(value) for value in read_eval_log_table(location, ["sample_id"])["sample_id"]]


def change_origin(path: Path, **fields: Any) -> None:
    table = pq.read_table(path)
    metadata = dict(pq.ParquetFile(path).metadata.metadata)
    metadata[ORIGIN_KEY] = json.dumps(json.loads(metadata[ORIGIN_KEY]) | fields).encode()
    pq.write_table(table.replace_schema_metadata(metadata), path)


@pytest.mark.parametrize("where", ["logs", "memory://resumed"])
async def test_goes_on(
    tmp_path: Path, begin: Any, make_sample: MakeSample, make_header: MakeHeader, where: str
) -> None:
    folder = where if "://" in where else str(tmp_path / where)
    first = await begin(where=folder)
    await leave(first, make_sample(1), make_sample(2))
    again = await begin(where=folder)

    assert (first.resumed, again.resumed, again.location) == (False, True, first.location)
    assert (read_eval_log(again.location).status, ids(again.location)) == ("started", ["1", "2"])
    await leave(again, make_sample(2, store={"tries": 2}))
    third = await begin(where=folder)
    await third.append(make_sample(3))
    await third.finish(make_header(status="success"))

    log = read_eval_log(third.location)
    assert (log.status, log.location) == ("success", first.location)
    assert [(s.id, s.store) for s in log.samples or ()] == [(1, {}), (2, {"tries": 2}), (3, {})]
    assert not (tmp_path / where / ".live").exists()


async def test_what_waits_is_written(
    log_dir: Path, make_header: MakeHeader, make_sample: Any
) -> None:
    writer = EvalLogWriter(make_header(), log_dir, work="a")
    await writer.start()
    await leave(writer, make_sample(1))

    assert ids(writer.location) == ["1"]
    with pytest.raises(LogError, match="is finished; nothing can be added"):
        await writer.append(make_sample(2))


@pytest.mark.parametrize(("left", "work"), [("a", "b"), ("a", None), (None, "a"), (None, None)])
async def test_other_work_is_left_alone(
    begin: Any, log_dir: Path, make_sample: MakeSample, left: str | None, work: str | None
) -> None:
    first = await begin(left)
    await leave(first, make_sample(1))
    other = await begin(work)

    assert (other.resumed, Path(other.location).name) == (False, f"{STEM}-2.parquet")
    assert (ids(first.location), ids(other.location)) == (["1"], [])


async def test_finds_parts_by_another_number(
    begin: Any, log_dir: Path, make_sample: MakeSample
) -> None:
    await leave(await begin("b"))
    second = await begin("a")
    await leave(second, make_sample(1))
    remove_eval_log(log_dir / NAME)
    again = await begin("a")

    assert (again.resumed, again.location) == (True, second.location)
    assert Path(again.location).name == f"{STEM}-2.parquet"


async def test_log_that_is_finished_stays(begin: Any, log_dir: Path, make_sample: Any) -> None:
    await leave(await begin(), make_sample(1))
    (log_dir / NAME).touch()  # as a kill leaves it between the file's end and the parts'
    again = await begin()

    assert (again.resumed, Path(again.location).name) == (False, f"{STEM}-2.parquet")


async def test_busy_with_the_same(begin: Any, log_dir: Path, make_sample: MakeSample) -> None:
    first = await begin()
    with pytest.raises(PrerequisiteError, match="is being written by process"):
        await begin()
    await leave(first, make_sample(1))
    again = await begin()
    with pytest.raises(PrerequisiteError, match="is being written by process"):
        await begin()

    assert (again.resumed, names(log_dir / ".live")) == (True, [NAME])


@pytest.mark.parametrize(
    ("fields", "resumed"),
    [
        pytest.param({"pid": NEVER, "writer": "x"}, True, id="killed"),
        pytest.param({"host": "elsewhere", "writer": "x"}, None, id="another machine"),
        pytest.param({"host": socket.gethostname(), "writer": "x"}, None, id="running"),
        pytest.param({"work": "b"}, False, id="one part of other work"),
    ],
)
async def test_whose_parts(
    begin: Any, log_dir: Path, make_sample: MakeSample, fields: Any, resumed: bool | None
) -> None:
    await leave(await begin(), make_sample(1))
    change_origin(part(log_dir, 1), **fields)

    if resumed is None:
        with pytest.raises(PrerequisiteError, match="written"):
            await begin()
    else:
        assert (await begin()).resumed is resumed


async def test_damaged_parts_are_left_alone(
    begin: Any, log_dir: Path, make_sample: MakeSample
) -> None:
    await leave(await begin(), make_sample(1))
    part(log_dir, 1).write_bytes(b"PAR1 and no more")
    again = await begin()

    assert (again.resumed, Path(again.location).name) == (False, f"{STEM}-2.parquet")
    assert part(log_dir, 1).read_bytes() == b"PAR1 and no more"


async def test_only_one_goes_on(begin: Any, log_dir: Path, make_sample: MakeSample) -> None:
    await leave(await begin(), make_sample(1))
    found = await asyncio.gather(*[begin() for _ in range(8)], return_exceptions=True)
    writers = [writer for writer in found if isinstance(writer, EvalLogWriter)]

    assert [writer.resumed for writer in writers] == [True]
    assert {type(error) for error in found if error not in writers} == {PrerequisiteError}
    assert names(log_dir / ".live" / NAME) == [f"part-0-{i:06d}.parquet" for i in range(3)]


async def test_recovered_in_the_same_process(begin: Any, make_sample: MakeSample) -> None:
    writer = await begin()
    await leave(writer, make_sample(1))

    assert recover_eval_log(writer.location).status == "error"
    assert ids(writer.location) == ["1"]
