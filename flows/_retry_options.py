"""The arguments of `eval_retry`: those of the call, and those that a log says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from flows._options import RunArgs
from tasks_lib._errors import ParameterError, nearest_hint
from tasks_lib.schema import EvalLog, GenerateConfig

_FROM_CONFIG = (
    "limit", "sample_id", "fail_on_error", "errors_as_incorrect", "retry_on_error",
    "message_limit", "token_limit", "time_limit", "working_limit", "max_samples",
    "max_subprocesses", "max_sandboxes", "sandbox_cleanup", "stall_timeout", "same_errors",
    "budget", "log_samples", "log_realtime", "log_images", "log_buffer", "log_shared",
    "score_display",
)  # fmt: skip
"""Arguments of `eval` that a log's config holds by the same name."""

_OF_THE_RUN = ("budget", "max_subprocesses", "max_sandboxes")
"""Arguments that hold for all logs of a call together."""


class EvalRetryArgs(RunArgs, total=False):
    """The keyword arguments of `eval_retry`. None: as the log says, where it says it."""

    log_dir: str | None
    max_retries: int | None
    timeout: int | None
    attempt_timeout: int | None
    max_connections: int | None


def given_arguments(function: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call that are not None.

    Raises:
        ParameterError: One is not an argument of `eval_retry`; the nearest name is offered.
    """
    given = {name: value for name, value in args.items() if value is not None}
    known = EvalRetryArgs.__annotations__
    for name in given:
        if name not in known:
            hint = nearest_hint(name, known).rstrip(".")
            expected = f"what a retry may change; the rest is as the log says. {hint}"
            raise ParameterError(function, "argument name", name, expected)
    return given


def plain_arguments(log: EvalLog, place: str) -> dict[str, Any]:
    """Return the arguments of `eval` that a log was made with, as far as they are plain values.

    `place` is where the log is or, when it is recovered, will be.

    Generate options are among them, by their names; solvers, scorers, models, approval and
    sandbox are not.
    """
    spec, config = log.eval, log.eval.config
    arguments: dict[str, Any] = {name: getattr(config, name) for name in _FROM_CONFIG}
    options = log.plan.config
    arguments |= {name: getattr(options, name, None) for name in GenerateConfig.model_fields}
    arguments |= {"tags": spec.tags, "metadata": spec.metadata, "log_format": _format(place)}
    if not spec.scorers:
        arguments["score"] = False  # else some samples would have scores, and the old ones none
    return {name: value for name, value in arguments.items() if value is not None}


def run_arguments(
    function: str, logs: Sequence[EvalLog], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the arguments that hold for the run as a whole: those given, else the logs' own.

    Raises:
        ParameterError: The logs were made with different ones, and none is given.
    """
    common = dict(given)
    for name in _OF_THE_RUN:
        values = {str(value): value for log in logs if (value := getattr(log.eval.config, name))}
        if name in given or not values:
            continue
        if len(values) > 1 or any(getattr(log.eval.config, name) is None for log in logs):
            expected = (
                f"one for all the logs: they were made with different ones ({', '.join(values)})"
            )
            raise ParameterError(function, name, None, expected)
        [common[name]] = values.values()
    return common


def _format(place: str) -> str:
    return {".json": "json", ".eval": "eval"}.get(PurePosixPath(place).suffix, "parquet")
