"""Where the samples of a task run: checked before anything runs, and made ready with the task."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import PurePosixPath
from typing import NamedTuple

from tasks_lib._errors import PrerequisiteError
from tasks_lib._util._aio import finish_despite_cancel
from tasks_lib.context import concurrency
from tasks_lib.sandbox._environment import SandboxEnvironment
from tasks_lib.sandbox._files import check_source
from tasks_lib.sandbox._local import LocalSandboxEnvironment
from tasks_lib.sandbox._registry import find_sandboxenv
from tasks_lib.sandbox._spec import complete_sandbox, resolve_sandbox, sandbox_key
from tasks_lib.schema import Sample, SandboxEnvironmentSpec

logger = logging.getLogger(__name__)


class SandboxPlan:
    """Where the samples of a task run. A plain class on purpose, as `RunPlan` is."""

    def __init__(
        self,
        task_name: str,
        spec: SandboxEnvironmentSpec | None,
        *,
        folder: str,
        max_sandboxes: int | None = None,
        cleanup: bool = True,
    ) -> None:
        """Note what the evaluation and the task say.

        Args:
            task_name: Name of the task, without its package.
            spec: The sandbox of the evaluation or else of the task; None: samples may have
                their own.
            folder: Where relative paths begin.
            max_sandboxes: How many samples have sandboxes of a type at once; None: as many as
                the type says.
            cleanup: Whether sandboxes are removed.

        Raises:
            PrerequisiteError: There is no such type, or it does not know its config.
        """
        self.task_name = task_name
        self.folder = folder
        self.max_sandboxes = max_sandboxes
        self.cleanup = cleanup
        self._known: dict[str, SandboxEnvironmentSpec] = {}
        self.spec = self._complete(spec) if spec is not None else None

    def of(self, sample: Sample) -> SandboxEnvironmentSpec | None:
        """Return the sandbox that `sample` runs in; None: it has none.

        The type is that of the evaluation, or else of the task, or else the sample's own. A
        config of the sample wins where it is for this type, and is not used elsewhere.
        """
        own = resolve_sandbox(sample.sandbox, f"sample {sample.id!r}")
        if own is None:
            return self.spec
        if self.spec is None or (own.type == self.spec.type and own.config is not None):
            return self._complete(own)
        return self.spec

    def _complete(self, spec: SandboxEnvironmentSpec) -> SandboxEnvironmentSpec:
        key = sandbox_key(spec)
        if key not in self._known:
            self._known[key] = complete_sandbox(spec, self.folder)
        return self._known[key]


def check_samples(plan: SandboxPlan, samples: Iterable[Sample]) -> bool:
    """Check sandboxes, files and scripts of `samples`; tell whether any of them has a sandbox.

    Raises:
        PrerequisiteError: A sample has files or a script but no sandbox, names a sandbox or a
            file that does not exist, or would write outside of its folder on this machine.
    """
    overruled: set[str] = set()
    used = plan.spec is not None
    for sample in samples:
        if sample.sandbox is None and not sample.files and not sample.setup:
            continue
        spec = plan.of(sample)
        if spec is None:
            has = "files" if sample.files else "a setup script"
            raise PrerequisiteError(
                f"Sample {sample.id!r} of the task {plan.task_name!r} has {has}, but no sandbox to "
                'put them in: give the task or the evaluation one, sandbox="local" for example.'
            )
        used = True
        own = resolve_sandbox(sample.sandbox)
        if own is not None and own.type != spec.type:
            overruled.add(own.type)
        _check_files(plan, sample, spec)
    if overruled and plan.spec is not None:
        logger.warning(
            "Samples of the task %r ask for the sandbox %s; they run in %r all the same, as the "
            "task or the evaluation says.",
            plan.task_name,
            ", ".join(map(repr, sorted(overruled))),
            plan.spec.type,
        )
    return used


def _check_files(plan: SandboxPlan, sample: Sample, spec: SandboxEnvironmentSpec) -> None:
    is_local = issubclass(find_sandboxenv(spec.type), LocalSandboxEnvironment)
    for there, source in (sample.files or {}).items():
        path = PurePosixPath(there.rpartition(":")[2])
        if is_local and (path.is_absolute() or ".." in path.parts):
            raise PrerequisiteError(
                f"Sample {sample.id!r} of the task {plan.task_name!r} has the file {there!r}: in a "
                "local sandbox it would be written on this machine, outside of the sample's "
                "folder. Use a path below that folder, or another sandbox."
            )
        check_source(source, plan.folder, f"sample {sample.id!r}")


class _Need(NamedTuple):
    """What `task_init` is called with."""

    kind: type[SandboxEnvironment]
    spec: SandboxEnvironmentSpec
    variables: tuple[tuple[str, str], ...]


@asynccontextmanager
async def task_sandboxes(plan: SandboxPlan, samples: Iterable[Sample]) -> AsyncIterator[None]:
    """Make ready what the sandboxes of `samples` need, once for each config; clean up at the end.

    Also if the block is left by an error or by cancellation. Errors while cleaning up are
    logged, they fail nothing.
    """
    begun: dict[str, _Need] = {}
    try:
        for need in await _needs(plan, samples):
            begun[sandbox_key(need.spec)] = need
            # One after another in this process: variables are those of all.
            async with concurrency("sandbox task_init", 1):
                with _variables(dict(need.variables)):
                    await need.kind.task_init(plan.task_name, need.spec.config)
        yield
    finally:
        await finish_despite_cancel(_clean_up(plan, begun.values()))


async def _needs(plan: SandboxPlan, samples: Iterable[Sample]) -> list[_Need]:
    needs: dict[tuple[str, tuple[tuple[str, str], ...]], _Need] = {}
    for sample in samples:
        spec = plan.of(sample)
        if spec is not None:
            kind = find_sandboxenv(spec.type)
            variables = await kind.task_init_environment(spec.config, sample.metadata or {})
            need = _Need(kind, spec, tuple(sorted(variables.items())))
            needs.setdefault((sandbox_key(spec), need.variables), need)
    return list(needs.values())


async def _clean_up(plan: SandboxPlan, begun: Iterable[_Need]) -> None:
    for need in begun:
        try:
            await need.kind.task_cleanup(plan.task_name, need.spec.config, plan.cleanup)
        except Exception:
            logger.warning(
                "The sandboxes %r of the task %r could not be cleaned up.",
                need.spec.type,
                plan.task_name,
                exc_info=True,
            )


@contextmanager
def _variables(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
