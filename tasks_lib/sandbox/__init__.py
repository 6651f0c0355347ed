"""Where tools run commands and keep files: sandboxes, one or several for a sample."""

from tasks_lib.sandbox._active import SampleSandboxes, sandbox, sandbox_default, sandbox_with
from tasks_lib.sandbox._environment import (
    HostMapping,
    PortMapping,
    SandboxConnection,
    SandboxEnvironment,
    SandboxEnvironments,
)
from tasks_lib.sandbox._limits import SandboxEnvironmentLimits
from tasks_lib.sandbox._local import LocalSandboxEnvironment
from tasks_lib.sandbox._make import fill_sandboxes, make_sandboxes
from tasks_lib.sandbox._plan import SandboxPlan, check_samples, task_sandboxes
from tasks_lib.sandbox._registry import find_sandboxenv, sandboxenv
from tasks_lib.sandbox._spec import resolve_sandbox, sandbox_json
from tasks_lib.schema import (
    SandboxEnvironmentConfigType,
    SandboxEnvironmentSpec,
    SandboxEnvironmentType,
)

__all__ = [
    "HostMapping",
    "LocalSandboxEnvironment",
    "PortMapping",
    "SampleSandboxes",
    "SandboxConnection",
    "SandboxEnvironment",
    "SandboxEnvironmentConfigType",
    "SandboxEnvironmentLimits",
    "SandboxEnvironmentSpec",
    "SandboxEnvironmentType",
    "SandboxEnvironments",
    "SandboxPlan",
    "check_samples",
    "fill_sandboxes",
    "find_sandboxenv",
    "make_sandboxes",
    "resolve_sandbox",
    "sandbox",
    "sandbox_default",
    "sandbox_json",
    "sandbox_with",
    "sandboxenv",
    "task_sandboxes",
]
