"""The sandboxes of the sample that is running here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from tasks_lib._errors import NoSandboxError, OutputLimitExceededError, UnknownNameError
from tasks_lib.context import current_sample
from tasks_lib.sandbox._environment import SandboxEnvironment, SandboxEnvironments

_default: ContextVar[str | None] = ContextVar("default_sandbox", default=None)


class SampleSandboxes:
    """The sandboxes of a running sample. A plain class on purpose, as `RunPlan` is."""

    __slots__ = ("found", "made")

    def __init__(self, made: SandboxEnvironments) -> None:
        self.made = made
        self.found: dict[tuple[str, bool, str | None], SandboxEnvironment] = {}
        """What `sandbox_with` has found."""


def sandbox(name: str | None = None) -> SandboxEnvironment:
    """Return a sandbox of the running sample.

    Args:
        name: Its name; None or "default": the default one. Where there is only one sandbox,
            it has all names.

    Raises:
        ProcessLookupError: The sample has no sandbox, or no sample is running.
        ValueError: None of its sandboxes has this name.
    """
    environments = _environments()
    if name in (None, "default") or len(environments) == 1:
        name = _default.get() or next(iter(environments))
    return _named(environments, name)


async def sandbox_with(
    file: str, on_path: bool = False, *, name: str | None = None
) -> SandboxEnvironment | None:
    """Return the first sandbox of the running sample that has a file, or None.

    What was found once is not looked for again.

    Args:
        file: Path of a file that can be read there.
        on_path: Whether `file` is a program that `which` finds instead.
        name: The only sandbox to look at; None: all of them.

    Raises:
        ProcessLookupError: The sample has no sandbox, or no sample is running.
        ValueError: None of its sandboxes has this name.
    """
    environments = _environments()
    found = _sandboxes().found
    if (file, on_path, name) in found:
        return found[file, on_path, name]
    looked_at = [*environments.values()] if name is None else [_named(environments, name)]
    for environment in looked_at:
        if await (_has_program if on_path else _has_file)(environment, file):
            found[file, on_path, name] = environment
            return environment
    return None


@contextmanager
def sandbox_default(name: str) -> Iterator[None]:
    """Let `sandbox()` return another sandbox of the running sample within this block.

    Raises:
        ProcessLookupError: The sample has no sandbox, or no sample is running.
        ValueError: None of its sandboxes has this name.
    """
    _named(_environments(), name)
    token = _default.set(name)
    try:
        yield
    finally:
        _default.reset(token)


def _sandboxes() -> SampleSandboxes:
    context = current_sample()
    sandboxes = context.sandboxes if context is not None else None
    if not isinstance(sandboxes, SampleSandboxes):
        raise NoSandboxError
    return sandboxes


def _environments() -> Mapping[str, SandboxEnvironment]:
    return _sandboxes().made.environments


def _named(environments: Mapping[str, SandboxEnvironment], name: str | None) -> SandboxEnvironment:
    if name is None or name not in environments:
        raise UnknownNameError("sandbox of this sample", str(name), environments)
    return environments[name]


async def _has_program(environment: SandboxEnvironment, program: str) -> bool:
    return (await environment.exec(["which", program])).success


async def _has_file(environment: SandboxEnvironment, file: str) -> bool:
    try:
        await environment.read_file(file, text=False)
    except (FileNotFoundError, UnicodeDecodeError, PermissionError, IsADirectoryError):
        return False
    except OutputLimitExceededError:  # it is there, and large
        return True
    return True
