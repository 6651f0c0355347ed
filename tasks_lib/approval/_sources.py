"""Policies from files, names and dicts, and as logs hold them.

    approvers:
      - name: human
        tools: bash, python, web_*
        choices: [approve, reject]
      - name: auto
        tools: "*"

A key beside `name` and `tools` is an argument of the approver; `params` may hold them too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from reprlib import repr as shortened
from typing import TypeAlias

from pydantic import JsonValue

from tasks_lib._errors import (
    ApprovalPolicyError,
    MissingFileError,
    ParameterError,
    PrerequisiteError,
    UnknownNameError,
    nearest_hint,
)
from tasks_lib._util._params import plain_params
from tasks_lib._util._registry import (
    known_names,
    registry_create,
    registry_lookup,
    registry_name,
    registry_params,
)
from tasks_lib._util._yaml import LocatedYaml, read_settings
from tasks_lib.approval._approver import Approver
from tasks_lib.approval._policy import ApprovalPolicy

ApprovalSource: TypeAlias = (
    str | PurePath | Mapping[str, object] | ApprovalPolicy | Sequence[ApprovalPolicy]
)
"""Whatever stands for policies."""

_KIND = "approval policy file"
_FILES = (".yaml", ".yml", ".json")


def resolve_approval(source: ApprovalSource | None) -> list[ApprovalPolicy] | None:
    """Return the policies that `source` stands for; None if every call is to be done.

    Args:
        source: One or more policies; the name of an approver, which then decides on all
            tools; the path of a YAML or JSON file; or what such a file holds. An empty list
            is as good as None.

    Raises:
        MissingFileError: There is no such file.
        ApprovalPolicyError: The file cannot be read, or a key or value is wrong; the message
            names the line and the field.
        UnknownNameError: It is neither the name of an approver nor a file.
        ParameterError: It is something else, or the approver needs arguments.
    """
    match source:
        case None:
            return None
        case ApprovalPolicy():
            return [source]
        case PurePath():
            return _read(Path(source))
        case str():
            return _named(source)
        case Mapping():
            return _Reader(None, LocatedYaml(source, {})).policies()
        case Sequence():
            policies = [policy for policy in source if isinstance(policy, ApprovalPolicy)]
            if len(policies) == len(source):
                return policies or None
    expected = "an approver's name, a file, or a list of ApprovalPolicy"
    raise ParameterError("approval", "policies", source, expected)


def approval_config(policies: Sequence[ApprovalPolicy] | None) -> dict[str, JsonValue] | None:
    """Return `policies` as a log holds them and `resolve_approval` takes them; None for none."""
    if not policies:
        return None
    return {
        "approvers": [
            {
                "name": registry_name(policy.approver),
                "tools": policy.tools if isinstance(policy.tools, str) else list(policy.tools),
                "params": plain_params(registry_params(policy.approver)),
            }
            for policy in policies
        ]
    }


def _named(source: str) -> list[ApprovalPolicy]:
    path = Path(source).expanduser()
    if path.suffix in _FILES:
        return _read(path)
    if registry_lookup("approver", source) is not None:
        return [ApprovalPolicy(_created(source, {}), "*")]
    if path.is_file():
        return _read(path)
    raise UnknownNameError("approver or file of policies", source, known_names("approver"))


def _read(path: Path) -> list[ApprovalPolicy]:
    try:
        content = read_settings(path, str(path), ApprovalPolicyError)
    except FileNotFoundError as error:
        raise MissingFileError(_KIND, str(path)) from error
    return _Reader(str(path), content).policies()


def _created(name: str, params: Mapping[str, object]) -> Approver:
    approver: Approver = registry_create("approver", name, **params)  # type: ignore[assignment]  # what is registered as one is one
    return approver


class _Reader:
    """Checks what a file holds, or a dict of the same form."""

    def __init__(self, path: str | None, content: LocatedYaml) -> None:
        self._path = path
        self._content = content

    def policies(self) -> list[ApprovalPolicy]:
        content = self._mapping(self._content.content, "", "the key 'approvers'")
        for key in content:
            if key != "approvers":
                raise self._error(f"unknown. {nearest_hint(key, ['approvers'])}", key)
        items = content.get("approvers")
        if not isinstance(items, list) or not items:
            got = "nothing" if items is None else shortened(items)
            raise self._error(f"expected a list of at least one approver, got {got}.", "approvers")
        return [self._policy(item, f"approvers[{i}]") for i, item in enumerate(items)]

    def _policy(self, item: object, place: str) -> ApprovalPolicy:
        given = self._mapping(item, place, "'name', 'tools' and arguments of the approver")
        name, tools = given.pop("name", None), given.pop("tools", None)
        if not isinstance(name, str):
            problem = f"expected the approver's name, got {name!r}."
            raise self._error(problem, f"{place}.name")
        inner = given.pop("params", None)
        params = {} if inner is None else self._mapping(inner, f"{place}.params", "arguments")
        places = {key: f"{place}.params.{key}" for key in params}
        for key, value in given.items():
            if key in params:
                raise self._error("given here and in 'params'.", f"{place}.{key}")
            params[key], places[key] = value, f"{place}.{key}"
        try:
            return ApprovalPolicy(_created(name, params), tools)  # type: ignore[arg-type]  # checked there
        except UnknownNameError as error:
            raise self._error(str(error), f"{place}.name") from error
        except ParameterError as error:
            raise self._wrong_value(error, place, places) from error

    def _wrong_value(
        self, error: ParameterError, place: str, places: Mapping[str, str]
    ) -> PrerequisiteError:
        """Return `error` as one of the field that it is about."""
        field = f"{place}.tools" if error.name == "tools" else places.get(error.name)
        if field is not None:
            return self._error(str(error).partition(f"{error.name} ")[2], field)
        return self._error(str(error), places.get(str(error.value), place))

    def _mapping(self, value: object, place: str, expected: str) -> dict[str, object]:
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            got = "nothing" if value is None else shortened(value)
            raise self._error(f"expected {expected}, got {got}.", place)
        return dict(value)

    def _error(self, message: str, place: str) -> ApprovalPolicyError:
        line = self._content.line(place)
        return ApprovalPolicyError(message, path=self._path, line=line, field=place or None)
