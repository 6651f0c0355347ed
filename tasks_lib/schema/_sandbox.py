"""Which sandbox a sample runs in, as it is written down."""

from __future__ import annotations

from typing import Any, TypeAlias

from pydantic import BaseModel, ConfigDict

SandboxEnvironmentConfigType: TypeAlias = BaseModel | str
"""How a sandbox is configured: a file, or a model that the type of sandbox defines."""


class SandboxEnvironmentSpec(BaseModel):
    """A type of sandbox, and how it is configured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __init__(
        self, type: str, config: SandboxEnvironmentConfigType | dict[str, Any] | None = None
    ) -> None:
        super().__init__(type=type, config=config)

    type: str
    """The name that it is registered under, such as "local"."""
    config: Any = None
    """A file or a model; a dict if it comes from a log or a file; None: what the type takes."""


SandboxEnvironmentType: TypeAlias = str | tuple[str, str] | SandboxEnvironmentSpec
"""A type; a type and its config file; or a spec."""
