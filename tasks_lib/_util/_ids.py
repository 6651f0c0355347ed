"""Short unique ids."""

from __future__ import annotations

from base64 import b64encode
from os import urandom


def short_uuid() -> str:
    """Return 22 random letters and digits (about 126 bits), unique for all that we name."""
    return b64encode(urandom(16), altchars=b"xy")[:22].decode()
