"""Short unique ids."""

from __future__ import annotations

import os
from base64 import b64encode

_BLOCK = 4096
_ID_BYTES = 16

_random = b""
_used = 0


def short_uuid() -> str:
    """Return 22 random letters and digits (about 126 bits), unique for all that we name."""
    # Randomness comes in blocks: asking the system for each id costs several times as much.
    global _random, _used
    start = _used
    if start + _ID_BYTES > len(_random):
        _random, start = os.urandom(_BLOCK), 0
    _used = start + _ID_BYTES
    return b64encode(_random[start:_used], altchars=b"xy")[:22].decode()


def _forget() -> None:
    global _random
    _random = b""


if hasattr(os, "register_at_fork"):
    # A child must not hand out the ids of its parent.
    os.register_at_fork(after_in_child=_forget)
