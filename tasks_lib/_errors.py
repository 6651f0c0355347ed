"""Every exception that we raise on purpose.

EvalsError
├── PrerequisiteError              found before anything ran; nothing was written
│   ├── ParameterError             an argument has a wrong value or name
│   ├── UnknownNameError           a name that nothing is registered under
│   ├── MissingKeyError            a provider's key is not in the environment
│   ├── MissingPackageError        an optional package is not installed
│   ├── MissingFileError           a file or folder is not there
│   ├── DatasetError               a dataset's file, row or field is wrong
│   ├── SettingsError              a file of settings is wrong, or a dict in its place
│   │   ├── EvalFileError          ... an eval set
│   │   ├── PriceTableError        ... models' prices
│   │   └── ApprovalPolicyError    ... who approves tool calls
│   ├── EvaluationRunningError     this process is evaluating something already
│   ├── DisplayError               a display cannot show what is to be run
│   ├── ToolDefinitionError        a model cannot be told what a tool does or takes
│   └── AgentDefinitionError       an agent cannot be used where it was passed
├── LimitExceededError             a sample used up its messages, tokens or time
├── SampleTerminatedError          somebody ended a sample before its end
├── SampleStalledError             nothing happened in a sample for too long
├── ApproverError                  who decides on tool calls failed
├── MediaError                     an image, sound or document cannot be read
├── ModelError                     a model request failed for good
│   └── ModelRetryError            ... after all retries
├── LogError                       a log cannot be written or read
│   ├── LogFormatError             a file is not one of our logs
│   └── ColumnValueError           a column of a frame cannot be made from a log
├── ScratchSpaceError              a temporary file cannot be written
├── BridgeError                    a bridged program does what cannot be served
├── OutputLimitExceededError       a process wrote more than it may
├── SandboxError                   a sandbox cannot be made, or a sample not be set up in it
├── NoSandboxError                 a sample that has no sandbox asks for one
├── NoTerminalError                nobody can be asked: there is no terminal
├── ToolServiceError               a server or service that a tool needs does not work
└── ToolError                      a tool failed; the model is told and may go on
    ├── ToolParsingError           ... because of its arguments
    └── ToolApprovalError          ... because nobody approved the call

A message says what is wrong, with which value, and what to do about it. The command
line prints the message of a `PrerequisiteError` and exits with status 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from tempfile import gettempdir
from typing import ClassVar, Literal


class EvalsError(Exception):
    """Root of all our exceptions."""


class PrerequisiteError(EvalsError):
    """Something that a run needs is missing or contradictory; nothing ran yet."""


class ParameterError(PrerequisiteError, ValueError):
    """An argument has a value that its function cannot use."""

    def __init__(self, function: str, name: str, value: object, expected: str) -> None:
        super().__init__(f"{function}: {name} is {value!r}, expected {expected}.")
        self.function = function
        self.name = name
        self.value = value


class UnknownNameError(PrerequisiteError, LookupError, ValueError):
    """A name that nothing is registered under; the message offers the nearest known ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str | None = None) -> None:
        more = f" {hint}" if hint else ""
        super().__init__(f"No {kind} is named {name!r}. {nearest_hint(name, known)}{more}")
        self.kind = kind
        self.name = name


class MissingKeyError(PrerequisiteError):
    """A provider's key is not set; `variable` is the environment variable that holds it."""

    def __init__(self, provider: str, variable: str) -> None:
        super().__init__(
            f"The provider {provider!r} needs a key: set the environment variable {variable}."
        )
        self.provider = provider
        self.variable = variable


class MissingPackageError(PrerequisiteError, ImportError):
    """An optional package is not installed.

    `extra` is the extra that brings it; None: it is installed on its own, without what it
    depends on.
    """

    def __init__(self, feature: str, package: str, extra: str | None) -> None:
        how = f"'prefect-evals[{extra}]'" if extra else f"--no-deps {package}"
        super().__init__(f"{feature} needs the package {package!r}: pip install {how}.")
        self.package = package
        self.extra = extra


