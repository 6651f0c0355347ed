"""Names of the samples in `.eval` files."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from tasks_lib._util._json import is_utf8

SAMPLES_FOLDER = "samples/"

_MAX_BYTES = 60_000
"""Longest id in a name; zip files allow 65,535 bytes in all."""


def sample_name(id: int | str, epoch: int) -> str:
    """Return the name under which readers look for a sample.

    An id that no zip file can have in a name is replaced by its SHA-256.
    """
    text = str(id)
    encoded = text.encode(errors="surrogatepass")
    if "\0" in text or len(encoded) > _MAX_BYTES or not is_utf8(text):
        text = hashlib.sha256(encoded).hexdigest()
    return f"{SAMPLES_FOLDER}{text}_epoch_{epoch}.json"


def other_name(id: int | str, epoch: int) -> str:
    """Return the name of a sample whose `sample_name` is taken: that of 1 is that of "1"."""
    return f"{sample_name(id, epoch).removesuffix('.json')}.{type(id).__name__}.json"


def free_name(id: int | str, epoch: int, taken: Collection[str]) -> str:
    """Return the first name of a sample that is not taken."""
    name, number = sample_name(id, epoch), 1
    while name in taken:
        name = other_name(id, epoch)
        if number > 1:
            name = f"{name.removesuffix('.json')}.{number}.json"
        number += 1
    return name
