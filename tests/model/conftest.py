"""What all tests of models share."""

from __future__ import annotations

import os

import pytest

_PREFIXES = ("ANTHROPIC_", "AWS_", "AZURE", "CLOUD_ML_", "EVAL_", "INSPECT_")
_PROVIDER_VARIABLES = ("_API_KEY", "_BASE_URL", "_TOKEN", "_ACCOUNT_ID")


@pytest.fixture(autouse=True)
def no_provider_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own keys and models out of the tests."""
    for name in os.environ:
        if name.startswith(_PREFIXES) or name.endswith(_PROVIDER_VARIABLES):
            monkeypatch.delenv(name)
