"""Logs that change while they are read: parts are merged, the run ends; and failed writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from tasks_lib._errors import LogError
from tasks_lib.log import (
    EvalLogWriter,
    LogFormat,
    read_eval_log,
    read_eval_log_samples,
    write_eval_log,
)
from tasks_lib.log._documents import document_format
from tasks_lib.log._files import open_place
from tasks_lib.log._log_file import ATTEMPTS, Document, read_log
from tasks_lib.log._parts import LogFiles, find_log
from tasks_lib.log._write_log import write_log
from tasks_lib.schema import EvalConfig, EvalLog, EvalSample

MakeSample = Callable[..., EvalSample]
MakeHeader = Callable[..., EvalLog]
FORMATS: tuple[LogFormat, ...] = ("parquet", "json", "eval")


@pytest.fixture(params=FORMATS)
async def live_log(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    make_header: MakeHeader,
    make_sample: MakeSample,
) -> Path:
    """A log that its writer left unfinished."""
    writer = EvalLogWriter(make_header(), tmp_path, log_format=request.param)
    await writer.start()
    await writer.append(make_sample(1))
    await writer.flush()
    return Path(writer.location)


@pytest.mark.parametrize("log_format", FORMATS)
async def test_a_log_that_is_finished_while_it_is_read(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample, log_format: LogFormat
) -> None:
    header = make_header(config=EvalConfig(log_buffer=1))
    writer = EvalLogWriter(header, tmp_path, log_format=log_format)
    await writer.start()
    for id in (1, 2, 3):
        await writer.append(make_sample(id))
    samples = read_eval_log_samples(writer.location, all_samples_required=False)
    first = next(samples)
    await writer.finish(make_header(status="success"))

    assert [first.id, *(sample.id for sample in samples)] == [1, 2, 3]


async def test_a_log_whose_parts_are_merged_while_it_is_read(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    writer = EvalLogWriter(make_header(config=EvalConfig(log_buffer=1)), tmp_path)
    await writer.start()
    for id in range(10):
        await writer.append(make_sample(id))
    parts = find_log(writer.location).files
    samples = read_eval_log_samples(writer.location, all_samples_required=False)
    found = [next(samples).id, next(samples).id]
    for id in range(10, 50):
        await writer.append(make_sample(id))
    await writer.finish(make_header(status="success"))
    found += [sample.id for sample in samples]

    assert [part.exists() for part in parts] == [False] * 11
    assert found == list(range(50))


@pytest.mark.parametrize("vanished", [0, 1, ATTEMPTS - 1])
def test_reading_starts_over_when_files_vanish(live_log: Path, vanished: int) -> None:
    looks: list[LogFiles] = []

    def read(files: LogFiles) -> str:
        looks.append(files)
        if len(looks) <= vanished:
            raise FileNotFoundError("a part was merged")
        return "read"

    assert read_log(live_log, "auto", None, unexpected, read) == "read"
    assert len(looks) == vanished + 1


def test_reading_gives_up_when_files_vanish_each_time(live_log: Path) -> None:
    def read(files: LogFiles) -> None:
        raise FileNotFoundError("a part was merged")

    with pytest.raises(FileNotFoundError, match=f"replaced {ATTEMPTS} times"):
        read_log(live_log, "auto", None, unexpected, read)


def unexpected(document: Document) -> str:
    raise AssertionError(f"{document} is no log in Parquet")


class RacingStore(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types
    """A store on which a run ends right after somebody looked for a file."""

    store: ClassVar[dict[str, object]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    looks: ClassVar[int] = 0
    end: ClassVar[Callable[[], object]]

    def isfile(self, path: str) -> bool:
        found: bool = super().isfile(path)
        RacingStore.looks -= 1
        if RacingStore.looks == 0:
            RacingStore.end()
        return found


@pytest.fixture
def racing_store() -> Iterator[type[RacingStore]]:
    fsspec.register_implementation("memory", RacingStore, clobber=True)
    yield RacingStore
    fsspec.register_implementation("memory", MemoryFileSystem, clobber=True)
    RacingStore.store.clear()


@pytest.mark.parametrize("looks", range(1, 5))
@pytest.mark.parametrize("log_format", FORMATS)
async def test_a_run_that_ends_while_its_log_is_looked_up(
    racing_store: type[RacingStore],
    make_header: MakeHeader,
    make_sample: MakeSample,
    log_format: LogFormat,
    looks: int,
) -> None:
    final = make_header(status="success", samples=[make_sample(1)])
    writer = EvalLogWriter(make_header(), f"memory:///racing/{looks}", log_format=log_format)
    await writer.start()
    await writer.append(make_sample(1))
    await writer.flush()

    def end() -> None:
        racing_store.looks = 0
        write_eval_log(final, writer.location)
        fsspec.filesystem("memory").rm(f"/racing/{looks}/.live", recursive=True)

    racing_store.end, racing_store.looks = staticmethod(end), looks

    assert [sample.id for sample in read_eval_log(writer.location).samples or []] == [1]
    assert read_eval_log(writer.location).status in ("started", "success")


async def test_reading_on_while_parts_are_renamed_again_and_again(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    """A reader that gets on does not give up, however often it has to start over."""
    writer = EvalLogWriter(make_header(config=EvalConfig(log_buffer=1)), tmp_path)
    await writer.start()
    ids = list(range(ATTEMPTS + 2))
    for id in ids:
        await writer.append(make_sample(id))
    samples = read_eval_log_samples(writer.location, all_samples_required=False)
    found = []
    for step, sample in enumerate(samples):
        found.append(sample.id)
        rename_parts(writer.location, f"{step}x")

    assert found == ids


def rename_parts(location: str, shard: str) -> None:
    for number, place in enumerate(find_log(location).files):
        part = Path(place.path)
        part.rename(part.with_name(f"part-{shard}-{number:06d}.parquet"))


def test_where_to_write_is_not_known(make_header: MakeHeader) -> None:
    with pytest.raises(ValueError, match="no location of its own"):
        write_eval_log(make_header())


@pytest.mark.parametrize("log_format", FORMATS)
def test_what_cannot_be_written_leaves_what_was_there(
    tmp_path: Path, make_header: MakeHeader, log_format: LogFormat
) -> None:
    (tmp_path / "file").write_text("no folder")

    with pytest.raises(LogError, match="could not be written"):
        write_eval_log(make_header(samples=[]), tmp_path / "file" / f"log.{log_format}")

    assert [path.name for path in tmp_path.rglob("*")] == ["file"]


@pytest.mark.parametrize("log_format", FORMATS)
def test_a_write_that_fails_half_way_leaves_nothing(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample, log_format: LogFormat
) -> None:
    place = open_place(tmp_path / f"log.{log_format}")
    write_eval_log(make_header(samples=[make_sample(1)]), place.url)
    before = (tmp_path / place.name).read_bytes()

    def failing() -> Iterator[EvalSample]:
        yield make_sample(2)
        raise OSError("the source is gone")

    with pytest.raises(LogError, match=r"could not be written \(the source is gone\)"):
        write_log(place, document_format(place.name), make_header(), failing())

    assert [path.name for path in tmp_path.iterdir()] == [place.name]
    assert (tmp_path / place.name).read_bytes() == before
