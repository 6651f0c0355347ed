"""Which answers may be used again: the policy of a call and the key of its request."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from pydantic import BaseModel

from tasks_lib._errors import ParameterError
from tasks_lib.model._input import Request
from tasks_lib.schema import ChatMessageBase, GenerateConfig, ToolFunction

_SECONDS = {
    "s": 1,
    "m": 60,
    "h": 3600,
    "D": 86_400,
    "W": 7 * 86_400,
    "M": 30 * 86_400,
    "Y": 365 * 86_400,
}
"""Seconds of each unit of an expiry."""
_EXPIRY = re.compile(r"(\d{1,9})([smhDWMY])", re.ASCII)
_EXPECTED_EXPIRY = (
    "a number with s, m, h, D, W, M (30 days) or Y (365 days), such as '12h' or '1W'; or None"
)
_NOT_ANSWERED = frozenset({"max_retries", "timeout", "attempt_timeout", "max_connections"})
"""Options that decide when a request is made, not what is answered."""


@dataclass(frozen=True)
class CachePolicy:
    """How long and for whom an answer is kept.

    Files that a message names count by their names: who changes an image in its place sets
    another scope.

    Raises:
        ParameterError: `expiry` or `scopes` is of another form.
    """

    expiry: str | None = "1W"
    """How long an answer is used: `12h`, `1W`; units s, m, h, D, W, M (30 days) and Y (365
    days). None: for ever."""
    per_epoch: bool = True
    """Whether each epoch gets an answer of its own, however the call is made."""
    scopes: Mapping[str, str] = field(default_factory=dict)
    """What else an answer belongs to: it is used only by calls with the same scopes."""

    def __post_init__(self) -> None:
        if self.expiry is not None and _expiry_s(self.expiry) is None:
            raise ParameterError("CachePolicy", "expiry", self.expiry, _EXPECTED_EXPIRY)
        scopes: object = self.scopes
        if not isinstance(scopes, Mapping) or not all(
            isinstance(text, str) for item in scopes.items() for text in item
        ):
            raise ParameterError("CachePolicy", "scopes", scopes, "texts by name")

    @property
    def expiry_s(self) -> int | None:
        """Seconds that an answer is used, None for ever."""
        return None if self.expiry is None else _expiry_s(self.expiry)


def cache_policy(cache: bool | CachePolicy) -> CachePolicy | None:
    """Return the policy of a call's argument `cache`: True is the default, False is none.

    Raises:
        ParameterError: It is something else.
    """
    if isinstance(cache, bool):
        return CachePolicy() if cache else None
    if not isinstance(cache, CachePolicy):
        raise ParameterError("generate", "cache", cache, "True, False or a CachePolicy")
    return cache


def cache_key(
    policy: CachePolicy,
    *,
    model: str,
    base_url: str | None,
    request: Request,
    epoch: int | None,
    model_args: Mapping[str, object] | None = None,
) -> str:
    """Return the name of an answer in the cache: a digest of all that decides about it.

    Those are the model and where it is, what is sent to it (messages without their ids,
    tools, options other than those of retries, timeouts and connections), and the policy.

    Args:
        policy: Its expiry and scopes always count.
        model: Full name, `provider/name`.
        base_url: Where the provider is, None for its usual place.
        request: What the provider gets.
        epoch: Epoch of the running sample, None outside of samples; it counts `per_epoch`.
        model_args: What else the model was made with. Of objects that have no form in JSON
            only the type counts.
    """
    # A list in JSON, so that no two requests can be written the same way.
    decisive = [
        model,
        base_url,
        request,
        policy.expiry_s,
        sorted(policy.scopes.items()),
        epoch if policy.per_epoch else None,
        sorted((model_args or {}).items()),
    ]
    return sha256(_ENCODER.encode(decisive).encode()).hexdigest()


def _expiry_s(expiry: object) -> int | None:
    found = _EXPIRY.fullmatch(expiry) if isinstance(expiry, str) else None
    return None if found is None else int(found[1]) * _SECONDS[found[2]]


def _plain(value: object) -> object:
    """Return what counts of an object: of models the fields that are not None.

    So a field that a later version adds leaves the keys of requests that don't use it.
    """
    if isinstance(value, BaseModel):
        fields = {**value.__dict__, **(value.model_extra or {})}
        if isinstance(value, ChatMessageBase):
            fields.pop("id", None)
        elif isinstance(value, GenerateConfig):
            # Options may have been set in any order.
            fields = {n: fields[n] for n in sorted(fields.keys() - _NOT_ANSWERED)}
        return {name: item for name, item in fields.items() if item is not None}
    if isinstance(value, ToolFunction):
        return {"tool": value.name}
    return f"<{type(value).__module__}.{type(value).__qualname__}>"


_ENCODER = json.JSONEncoder(default=_plain, separators=(",", ":"))
"""Slower than others, but it tells NaN from null and takes lone surrogates."""
