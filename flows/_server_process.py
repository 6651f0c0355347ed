"""Runs a module as `python -m` does, with garbage collected in a thread of its own.

For Prefect's server on SQLite, which else stands still for a minute now and then (3.8.8: twice
in seven minutes of tests/chaos). A statement that fails because the database is
locked leaves its cursor to the garbage collector. Freeing the cursor waits for the connection,
which may by then be waiting for a lock that a request of the same event loop holds. If it is the
loop that collects, nobody goes on until SQLite gives up waiting, after 60 s. A thread may wait:
the loop goes on, and the lock is released.

Started by its path, and imports nothing of ours: the server need not find this package.
"""

from __future__ import annotations

import gc
import runpy
import sys
import threading
import time

YOUNG_S = 1.0
"""How often the young generations are collected."""
ALL_EVERY = 60
"""Every so many times all generations are."""


def collect_aside() -> None:
    """Let a thread collect garbage from now on, and nobody else."""
    gc.disable()
    threading.Thread(target=_collect, name="garbage", daemon=True).start()


def _collect() -> None:
    while True:
        for _ in range(ALL_EVERY):
            time.sleep(YOUNG_S)
            gc.collect(1)
        gc.collect()


if __name__ == "__main__":
    module, sys.argv = sys.argv[1], sys.argv[1:]
    collect_aside()
    runpy.run_module(module, run_name="__main__", alter_sys=True)
