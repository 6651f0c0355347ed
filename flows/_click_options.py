"""The options that `evals eval`, `evals eval-set` and `python -m flows.eval_set` share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import click
import yaml

from flows._exit import exit_on_error
from flows._options import read_arguments
from tasks_lib import Epochs
from tasks_lib._errors import ParameterError
from tasks_lib.task import SolverSpec

F = TypeVar("F", bound=Callable[..., Any])

_INT, _FLOAT, _TEXT = click.INT, click.FLOAT, click.STRING


class _IntOrAuto(click.ParamType[Any]):
    """A whole number, or "auto"."""

    name = "integer or auto"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """Return what was written, as a number unless it is "auto"."""
        return "auto" if value == "auto" else int(click.INT.convert(value, param, ctx))


_DISPLAYS = click.Choice(["full", "rich", "plain", "log", "none"])
_LOG_FORMATS = click.Choice(["parquet", "json", "eval"])
_TASK_RUNS = click.Choice(["auto", "stage", "sample", "shard"])

_VALUES: Mapping[str, tuple[click.ParamType[Any], str]] = {
    "model_base_url": (_TEXT, "Base URL of the provider."),
    "model_cost_config": (_TEXT, "YAML or JSON file of the models' prices."),
    "log_dir": (_TEXT, "Folder or URL of the logs."),
    "log_format": (_LOG_FORMATS, "Format of the logs; parquet unless told."),
    "log_buffer": (_INT, "Samples after which a part of a log is written."),
    "log_level": (_TEXT, "From which level on log records are shown."),
    "log_level_transcript": (_TEXT, "From which level on log records are kept in transcripts."),
    "display": (_DISPLAYS, "How progress is shown."),
    "task_runs": (_TASK_RUNS, "What is a Prefect task run."),
    "epochs": (_INT, "How often each sample is evaluated."),
    "max_samples": (_INT, "Samples at once, per task."),
    "max_tasks": (_INT, "Tasks at once."),
    "max_subprocesses": (_INT, "Processes of solvers and tools at once; one for each CPU."),
    "approval": (_TEXT, "Who decides on calls of tools: a policy file, or an approver's name."),
    "message_limit": (_INT, "Messages that a sample may have."),
    "token_limit": (_INT, "Tokens that a sample may use."),
    "time_limit": (_INT, "Seconds that a sample may take."),
    "working_limit": (_INT, "Seconds that a sample may work, waiting not counted."),
    "max_connections": (_IntOrAuto(), "Requests in flight at once; auto: what the provider takes."),
    "max_retries": (_INT, "Attempts per request."),
    "timeout": (_INT, "Seconds per request, retries included."),
    "attempt_timeout": (_INT, "Seconds per attempt at a request."),
    "system_message": (_TEXT, "Put before every conversation that is sent."),
    "max_tokens": (_INT, "Tokens that an answer may have."),
    "temperature": (_FLOAT, "Sampling temperature."),
    "top_p": (_FLOAT, "Share of the probability mass that is sampled from."),
    "top_k": (_INT, "Number of tokens that are sampled from."),
    "seed": (_INT, "Seed of sampling, where the provider has one."),
    "frequency_penalty": (_FLOAT, "From -2 to 2."),
    "presence_penalty": (_FLOAT, "From -2 to 2."),
    "num_choices": (_INT, "Answers per request."),
    "best_of": (_INT, "Answers to choose the best of."),
    "reasoning_effort": (_TEXT, "low, medium or high."),
    "reasoning_tokens": (_INT, "Tokens that reasoning may use."),
}

_SET_VALUES: Mapping[str, tuple[click.ParamType[Any], str]] = {
    "retry_attempts": (_INT, "Attempts at each task in total."),
    "retry_wait": (_FLOAT, "Seconds before the second attempt, doubled each time."),
    "retry_connections": (_FLOAT, "By what connections are multiplied with each attempt."),
}


def eval_options(command: F) -> F:
    """Add the options of `eval`, and let our errors end the command with a line and a status.

    The command gets the options as `arguments`, as `eval` takes them; None is left out.
    """

    @functools.wraps(command)
    def with_arguments(**raw: Any) -> Any:
        own = {name: raw.pop(name) for name in ("tasks", "model") if name in raw}
        with exit_on_error():
            return command(**own, arguments=_arguments(raw))

    decorated: Any = with_arguments
    for option in reversed([*_common(), *_of(_VALUES)]):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]  # click's decorators keep the type


def eval_set_options(command: F) -> F:
    """Add the options of `eval_set`; see `eval_options`."""
    decorated: Any = eval_options(command)
    cleanup = click.option(
        "--no-retry-cleanup", "retry_cleanup", flag_value=False, default=None, type=bool,
        help="Keep the logs of failed attempts.",
    )  # fmt: skip
    for option in reversed([*_of(_SET_VALUES), cleanup]):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]  # click's decorators keep the type


def _common() -> list[Callable[[Any], Any]]:
    return [
        click.option("--model", help="One or more models, separated by commas."),
        click.option("-T", "task_args", multiple=True, help="Argument of the tasks: name=value."),
        click.option("-M", "model_args", multiple=True, help="Argument of the models: name=value."),
        click.option("--model-config", help="YAML or JSON file of arguments of the models."),
        click.option("--task-config", help="YAML or JSON file of arguments of the tasks."),
        click.option(
            "--model-role", "model_roles", multiple=True,
            help="role=model, or role={model: …, temperature: …}.",
        ),
        click.option("--solver", help="Registered name of a solver that replaces the tasks' own."),
        click.option("-S", "solver_args", multiple=True, help="Argument of --solver: name=value."),
        click.option("--tags", help="Tags of the logs, separated by commas."),
        click.option("--metadata", multiple=True, help="Metadata of the logs: name=value."),
        click.option("--limit", help="The first N samples, or M-N, counted from 1."),
        click.option("--sample-id", help="Ids of the samples, separated by commas."),
        click.option("--epochs-reducer", help="How epochs become one score: mean, mode, max …"),
        click.option(
            "--fail-on-error", is_flag=False, flag_value="true",
            help="Fail a task at the first failed sample, or at a share or count of them.",
        ),
        click.option("--no-fail-on-error", "no_fail", is_flag=True, help="Never fail a task."),
        click.option(
            "--errors-as-incorrect", is_flag=True, default=None,
            help="Count failed samples as incorrect; else no metric includes them.",
        ),
        click.option("--no-score", is_flag=True, help="Don't score."),
        click.option(
            "--no-log-samples", "log_samples", flag_value=False, default=None, type=bool,
            help="Log results only: nothing can be resumed.",
        ),
        click.option(
            "--no-log-realtime", "log_realtime", flag_value=False, default=None, type=bool,
            help="Let up to 30 seconds pass before finished samples can be read.",
        ),
        click.option("--log-images/--no-log-images", default=None, help="Log images, or not."),
        click.option(
            "--log-shared", type=_INT, is_flag=False, flag_value="10",
            help="Seconds after which finished samples are in the log directory.",
        ),
        click.option("--stop-seqs", help="Texts that end an answer, separated by commas."),
        click.option("--logprobs", is_flag=True, default=None, help="Ask for log probabilities."),
        click.option("--top-logprobs", type=_INT, help="Most likely tokens per position."),
    ]  # fmt: skip


def _of(values: Mapping[str, tuple[click.ParamType[Any], str]]) -> list[Callable[[Any], Any]]:
    return [
        click.option(f"--{name.replace('_', '-')}", name, type=kind, help=text)
        for name, (kind, text) in values.items()
    ]


def _arguments(raw: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `eval` that the options of a command line mean."""
    _read_pairs(raw)
    solver_args = parse_pairs("solver_args", raw.pop("solver_args"))
    if raw["solver"] is not None:
        raw["solver"] = SolverSpec(raw["solver"], solver_args)
    elif solver_args:
        raise ParameterError("-S", "solver_args", solver_args, "nothing without --solver")
    for name in ("tags", "sample_id", "stop_seqs"):
        if raw[name] is not None:
            raw[name] = raw[name].split(",")
    if raw["limit"] is not None:
        raw["limit"] = _limit(raw["limit"])
    reducer = raw.pop("epochs_reducer")
    if reducer is not None:
        if raw["epochs"] is None:
            raise ParameterError("--epochs-reducer", "value", reducer, "--epochs beside it")
        raw["epochs"] = Epochs(raw["epochs"], reducer.split(","))
    raw["fail_on_error"] = False if raw.pop("no_fail") else _fail_on_error(raw["fail_on_error"])
    if raw.pop("no_score"):
        raw["score"] = False
    return {name: value for name, value in raw.items() if value is not None}


def _read_pairs(raw: dict[str, Any]) -> None:
    """Read what is given as name=value; it wins over what a file of arguments says."""
    for name in ("task_args", "model_args", "model_roles", "metadata"):
        raw[name] = parse_pairs(name, raw[name]) or None
    for option, name in (("model_config", "model_args"), ("task_config", "task_args")):
        if (path := raw.pop(option)) is not None:
            raw[name] = read_arguments("command line", option, path) | (raw[name] or {})


def parse_pairs(option: str, pairs: Iterable[str]) -> dict[str, Any]:
    """Return `name=value` texts as a dict; values are YAML, `a,b` a list, dashes underscores.

    Raises:
        ParameterError: A text has no `=`.
    """
    parsed: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise ParameterError("command line", option, pair, "name=value")
        parsed[name.replace("-", "_")] = _value(text)
    return parsed


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


def _fail_on_error(text: str | None) -> bool | float | None:
    if text is None:
        return None
    if text.lower() in ("true", "0"):
        return True
    try:
        return float(text)
    except ValueError:
        raise ParameterError("--fail-on-error", "value", text, "a share or a count") from None
