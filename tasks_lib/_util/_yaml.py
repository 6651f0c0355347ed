"""Files in YAML or JSON whose errors can name a line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from tasks_lib._errors import SettingsError

_MERGE_TAG = "tag:yaml.org,2002:merge"


class LocatedYaml(NamedTuple):
    """The content of a YAML text, and where its keys are."""

    content: object
    lines: Mapping[str, int]
    """Line of each key and item, from 1, by its path (`tasks[0].limit`). What an alias
    repeats has none of its own."""

    def line(self, place: str) -> int | None:
        """Return the line of a path, or of the nearest thing around it that has one."""
        while place and place not in self.lines:
            place = place.rpartition(".")[0]
        return self.lines.get(place)


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


def read_settings(path: Path, name: str, error: type[SettingsError]) -> LocatedYaml:
    """Return the content of a file in YAML or, if it ends in .json, in JSON.

    Args:
        path: The file.
        name: What errors call it.
        error: What is raised, as below.

    Raises:
        FileNotFoundError: There is no such file.
        SettingsError: It cannot be read, or is no YAML or JSON, or has a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            return LocatedYaml(json.loads(text, object_pairs_hook=_unique), {})
        return read_yaml(text)
    except FileNotFoundError:
        raise
    except yaml.YAMLError as wrong:
        mark = getattr(wrong, "problem_mark", None)
        line = mark.line + 1 if mark is not None else None
        problem = f"is no YAML: {getattr(wrong, 'problem', None) or wrong}."
        raise error(problem, path=name, line=line) from wrong
    except (OSError, UnicodeDecodeError) as wrong:
        raise error(f"cannot be read ({wrong}).", path=name) from wrong
    except ValueError as wrong:
        raise error(f"is no JSON: {wrong}.", path=name) from wrong


def _unique(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    content: dict[str, object] = {}
    for name, value in pairs:
        if name in content:
            raise ValueError(f"the key {name!r} is there twice")
        content[name] = value
    return content


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
