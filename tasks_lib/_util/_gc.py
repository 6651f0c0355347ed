"""Python's garbage collector while many small objects come and go."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLDS = (10_000, 20, 20)
"""When the collector looks at each generation; Python's own are (700, 10, 10)."""


@contextmanager
def calm_gc() -> Iterator[None]:
    """Keep the collector off what was there before this block, and let it look less often.

    With a hundred samples in flight their objects outlive the youngest generations, and each
    full collection walks everything that was ever imported: a third of the CPU time of an
    evaluation over HTTP. Cycles that the block makes are still collected.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
