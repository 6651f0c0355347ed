"""Zip files byte by byte, so that they can lie."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

STORED, DEFLATED, BZIP2, ZSTANDARD = 0, 8, 12, 93


@dataclass
class Member:
    """A member of a zip file, honest unless told otherwise."""

    name: str
    content: bytes
    method: int = DEFLATED
    packed: bytes = b""
    """What is in the file; empty: `content`, packed as `method` says."""
    size: int | None = None
    """Bytes that it claims to unpack to."""
    flags: int = 0x800
    """UTF-8 names."""
    offset: int | None = None
    """Where the directory says it is; it is written only if this is not given."""
    crc: int = field(init=False)

    def __post_init__(self) -> None:
        self.crc = zlib.crc32(self.content)
        self.packed = self.packed or _pack(self.content, self.method)
        self.size = len(self.content) if self.size is None else self.size

    def described(self) -> bytes:
        """Return what local header and directory have in common."""
        name = self.name.encode()
        sizes = (self.crc, len(self.packed), self.size, len(name), 0)
        return struct.pack("<HHHHHLLLHH", 63, self.flags, self.method, 0, 33, *sizes)


def document(name: str, value: object, method: int = DEFLATED) -> Member:
    """Return a member that holds JSON."""
    return Member(name, json.dumps(value).encode(), method)


def write_raw_zip(path: Path, members: Sequence[Member]) -> Path:
    """Write a zip file as its members say."""
    body, directory = b"", b""
    for member in members:
        offset = len(body) if member.offset is None else member.offset
        name = member.name.encode()
        if member.offset is None:
            body += b"PK\x03\x04" + member.described() + name + member.packed
        directory += b"PK\x01\x02\x3f\x00" + member.described()
        directory += struct.pack("<HHHLL", 0, 0, 0, 0, offset) + name
    end = struct.pack("<HHHHLLH", 0, 0, len(members), len(members), len(directory), len(body), 0)
    path.write_bytes(body + directory + b"PK\x05\x06" + end)
    return path


def _pack(content: bytes, method: int) -> bytes:
    if method == DEFLATED:
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        return packer.compress(content) + packer.flush()
    if method == ZSTANDARD:
        packed: bytes = pa.Codec("zstd").compress(content, asbytes=True)
        return packed
    return content
