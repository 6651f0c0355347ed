"""How tests are shared out among workers (`pytest --numprocesses 2`)."""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling


class ByServer(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Keeps the tests of flows, which share servers, on one worker, and those of a file."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "tests/flows" if file.startswith("tests/flows/") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByServer:
    return ByServer(config, log)
