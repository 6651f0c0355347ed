"""How many may do the same at once: `concurrency`, by name."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from contextvars import ContextVar
from weakref import WeakKeyDictionary

from tasks_lib._errors import ParameterError
from tasks_lib.context._gate import Gate

_Gates = dict[str, Gate]


class _Limits:
    """What the coroutines of one evaluation share; a future belongs to one event loop."""

    def __init__(self, max_subprocesses: int | None = None) -> None:
        self.max_subprocesses = max_subprocesses or os.cpu_count() or 1
        self._gates: WeakKeyDictionary[asyncio.AbstractEventLoop, _Gates] = WeakKeyDictionary()

    def gate(self, key: str, slots: int) -> Gate:
        """Return the gate of `key`, made with `slots` if it is new."""
        gates = self._gates.setdefault(asyncio.get_running_loop(), {})
        gate = gates.get(key)
        if gate is None:
            gate = gates[key] = Gate(key)
            gate.grant(slots)
        return gate


_outside = _Limits()
_installed: ContextVar[_Limits] = ContextVar("concurrency", default=_outside)


@contextmanager
def use_concurrency(max_subprocesses: int | None = None) -> Iterator[None]:
    """Begin an evaluation: the names of `concurrency` are free again within this block.

    Args:
        max_subprocesses: Processes that `subprocess` runs at once; None: one for each CPU.

    Raises:
        ParameterError: `max_subprocesses` is below 1.
    """
    if max_subprocesses is not None and max_subprocesses < 1:
        raise ParameterError("eval", "max_subprocesses", max_subprocesses, "1 or more")
    token = _installed.set(_Limits(max_subprocesses))
    try:
        yield
    finally:
        _installed.reset(token)


def concurrency(
    name: str, concurrency: int, key: str | None = None
) -> AbstractAsyncContextManager[None]:
    """Return a context of which only so many are open at once, `concurrency` of each name.

    Whoever comes first goes first; the wait is booked as waiting of the sample. The samples of
    an evaluation share the limit, whatever their task; another evaluation has its own, and
    so has another event loop.

    A block must not open another one of its own name: both would wait for ever.

    Args:
        name: What is limited, for people to read.
        concurrency: How many blocks may run at once. The first call of a name decides: what
            later ones say is not looked at.
        key: What tells limits apart; by default the name.

    Raises:
        ParameterError: `concurrency` is below 1.
        RuntimeError: There is no running event loop.
    """
    if concurrency < 1:
        raise ParameterError("concurrency", "concurrency", concurrency, "1 or more")
    gate = _installed.get().gate(key or name, concurrency)
    return gate.slot(gate.granted)


def max_subprocesses() -> int:
    """Return how many processes `subprocess` runs at once here."""
    return _installed.get().max_subprocesses
