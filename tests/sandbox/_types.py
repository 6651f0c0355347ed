"""Types of sandboxes that note what they are asked for."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tasks_lib.context import ExecResult
from tasks_lib.sandbox import LocalSandboxEnvironment, SandboxEnvironment, sandboxenv
from tasks_lib.schema import SandboxEnvironmentConfigType

calls: list[tuple[Any, ...]] = []
"""What the types below were asked for, in order."""


class NotingConfig(BaseModel):
    """The config of the type "noting"."""

    size: int
    fails_in: str = ""
    """The hook that fails."""


@sandboxenv(name="noting")
class NotingSandbox(LocalSandboxEnvironment):
    """Two local sandboxes a sample, "first" and "second"; looks for `noting.yaml`."""

    @classmethod
    def config_files(cls) -> list[str]:
        return ["noting.yaml", "noting.yml"]

    @classmethod
    def config_deserialize(cls, config: dict[str, Any]) -> BaseModel:
        return NotingConfig(**config)

    @classmethod
    def default_concurrency(cls) -> int | None:
        return 2

    @classmethod
    async def task_init(cls, task_name: str, config: SandboxEnvironmentConfigType | None) -> None:
        calls.append(("task_init", task_name, shown(config), os.environ.get("NOTING_IMAGE")))
        _fail("task_init", config)

    @classmethod
    async def task_init_environment(
        cls, config: SandboxEnvironmentConfigType | None, metadata: dict[str, str]
    ) -> dict[str, str]:
        return {"NOTING_IMAGE": metadata["image"]} if "image" in metadata else {}

    @classmethod
    async def sample_init(
        cls,
        task_name: str,
        config: SandboxEnvironmentConfigType | None,
        metadata: dict[str, str],
    ) -> dict[str, SandboxEnvironment]:
        calls.append(("sample_init", task_name, shown(config), metadata))
        _fail("sample_init", config)
        first = await super().sample_init(task_name, config, metadata)
        second = await super().sample_init(task_name, config, metadata)
        return {"first": first["default"], "second": second["default"]}

    @classmethod
    async def sample_cleanup(
        cls,
        task_name: str,
        config: SandboxEnvironmentConfigType | None,
        environments: dict[str, SandboxEnvironment],
        interrupted: bool,
    ) -> None:
        await asyncio.sleep(0.01)
        calls.append(("sample_cleanup", task_name, list(environments), interrupted))
        await super().sample_cleanup(task_name, config, environments, interrupted)
        _fail("sample_cleanup", config)

    @classmethod
    async def task_cleanup(
        cls, task_name: str, config: SandboxEnvironmentConfigType | None, cleanup: bool
    ) -> None:
        calls.append(("task_cleanup", task_name, shown(config), cleanup))
        _fail("task_cleanup", config)


@sandboxenv(name="sterile")
class SterileSandbox(NotingSandbox):
    """Makes no sandboxes, and takes no config but a file."""

    @classmethod
    def config_files(cls) -> list[str]:
        return []

    @classmethod
    def config_deserialize(cls, config: dict[str, Any]) -> BaseModel:
        raise NotImplementedError("It takes none.")

    @classmethod
    async def sample_init(
        cls,
        task_name: str,
        config: SandboxEnvironmentConfigType | None,
        metadata: dict[str, str],
    ) -> dict[str, SandboxEnvironment]:
        return {}


@sandboxenv(name="impatient")
class ImpatientSandbox(LocalSandboxEnvironment):
    """Commands with a timeout run out of it at once, unless they may be run again."""

    async def exec(
        self,
        cmd: list[str],
        input: str | bytes | None = None,
        cwd: str | None = None,
        env: Mapping[str, str] = {},
        user: str | None = None,
        timeout: int | None = None,  # noqa: ASYNC109 - a documented parameter
        timeout_retry: bool = True,
    ) -> ExecResult[str]:
        if timeout == 300 and not timeout_retry:
            raise TimeoutError
        return await super().exec(cmd, input=input, cwd=cwd, env=env, user=user)


@sandboxenv(name="found_late")
def _late() -> type[SandboxEnvironment]:
    return SterileSandbox


def shown(config: SandboxEnvironmentConfigType | None) -> object:
    """Return a config as tests compare it: a file by its name."""
    return Path(config).name if isinstance(config, str) else config


def _fail(hook: str, config: SandboxEnvironmentConfigType | None) -> None:
    if isinstance(config, NotingConfig) and config.fails_in == hook:
        raise OSError(f"{hook} has failed")
