"""What is asked again of a store that fails, and what is not."""

from __future__ import annotations

from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from tasks_lib.log._files import Place, create_file, write_whole


class LibraryError(Exception):
    """What the library of a store raises, which is no OSError."""


class FaultyFileSystem(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types
    """A store in memory that fails as it is told, before or after it has written."""

    protocol = "faulty"
    cachable = False

    def __init__(self, faults: list[Exception], *, writes: bool = False) -> None:
        super().__init__()
        self.faults = faults
        self.calls = 0
        self.store: dict[str, Any] = {}
        self.pseudo_dirs: list[str] = [""]
        self._writes = writes

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: Any) -> None:
        self.calls += 1
        fault = self.faults.pop(0) if self.faults else None
        if fault is None or self._writes:
            super().pipe_file(path, value, mode=mode, **kwargs)
        if fault is not None:
            raise fault


def place_on(fs: FaultyFileSystem) -> Place:
    return Place(fs, "/part")


@pytest.mark.parametrize(
    ("faults", "calls"),
    [
        pytest.param([], 1, id="none"),
        pytest.param([ConnectionResetError()], 2, id="one"),
        pytest.param([TimeoutError(), LibraryError("again")], 3, id="two"),
    ],
)
def test_faults_that_pass(faults: list[Exception], calls: int) -> None:
    fs = FaultyFileSystem(faults)

    write_whole(place_on(fs), b"content")

    assert (fs.cat_file("/part"), fs.calls) == (b"content", calls)


@pytest.mark.parametrize(
    ("faults", "raised", "message", "calls"),
    [
        pytest.param([TimeoutError("slow")] * 3, TimeoutError, "slow", 3, id="too many"),
        pytest.param([LibraryError("no")] * 3, OSError, "LibraryError: no", 3, id="library's own"),
        pytest.param([PermissionError("denied")], PermissionError, "denied", 1, id="no permission"),
        pytest.param([FileNotFoundError("bucket")], FileNotFoundError, "bucket", 1, id="no bucket"),
    ],
)
def test_faults_that_stay(
    faults: list[Exception], raised: type[Exception], message: str, calls: int
) -> None:
    fs = FaultyFileSystem([*faults])

    with pytest.raises(raised) as caught:
        write_whole(place_on(fs), b"content")
    assert (str(caught.value), fs.calls, fs.exists("/part")) == (message, calls, False)


def test_a_caller_that_does_not_wait() -> None:
    fs = FaultyFileSystem([TimeoutError("slow")])

    with pytest.raises(TimeoutError):
        write_whole(place_on(fs), b"content", attempts=1)
    assert fs.calls == 1


class TestCreateFile:
    def test_new(self) -> None:
        fs = FaultyFileSystem([])

        assert create_file(place_on(fs), b"ours")
        assert fs.cat_file("/part") == b"ours"

    def test_somebody_was_first(self) -> None:
        fs = FaultyFileSystem([])
        MemoryFileSystem.pipe_file(fs, "/part", b"theirs")

        assert not create_file(place_on(fs), b"ours")
        assert fs.cat_file("/part") == b"theirs"

    def test_the_answer_to_a_write_that_succeeded_gets_lost(self) -> None:
        fs = FaultyFileSystem([ConnectionResetError()], writes=True)

        assert create_file(place_on(fs), b"ours")
        assert (fs.cat_file("/part"), fs.calls) == (b"ours", 1)

    def test_the_store_does_not_take_it(self) -> None:
        fs = FaultyFileSystem([PermissionError("denied")])

        with pytest.raises(PermissionError, match="denied"):
            create_file(place_on(fs), b"ours")
