"""The options of the commands that run evaluations: one for each argument of their functions."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import click
from click.core import ParameterSource

Decorator: TypeAlias = Callable[[Any], Any]

ENVIRONMENT = ParameterSource.ENVIRONMENT

_INT, _FLOAT, _TEXT = click.INT, click.FLOAT, click.STRING
_DISPLAYS = click.Choice(["full", "conversation", "rich", "plain", "log", "none"])
_LOG_FORMATS = click.Choice(["parquet", "json", "eval"])
_TASK_RUNS = click.Choice(["auto", "stage", "sample", "shard"])

_READ_BY_THE_LIBRARY = frozenset(
    {"model", "model_base_url", "model_args", "display", "log_dir", "log_format", "log_level"}
    | {"log_level_transcript"}
)
"""Arguments whose variables hold for calls from Python too, so that they are read there."""


class _IntOrAuto(click.ParamType[Any]):
    """A whole number, or "auto"."""

    name = "integer or auto"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """Return what was written, as a number unless it is "auto"."""
        return "auto" if value == "auto" else int(click.INT.convert(value, param, ctx))


class _BoolOrAuto(click.ParamType[Any]):
    """A truth value, or "auto"."""

    name = "boolean or auto"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> bool | str:
        """Return what was written, as a truth value unless it is "auto"."""
        return "auto" if value == "auto" else bool(click.BOOL.convert(value, param, ctx))


class _Option(click.Option):
    """An option that names the variable if that is what gave it a wrong value."""

    def get_error_hint(self, ctx: click.Context | None) -> str:
        """Return what an error calls the option."""
        hint = super().get_error_hint(ctx)
        if ctx is None or ctx.get_parameter_source(self.name or "") is not ENVIRONMENT:
            return hint
        [variable, *_] = [name for name in variables(self.name or "") if os.environ.get(name)]
        return f"{hint} (environment variable {variable})"


def variables(name: str) -> list[str]:
    """Return the environment variables that stand for the option `name` if it is not given."""
    if name in _READ_BY_THE_LIBRARY:
        return []
    return [f"EVAL_{name}".upper(), f"INSPECT_EVAL_{name}".upper()]


def _option(name: str, help: str, *flags: str, **settings: Any) -> tuple[str, Decorator]:
    """Return an option under the name of what it sets; its flag is that name, unless told."""
    written = flags or (f"--{name.replace('_', '-')}",)
    names = variables(name) or None
    return name, click.option(*written, name, cls=_Option, help=help, envvar=names, **settings)


def _value(name: str, kind: click.ParamType[Any], help: str) -> tuple[str, Decorator]:
    return _option(name, help, type=kind)


def _pairs(name: str, help: str, *flags: str) -> tuple[str, Decorator]:
    return _option(name, help, *flags, multiple=True)


def _flag(name: str, help: str, **settings: Any) -> tuple[str, Decorator]:
    """Return a flag. One called `no_x` makes the argument `x` false."""
    return _option(name, help, is_flag=True, default=None, **settings)


def _switch(name: str, help: str) -> tuple[str, Decorator]:
    flag = name.replace("_", "-")
    return _option(name, help, f"--{flag}/--no-{flag}", default=None)


def _optional(name: str, help: str, bare: str, kind: click.ParamType[Any]) -> tuple[str, Decorator]:
    """Return an option that stands for the value `bare` if it is given without any."""
    return _option(name, help, is_flag=False, flag_value=bare, type=kind)


_WHAT = dict(
    [
        _value("model", _TEXT, "One or more models, separated by commas."),
        _value("model_base_url", _TEXT, "Base URL of the provider."),
        _pairs("model_args", "Argument of the models: name=value.", "-M"),
        _value("model_config", _TEXT, "YAML or JSON file of arguments of the models."),
        _pairs("model_roles", "role=model, or role={model: …, temperature: …}.", "--model-role"),
        _value("model_cost_config", _TEXT, "YAML or JSON file of the models' prices."),
        _pairs("task_args", "Argument of the tasks: name=value.", "-T"),
        _value("task_config", _TEXT, "YAML or JSON file of arguments of the tasks."),
        _value("solver", _TEXT, "Solver in place of the tasks' own: its name, or file.py@name."),
        _pairs("solver_args", "Argument of --solver: name=value.", "-S"),
        _value("solver_config", _TEXT, "YAML or JSON file of arguments of --solver."),
        _pairs(
            "scorer",
            "Scorer in place of the tasks' own: a name, file.py@name, or {name: …, argument: …}.",
        ),
        _value("sandbox", _TEXT, "Where tools run, in place of the tasks' own: type, type:config."),
        _value("approval", _TEXT, "Who decides on calls of tools: a policy file, or a name."),
        _value("tags", _TEXT, "Tags of the logs, separated by commas."),
        _pairs("metadata", "Metadata of the logs: name=value."),
    ]
)
_SAMPLES = dict(
    [
        _value("limit", _TEXT, "The first N samples, or M-N, counted from 1."),
        _value("sample_id", _TEXT, "Ids of the samples, separated by commas; * stands for any."),
        _value("epochs", _INT, "How often each sample is evaluated."),
        _value("epochs_reducer", _TEXT, "How epochs become one score: mean, mode, max …"),
        _value("message_limit", _INT, "Messages that a sample may have."),
        _value("token_limit", _INT, "Tokens that a sample may use."),
        _value("time_limit", _INT, "Seconds that a sample may take."),
        _value("working_limit", _INT, "Seconds that a sample may work, waiting not counted."),
    ]
)
_RUNNING = dict(
    [
        _optional(
            "fail_on_error",
            "Fail a task at the first failed sample, or at a share or count of them.",
            "true",
            _TEXT,
        ),
        _flag("no_fail_on_error", "Never fail a task."),
        _flag("errors_as_incorrect", "Count failed samples as incorrect, not in no metric."),
        _optional("retry_on_error", "Run a failed sample again, once or N times.", "1", _INT),
        _value("same_errors", _INT, "Times in a row after which the same error is final; 0: none."),
        _value("stall_timeout", _FLOAT, "Seconds without an event until a sample ends; 0: never."),
        _value("budget", _TEXT, "What the run may use: tokens=…,cost=…,time=… (dollars, seconds)."),
        _flag("debug_errors", "End with the error itself, and its traceback, when a task fails."),
        _value("max_samples", _INT, "Samples at once, per task."),
        _value("max_tasks", _INT, "Tasks at once."),
        _value("max_subprocesses", _INT, "Processes of solvers and tools at once."),
        _value("max_sandboxes", _INT, "Sandboxes of a kind at once."),
        _flag("no_sandbox_cleanup", "Keep the sandboxes, to look into them."),
        _value("task_runs", _TASK_RUNS, "What is a Prefect task run."),
        _flag("no_score", "Don't score."),
    ]
)
_SHOWN = dict(
    [
        _value("display", _DISPLAYS, "How progress is shown."),
        _flag("trace", "The same as --display conversation.", hidden=True),
        _flag("no_score_display", "Don't compute metrics while samples are running."),
        _value("log_level", _TEXT, "From which level on log records are shown."),
        _value("log_level_transcript", _TEXT, "From which level on transcripts keep log records."),
        _value("log_dir", _TEXT, "Folder or URL of the logs."),
        _value("log_format", _LOG_FORMATS, "Format of the logs; parquet unless told."),
        _flag("no_log_samples", "Log results only: nothing can be resumed."),
        _flag("no_log_realtime", "Let up to 30 seconds pass before finished samples can be read."),
        _switch("log_images", "Log images, or not."),
        _value("log_buffer", _INT, "Samples after which a part of a log is written."),
        _optional("log_shared", "Seconds until samples are in the log directory.", "10", _INT),
    ]
)
_REQUESTS = dict(
    [
        _value("max_connections", _IntOrAuto(), "Requests at once; auto: what the provider takes."),
        _value("max_retries", _INT, "Attempts per request."),
        _value("timeout", _INT, "Seconds per request, retries included."),
        _value("attempt_timeout", _INT, "Seconds per attempt at a request."),
    ]
)
_GENERATION = dict(
    [
        _value("system_message", _TEXT, "Put before every conversation that is sent."),
        _value("max_tokens", _INT, "Tokens that an answer may have."),
        _value("temperature", _FLOAT, "Sampling temperature."),
        _value("top_p", _FLOAT, "Share of the probability mass that is sampled from."),
        _value("top_k", _INT, "Number of tokens that are sampled from."),
        _value("seed", _INT, "Seed of sampling, where the provider has one."),
        _value("stop_seqs", _TEXT, "Texts that end an answer, separated by commas."),
        _value("frequency_penalty", _FLOAT, "From -2 to 2."),
        _value("presence_penalty", _FLOAT, "From -2 to 2."),
        _value("logit_bias", _TEXT, "Tokens with what is added to them: 42=10,43=-10."),
        _value("num_choices", _INT, "Answers per request."),
        _value("best_of", _INT, "Answers to choose the best of."),
        _flag("logprobs", "Ask for log probabilities."),
        _value("top_logprobs", _INT, "Most likely tokens per position."),
        _switch("parallel_tool_calls", "Let an answer call several tools, or not."),
        _switch("internal_tools", "Let providers use tools of their own, or not."),
        _value("max_tool_output", _INT, "Bytes that the output of a tool may have."),
        _value("cache_prompt", _BoolOrAuto(), "Let the provider cache prompts: true, false, auto."),
        _value("reasoning_effort", _TEXT, "low, medium or high."),
        _value("reasoning_tokens", _INT, "Tokens that reasoning may use."),
        _value("reasoning_summary", _TEXT, "concise, detailed or auto."),
        _value(
            "reasoning_history", _TEXT, "What is sent of earlier reasoning: none, all, last, auto."
        ),
        _value("response_schema", _TEXT, "JSON Schema of answers, with its name, as JSON."),
        _pairs("extra_body", "More fields of each request: name=value."),
    ]
)
_SETS = dict(
    [
        _value("retry_attempts", _INT, "Attempts at each task in total."),
        _value("retry_wait", _FLOAT, "Seconds before the second attempt, doubled each time."),
        _value("retry_connections", _FLOAT, "By what connections are multiplied per attempt."),
        _flag("no_retry_cleanup", "Keep the logs of failed attempts."),
        _value("bundle_dir", _TEXT, "Folder or URL that gets a copy of all logs at the end."),
        _flag("bundle_overwrite", "Replace what is at --bundle-dir."),
        _flag("log_dir_allow_dirty", "Let the folder hold logs of tasks that are not in the set."),
        _value("ignore_changes", _TEXT, "What may differ from an earlier run: solvers,config …"),
    ]
)

EVAL = {**_WHAT, **_SAMPLES, **_RUNNING, **_SHOWN, **_REQUESTS, **_GENERATION}
"""The options of `evals eval`, by the names under which click passes them."""
EVAL_SET = {**EVAL, **_SETS}
"""Those of `evals eval-set`."""
EVAL_RETRY = {
    **{name: option for name, option in _WHAT.items() if name.startswith("model_")},
    **_RUNNING,
    **_SHOWN,
    **_REQUESTS,
}
"""Those of `evals eval-retry`: what a log does not say, or may be told otherwise."""


def add_options(command: Any, options: Iterable[Decorator]) -> Any:
    """Return a command with options, which its help shows in their order."""
    for option in reversed(list(options)):
        command = option(command)
    return command
