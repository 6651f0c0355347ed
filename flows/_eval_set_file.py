"""Eval-set files: tasks, models and options in YAML.

    log_dir: logs/nightly/{date}
    model: openai/gpt-4o-mini
    tasks:
      - deployments/benchmarks/hellaswag.py@hellaswag
      - task: deployments/benchmarks/gsm8k.py@gsm8k
        args: {fewshot: 4}
        limit: 50
    max_tokens: 256

Every key is an argument of `eval_set` by its name, for all tasks or beneath one task.
`{date}` and `{time}` in `log_dir` become the UTC date (2026-11-21) and time (031500). Files of
tasks, solvers, scorers and approval policies are looked for beside the eval-set file first, then
from the working folder. Solvers and scorers have names (registered ones, `file.py`,
`file.py@name`), and arguments: `solver: {name: self_critique, model: …}`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows._named_files import is_in_file
from flows._options import argument_names
from tasks_lib._errors import EvalFileError, EvalsError, ParameterError, nearest_hint
from tasks_lib._util._text import format_safe
from tasks_lib._util._yaml import LocatedYaml, read_settings

_ARGUMENTS = argument_names("eval_set")
_COMMON = _ARGUMENTS | {"tasks", "model"}
_FOR_ALL = {
    "log_dir", "model_base_url", "model_args", "model_cost_config", "display", "task_args",
    "max_tasks", "max_subprocesses", "max_sandboxes", "budget", "debug_errors", "score_display",
    "trace", "log_level", "log_level_transcript", "log_header_only", "bundle_dir",
    "bundle_overwrite", "log_dir_allow_dirty", "ignore_changes",
}  # fmt: skip
_RETRIES = {n for n in _ARGUMENTS if n.startswith("retry_")} - {"retry_on_error"}
_PER_TASK = (_ARGUMENTS - _FOR_ALL - _RETRIES) | {"task", "args"}


@dataclass(frozen=True)
class EvalSetTask:
    """A task of an eval-set file."""

    task: str
    """As `eval_set` takes it: a registered name, `file.py@name`, a folder …"""
    args: dict[str, Any] = field(default_factory=dict)
    """The task's arguments."""
    options: dict[str, Any] = field(default_factory=dict)
    """Arguments of `eval_set` that hold for this task only."""


@dataclass(frozen=True)
class EvalSetFile:
    """What an eval-set file says."""

    path: str
    tasks: list[EvalSetTask]
    model: str | list[str] | None
    options: dict[str, Any]
    lines: Mapping[str, int]
    """Line of each field, by its path (`tasks[0].limit`)."""

    def wrong_value(self, error: ParameterError, task: int | None = None) -> EvalsError:
        """Return `error` as one of this file if a field of the file (or task) has the name."""
        for name in ([] if task is None else [f"tasks[{task}].{error.name}"]) + [error.name]:
            if name in self.lines:
                message = str(error).partition(f"{error.name} ")[2]
                return EvalFileError(
                    message, path=self.path, line=self.lines[name], field=error.name
                )
        return error


def read_eval_set_file(path: str | Path) -> EvalSetFile:
    """Read an eval-set file.

    Raises:
        EvalFileError: It is missing, no YAML, or has a wrong key or value; the message names
            the line and the field.
    """
    reader = _Reader(str(path))
    content = reader.mapping(reader.load(), "")
    reader.check_keys(content, _COMMON, "")
    if not isinstance(content.get("tasks"), list) or not content["tasks"]:
        raise reader.error("expected a list of at least one task.", "tasks")
    tasks = [reader.task(item, f"tasks[{i}]") for i, item in enumerate(content.pop("tasks"))]
    model = content.pop("model", None)
    if model is not None and not _is_text_or_texts(model):
        raise reader.error(f"expected a model's name or a list of them, got {model!r}.", "model")
    reader.locate_files(content)
    if "log_dir" in content:
        content["log_dir"] = _dated(content["log_dir"])
    return EvalSetFile(reader.path, tasks, model, content, reader.lines)


class _Reader:
    """Reads YAML and remembers the line of every key."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._content = LocatedYaml(None, {})

    @property
    def lines(self) -> Mapping[str, int]:
        return self._content.lines

    def load(self) -> object:
        try:
            self._content = read_settings(Path(self.path), self.path, EvalFileError)
        except FileNotFoundError as error:
            raise EvalFileError(f"cannot be read ({error}).", path=self.path) from error
        return self._content.content

    def mapping(self, value: object, name: str) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            what = "nothing" if value is None else type(value).__name__
            raise self.error(f"expected keys with values, got {what}.", name)
        return {str(key): item for key, item in value.items()}

    def check_keys(self, content: Mapping[str, Any], known: Set[str], name: str) -> None:
        for key in content:
            field_name = f"{name}.{key}" if name else key
            if key not in known:
                raise self.error(f"unknown. {nearest_hint(key, known)}", field_name)

    def task(self, item: object, name: str) -> EvalSetTask:
        if isinstance(item, str):
            return EvalSetTask(self._located(item))
        content = self.mapping(item, name)
        self.check_keys(content, _PER_TASK, name)
        task = content.pop("task", None)
        if not isinstance(task, str):
            raise self.error(f"expected the task's name or file, got {task!r}.", f"{name}.task")
        args = self.mapping(content.pop("args", {}), f"{name}.args")
        self.locate_files(content)
        return EvalSetTask(self._located(task), args, content)

    def locate_files(self, content: dict[str, Any]) -> None:
        """Look for what may be in files beside the eval-set file first, as for tasks.

        These are approval policies, and solvers and scorers by `file.py` or `file.py@name`.
        """
        if isinstance(content.get("approval"), str):
            content["approval"] = self._located(content["approval"])
        for name in ("solver", "scorer"):
            if name in content:
                content[name] = self._located_in(content[name])

    def _located_in(self, value: object) -> object:
        if isinstance(value, list):
            return [self._located_in(item) for item in value]
        if isinstance(value, Mapping) and isinstance(value.get("name"), str):
            return {**value, "name": self._located_in(value["name"])}
        return self._located(value) if isinstance(value, str) and is_in_file(value) else value

    def _located(self, task: str) -> str:
        file, at, name = task.rpartition("@") if "@" in task else (task, "", "")
        beside = Path(self.path).parent / file
        return f"{os.path.relpath(beside)}{at}{name}" if beside.exists() else task

    def error(self, message: str, name: str) -> EvalFileError:
        line = self._content.line(name)
        return EvalFileError(message, path=self.path, line=line, field=name or None)


def _is_text_or_texts(value: object) -> bool:
    items = value if isinstance(value, list) else [value]
    return bool(items) and all(isinstance(item, str) for item in items)


def _dated(log_dir: object) -> object:
    if not isinstance(log_dir, str):
        return log_dir
    now = datetime.now(UTC)
    return format_safe(log_dir, {"date": f"{now:%Y-%m-%d}", "time": f"{now:%H%M%S}"})
