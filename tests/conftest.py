"""How tests are shared out among workers (`pytest --numprocesses 2`), and their Ctrl-C."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

_SHARED = ("tests/flows", "tests/chaos")
"""Folders whose tests share servers."""


class ByServer(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Keeps tests that share servers on one worker, and those of a file."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        shared = (folder for folder in _SHARED if file.startswith(f"{folder}/"))
        return next(shared, file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByServer:
    return ByServer(config, log)


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C reach us and the programs of tests: shells make background jobs ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
