"""What stands for messages, scores, input and output of a sample in the JSON of its events."""

from __future__ import annotations

import re

MESSAGES = "#/messages/"
SCORES = "#/scores/"
INPUT = "#/input"
OUTPUT = "#/output"
REFERENCE = re.compile(rf'{{"\$ref":"(?:{MESSAGES}|{SCORES}|{INPUT}"|{OUTPUT}")')
REFERENCE_BYTES = re.compile(REFERENCE.pattern.encode())


def has_references(events: str | bytes) -> bool:
    """Whether there is something in events that looks like a reference of ours."""
    if isinstance(events, bytes):
        return REFERENCE_BYTES.search(events) is not None
    return REFERENCE.search(events) is not None
