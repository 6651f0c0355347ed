"""URLs in messages that people read."""

from __future__ import annotations

import re

_SECRETS = re.compile(r"(\w+://)([^/@\s]*@)?([^\s?'\"]*)(\?[^\s'\")]*)?")
"""A URL: what may hold a password or signature are the groups 2 and 4."""


def without_secrets(text: str) -> str:
    """Return text whose URLs have lost user names, passwords and queries (signatures)."""
    return _SECRETS.sub(r"\1\3", text)
