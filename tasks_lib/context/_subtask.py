"""Work within a sample that has a store of its own."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar, overload

from pydantic import JsonValue
from pydantic_core import to_jsonable_python

from tasks_lib._util._callables import is_async_callable
from tasks_lib._util._models import build
from tasks_lib.context._clock import Clock
from tasks_lib.context._sample import current_sample, span, transcript
from tasks_lib.context._store import Store, use_store
from tasks_lib.schema import SubtaskEvent, utc_now

P = ParamSpec("P")
T = TypeVar("T")


@overload
def subtask(name: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]: ...


@overload
def subtask(
    name: str | None = None,
    store: Store | None = None,
    type: str | None = None,
    input: Mapping[str, Any] | None = None,
) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Awaitable[T]]]: ...


def subtask(
    name: str | Callable[P, Awaitable[T]] | None = None,
    store: Store | None = None,
    type: str | None = None,
    input: Mapping[str, Any] | None = None,
) -> Callable[P, Awaitable[T]] | Callable[[Callable[P, Awaitable[T]]], Callable[P, Awaitable[T]]]:
    """Let each call of an async function be work of its own: `@subtask` or `@subtask("name")`.

    Inside of it `store()` is a store of its own; transcript, limits and usage are those of
    the sample. The call is a span of type "subtask" with a `SubtaskEvent`, which has what went
    in and what came out; values that JSON cannot hold are recorded by their type.

    Args:
        name: What the transcript calls it; by default the name of the function.
        store: The store; by default a new, empty one for each call.
        type: What kind of work it is, for example "fork".
        input: What is recorded as its input; by default the arguments of the call.

    Raises:
        TypeError: What is decorated is not an async function.
    """
    if name is not None and not isinstance(name, str):
        return _Options(None, store, type, input).of(name)
    return _Options(name, store, type, input).of


class _Options:
    """What `subtask` was told."""

    def __init__(
        self,
        name: str | None,
        store: Store | None,
        type: str | None,
        input: Mapping[str, Any] | None,
    ) -> None:
        self._name = name
        self._store = store
        self._type = type
        self._input = input

    def of(self, function: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        """Return `function` as a subtask."""
        if not is_async_callable(function):
            raise TypeError(f"subtask: {function!r} is not an async function.")
        name = self._name or _name_of(function)
        signature = inspect.signature(function)

        @functools.wraps(function)
        async def run(*args: P.args, **kwargs: P.kwargs) -> T:
            given = self._input if self._input is not None else _named(signature, args, kwargs)
            with use_store(self._store if self._store is not None else Store()):
                async with span(name, "subtask"):
                    event = build(
                        SubtaskEvent,
                        timestamp=utc_now(),
                        name=name,
                        type=self._type,
                        input={key: _json(value) for key, value in given.items()},
                        pending=True,
                    )
                    with _recorded(event):
                        result = await function(*args, **kwargs)
                        event.result = _json(result)
                    return result

        return run


def _named(
    signature: inspect.Signature, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> dict[str, object]:
    """Return arguments by name; those that `**` collects have the names that they were given."""
    named = dict(signature.bind(*args, **kwargs).arguments)
    for name, parameter in signature.parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD and name in named:
            named |= named.pop(name)
    return named


def _name_of(function: Callable[..., object]) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


@contextmanager
def _recorded(event: SubtaskEvent) -> Iterator[None]:
    """Record `event` now and complete it when the block ends, however it does."""
    context = current_sample()
    clock = context.clock if context is not None else Clock()
    began, waited = clock.total, clock.waited
    transcript().record(event)
    try:
        yield
    finally:
        event.pending = None
        event.completed = utc_now()
        # Not less than nothing: the clock is read twice.
        event.working_time = round(max(0.0, clock.total - began - clock.waited + waited), 6)


def _json(value: object) -> JsonValue:
    """Return what `value` is now, as JSON; the name of its type for what JSON cannot hold."""
    try:
        plain: JsonValue = to_jsonable_python(
            value, inf_nan_mode="constants", bytes_mode="base64", fallback=_type_name
        )
    except (ValueError, RecursionError):  # lone surrogates, cycles
        return _type_name(value)
    return plain


def _type_name(value: object) -> str:
    return f"<{type(value).__module__}.{type(value).__qualname__}>"
