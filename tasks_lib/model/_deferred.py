"""A model that is made when it is first used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tasks_lib.model._model import Model


class DeferredModel(Model):
    """A model whose name is known, and that is made with the first look at anything else of it.

    So what does not ask the model needs neither its key nor its package. Once made it is like
    any other model; what making it raises is raised by whatever asked first, and again by the
    next.
    """

    def __init__(self, name: str, make: Callable[[], Model], role: str | None = None) -> None:
        """Remember how a model is made.

        Args:
            name: `provider/name`.
            make: Makes the model.
            role: What it is used as, None for the evaluated one.
        """
        self._name = name
        self._make = make
        self.role = role

    def __getattr__(self, name: str) -> Any:
        # Only for what is not there yet: Python asks the instance itself first.
        if name not in _MADE:
            raise AttributeError(f"Model has no attribute {name!r}")
        made = self._make()
        for key in _MADE:
            self.__dict__[key] = made.__dict__[key]
        return self.__dict__[name]

    @property
    def is_made(self) -> bool:
        """Whether anything of the model was used."""
        return "api" in self.__dict__

    @property
    def name(self) -> str:
        """The name without the provider."""
        return self._name.partition("/")[2]

    def close(self) -> None:
        """Close the model, if it was made."""
        if self.is_made:
            super().close()

    async def aclose(self) -> None:
        """Close the model's connections, if it was made."""
        if self.is_made:
            await super().aclose()


_MADE = ("api", "config", "model_args", "_sender", "_plan", "_on_close")
"""The attributes of `Model` that come with its making."""
