"""The options of the commands: each argument of our functions has one, and what they mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from flows._click_options import eval_options, eval_set_options, retry_options
from flows._click_table import EVAL, EVAL_RETRY, EVAL_SET
from flows._options import argument_names
from flows._retry_options import EvalRetryArgs
from tasks_lib import Epochs
from tasks_lib.task import SolverSpec

WITHOUT_OPTION = {"log_header_only"}
"""A command prints a table: what it reads of the logs is its own business."""

PART_OF = {
    "model_config": "model_args",
    "task_config": "task_args",
    "solver_args": "solver",
    "solver_config": "solver",
    "epochs_reducer": "epochs",
}
"""Options that say a part of an argument."""


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        pytest.param(EVAL, {*argument_names("eval"), "model"}, id="eval"),
        pytest.param(EVAL_SET, {*argument_names("eval_set"), "model"}, id="eval-set"),
        pytest.param(EVAL_RETRY, set(EvalRetryArgs.__annotations__), id="eval-retry"),
    ],
)
def test_every_argument_has_an_option(options: dict[str, object], arguments: set[str]) -> None:
    assert {PART_OF.get(name, name).removeprefix("no_") for name in options} == (
        arguments - WITHOUT_OPTION
    )


def called(
    decorate: Callable[[Callable[..., None]], Callable[..., None]],
    arguments: list[str],
    environment: dict[str, str] | None = None,
) -> tuple[dict[str, Any], Result]:
    """Return what a command with these options was called with, and how it ended."""
    given: dict[str, Any] = {}

    @click.command()
    @decorate
    def command(arguments: dict[str, Any], **own: Any) -> None:
        given.update(arguments, **{name: value for name, value in own.items() if value})

    return given, CliRunner().invoke(command, arguments, env=environment)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param([], {}, id="nothing"),
        pytest.param(["--sandbox", "local"], {"sandbox": "local"}, id="sandbox"),
        pytest.param(
            ["--sandbox", "docker:a:b.yaml"], {"sandbox": ("docker", "a:b.yaml")}, id="its config"
        ),
        pytest.param(["--no-sandbox-cleanup"], {"sandbox_cleanup": False}, id="kept sandboxes"),
        pytest.param(["--max-sandboxes", "3"], {"max_sandboxes": 3}, id="max sandboxes"),
        pytest.param(["--retry-on-error"], {"retry_on_error": 1}, id="retry once"),
        pytest.param(["--retry-on-error=3"], {"retry_on_error": 3}, id="retry"),
        pytest.param(["--fail-on-error"], {"fail_on_error": True}, id="fail"),
        pytest.param(["--fail-on-error=0.2"], {"fail_on_error": 0.2}, id="fail at a share"),
        pytest.param(["--no-fail-on-error"], {"fail_on_error": False}, id="never fail"),
        pytest.param(["--stall-timeout", "1.5"], {"stall_timeout": 1.5}, id="stall"),
        pytest.param(["--stall-timeout", "0"], {"stall_timeout": 0}, id="zero is said, too"),
        pytest.param(["--same-errors", "4"], {"same_errors": 4}, id="same errors"),
        pytest.param(
            ["--budget", "tokens=2_000_000,cost=1.5,time=60"],
            {"budget": {"tokens": 2e6, "cost": 1.5, "time": 60}},
            id="budget",
        ),
        pytest.param(["--debug-errors"], {"debug_errors": True}, id="debug errors"),
        pytest.param(["--no-score"], {"score": False}, id="no score"),
        pytest.param(["--no-score-display"], {"score_display": False}, id="no live metrics"),
        pytest.param(["--trace"], {"trace": True}, id="trace"),
        pytest.param(["--display", "conversation"], {"display": "conversation"}, id="display"),
        pytest.param(["--no-log-images"], {"log_images": False}, id="switched off"),
        pytest.param(["--parallel-tool-calls"], {"parallel_tool_calls": True}, id="switched on"),
        pytest.param(["--log-shared"], {"log_shared": 10}, id="shared log"),
        pytest.param(["--max-connections", "auto"], {"max_connections": "auto"}, id="auto"),
        pytest.param(["--cache-prompt", "auto"], {"cache_prompt": "auto"}, id="cache auto"),
        pytest.param(["--cache-prompt", "yes"], {"cache_prompt": True}, id="cache"),
        pytest.param(["--logit-bias", "4=10,7=-1.5"], {"logit_bias": {4: 10, 7: -1.5}}, id="bias"),
        pytest.param(
            ["--response-schema", '{"name": "n", "json_schema": {"type": "object"}}'],
            {"response_schema": {"name": "n", "json_schema": {"type": "object"}}},
            id="schema",
        ),
        pytest.param(
            ["--extra-body", "a-b=[1]", "--extra-body", "c=x"],
            {"extra_body": {"a_b": [1], "c": "x"}},
            id="extra body",
        ),
        pytest.param(["--scorer", "match"], {"scorer": "match"}, id="scorer"),
        pytest.param(
            ["--scorer", "a.py@b", "--scorer", "{name: match, location: any}"],
            {"scorer": ["a.py@b", {"name": "match", "location": "any"}]},
            id="scorers",
        ),
        pytest.param(
            ["--solver", "a", "-S", "x=1,2", "-S", "y-z=no"],
            {"solver": SolverSpec("a", {"x": [1, 2], "y_z": False})},
            id="solver",
        ),
        pytest.param(
            ["--epochs", "3", "--epochs-reducer", "max,mean"],
            {"epochs": Epochs(3, ["max", "mean"])},
            id="epochs",
        ),
        pytest.param(["--limit", "10-20"], {"limit": (9, 20)}, id="limit"),
        pytest.param(["--sample-id", "a,b*"], {"sample_id": ["a", "b*"]}, id="samples"),
        pytest.param(["-M", "a=1", "--model-role", "grader=x/y"],
                     {"model_args": {"a": 1}, "model_roles": {"grader": "x/y"}}, id="models"),
        pytest.param(["--bundle-dir", "b", "--bundle-overwrite"],
                     {"bundle_dir": "b", "bundle_overwrite": True}, id="bundle"),
        pytest.param(["--log-dir-allow-dirty"], {"log_dir_allow_dirty": True}, id="dirty folder"),
        pytest.param(["--ignore-changes", "solvers,config"],
                     {"ignore_changes": ["solvers", "config"]}, id="ignored changes"),
        pytest.param(["--no-retry-cleanup"], {"retry_cleanup": False}, id="kept logs"),
    ],
)  # fmt: skip
def test_meaning(arguments: list[str], expected: dict[str, object]) -> None:
    given, done = called(eval_set_options, arguments)

    assert (done.exit_code, plain(given)) == (0, plain(expected)), done.output


def plain(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return arguments that can be compared: epochs are not equal to others."""
    return {k: vars(v) if isinstance(v, Epochs) else v for k, v in arguments.items()}


