"""Which span is the innermost one here."""

from __future__ import annotations

from contextvars import ContextVar

current_span: ContextVar[str | None] = ContextVar("current_span", default=None)
"""Its id; None outside of spans."""
