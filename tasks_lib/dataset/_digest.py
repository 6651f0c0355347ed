"""A fingerprint of a dataset, to tell whether two runs saw the same questions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import blake2b, sha256

from pydantic_core import to_jsonable_python

from tasks_lib.schema import Sample


def dataset_digest(samples: Iterable[Sample]) -> str:
    """Return the SHA-256 (hex) over what `samples` ask and expect, in their order.

    Counted are ids, inputs, choices, targets and metadata, and the sandboxes, files and scripts
    of samples that have any; not the ids of messages, which are random. Media, files and
    scripts that are named by path count by their path. Reads the samples one by one.
    """
    digest = sha256()
    for sample in samples:
        digest.update(_canonical(_content(sample)).encode("ascii"))
        digest.update(b"\n")
    return digest.hexdigest()


def sample_digest(sample: Sample) -> str:
    """Return 16 hex digits that tell one sample from another that asks or expects something else.

    Counted is what `dataset_digest` counts. For samples of the same id, so 64 bits are plenty.
    """
    content = _canonical(_content(sample)).encode("ascii")
    return blake2b(content, digest_size=8).hexdigest()


def _content(sample: Sample) -> list[object]:
    if isinstance(sample.input, str):
        question: object = sample.input
    else:
        question = [
            message.model_dump(mode="json", exclude={"id", "source"}, exclude_none=True)
            for message in sample.input
        ]
    content = [sample.id, question, sample.choices, sample.target, sample.metadata]
    if sample.sandbox or sample.files or sample.setup:
        # Only where there are any: earlier versions did not count them.
        content += [sample.sandbox, sample.files, sample.setup]
    return content


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
