"""Which runs are the same: what an eval set finds its own logs by."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence

from tasks_lib._errors import LogFormatError, PrerequisiteError
from tasks_lib.log import list_eval_logs, read_eval_log
from tasks_lib.schema import EvalLog

logger = logging.getLogger(__name__)

IDENTITY_VERSION = 1
"""Version of the algorithm below; a new one never equals an old one."""

_HOW_NOT_WHAT = {"attempt_timeout", "max_connections", "max_retries", "timeout"}
_LIMITS = {"message_limit", "token_limit", "time_limit", "working_limit"}


def task_identity(header: EvalLog) -> str:
    """Return a digest of all that makes a difference to the answers and scores.

    Task (name, file, arguments with their defaults, version), selected samples, solvers,
    scorers, model with options, roles, limits and approval. Not: epochs, retries, connections, log
    options, tags and metadata.
    """
    spec = header.eval
    content = {
        "task": [spec.task, spec.task_file, spec.task_args, spec.task_version],
        "samples": spec.dataset.digest,
        "solvers": [step.model_dump() for step in header.plan.steps],
        "scorers": [scorer.model_dump() for scorer in spec.scorers or []],
        "model": [spec.model, spec.model_base_url, spec.model_args],
        "config": header.plan.config.model_dump(exclude=_HOW_NOT_WHAT),
        "model_config": spec.model_generate_config.model_dump(exclude=_HOW_NOT_WHAT),
        "roles": spec.model_dump(include={"model_roles"})["model_roles"] or {},
        "limits": spec.config.model_dump(include=_LIMITS),
    }
    if spec.config.approval is not None:  # what earlier versions did not have changes no digest
        content["approval"] = spec.config.approval
    text = json.dumps(content, sort_keys=True, default=str)
    return f"v{IDENTITY_VERSION}:{hashlib.sha256(text.encode()).hexdigest()}"


def identify(headers: Sequence[EvalLog]) -> None:
    """Write its identity into each header.

    Raises:
        PrerequisiteError: Two of them are the same run.
    """
    seen: dict[str, str] = {}
    for header in headers:
        identity = header.eval.task_identity = task_identity(header)
        label = f"{header.eval.task} on {header.eval.model}"
        if identity in seen:
            raise PrerequisiteError(
                f"The eval set has the same run twice: {label}. Give the tasks distinct names "
                "or arguments."
            )
        seen[identity] = label


def latest_logs(log_dir: str) -> dict[str, EvalLog]:
    """Return the newest log of each identity in a log directory; headers only.

    A file that cannot be read is left out, with a warning.
    """
    latest: dict[str, EvalLog] = {}
    for info in list_eval_logs(log_dir, descending=True):
        try:
            log = read_eval_log(info.name, header_only=True)
        except LogFormatError as error:
            logger.warning("%s It is not resumed from.", error)
            continue
        if log.eval.task_identity is not None:
            latest.setdefault(log.eval.task_identity, log)
    return latest
