"""What a sample may use up."""

from __future__ import annotations

from tasks_lib._errors import LimitExceededError


class SampleLimits:
    """The limits of a sample. None: no limit.

    Reaching a limit raises `LimitExceededError`, which ends the solver; the sample is then
    scored on its last state.
    """

    __slots__ = ("message_limit", "time_limit", "token_limit", "working_limit")

    def __init__(
        self,
        *,
        message_limit: int | None = None,
        token_limit: int | None = None,
        time_limit: float | None = None,
        working_limit: float | None = None,
    ) -> None:
        self.message_limit = message_limit
        self.token_limit = token_limit
        self.time_limit = time_limit
        self.working_limit = working_limit

    def replace(self, limits: SampleLimits) -> None:
        """Take over all limits of `limits`; lists of messages keep to them from now on."""
        self.message_limit = limits.message_limit
        self.token_limit = limits.token_limit
        self.time_limit = limits.time_limit
        self.working_limit = limits.working_limit

    def check_messages(self, count: int, *, generating: bool = False) -> None:
        """Raise if a conversation of `count` messages is too long.

        Before a model call (`generating`) there must be room for its answer.
        """
        limit = self.message_limit
        if limit is not None and (count > limit or (generating and count == limit)):
            raise LimitExceededError("message", value=count, limit=limit)

    def check_tokens(self, used: int) -> None:
        """Raise if more than the allowed tokens are used."""
        if self.token_limit is not None and used > self.token_limit:
            raise LimitExceededError("token", value=used, limit=self.token_limit)

    def check_working(self, seconds: float) -> None:
        """Raise if the sample has worked for longer than allowed."""
        if self.working_limit is not None and seconds > self.working_limit:
            raise LimitExceededError("working", value=seconds, limit=self.working_limit)
