"""Which sandbox is meant: from arguments, files and logs, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, JsonValue

from tasks_lib._errors import MissingFileError, ParameterError, PrerequisiteError
from tasks_lib.sandbox._registry import find_sandboxenv
from tasks_lib.schema import SandboxEnvironmentSpec

_EXPECTED = 'a type ("local"), a type and a config file, or a SandboxEnvironmentSpec'


def resolve_sandbox(source: object, function: str = "eval") -> SandboxEnvironmentSpec | None:
    """Return the sandbox that `source` stands for; None for None.

    Whether there is such a type is not looked at here: another one may take its place.

    Args:
        source: A spec; "type" or "type:config"; a pair of the two; or what a log or file
            holds, a dict of `type` and `config`.
        function: What was called, for messages.

    Raises:
        ParameterError: It is something else.
    """
    match source:
        case None | SandboxEnvironmentSpec():
            return source
        case str():
            kind, _, config = source.partition(":")
            if kind:
                return SandboxEnvironmentSpec(kind, config or None)
        case [str(kind), str(config)]:
            return SandboxEnvironmentSpec(kind, config)
        case [str(kind)]:
            return SandboxEnvironmentSpec(kind)
        case Mapping() if source.keys() <= {"type", "config"} and _is_config(source):
            return SandboxEnvironmentSpec(source["type"], source.get("config"))
    raise ParameterError(function, "sandbox", source, _EXPECTED)


def complete_sandbox(spec: SandboxEnvironmentSpec, folder: str) -> SandboxEnvironmentSpec:
    """Return `spec` as its type takes it: with a model for a dict, and a full path for a file.

    Without a config, that is the first of the files in `folder` that the type looks for.

    Args:
        spec: What was asked for.
        folder: Where relative paths begin.

    Raises:
        UnknownNameError: There is no such type.
        MissingFileError: The type takes files, and this one is not there.
        PrerequisiteError: A config is none that the type knows.
    """
    kind = find_sandboxenv(spec.type)
    config = spec.config
    if config is None:
        files = [Path(folder, name) for name in kind.config_files()]
        config = next((str(file) for file in files if file.is_file()), None)
    elif isinstance(config, str):
        config = str(Path(folder, Path(config).expanduser()))
        if kind.config_files() and not Path(config).is_file():
            raise MissingFileError(f"config of the sandbox {spec.type!r}", config)
    elif isinstance(config, Mapping):
        try:
            config = kind.config_deserialize(dict(config))
        except (NotImplementedError, ValueError) as error:
            raise PrerequisiteError(
                f"The config {dict(config)!r} of the sandbox {spec.type!r} cannot be used: {error}"
            ) from error
    return SandboxEnvironmentSpec(spec.type, config)


def sandbox_json(spec: SandboxEnvironmentSpec) -> dict[str, JsonValue]:
    """Return `spec` as a log holds it and `resolve_sandbox` takes it."""
    return cast(dict[str, JsonValue], spec.model_dump(mode="json", exclude_none=True))


def sandbox_key(spec: SandboxEnvironmentSpec) -> str:
    """Return text that is the same for the same sandbox: a config need not be hashable."""
    return json.dumps(sandbox_json(spec), sort_keys=True)


def _is_config(source: Mapping[Any, Any]) -> bool:
    config = source.get("config")
    return isinstance(source.get("type"), str) and (
        config is None or isinstance(config, str | Mapping | BaseModel)
    )
