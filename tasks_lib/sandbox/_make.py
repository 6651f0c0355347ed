"""The sandboxes of one sample: made, filled, and removed."""

from __future__ import annotations

import logging
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from uuid import uuid4

from tasks_lib._errors import SandboxError
from tasks_lib.context import concurrency
from tasks_lib.sandbox._environment import SandboxEnvironment, SandboxEnvironments
from tasks_lib.sandbox._files import read_files, read_source
from tasks_lib.sandbox._plan import SandboxPlan
from tasks_lib.sandbox._recorded import RecordedSandbox
from tasks_lib.sandbox._registry import find_sandboxenv
from tasks_lib.schema import Sample, SandboxEnvironmentSpec

logger = logging.getLogger(__name__)

SETUP_S = 300
"""Seconds that the setup script of a sample may take."""

_SHEBANG = b"#!/usr/bin/env bash\n\n"
_SHOWN_CHARACTERS = 2_000


async def make_sandboxes(
    plan: SandboxPlan, spec: SandboxEnvironmentSpec, sample: Sample
) -> SandboxEnvironments:
    """Return new sandboxes for a sample; what is done in them is recorded in its transcript.

    Waits until as many others as may be at once are gone: what this returns must be cleaned
    up, once. With `plan.cleanup` False that only lets others have their turn.

    Raises:
        SandboxError: The type of sandbox has made none.
    """
    kind = find_sandboxenv(spec.type)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_turn(plan, kind, spec.type))
        metadata = dict(sample.metadata or {})
        inner = await kind.sample_init(plan.task_name, spec.config, metadata)
        if not inner:
            raise SandboxError(f"The sandbox {spec.type!r} made no environment for a sample.")
        turn = stack.pop_all()

    async def clean_up(interrupted: bool) -> None:
        async with turn:
            if plan.cleanup:
                await kind.sample_cleanup(plan.task_name, spec.config, inner, interrupted)

    recorded: dict[str, SandboxEnvironment] = {
        name: RecordedSandbox(environment) for name, environment in inner.items()
    }
    return SandboxEnvironments(recorded, clean_up)


async def fill_sandboxes(plan: SandboxPlan, sandboxes: SandboxEnvironments, sample: Sample) -> None:
    """Write the files of a sample into its sandboxes, then run its setup script in the default.

    A file `name:path` goes into the sandbox of this name, another one into the default.

    Raises:
        SandboxError: A file cannot be read, or is for a sandbox that there is not; or the
            script fails or takes too long.
    """
    environments = sandboxes.environments
    default = next(iter(environments.values()))
    for there, contents in (await read_files(sample.files or {}, plan.folder)).items():
        name, colon, path = there.partition(":")
        if colon and name not in environments:
            raise SandboxError(
                f"The file {there!r} of sample {sample.id!r} is for a sandbox {name!r}; there is "
                f"only {', '.join(map(repr, environments))}."
            )
        await (environments[name] if colon else default).write_file(path or there, contents)
    if sample.setup:
        await _run_setup(default, await read_source(sample.setup, plan.folder))


async def _run_setup(environment: SandboxEnvironment, script: bytes) -> None:
    if not script.lstrip().startswith(b"#!"):
        script = _SHEBANG + script
    path = f"/tmp/{uuid4().hex}"
    try:
        await environment.write_file(path, script.lstrip())
        await environment.exec(["chmod", "+x", path])
        result = await environment.exec([path], timeout=SETUP_S, timeout_retry=False)
    except TimeoutError as error:
        raise SandboxError(f"The setup script took longer than {SETUP_S} s.") from error
    finally:
        await _remove(environment, path)
    if not result.success:
        said = (result.stderr or result.stdout).strip()[-_SHOWN_CHARACTERS:]
        raise SandboxError(f"The setup script ended with status {result.returncode}: {said}")


async def _remove(environment: SandboxEnvironment, path: str) -> None:
    try:
        await environment.exec(["rm", "-f", path])
    except Exception:  # what it is removed after says more
        logger.warning("The setup script %r could not be removed.", path, exc_info=True)


def _turn(
    plan: SandboxPlan, kind: type[SandboxEnvironment], type: str
) -> AbstractAsyncContextManager[None]:
    limit = plan.max_sandboxes or kind.default_concurrency()
    return concurrency(f"sandboxes/{type}", limit) if limit is not None else nullcontext()
