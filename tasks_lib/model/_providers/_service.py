"""A service that speaks OpenAI's interface: where it is, who pays, how it differs."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from tasks_lib._errors import MissingKeyError, PrerequisiteError
from tasks_lib.model._api import model_base_url

NO_KEY = "no-key"
"""What is sent to servers that need no key, because the SDK demands one."""

_VARIABLE = re.compile(r"\{(\w+)\}")
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Service(NamedTuple):
    """One service. What it does not say is as OpenAI's chat completions have it."""

    name: str
    """What it is called in messages and connection keys."""
    base_url: str | None
    """Where it usually is; None: nowhere in particular. A part in braces, as in
    `https://host/{ACCOUNT}/v1`, is the value of an environment variable."""
    key_variables: tuple[str, ...]
    """Environment variables that may hold the key; the first one that is set counts."""
    url_variables: tuple[str, ...] = ()
    """Environment variables that may hold the address; the first one that is set counts."""
    needs_key: bool = True
    started_by: str = ""
    """The command that starts the server, for those that people run themselves."""
    model_prefix: str = ""
    """Put before a model's name when it is sent, unless it is there."""
    lacks: tuple[str, ...] = ()
    """Options of `GenerateConfig` that chat completions have and it has not: it ignores or
    refuses them."""
    reasons: Mapping[str, str] = _NOTHING
    """What to do instead of an option that it lacks."""
    takes: tuple[str, ...] = ()
    """Options of `GenerateConfig` that it takes and chat completions do not have; they are
    sent under their own name."""
    renamed: Mapping[str, str] = _NOTHING
    """Fields of the request that have another name: ours to theirs."""
    responses_api: bool = False
    """Whether it is asked through the Responses API instead of chat completions."""
    max_tokens: int | None = None
    """Default of the option, where the service's own is too small for most answers."""

    def key(self, api_key: str | None = None) -> str:
        """Return `api_key`, else what the environment says; `NO_KEY` if none is needed.

        Raises:
            MissingKeyError: A key is needed and there is none.
        """
        found = (value for name in self.key_variables if (value := os.environ.get(name)))
        key = api_key or next(found, None)
        if key:
            return key
        if self.needs_key:
            raise MissingKeyError(self.name, self.key_variables[0])
        return NO_KEY

    def address(self, base_url: str | None = None) -> str:
        """Return `base_url`, else what the environment says, else the usual address.

        Raises:
            PrerequisiteError: There is none, or a part of it is missing.
        """
        address = model_base_url(base_url, *self.url_variables)
        if address:
            return address
        if self.base_url is not None:
            return _VARIABLE.sub(self._part, self.base_url)
        how = f"set the environment variable {self.url_variables[0]}, or pass base_url"
        if self.started_by:
            raise PrerequisiteError(
                f"{self.name}: evaluations start no server. Start one ({self.started_by!r}) and "
                f"say where it is: {how}."
            )
        raise PrerequisiteError(f"{self.name} has no usual address: {how}.")

    def sent_name(self, model: str) -> str:
        """Return the name of a model as the service knows it."""
        return model if model.startswith(self.model_prefix) else f"{self.model_prefix}{model}"

    def _part(self, braces: re.Match[str]) -> str:
        value = os.environ.get(braces[1])
        if not value:
            raise PrerequisiteError(
                f"{self.name}: set the environment variable {braces[1]}; it is a part of the "
                "address."
            )
        return value
