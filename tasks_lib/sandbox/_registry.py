"""Types of sandboxes by name: `@sandboxenv`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from tasks_lib._util._registry import RegistryInfo, registry_add, registry_class
from tasks_lib.sandbox._environment import SandboxEnvironment

K = TypeVar("K", bound=Callable[..., object])


def sandboxenv(name: str) -> Callable[[K], K]:
    """Register a type of sandbox under `name`.

    Decorates a `SandboxEnvironment` class, or a function without parameters that returns one
    (and may import it only then). Packages that have an entry point in the group
    `prefect_evals` are found without an import.
    """

    def register(kind: K) -> K:
        registry_add(kind, RegistryInfo("sandboxenv", name))
        return kind

    return register


def find_sandboxenv(name: str) -> type[SandboxEnvironment]:
    """Return the type of sandbox that is registered under `name`.

    Raises:
        UnknownNameError: None is; the message offers the nearest names.
    """
    return cast(type[SandboxEnvironment], registry_class("sandboxenv", name, "sandbox"))
