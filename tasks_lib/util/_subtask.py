"""What `@subtask` makes of a function, as a type."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol


class Subtask(Protocol):
    """An async function that `@subtask` was put on: each call has a store of its own."""

    __name__: str

    def __call__(self, *args: Any, **kwargs: Any) -> Awaitable[Any]:
        """Do the work within the running sample."""
        ...