class MissingFileError(PrerequisiteError, FileNotFoundError):
    """A file or folder that was asked for is not there; `kind` says what it is for."""

    def __init__(self, kind: str, path: str, hint: str | None = None) -> None:
        super().__init__(f"The {kind} {path!r} does not exist.{f' {hint}' if hint else ''}")
        self.kind = kind
        self.path = path


class EvaluationRunningError(PrerequisiteError, RuntimeError):
    """Something is evaluated in this process already."""

    def __init__(self, function: str) -> None:
        super().__init__(
            f"{function}: this process is evaluating something already. Pass several tasks and "
            "models to one call, or evaluate in processes of their own."
        )


class DisplayError(PrerequisiteError, RuntimeError):
    """A display cannot show what is to be run."""


class DatasetError(PrerequisiteError, ValueError):
    """A dataset's file, row or field is wrong. `line` counts from 1 in the file."""

    def __init__(
        self,
        message: str,
        *,
        location: str | None = None,
        line: int | None = None,
        field: str | None = None,
    ) -> None:
        super().__init__(_located(message, location, line, field))
        self.location = location
        self.line = line
        self.field = field


class SettingsError(PrerequisiteError, ValueError):
    """A file of settings, or a dict in its place, is wrong.

    `line` counts from 1 in the file, if it is one; `field` is the path of the key or item.
    """

    _what: ClassVar[str] = "settings"
    """What is named in place of a file."""

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        line: int | None = None,
        field: str | None = None,
    ) -> None:
        super().__init__(_located(message, path or self._what, line, field))
        self.path = path
        self.line = line
        self.field = field


class EvalFileError(SettingsError):
    """An eval-set file is wrong."""

    _what = "eval set"


class PriceTableError(SettingsError):
    """A table of models' prices is wrong."""

    _what = "model_cost_config"


class ApprovalPolicyError(SettingsError):
    """A policy of who approves tool calls is wrong."""

    _what = "approval"


class ToolDefinitionError(PrerequisiteError, ValueError):
    """A model cannot be told what a tool does or takes, or it is no tool at all."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"The tool {name!r} {problem}")
        self.name = name


class AgentDefinitionError(PrerequisiteError, RuntimeError, ValueError):
    """An agent cannot be used where it was passed: it is none, or takes or lacks something."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"The agent {name!r} {problem}")
        self.name = name


LimitType = Literal["message", "time", "working", "token", "operator", "custom"]
"""What a sample can run out of; `custom` is for limits that user code raises itself."""


class LimitExceededError(EvalsError):
    """A sample reached one of its limits. It is scored on its last state, not failed."""

    def __init__(
        self,
        type: LimitType,
        *,
        value: float,
        limit: float,
        message: str | None = None,
        source: object | None = None,
    ) -> None:
        super().__init__(
            message or f"The {type} limit of {_number(limit)} was exceeded: {_number(value)}."
        )
        self.type = type
        self.value = value
        self.limit = limit
        self.message = str(self)
        self.source = source

    @property
    def value_str(self) -> str:
        """`value` as text, without a needless fraction."""
        return _number(self.value)

    @property
    def limit_str(self) -> str:
        """`limit` as text, without a needless fraction."""
        return _number(self.limit)


class SampleTerminatedError(EvalsError):
    """Somebody, such as an approver of tool calls, ended a sample; it is scored on its last state.

    No limit of a solver or agent catches it.
    """


class SampleStalledError(EvalsError):
    """Nothing happened in a sample for `timeout` seconds, since `last_event` if there was one.

    It is an error, not a limit: the sample is not scored, and the next run does it again.
    `notes` are sentences of those who were interrupted.
    """

    def __init__(self, timeout: float, last_event: str | None, notes: Iterable[str] = ()) -> None:
        last = f"its last one was {last_event}" if last_event else "it had none before"
        what = f"The sample had no event for {timeout:g} s; {last}."
        hint = "If a single step may take that long, raise stall_timeout (seconds; 0: no limit)."
        super().__init__(" ".join([what, *notes, hint]))
        self.timeout = timeout
        self.last_event = last_event


