"""Which runs are the same: what an eval set finds its own logs by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from flows._identity_v1 import task_identity_v1
from tasks_lib._errors import PrerequisiteError
from tasks_lib._util._json import to_plain
from tasks_lib.schema import EvalLog, EvalModelConfig, EvalPlanStep, EvalScorer, GenerateConfig

IDENTITY_VERSION = 2
"""Version of the algorithm below; a new one never equals an old one."""

_HOW_NOT_WHAT = {"attempt_timeout", "max_connections", "max_retries", "timeout"}
_LIMITS = {"message_limit", "token_limit", "time_limit", "working_limit"}


def task_identity(header: EvalLog) -> str:
    """Return a digest of all that makes a difference to the answers and scores.

    Task (name, file, arguments with their defaults, version), selected samples, solvers and
    scorers with their arguments, model with options, roles, limits, approval, sandbox. Of the
    file only its name counts: the same task is found again from another working folder. Not
    counted are epochs, reducers, metrics, retries, connections, timeouts, what ends a run early
    (budget, stalls, failed samples), log options, tags and metadata; nor the code behind a name.

    An argument that is None is as if there were none, so one that is added with that default
    makes no other run; nor do fields of logs that are added.
    """
    return _digest(_parts(header))


def known_identities(header: EvalLog) -> frozenset[str]:
    """Return the identities that logs of this run may carry: of every version."""
    return frozenset(filter(None, (task_identity(header), task_identity_v1(header))))


def changed_parts(header: EvalLog, log: EvalLog) -> list[str]:
    """Return what differs between a run and a log: "solvers", "config", "samples" …."""
    # Logs of version 1 do not say what the defaults were.
    with_defaults = not (log.eval.task_identity or "").startswith("v1:")
    new, old = _parts(header, with_defaults), _parts(log, with_defaults)
    return [name for name in {**new, **old} if _json(new.get(name)) != _json(old.get(name))]


def task_key(header: EvalLog) -> str:
    """Return what tells the tasks of an eval set apart, whatever else of them changes.

    File name, name and arguments of the task, the model, and the models of its roles.
    """
    spec = header.eval
    roles = (spec.model_roles or {}).items()
    models = {role: [model.model for model in _listed(of)] for role, of in roles}
    return _json([_task(header), spec.model, models])


def check_distinct(headers: Sequence[EvalLog]) -> None:
    """Raise PrerequisiteError if two of the headers are of the same run."""
    seen: set[str | None] = set()
    for header in headers:
        identity = header.eval.task_identity
        if identity in seen:
            raise PrerequisiteError(
                f"The eval set has the same run twice: {run_label(header)}. Give the tasks "
                "distinct names or arguments."
            )
        seen.add(identity)


def run_label(header: EvalLog) -> str:
    """Return how messages name a run."""
    return f"{header.eval.task} on {header.eval.model}"


def _parts(header: EvalLog, with_defaults: bool = True) -> dict[str, object]:
    """Return what counts, by what `ignore_changes` calls it. Parts that are empty are left out."""
    spec = header.eval
    parts: dict[str, object] = {
        "task": _task(header),
        "version": spec.task_version,
        "samples": spec.dataset.digest,
        "solvers": [_step(step, with_defaults) for step in header.plan.steps],
        "scorers": [_scorer(scorer, with_defaults) for scorer in spec.scorers or ()],
        "model": [spec.model, spec.model_base_url, _arguments(spec.model_args)],
        "config": [_config(header.plan.config), _config(spec.model_generate_config)],
        "roles": {
            role: [_role(model) for model in _listed(of)]
            for role, of in (spec.model_roles or {}).items()
        },
        "limits": spec.config.model_dump(include=_LIMITS, exclude_none=True),
        "approval": spec.config.approval,
        "sandbox": spec.sandbox,
    }
    return {name: part for name, part in parts.items() if part not in (None, [], {})}


def _task(header: EvalLog) -> list[object]:
    spec = header.eval
    file = PurePath(spec.task_file).name if spec.task_file else None
    return [spec.task, file, _arguments(spec.task_args)]


def _step(step: EvalPlanStep, with_defaults: bool) -> list[object]:
    defaults = (step.defaults or {}) if with_defaults else {}
    return [step.solver, _arguments({**defaults, **step.params})]


def _scorer(scorer: EvalScorer, with_defaults: bool) -> list[object]:
    defaults = (scorer.defaults or {}) if with_defaults else {}
    return [scorer.name, _arguments({**defaults, **(scorer.options or {})})]


def _role(model: EvalModelConfig) -> list[object]:
    return [model.model, model.base_url, _arguments(model.args), _config(model.config)]


def _listed(models: EvalModelConfig | list[EvalModelConfig]) -> list[EvalModelConfig]:
    return models if isinstance(models, list) else [models]


def _config(config: GenerateConfig) -> object:
    return to_plain(config.model_dump(exclude=_HOW_NOT_WHAT, exclude_none=True))


def _arguments(arguments: Mapping[str, object]) -> dict[str, object]:
    return {key: _value(value) for key, value in arguments.items() if value is not None}


def _value(value: object) -> object:
    """Return an argument; of an object that was made with arguments, its own likewise."""
    if isinstance(value, list):
        return [_value(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"name", "params"} and isinstance(value["params"], dict):
        params = _arguments(value["params"])
        return {"name": value["name"], "params": params} if params else value["name"]
    return {key: _value(item) for key, item in value.items()}


def _digest(parts: Mapping[str, object]) -> str:
    return f"v{IDENTITY_VERSION}:{hashlib.sha256(_json(parts).encode('ascii')).hexdigest()}"


def _json(value: object) -> str:
    return json.dumps(to_plain(value), sort_keys=True)
