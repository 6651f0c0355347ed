"""What a type of sandbox implements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, overload

from pydantic import BaseModel

from tasks_lib.context import ExecResult
from tasks_lib.schema import SandboxEnvironmentConfigType

S = TypeVar("S", bound="SandboxEnvironment")


class HostMapping(BaseModel):
    """Where a port of a sandbox is reached from outside."""

    host_ip: str
    host_port: int


class PortMapping(BaseModel):
    """A port of a sandbox, and where it is reached from outside."""

    container_port: int
    protocol: Literal["tcp", "udp"]
    mappings: list[HostMapping]


class SandboxConnection(BaseModel):
    """How a person gets into a sandbox."""

    type: str
    """The type of the sandbox, such as "docker"."""
    command: str
    """A command line that opens a shell in it."""
    vscode_command: list[Any] | None = None
    """A command of VS Code, and its arguments, that does."""
    ports: list[PortMapping] | None = None
    """The ports that it has opened."""
    container: str | None = None
    """The name of its container, if it is one."""


class SandboxEnvironment(ABC):
    """A place with files where tools, solvers and scorers run commands.

    A type of sandbox is a subclass that `@sandboxenv` registers. A sample gets one or several
    of them, each with a name. In this order the class methods are called: `task_init` when the
    samples of a task begin, `sample_init` and `sample_cleanup` for each sample, and
    `task_cleanup` when its samples are done. Paths that are relative start at a folder that
    belongs to the sample.
    """

    @abstractmethod
    async def exec(  # noqa: PLR0913 - the documented parameters
        self,
        cmd: list[str],
        input: str | bytes | None = None,
        cwd: str | None = None,
        env: Mapping[str, str] = {},
        user: str | None = None,
        timeout: int | None = None,  # noqa: ASYNC109 - a documented parameter
        timeout_retry: bool = True,
    ) -> ExecResult[str]:
        """Run a command to its end and return what came of it, whatever its exit status.

        Args:
            cmd: Program and arguments.
            input: What it reads from its standard input.
            cwd: Its working folder; None: that of the sample.
            env: Environment variables besides those that there are.
            user: Name or number of who runs it; None: who the sandbox runs as.
            timeout: Seconds that it may take; None: no limit.
            timeout_retry: Whether a command that timed out may be run again, where a type of
                sandbox knows that it may have been its own fault. Set it to False for
                commands that must not run twice.

        Raises:
            TimeoutError: It took longer than `timeout`.
            UnicodeDecodeError: What it wrote is no UTF-8.
            PermissionError: It must not be run.
            OutputLimitExceededError: It wrote more than
                `SandboxEnvironmentLimits.MAX_EXEC_OUTPUT_SIZE` to one of its outputs. It has
                been ended, and the error has the beginning of that output.
        """

    @abstractmethod
    async def write_file(self, file: str, contents: str | bytes) -> None:
        """Write a file, text as UTF-8, and make the folders that it needs.

        Raises:
            PermissionError: It must not be written there.
            IsADirectoryError: There is a folder of this name.
        """

    @overload
    async def read_file(self, file: str, text: Literal[True] = True) -> str: ...

    @overload
    async def read_file(self, file: str, text: Literal[False]) -> bytes: ...

    @abstractmethod
    async def read_file(self, file: str, text: bool = True) -> str | bytes:
        r"""Return what a file holds, as text (UTF-8; ends of lines stay as they are) or bytes.

        Raises:
            FileNotFoundError: There is no such file.
            UnicodeDecodeError: `text` is set and it is no UTF-8.
            PermissionError: It must not be read.
            IsADirectoryError: It is a folder.
            OutputLimitExceededError: It is larger than
                `SandboxEnvironmentLimits.MAX_READ_FILE_SIZE`.
        """

    async def connection(self, *, user: str | None = None) -> SandboxConnection:
        """Return how a person gets into the sandbox.

        Args:
            user: Whom to log in as; None: who the sandbox runs as.

        Raises:
            NotImplementedError: With this type of sandbox nobody can.
            ConnectionError: It does not run.
        """
        raise NotImplementedError(f"{type(self).__name__} has no connection for people.")

    def as_type(self, sandbox_cls: type[S]) -> S:
        """Return the sandbox itself as what it is, for what only its type can do.

        Raises:
            TypeError: It is of another type.
        """
        if not isinstance(self, sandbox_cls):
            raise TypeError(f"Expected a {sandbox_cls.__name__}, got a {type(self).__name__}.")
        return self

    @classmethod
    def default_concurrency(cls) -> int | None:
        """Return how many samples have sandboxes at once unless told; None: as many as run."""
        return None

    @classmethod  # noqa: B027 - not every type has something to do
    async def task_init(cls, task_name: str, config: SandboxEnvironmentConfigType | None) -> None:
        """Make ready what all samples of a task with this `config` need; an error ends the task.

        Called once before the first of them is begun. A task may have several configs.
        """

    @classmethod
    async def task_init_environment(
        cls, config: SandboxEnvironmentConfigType | None, metadata: dict[str, str]
    ) -> dict[str, str]:
        """Return environment variables that `task_init` needs for a sample of this `metadata`.

        It is called once more for each different answer, with these variables set.
        """
        return {}

    @classmethod
    async def sample_init(
        cls,
        task_name: str,
        config: SandboxEnvironmentConfigType | None,
        metadata: dict[str, str],
    ) -> dict[str, SandboxEnvironment]:
        """Make the sandboxes of a sample and return them by name, the default one first.

        Args:
            task_name: Name of the task, without its package.
            config: A file (as an absolute path) or model; None: there is none.
            metadata: That of the sample.
        """
        return {}

    @classmethod
    @abstractmethod
    async def sample_cleanup(
        cls,
        task_name: str,
        config: SandboxEnvironmentConfigType | None,
        environments: dict[str, SandboxEnvironment],
        interrupted: bool,
    ) -> None:
        """Remove what `sample_init` returned. Not called with `sandbox_cleanup=False`.

        Args:
            task_name: As `sample_init` got it.
            config: As `sample_init` got it.
            environments: What it returned.
            interrupted: Whether the sample was cancelled. What takes long may then be left to
                `task_cleanup`.
        """

    @classmethod  # noqa: B027 - not every type has something to do
    async def task_cleanup(
        cls, task_name: str, config: SandboxEnvironmentConfigType | None, cleanup: bool
    ) -> None:
        """Remove all that is left of a task, also when it failed or was cancelled.

        Called once for each `task_init` of another `config`.

        Args:
            task_name: As `task_init` got it.
            config: As `task_init` got it.
            cleanup: Whether to remove it; if not, tell the user what there is and how to
                remove it.
        """

    @classmethod  # noqa: B027 - not every type has something to do
    async def cli_cleanup(cls, id: str | None) -> None:
        """Remove what earlier evaluations left, or of it what `id` names."""

    @classmethod
    def config_files(cls) -> list[str]:
        """Return the names of config files that are looked for beside a task, the best first."""
        return []

    @classmethod
    def config_deserialize(cls, config: dict[str, Any]) -> BaseModel:
        """Return the config that `config`, from a log or a file, is the JSON of.

        Raises:
            NotImplementedError: This type of sandbox has no configs of its own.
        """
        raise NotImplementedError(f"{cls.__name__} takes no config but a file.")


@dataclass
class SandboxEnvironments:
    """Sandboxes by name, the default one first, and what removes them."""

    environments: dict[str, SandboxEnvironment]
    """The sandboxes."""

    cleanup: Callable[[bool], Awaitable[None]] | None = field(default=None)
    """Removes them; is told whether the sample was cancelled. None: there is nothing to do."""
