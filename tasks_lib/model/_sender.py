"""Sends requests: from the cache or a connection, with retries, on the record."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from typing import TypeAlias

from tasks_lib._errors import EvalsError, ModelError
from tasks_lib.context import (
    SampleContext,
    check_limits,
    connection_feedback,
    connection_slot,
    record_usage,
    regain_connection,
)
from tasks_lib.model._api import ModelAPI
from tasks_lib.model._cache import CachePolicy, cache_key
from tasks_lib.model._cache_store import cache_fetch, cache_store
from tasks_lib.model._input import Request
from tasks_lib.model._prices import with_cost
from tasks_lib.model._record import CallRecord
from tasks_lib.model._retry import RetryRules, cause_text, retry_request
from tasks_lib.model._same_errors import SAME_ERRORS
from tasks_lib.schema import ModelOutput

LOG_CALLS_VARIABLE = "EVAL_LOG_MODEL_API"
"""When set, the log holds the raw request and response of every call, not only of those
that failed. They repeat what the event says, so this roughly doubles the log."""


Keep: TypeAlias = Callable[[ModelOutput], bool]
"""Puts an answer into the cache; tells whether it did."""


class Sender:
    """Sends the requests of a model."""

    def __init__(self, api: ModelAPI, name: str, model_args: Mapping[str, object]) -> None:
        """Send to `api`.

        Args:
            api: The model at its provider.
            name: `provider/name`.
            model_args: What made the model: answers of another one are not its own.
        """
        self._api = api
        self._name = name
        self._model_args = model_args

    async def ask_cached(
        self,
        request: Request,
        context: SampleContext | None,
        role: str | None,
        policy: CachePolicy,
    ) -> ModelOutput:
        """Return the answer that is in the cache, or ask and put it there."""
        key = cache_key(
            policy,
            model=self._name,
            base_url=self._api.base_url,
            request=request,
            epoch=context.epoch if context is not None else None,
            model_args=self._model_args,
        )
        record = CallRecord(self._name, role, request, context)
        output = cache_fetch(self._name, key)
        if output is not None:
            record.cache = "read"
            record.finish(output)
            return output
        return await self.ask(
            request, context, role, lambda answer: cache_store(self._name, key, policy, answer)
        )

    async def ask(
        self,
        request: Request,
        context: SampleContext | None,
        role: str | None,
        keep: Keep | None = None,
    ) -> ModelOutput:
        """Send `request` once there is a connection; `keep` gets the answer."""
        if not self._api.limits_connections:
            return await self._recorded(request, context, role, keep)
        first = self._api.max_connections()
        limit = request.config.max_connections or first
        async with connection_slot(self._api.connection_key(), limit, first):
            return await self._recorded(request, context, role, keep)

    def _tell_slots(self, error: Exception | None) -> None:
        """Let `max_connections="auto"` learn how an attempt ended."""
        limited = error is not None and self._api.is_overloaded(error)
        if error is None or limited:
            connection_feedback(self._api.connection_key(), limited=limited)

    async def _recorded(
        self,
        request: Request,
        context: SampleContext | None,
        role: str | None,
        keep: Keep | None,
    ) -> ModelOutput:
        """Send `request`; book its usage and record what happened."""
        record = CallRecord(self._name, role, request, context)
        is_auto = request.config.max_connections == "auto"
        rules = RetryRules(
            self._name,
            request.config,
            self._api.should_retry,
            self._api.retry_after,
            record.retries,
            self._tell_slots if is_auto else None,
            _same_errors(context),
            regain_connection if is_auto else None,
        )
        try:
            result = await retry_request(
                lambda: self._api.generate(*request), rules, started=record.started
            )
            output, call = result if isinstance(result, tuple) else (result, None)
            if isinstance(output, Exception):
                record.call = call
                raise _as_model_error(self._name, output) from None
        except Exception as error:
            record.finish(ModelOutput(model=self._api.model_name), cause_text(error))
            raise
        except asyncio.CancelledError:
            record.cancel(ModelOutput(model=self._api.model_name))
            raise
        if output.time is None:
            output.time = round(time.perf_counter() - record.started, 6)
        usage = output.usage
        if usage is not None and (priced := with_cost(self._name, usage)) is not usage:
            # A copy: mock models give the same output again and again.
            output = output.model_copy(update={"usage": priced})
        if os.environ.get(LOG_CALLS_VARIABLE):
            record.call = call
        if keep is not None and keep(output):
            record.cache = "write"
        record.finish(output)
        if output.usage is not None:
            record_usage(self._name, output.usage)
            check_limits()
        return output


def _same_errors(context: SampleContext | None) -> int:
    if context is None or context.same_errors is None:
        return SAME_ERRORS
    return context.same_errors


def _as_model_error(model: str, error: Exception) -> Exception:
    return error if isinstance(error, EvalsError) else ModelError(f"{model}: {cause_text(error)}")