def test_files_of_arguments(tmp_path: Any) -> None:
    file = tmp_path / "arguments.yaml"
    file.write_text("a: 1\nb: [2]\n")
    options = ["--solver", "s", "--solver-config", str(file), "-S", "a=3"]
    options += ["--model-config", str(file), "-M", "b=4", "--task-config", str(file)]

    given, done = called(eval_options, options)

    assert done.exit_code == 0, done.output
    assert given == {
        "solver": SolverSpec("s", {"a": 3, "b": [2]}),
        "model_args": {"a": 1, "b": 4},
        "task_args": {"a": 1, "b": [2]},
    }


@pytest.mark.parametrize(
    ("environment", "arguments", "expected"),
    [
        pytest.param({"EVAL_LIMIT": "7"}, [], {"limit": 7}, id="value"),
        pytest.param({"INSPECT_EVAL_LIMIT": "7"}, [], {"limit": 7}, id="old name"),
        pytest.param({"EVAL_LIMIT": "7", "INSPECT_EVAL_LIMIT": "8"}, [], {"limit": 7}, id="both"),
        pytest.param({"EVAL_LIMIT": "7"}, ["--limit", "2"], {"limit": 2}, id="command line wins"),
        pytest.param({"EVAL_LIMIT": ""}, [], {}, id="empty"),
        pytest.param({"EVAL_NO_SCORE": "1"}, [], {"score": False}, id="flag"),
        pytest.param({"EVAL_NO_SCORE": "0"}, [], {}, id="flag that is off"),
        pytest.param({"EVAL_LOG_IMAGES": "false"}, [], {"log_images": False}, id="switch"),
        pytest.param({"EVAL_RETRY_ON_ERROR": "2"}, [], {"retry_on_error": 2}, id="optional value"),
        pytest.param(
            {"EVAL_TASK_ARGS": "a=1 b=x"}, [], {"task_args": {"a": 1, "b": "x"}}, id="pairs"
        ),
        pytest.param(
            {"EVAL_FAIL_ON_ERROR": "0.5"},
            ["--no-fail-on-error"],
            {"fail_on_error": False},
            id="the opposite, too",
        ),
        pytest.param(
            {"EVAL_NO_FAIL_ON_ERROR": "1"},
            ["--fail-on-error=2"],
            {"fail_on_error": 2},
            id="and the other way round",
        ),
        pytest.param(
            {"EVAL_DISPLAY": "plain", "EVAL_MODEL": "a/x", "EVAL_LOG_DIR": "d"},
            [],
            {},
            id="read by the functions themselves",
        ),
    ],
)
def test_variables(
    environment: dict[str, str], arguments: list[str], expected: dict[str, object]
) -> None:
    given, done = called(eval_options, arguments, environment)

    assert (done.exit_code, given) == (0, expected), done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--budget", "tokens"], "--budget is 'tokens'", id="budget without number"),
        pytest.param(["--budget", "tokens=x"], "--budget is 'tokens=x'", id="budget of text"),
        pytest.param(["--logit-bias", "a=1"], "--logit-bias is 'a=1'", id="bias of a word"),
        pytest.param(["--response-schema", "x"], "value is 'x', expected a JSON", id="schema"),
        pytest.param(["-S", "a=1"], "expected --solver beside it", id="arguments of no solver"),
        pytest.param(["--solver-config", "f"], "expected --solver beside it", id="file of none"),
        pytest.param(["-T", "a"], "task_args is 'a', expected name=value", id="no pair"),
        pytest.param(["--epochs-reducer", "max"], "expected --epochs beside it", id="no epochs"),
        pytest.param(
            ["--fail-on-error", "--no-fail-on-error"],
            "--fail-on-error is True, expected nothing beside --no-fail-on-error",
            id="contradiction",
        ),
        pytest.param(["--retry-on-error=x"], "'x' is not a valid integer", id="no number"),
        pytest.param(["--display", "loud"], "'loud' is not one of 'full'", id="display"),
    ],
)
def test_refused(arguments: list[str], message: str) -> None:
    given, done = called(eval_options, arguments)

    assert (done.exit_code, given) == (2, {})
    assert message in done.output


def test_a_wrong_variable_is_named() -> None:
    given, done = called(retry_options, [], {"EVAL_MAX_SAMPLES": "x"})

    assert (done.exit_code, given) == (2, {})
    assert "'--max-samples' (environment variable EVAL_MAX_SAMPLES): 'x' is not" in done.output
