"""Records on disk, found by their number: for what a run must keep of every sample."""

from __future__ import annotations

import os
import tempfile
from array import array
from io import FileIO
from typing import cast

from tasks_lib._errors import ScratchSpaceError

MEMORY_BYTES = 1 << 20
"""Bytes that stay in memory; so small runs touch no disk and large ones write large blocks."""
_BLOCK_BYTES = 1 << 14
"""Read at once: neighbours are often asked for one after another."""


class Spool:
    """A growing list of bytes of which memory holds eight bytes per record, and the newest MiB.

    The rest is in a temporary file without a name (in the folder that TMPDIR names), which
    goes with the process, however that ends. Not for several threads at once: another one
    gets a `snapshot`.
    """

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._ends = array("Q", [0])
        self._newest = bytearray()
        self._file: FileIO | None = None
        self._in_file = 0
        self._block = b""
        self._block_start = 0

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self._ends) - 1

    def append(self, record: bytes) -> None:
        """Add a record.

        Raises:
            ScratchSpaceError: The temporary file cannot be written.
        """
        self._newest += record
        self._ends.append(self._ends[-1] + len(record))
        if len(self._newest) >= MEMORY_BYTES:
            self._write()

    def __getitem__(self, position: int) -> bytes:
        """Return the record at a position, from 0. Raises IndexError if there is none."""
        if position < 0:
            raise IndexError(f"There is no record {position}.")
        start, end = self._ends[position], self._ends[position + 1]
        if start >= self._in_file:  # no record is in both: they are written whole
            return bytes(self._newest[start - self._in_file : end - self._in_file])
        if start < self._block_start or end > self._block_start + len(self._block):
            file = cast(FileIO, self._file).fileno()
            self._block = os.pread(file, max(end - start, _BLOCK_BYTES), start)
            self._block_start = start
        return self._block[start - self._block_start : end - self._block_start]

    def snapshot(self) -> Spool:
        """Return the records that there are now, to be read in another thread and then closed.

        It has the file in common with this one, whose further records it does not see.
        """
        copy = Spool()
        copy._ends = self._ends[:]
        copy._newest = self._newest[:]
        copy._in_file = self._in_file
        if self._file is not None:
            copy._file = FileIO(os.dup(self._file.fileno()))
        return copy

    def close(self) -> None:
        """Give memory and file back; there are no records afterwards."""
        if self._file is not None:
            self._file.close()
        self._reset()

    def _write(self) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="evals-", buffering=0)  # noqa: SIM115 - see close
            self._file.seek(self._in_file)
            left = memoryview(self._newest)
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise ScratchSpaceError(error) from error
        self._in_file = self._ends[-1]
        self._newest = bytearray()
