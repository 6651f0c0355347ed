"""A fingerprint of a dataset, to tell whether two runs saw the same questions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256

from pydantic_core import to_jsonable_python

from tasks_lib.schema import Sample


def dataset_digest(samples: Iterable[Sample]) -> str:
    """Return the SHA-256 (hex) over what `samples` ask and expect, in their order.

    Counted are ids, inputs, choices, targets and metadata. Not counted are files and scripts
    for sandboxes, and the ids of messages, which are random. Media that an input names by
    path count by their path. Reads the samples one by one.
    """
    digest = sha256()
    for sample in samples:
        digest.update(_canonical(_content(sample)).encode("ascii"))
        digest.update(b"\n")
    return digest.hexdigest()


def _content(sample: Sample) -> list[object]:
    if isinstance(sample.input, str):
        question: object = sample.input
    else:
        question = [
            message.model_dump(mode="json", exclude={"id", "source"}, exclude_none=True)
            for message in sample.input
        ]
    return [sample.id, question, sample.choices, sample.target, sample.metadata]


def _canonical(content: list[object]) -> str:
    try:
        return _ENCODER.encode(content)
    except TypeError:
        # Keys of several types cannot be sorted before they are text.
        return _ENCODER.encode(_as_json(content))


def _as_json(value: object) -> object:
    # An object that has no JSON form counts by its type: its repr may hold an address.
    return to_jsonable_python(value, fallback=lambda other: type(other).__qualname__)


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=_as_json)
