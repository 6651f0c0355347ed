"""The name of a model: provider and the rest."""

from __future__ import annotations

from tasks_lib._errors import ParameterError


class ModelName:
    """A model's full name, taken apart.

    Compares equal to every text that is a part of it, so that a solver can write
    `if state.model == "gpt-4o"`, whatever the provider.
    """

    __slots__ = ("api", "name")

    def __init__(self, model: object) -> None:
        """Take apart the name of `model`: `provider/name`, or a `Model`.

        Raises:
            ParameterError: The name has no provider.
        """
        self.api, _, self.name = str(model).partition("/")
        if not self.api or not self.name:
            raise ParameterError("ModelName", "model", str(model), "'provider/name'")

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return other in str(self)
        if isinstance(other, ModelName):
            return str(self) == str(other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        return f"{self.api}/{self.name}"

    def __repr__(self) -> str:
        return f"ModelName({str(self)!r})"
