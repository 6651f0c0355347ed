"""The sandbox "local": a temporary folder on this machine, and no wall around it."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, overload

from tasks_lib._errors import OutputLimitExceededError
from tasks_lib._util._blot import is_secret
from tasks_lib.context import ExecResult, subprocess
from tasks_lib.sandbox._environment import SandboxEnvironment
from tasks_lib.sandbox._limits import SandboxEnvironmentLimits as Limits
from tasks_lib.sandbox._registry import sandboxenv
from tasks_lib.schema import SandboxEnvironmentConfigType

logger = logging.getLogger(__name__)

_folders: dict[str, list[Path]] = {}
"""Those that are there, by task."""


@sandboxenv(name="local")
class LocalSandboxEnvironment(SandboxEnvironment):
    """A temporary folder on this machine, one for each sample; it is removed with the sample.

    Nothing holds back what runs in it: a command does what we may do, on the whole machine and
    in the network. So it is for code that you trust. A config is not looked at, `user`
    is ignored with a warning, and a command that times out is never run again. Commands see
    our environment variables, but those whose names end like a secret's (`…_KEY`, `…_TOKEN`,
    `…_SECRET`, `…_PASSWORD`, `…_CREDENTIALS`) are empty unless `env` sets them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        """Where relative paths begin."""

    @classmethod
    async def sample_init(
        cls,
        task_name: str,
        config: SandboxEnvironmentConfigType | None,
        metadata: dict[str, str],
    ) -> dict[str, SandboxEnvironment]:
        """Make a folder that only we may enter."""
        prefix = re.sub(r"[^A-Za-z0-9]+", "-", task_name)[:20]
        folder = Path(tempfile.mkdtemp(prefix=f"evals-{prefix}-"))
        _folders.setdefault(task_name, []).append(folder)
        return {"default": cls(folder)}

    @classmethod
    async def sample_cleanup(
        cls,
        task_name: str,
        config: SandboxEnvironmentConfigType | None,
        environments: dict[str, SandboxEnvironment],
        interrupted: bool,
    ) -> None:
        """Remove the folder, whatever the permissions of what is in it."""
        for environment in environments.values():
            folder = environment.as_type(cls).folder
            await asyncio.to_thread(_remove, folder)
            _folders[task_name].remove(folder)

    @classmethod
    async def task_cleanup(
        cls, task_name: str, config: SandboxEnvironmentConfigType | None, cleanup: bool
    ) -> None:
        """Say which folders are kept, if that was asked for."""
        kept = [] if cleanup else _folders.pop(task_name, [])
        if kept:
            logger.warning(
                "The task %r has left %d sandboxes. To remove them: rm -rf %s",
                task_name,
                len(kept),
                " ".join(map(str, kept)),
            )

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
        """See `SandboxEnvironment.exec`.

        Raises:
            FileNotFoundError: There is no such program or working folder.
        """
        if user is not None:
            _warn_of_user(user)
        try:
            return await subprocess(
                cmd,
                input=input,
                cwd=self._path(cwd or "."),
                env={**_hidden_secrets(), **(env or {})},
                timeout=timeout,
                output_limit=Limits.MAX_EXEC_OUTPUT_SIZE,
            )
        except OutputLimitExceededError as error:
            limit = Limits.MAX_EXEC_OUTPUT_SIZE_STR
            raise OutputLimitExceededError(limit, error.truncated_output) from None

    async def write_file(self, file: str, contents: str | bytes) -> None:
        """See `SandboxEnvironment.write_file`."""
        data = contents.encode() if isinstance(contents, str) else contents
        await asyncio.to_thread(_write, self._path(file), data)

    @overload
    async def read_file(self, file: str, text: Literal[True] = True) -> str: ...

    @overload
    async def read_file(self, file: str, text: Literal[False]) -> bytes: ...

    async def read_file(self, file: str, text: bool = True) -> str | bytes:
        """See `SandboxEnvironment.read_file`."""
        data = await asyncio.to_thread(_read, self._path(file))
        return data.decode() if text else data

    def _path(self, file: str) -> Path:
        return self.folder / file  # an absolute one stays what it is


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        # Not by its size: some files, such as those of /proc, have none.
        data = file.read(Limits.MAX_READ_FILE_SIZE + 1)
    if len(data) > Limits.MAX_READ_FILE_SIZE:
        raise OutputLimitExceededError(Limits.MAX_READ_FILE_SIZE_STR)
    return data


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except PermissionError:
        _unlock(folder)
        shutil.rmtree(folder)


def _unlock(folder: Path) -> None:
    """Take back the folders that a command has locked; not those that a link leads to."""
    folder.chmod(0o700)
    for path, names, _ in os.walk(folder):
        for inner in (Path(path, name) for name in names):
            if not inner.is_symlink():
                inner.chmod(0o700)


def _hidden_secrets() -> dict[str, str]:
    return {name: "" for name in os.environ if is_secret(name)}


@functools.cache
def _warn_of_user(user: str) -> None:
    logger.warning("A local sandbox runs as the user that we are, not as %r.", user)
