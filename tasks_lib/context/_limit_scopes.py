"""Limits of a block of code: tokens, messages, time, working time.

They nest, and what is started inside a block is inside it. Tokens and time count for every
block that is open around them, and for the sample; of message limits the innermost rules.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Self

from tasks_lib._errors import LimitExceededError, LimitType, ParameterError
from tasks_lib.context._alarm import Alarm
from tasks_lib.context._clock import Clock


class Limit(AbstractContextManager["Limit"], ABC):
    """What the `with` block that it is entered for may use up.

    What exceeds it there raises `LimitExceededError`, whose `source` is this limit. A limit
    serves one block; `copy.copy` of it is a new one that has not been used.
    """

    _type: LimitType

    def __init__(self, limit: float | None) -> None:
        self._limit = self._checked(limit)
        self._entered = False

    @property
    def limit(self) -> float | None:
        """What may be used; None: anything."""
        return self._limit

    @property
    @abstractmethod
    def usage(self) -> float:
        """What has been used since the block began; after its end, in all of it."""

    def __enter__(self) -> Self:
        """Begin the block. Raises RuntimeError if the limit has had one already."""
        if self._entered:
            raise RuntimeError(
                f"This {self._type}_limit was used before, and a limit serves one block: make "
                "a new one, or enter a copy (copy.copy)."
            )
        self._entered = True
        self._begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end(error)

    @abstractmethod
    def _begin(self) -> None:
        """Begin the block."""

    @abstractmethod
    def _end(self, error: BaseException | None) -> None:
        """End the block, with what it raised."""

    def __repr__(self) -> str:
        return f"{self._type}_limit({self._limit!r})"

    def __copy__(self) -> Self:
        return type(self)(self._limit)

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return type(self)(self._limit)

    def _checked(self, limit: float | None) -> float | None:
        # Not `limit < 0`: that would let NaN pass, which no usage exceeds.
        if limit is not None and not limit >= 0:
            raise ParameterError(f"{self._type}_limit", "limit", limit, "0 or more, or None")
        return limit

    def _exceeded(self, value: float) -> LimitExceededError:
        return LimitExceededError(self._type, value=value, limit=self._limit or 0, source=self)


class TokenLimit(Limit):
    """See `token_limit`."""

    _type = "token"

    def __init__(self, limit: int | None) -> None:
        super().__init__(limit)
        self._used = 0
        self._outer: TokenLimit | None = None
        self._token: Token[TokenLimit | None] | None = None

    @property
    def limit(self) -> float | None:
        """Tokens that may be used; None: any number. A new value counts from the next use."""
        return self._limit

    @limit.setter
    def limit(self, limit: int | None) -> None:
        self._limit = self._checked(limit)

    @property
    def usage(self) -> float:
        """Tokens that models have used in the block."""
        return self._used

    def _begin(self) -> None:
        self._outer = _token_limit.get()
        self._token = _token_limit.set(self)

    def _end(self, error: BaseException | None) -> None:
        if self._token is not None:
            _token_limit.reset(self._token)

    def book(self, tokens: int) -> None:
        """Count `tokens` here and in every block around."""
        self._used += tokens
        if self._outer is not None:
            self._outer.book(tokens)

    def check(self) -> None:
        """Raise if too much was used, first in the outermost block."""
        if self._outer is not None:
            self._outer.check()
        if self._limit is not None and self._used > self._limit:
            raise self._exceeded(self._used)


class MessageLimit(Limit):
    """See `message_limit`."""

    _type = "message"

    def __init__(self, limit: int | None) -> None:
        super().__init__(limit)
        self._token: Token[MessageLimit | None] | None = None

    @property
    def limit(self) -> float | None:
        """Messages that a conversation may have; None: any number. Setting it checks nothing."""
        return self._limit

    @limit.setter
    def limit(self, limit: int | None) -> None:
        self._limit = self._checked(limit)

    @property
    def usage(self) -> float:
        """Not known: it is of each conversation in the block. Raises NotImplementedError."""
        raise NotImplementedError(
            "A message limit has no usage: it counts for each conversation in its block. Look "
            "at the length of the conversation."
        )

    def _begin(self) -> None:
        self._token = innermost_message_limit.set(self)

    def _end(self, error: BaseException | None) -> None:
        if self._token is not None:
            innermost_message_limit.reset(self._token)

    def check_messages(self, count: int, *, generating: bool = False) -> None:
        """Raise if a conversation of `count` messages is too long, or has no room for more.

        Before a model call (`generating`) there must be room for its answer.
        """
        limit = self._limit
        if limit is not None and (count > limit or (generating and count == limit)):
            raise self._exceeded(count)


class TimeLimit(Limit):
    """See `time_limit`."""

    _type = "time"

    def __init__(self, limit: float | None) -> None:
        super().__init__(limit)
        self._began: float | None = None
        self._took: float | None = None
        self._alarm: Alarm | None = None

    @property
    def usage(self) -> float:
        """Seconds since the block began; after its end, what it took."""
        if self._took is not None:
            return self._took
        return 0.0 if self._began is None else time.perf_counter() - self._began

    def _begin(self) -> None:
        self._began = time.perf_counter()
        limit = self._limit
        if limit is not None:
            self._alarm = Alarm(lambda: limit - self.usage)

    def _end(self, error: BaseException | None) -> None:
        self._took = self.usage
        if self._alarm is not None and self._alarm.stop(error):
            raise self._exceeded(self._took) from error


class WorkingLimit(Limit):
    """See `working_limit`."""

    _type = "working"

    def __init__(self, limit: float | None) -> None:
        super().__init__(limit)
        self._clock: Clock | None = None
        self._took: float | None = None
        self._alarm: Alarm | None = None
        self._outer: WorkingLimit | None = None
        self._token: Token[WorkingLimit | None] | None = None

    @property
    def usage(self) -> float:
        """Seconds since the block began in which it did not only wait."""
        if self._took is not None:
            return self._took
        return 0.0 if self._clock is None else self._clock.working

    def _begin(self) -> None:
        self._clock = Clock()
        limit = self._limit
        if limit is not None:
            self._alarm = Alarm(lambda: limit - self.usage)
        self._outer = innermost_working_limit.get()
        self._token = innermost_working_limit.set(self)

    def _end(self, error: BaseException | None) -> None:
        if self._token is not None:
            innermost_working_limit.reset(self._token)
        self._took = self.usage
        if self._alarm is not None and self._alarm.stop(error):
            raise self._exceeded(self._took) from error

    def clocks(self) -> Iterator[Clock]:
        """Yield the clocks of this block and of every block around."""
        if self._clock is not None:
            yield self._clock
        if self._outer is not None:
            yield from self._outer.clocks()

    def check(self) -> None:
        """Raise if too much was used, first in the outermost block."""
        if self._outer is not None:
            self._outer.check()
        if self._limit is not None and (used := self.usage) > self._limit:
            raise self._exceeded(used)


_token_limit: ContextVar[TokenLimit | None] = ContextVar("token_limit", default=None)
innermost_message_limit: ContextVar[MessageLimit | None] = ContextVar("message_limit", default=None)
"""The message limit of the innermost block that is open here and has one."""
innermost_working_limit: ContextVar[WorkingLimit | None] = ContextVar("working_limit", default=None)
"""The working limit of the innermost block that is open here and has one."""


def token_limit(limit: int | None) -> TokenLimit:
    """Limit the tokens, of all models together, that a `with` block may use.

    The call that exceeds the limit raises; its answer is lost. Tokens count for all token
    limits around, too, and for that of the sample; the outermost that is exceeded raises. An
    answer from a cache costs nothing.

    Args:
        limit: Tokens; None: no limit, they are only counted.

    Raises:
        ParameterError: The limit is negative.
    """
    return TokenLimit(limit)


def message_limit(limit: int | None) -> MessageLimit:
    """Limit how many messages a conversation may have in a `with` block.

    It is checked where a conversation of a state grows and before a model is called, which
    needs room for its answer. Only the innermost message limit counts, that of the sample if
    there is none inside it.

    Args:
        limit: Messages, those of the system and of the input included; None: no limit, that
            of the sample neither.

    Raises:
        ParameterError: The limit is negative.
    """
    return MessageLimit(limit)


def time_limit(limit: float | None) -> TimeLimit:
    """Limit how long a `with` block may take, whatever it does.

    When the time is up, whatever the block awaits is cancelled, and `LimitExceededError`
    comes out of the block.

    Args:
        limit: Seconds; None: no limit, they are only counted.

    Raises:
        ParameterError: The limit is negative.
        RuntimeError: When the block begins: it is not in a task of asyncio.
    """
    return TimeLimit(limit)


def working_limit(limit: float | None) -> WorkingLimit:
    """Limit how long a `with` block may take without what it waits.

    Waiting for connections, for other samples and before retries does not count; if several
    tasks of the block wait at the same time, it counts once. It is checked around every model
    call, and when the time is up whatever the block awaits is cancelled.

    Args:
        limit: Seconds; None: no limit, they are only counted.

    Raises:
        ParameterError: The limit is negative.
        RuntimeError: When the block begins: it is not in a task of asyncio.
    """
    return WorkingLimit(limit)


def book_tokens(tokens: int) -> None:
    """Count `tokens` in every token limit that is open here."""
    innermost = _token_limit.get()
    if innermost is not None:
        innermost.book(tokens)


def check_blocks() -> None:
    """Raise LimitExceededError if tokens or working time of a block that is open are used up."""
    tokens = _token_limit.get()
    if tokens is not None:
        tokens.check()
    working = innermost_working_limit.get()
    if working is not None:
        working.check()
