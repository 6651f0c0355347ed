"""YAML files whose errors can name a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import yaml

_MERGE_TAG = "tag:yaml.org,2002:merge"


class LocatedYaml(NamedTuple):
    """The content of a YAML text, and where its keys are."""

    content: object
    lines: Mapping[str, int]
    """Line of each key and item, from 1, by its path (`tasks[0].limit`). What an alias
    repeats has none of its own."""


def read_yaml(text: str) -> LocatedYaml:
    """Return the content of a YAML text.

    Raises:
        yaml.YAMLError: It is no YAML, or a mapping has a key twice (a `MarkedYAMLError`).
    """
    lines: dict[str, int] = {}
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if node is not None:
        _note_lines(node, "", lines, set())
    return LocatedYaml(yaml.safe_load(text), lines)


def _note_lines(node: yaml.Node, path: str, lines: dict[str, int], seen: set[int]) -> None:
    # Once each: aliases can refer to the node that they are in, and multiply without end.
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        keys: set[tuple[str, str]] = set()
        for key, value in node.value:
            name = (key.tag, str(key.value))
            if name in keys and key.tag != _MERGE_TAG:
                problem = f"the key {key.value!r} is there twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            keys.add(name)
            child = f"{path}.{key.value}" if path else str(key.value)
            lines[child] = key.start_mark.line + 1
            _note_lines(value, child, lines, seen)
    elif isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            lines[f"{path}[{position}]"] = item.start_mark.line + 1
            _note_lines(item, f"{path}[{position}]", lines, seen)
