"""Python's logging during an evaluation."""

from __future__ import annotations

import logging

from tasks_lib._errors import ParameterError

_LEVELS = {
    "debug": logging.DEBUG,
    "trace": logging.DEBUG,
    "http": logging.INFO,
    "sandbox": logging.INFO,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}


def set_log_level(level: str | None) -> None:
    """Set from which level on our packages' log records are shown; None changes nothing.

    Raises:
        ParameterError: There is no such level.
    """
    if level is None:
        return
    number = _LEVELS.get(level.lower())
    if number is None:
        raise ParameterError("eval", "log_level", level, f"one of {', '.join(_LEVELS)}")
    for package in ("tasks_lib", "solvers", "scorers", "flows", "deployments"):
        logging.getLogger(package).setLevel(number)
