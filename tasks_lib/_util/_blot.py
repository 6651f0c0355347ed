"""Texts without what must not be seen: keys, passwords in addresses."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit, urlunsplit

_SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS)$", re.IGNORECASE)
_SHORTEST = 8
"""A value of fewer characters is blotted out nowhere: too much else looks like it."""


def is_secret(name: str) -> bool:
    """Tell whether an environment variable of that name holds a secret, by how the name ends."""
    return _SECRET_NAME.search(name) is not None


def blotted(text: str) -> str:
    """Return a text without the values of environment variables that look like keys."""
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST and is_secret(name):
            text = text.replace(value, "•••")
    return text


def without_credentials(location: str) -> str:
    """Return a path or URL without the user and password that a URL may hold."""
    parts = urlsplit(location)
    if "@" not in parts.netloc:
        return location
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
