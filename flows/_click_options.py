"""The options that the commands which run evaluations share, as arguments of our functions.

Each can be given by an environment variable too, as tasks' settings are in CI: `EVAL_LIMIT=10`
stands for `--limit 10`, `EVAL_NO_SCORE=1` for `--no-score`. The command line wins. Calls from
Python don't read these variables, but for those that name a model, a display or where and what
is logged.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import click
import yaml
from click.core import ParameterSource

from flows._click_table import ENVIRONMENT, EVAL, EVAL_RETRY, EVAL_SET, Decorator, add_options
from flows._exit import exit_on_error
from flows._options import read_arguments
from tasks_lib import Epochs
from tasks_lib._errors import ParameterError
from tasks_lib.task import SolverSpec

F = TypeVar("F", bound=Callable[..., Any])

_OWN = ("tasks", "logs", "model")
"""What commands get by itself, not among the arguments."""
_LISTS = ("tags", "sample_id", "stop_seqs", "ignore_changes")
"""Texts separated by commas."""
_PAIRS = ("task_args", "model_args", "model_roles", "metadata", "extra_body")
_FILES = (("model_config", "model_args"), ("task_config", "task_args"))
"""Files, with the arguments that they hold."""


def eval_options(command: F) -> F:
    """Add the options of `eval`, and let our errors end the command with a line and a status.

    The command gets the options as `arguments`, as `eval` takes them; None is left out. What
    is given by the name `model`, `tasks` or `logs` it gets by that name.
    """
    return _with_options(command, EVAL)


def eval_set_options(command: F) -> F:
    """Add the options of `eval_set`; see `eval_options`."""
    return _with_options(command, EVAL_SET)


def retry_options(command: F) -> F:
    """Add the options of `eval_retry`; see `eval_options`."""
    return _with_options(command, EVAL_RETRY)


def _with_options(command: F, options: Mapping[str, Decorator]) -> F:
    @functools.wraps(command)
    def with_arguments(**raw: Any) -> Any:
        own = {name: raw.pop(name) for name in _OWN if name in raw}
        with exit_on_error():
            return command(**own, arguments=_arguments(_without_overruled(raw)))

    # Click's decorators keep the type.
    return add_options(with_arguments, options.values())  # type: ignore[no-any-return]


def _without_overruled(raw: dict[str, Any]) -> dict[str, Any]:
    """Return options without those of variables that the command line says the opposite of."""
    source = click.get_current_context().get_parameter_source
    by_variable = [name for name in raw if source(name) is ENVIRONMENT]
    by_hand = {name for name in raw if source(name) is ParameterSource.COMMANDLINE}
    opposite = {**{name: f"no_{name}" for name in raw}, **{f"no_{name}": name for name in raw}}
    overruled = {name for name in by_variable if opposite[name] in by_hand}
    return {name: value for name, value in raw.items() if name not in overruled}


def _arguments(raw: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of our functions that the options of a command line mean."""
    given = {name: value for name, value in raw.items() if value not in (None, ())}
    _read_pairs(given)
    _read_solver(given)
    for name in _LISTS:
        if name in given:
            given[name] = given[name].split(",")
    for name, read in _READERS.items():
        if name in given:
            given[name] = read(given[name])
    reducer = given.pop("epochs_reducer", None)
    if reducer is not None:
        if "epochs" not in given:
            raise ParameterError("--epochs-reducer", "value", reducer, "--epochs beside it")
        given["epochs"] = Epochs(given["epochs"], reducer.split(","))
    _read_negations(given)
    return given


def _read_pairs(given: dict[str, Any]) -> None:
    """Read what is given as name=value; it wins over what a file of arguments says."""
    for name in _PAIRS:
        if name in given:
            given[name] = parse_pairs(name, given[name])
    for option, name in _FILES:
        if option in given:
            content = read_arguments("command line", option, given.pop(option))
            given[name] = content | given.get(name, {})


def _read_solver(given: dict[str, Any]) -> None:
    pairs = parse_pairs("solver_args", given.pop("solver_args", ()))
    path = given.pop("solver_config", None)
    if "solver" in given:
        content = read_arguments("command line", "solver_config", path) if path else {}
        given["solver"] = SolverSpec(given["solver"], content | pairs)
    elif pairs or path:
        name, value = ("-S", pairs) if pairs else ("--solver-config", path)
        raise ParameterError("command line", name, value, "--solver beside it")


def _read_negations(given: dict[str, Any]) -> None:
    """Make `x` false where the flag `no_x` is given."""
    for flag in [name for name in given if name.startswith("no_")]:
        name = flag.removeprefix("no_")
        if not given.pop(flag):  # a variable such as EVAL_NO_SCORE=0
            continue
        if name in given:
            written = flag.replace("_", "-")
            expected = f"nothing beside --{written}: the two contradict each other"
            raise ParameterError("command line", f"--{written[3:]}", given[name], expected)
        given[name] = False


def parse_pairs(option: str, pairs: Iterable[str]) -> dict[str, Any]:
    """Return `name=value` texts as a dict; values are YAML, `a,b` a list, dashes underscores.

    Raises:
        ParameterError: A text has no `=`.
    """
    return {name.replace("-", "_"): _value(text) for name, text in _split_pairs(option, pairs)}


def _split_pairs(option: str, pairs: Iterable[str]) -> Iterable[tuple[str, str]]:
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise ParameterError("command line", option, pair, "name=value")
        yield name, text


def _value(text: str) -> Any:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    if isinstance(value, str) and "," in value:
        return [_value(part) for part in value.split(",")]
    return text if value is None and text else value


def _limit(text: str) -> int | tuple[int, int]:
    start, dash, end = text.partition("-")
    try:
        return (int(start) - 1, int(end)) if dash and start else int(text)
    except ValueError:
        raise ParameterError("--limit", "value", text, "N or M-N, counted from 1") from None


def _fail_on_error(text: str) -> bool | float:
    if text.lower() in ("true", "0"):
        return True
    try:
        return float(text)
    except ValueError:
        raise ParameterError("--fail-on-error", "value", text, "a share or a count") from None


def _numbers(option: str, text: str) -> dict[str, float]:
    """Return `name=1,other=2.5` as a dict."""
    try:
        return {name: float(number) for name, number in _split_pairs(option, text.split(","))}
    except ValueError:
        raise ParameterError("command line", option, text, "name=number,…") from None


def _budget(text: str) -> dict[str, float]:
    return _numbers("--budget", text)


def _logit_bias(text: str) -> dict[int, float]:
    numbers = _numbers("--logit-bias", text)
    if not all(token.isdecimal() for token in numbers):
        raise ParameterError("command line", "--logit-bias", text, "numbers of tokens: 42=10,…")
    return {int(token): bias for token, bias in numbers.items()}


def _response_schema(text: str) -> Any:
    value = _value(text)
    if not isinstance(value, dict):
        raise ParameterError("--response-schema", "value", text, "a JSON object")
    return value


def _sandbox(text: str) -> str | tuple[str, str]:
    kind, colon, config = text.partition(":")
    return (kind, config) if colon else kind


def _scorer(texts: tuple[str, ...]) -> Any:
    scorers = [_value(text) if text.startswith("{") else text for text in texts]
    return scorers if len(scorers) > 1 else scorers[0]


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "limit": _limit,
    "fail_on_error": _fail_on_error,
    "budget": _budget,
    "logit_bias": _logit_bias,
    "response_schema": _response_schema,
    "sandbox": _sandbox,
    "scorer": _scorer,
}
"""How the text of an option becomes the value of its argument."""