class ApproverError(EvalsError):
    """What decides on tool calls raised or returned something that it should not."""

    def __init__(self, approver: str, function: str, problem: str) -> None:
        super().__init__(f"The approver {approver!r}, asked about {function!r}, {problem}")
        self.approver = approver


class MediaError(EvalsError, ValueError):
    """An image, sound, video or document of a conversation cannot be read or sent."""


class ModelError(EvalsError, RuntimeError):
    """A model request failed for good; the sample that made it ends with this error."""


class ModelRetryError(ModelError):
    """A model request failed on every attempt that its retry policy allowed."""


class LogError(EvalsError):
    """A log cannot be written or read."""


class LogFormatError(LogError, ValueError):
    """A file is not one of our logs, is damaged, or was written by a newer version."""


class ColumnValueError(LogError, ValueError):
    """A column of a frame cannot be made from what a log holds."""


class ScratchSpaceError(EvalsError, OSError):
    """A temporary file cannot be written; most often its disk is full."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(
            f"A temporary file could not be written in {gettempdir()!r} "
            f"({reason.strerror or reason}). Make room there, or set TMPDIR to a folder that has."
        )


class BridgeError(EvalsError, ValueError):
    """A bridged program returned no answer, or asked its model in a way that cannot work."""


class OutputLimitExceededError(EvalsError):
    """A process wrote more than it may. `truncated_output` is how its output begins."""

    def __init__(self, limit_str: str, truncated_output: str | None = None) -> None:
        super().__init__(f"The output is longer than the limit of {limit_str}.")
        self.limit_str = limit_str
        self.truncated_output = truncated_output


class SandboxError(EvalsError, RuntimeError):
    """A sandbox cannot be made, or the files or the setup script of a sample do not work in it."""


class NoSandboxError(EvalsError, ProcessLookupError):
    """A sandbox is asked for where there is none."""

    def __init__(self) -> None:
        super().__init__(
            "There is no sandbox here. Give the task, the sample or the evaluation one: "
            'sandbox="local", for example.'
        )


class ToolServiceError(EvalsError, RuntimeError):
    """A server or service that a tool needs cannot be started or reached, or broke.

    It is not the model's fault: the sample ends with this error.
    """


class NoTerminalError(EvalsError):
    """A person is to be asked, and there is no terminal to ask on."""

    def __init__(self) -> None:
        super().__init__(
            "There is no terminal to ask a person on: standard input, or both standard output "
            "and standard error, are redirected, or this is a job in the background. Run the "
            "evaluation in the foreground of a terminal."
        )


class ToolError(EvalsError):
    """A tool failed in a way that the model should know of: it sees `message` and may go on.

    Tools raise it themselves; any other exception of theirs fails the sample.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ToolParsingError(ToolError):
    """A tool was called with arguments that it cannot use."""


class ToolApprovalError(ToolError):
    """Nobody approved a tool call."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or "The call was not approved.")


def nearest_hint(name: str, known: Iterable[str]) -> str:
    """Return a sentence that offers the known names nearest to `name`, else all of them."""
    names = sorted(set(known))
    close = get_close_matches(name, names, n=3)
    if close:
        return f"Did you mean {_listed(close)}?"
    return f"Known: {_listed(names)}." if names else "None is known."


def _number(value: float) -> str:
    # Not `:g` for all: it writes a million as 1e+06.
    if float(value).is_integer():
        return f"{value:.0f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.2g}"


def _listed(names: Sequence[str], most: int = 20) -> str:
    shown = ", ".join(repr(name) for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def _located(message: str, location: str | None, line: int | None, field: str | None) -> str:
    place = location or ""
    if line is not None:
        place = f"{place}:{line}" if place else f"line {line}"
    if field is not None:
        message = f"field {field!r}: {message}"
    return f"{place}: {message}" if place else message
