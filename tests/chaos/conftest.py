"""A Prefect server, and what starts runs that are killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos._runs import Runner, open_runner
from tests.flows.conftest import prefect_server, prefect_server_home

__all__ = ["prefect_server", "prefect_server_home"]


@pytest.fixture(scope="session")
def runner(prefect_server: str, prefect_server_home: Path) -> Iterator[Runner]:
    """Return what starts runs."""
    with open_runner(prefect_server, prefect_server_home) as runner:
        yield runner
