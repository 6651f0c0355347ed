"""Reading zip files that nobody vouches for.

Names in them are only ever compared, never used as paths. Members are unpacked here and not
by the standard library, which has no Zstandard before Python 3.14; pyarrow, which we need
anyway, has it, so no further package is needed.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import SEEK_END
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import pyarrow as pa

from tasks_lib.log._files import Place

MAX_MEMBER_BYTES = 1 << 30
"""Largest member that is unpacked; parsing a gibibyte of JSON takes about ten of memory."""

_ZSTANDARD = 93
"""The number that the zip specification gives it."""
_CHUNK_BYTES = 1 << 20
_ENCRYPTED = 0x1
"""A flag of members."""
_LOCAL_HEADER = struct.Struct("<4s22xHH")
"""Magic number, lengths of the name and of the extra field."""

ZIP_ERRORS = (BadZipFile, EOFError, zlib.error, struct.error, NotImplementedError)
"""What the standard library raises for a damaged zip file, besides ValueError."""


class ZipReader:
    """The members of a zip file. Of several with the same name only the last counts."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._size = file.seek(0, SEEK_END)
        self._members = {info.filename: info for info in ZipFile(file).infolist()}
        if sum(info.compress_size for info in self._members.values()) > self._size:
            raise BadZipFile("its members overlap")

    @property
    def names(self) -> list[str]:
        """Names of the members, in the order in which they first occur."""
        return list(self._members)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def read(self, name: str) -> bytes:
        """Return the content of a member.

        Raises:
            KeyError: There is none of that name.
            BadZipFile, or another of ZIP_ERRORS: It is damaged, or larger than
                `MAX_MEMBER_BYTES`.
        """
        info = self._members[name]
        if info.file_size > MAX_MEMBER_BYTES:
            raise BadZipFile(
                f"its member {name!r} takes {info.file_size:,} bytes, more than the "
                f"{MAX_MEMBER_BYTES:,} that are read"
            )
        content = b"".join(_unpack(info, self._packed(info)))
        if zlib.crc32(content) != info.CRC:
            raise BadZipFile(f"its member {name!r} is damaged")
        return content

    def _packed(self, info: ZipInfo) -> bytes:
        if info.flag_bits & _ENCRYPTED:
            raise BadZipFile(f"its member {info.filename!r} is encrypted")
        self._file.seek(info.header_offset)
        magic, name_length, extra_length = _LOCAL_HEADER.unpack(self._file.read(_LOCAL_HEADER.size))
        if magic != b"PK\x03\x04":
            raise BadZipFile(f"its member {info.filename!r} is not where it should be")
        self._file.seek(name_length + extra_length, 1)
        packed = self._file.read(min(info.compress_size, self._size))
        if len(packed) != info.compress_size:
            raise BadZipFile(f"its member {info.filename!r} is cut off")
        return packed


@contextmanager
def open_zip(place: Place) -> Iterator[ZipReader]:
    """Open a zip file; only its directory is read.

    Raises:
        FileNotFoundError: There is none.
        ValueError, or one of ZIP_ERRORS: It is none.
    """
    with place.fs.open(place.path, "rb") as file:
        yield ZipReader(file)


def _unpack(info: ZipInfo, packed: bytes) -> Iterator[bytes]:
    """Yield the content of a member, never more than it says it has."""
    left = info.file_size
    for chunk in _unpacked(info, packed):
        left -= len(chunk)
        if left < 0:
            raise BadZipFile(f"its member {info.filename!r} is larger than it says")
        yield chunk


def _unpacked(info: ZipInfo, packed: bytes) -> Iterator[bytes]:
    if info.compress_type == ZIP_STORED:
        yield packed
    elif info.compress_type == ZIP_DEFLATED:
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        while packed and not inflate.eof:
            yield inflate.decompress(packed, _CHUNK_BYTES)
            packed = inflate.unconsumed_tail
        yield inflate.flush()
    elif info.compress_type == _ZSTANDARD:
        yield from _unpacked_zstandard(info, packed)
    else:
        raise BadZipFile(
            f"its member {info.filename!r} is packed with method {info.compress_type}, "
            "which is not supported"
        )


def _unpacked_zstandard(info: ZipInfo, packed: bytes) -> Iterator[bytes]:
    try:
        with pa.CompressedInputStream(pa.BufferReader(packed), "zstd") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                yield chunk
    except (OSError, pa.ArrowException) as error:  # of the content: it is in memory
        raise BadZipFile(f"its member {info.filename!r} is damaged ({error})") from error
