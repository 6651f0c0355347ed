"""Attachments: long texts of a sample that are kept once and referred to elsewhere.

A reference is the whole text `attachment://<key>`, its text is `EvalSample.attachments[key]`.
References are resolved once: an attachment that itself looks like a reference is text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from hashlib import sha256

from tasks_lib._util._json import Encoded

ATTACHMENT_PROTOCOL = "attachment://"
"""What a reference begins with."""

DATA_REMOVED = "<base64-data-removed>"
"""What stands for images, audio and video when `log_images` is off."""

MIN_LENGTH = 101
"""Characters from which on a text is worth an attachment."""

Change = Callable[[str], str]
"""Returns what stands for a text."""

_OLD_PROTOCOL = "tc://"
"""What references began with in old logs of others."""
_DATA_URI = re.compile(r"data:[^,]*;base64,")
_REST = r'(?:[^"\\]++|\\.)*+"'
_STARTS = rf"data:[^,\"\\]*;base64,{_REST}|attachment://{_REST}"
# A string in JSON begins after one of [,: and a key ends before a colon. Inside of a string
# no quote stands without a backslash.
_IN_BYTES = re.compile(rf'(?<=[\[,:])"(?:{_STARTS})(?!:)'.encode(), re.DOTALL)
_IN_TEXT = re.compile(rf'(?<=[\[,:])"(?:{_STARTS})(?!:)', re.DOTALL)


class Attachments:
    """The attachments of one sample, while texts become references to them."""

    def __init__(self, known: Mapping[str, str], log_images: bool = True) -> None:
        """Begin with the attachments that the sample has.

        Args:
            known: They keep their keys. Those that are base64 data are replaced by
                `DATA_REMOVED` if not `log_images`.
            log_images: Whether base64 data (images, audio, video) is kept.
        """
        self.log_images = log_images
        self.texts = {key: self._allowed(text) for key, text in known.items()}
        """Text by key."""
        self._given = frozenset(known)
        self._keys = {text: key for key, text in self.texts.items()}

    def attach(self, text: str) -> str:
        """Keep `text` and return the reference to it."""
        key = self._keys.get(text)
        if key is None:
            key = self._keys[text] = attachment_key(text)
            self.texts[key] = text
        return ATTACHMENT_PROTOCOL + key

    def plain(self, text: str) -> str:
        """Return `text` without a reference, and as far as it is to be kept.

        Text that only looks like a reference becomes one to itself, so that it is not taken
        for another.
        """
        text = self._allowed(self.resolve(text))
        return self.attach(text) if text.startswith(ATTACHMENT_PROTOCOL) else text

    def reference_data(self, text: str) -> str:
        """Attach base64 data; other text, which `plain` returned, stays."""
        return self.attach(text) if is_data_uri(text) else text

    def reference_long(self, text: str) -> str:
        """Attach long text; other text, which `plain` returned, stays."""
        is_long = len(text) >= MIN_LENGTH and not text.startswith(ATTACHMENT_PROTOCOL)
        return self.attach(text) if is_long else text

    def resolve(self, text: str) -> str:
        """Return the text that a reference stands for; other text as it is."""
        if text.startswith(ATTACHMENT_PROTOCOL):
            return self.texts.get(text[len(ATTACHMENT_PROTOCOL) :], text)
        if text.startswith(_OLD_PROTOCOL):
            return self.texts.get(text[len(_OLD_PROTOCOL) :], text)
        return text

    def reference_json(self, columns: Mapping[str, Encoded | None]) -> dict[str, Encoded | None]:
        """Attach the long base64 data in JSON texts that `encode` wrote; references stay.

        Text that looks like a reference but is none becomes an attachment itself, unless the
        sample has no attachments at all, so that nothing will be resolved.
        """
        if not self._given and not any(map(_may_hold_data, columns.values())):
            return dict(columns)
        return {name: self._with_references(encoded) for name, encoded in columns.items()}

    def _with_references(self, encoded: Encoded | None) -> Encoded | None:
        if encoded is None:
            return None
        if isinstance(encoded, str):
            return _IN_TEXT.sub(lambda found: self._reference(found[0]), encoded)
        return _IN_BYTES.sub(lambda found: self._reference(found[0].decode()).encode(), encoded)

    def _allowed(self, text: str) -> str:
        return text if self.log_images or not is_data_uri(text) else DATA_REMOVED

    def _reference(self, literal: str) -> str:
        text: str = json.loads(literal)
        if text.startswith(ATTACHMENT_PROTOCOL):
            is_reference = text[len(ATTACHMENT_PROTOCOL) :] in self._given
            return literal if is_reference else f'"{self.attach(text)}"'
        if not self.log_images:
            return f'"{DATA_REMOVED}"'
        return f'"{self.attach(text)}"' if len(text) >= MIN_LENGTH else literal


def _may_hold_data(encoded: Encoded | None) -> bool:
    if not encoded:
        return False
    if isinstance(encoded, str):
        return ";base64," in encoded
    # A single byte is found ten times as fast as several, and few texts have this one.
    return b";" in encoded and b";base64," in encoded


def is_data_uri(text: str) -> bool:
    """Whether `text` is a data URI in base64: an image, audio, video or the like."""
    return text.startswith("data:") and _DATA_URI.match(text) is not None


def attachment_key(text: str) -> str:
    """Return the key of `text`: 32 hexadecimal digits, the first half of its SHA-256."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
