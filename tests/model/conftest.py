"""What all tests of models share."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest

from tasks_lib.model import Model, get_model
from tasks_lib.schema import GenerateConfig
from tests.model._claude import KEY
from tests.model._scripted_server import ScriptedServer, scripted_server

_PREFIXES = ("ANTHROPIC_", "AWS_", "AZURE", "CLOUD_ML_", "EVAL_", "INSPECT_")
_PROVIDER_VARIABLES = ("_API_KEY", "_BASE_URL", "_TOKEN", "_ACCOUNT_ID")


@pytest.fixture(autouse=True)
def no_provider_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own keys and models out of the tests."""
    for name in os.environ:
        if name.startswith(_PREFIXES) or name.endswith(_PROVIDER_VARIABLES):
            monkeypatch.delenv(name)


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as scripted:
        yield scripted


@pytest.fixture
async def claude(server: ScriptedServer) -> AsyncIterator[Model]:
    """`anthropic/claude-opus-4-6` on the scripted server."""
    config = GenerateConfig(max_retries=4)
    async with get_model(
        "anthropic/claude-opus-4-6", base_url=server.url, api_key=KEY, config=config, memoize=False
    ) as model:
        yield model
