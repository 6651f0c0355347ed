"""What all tests of models share."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_provider_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own keys and models out of the tests."""
    for name in (
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "EVAL_MODEL_BASE_URL",
        "EVAL_MODEL",
        "EVAL_MODEL_ARGS",
        "EVAL_LOG_MODEL_API",
        "EVAL_DISABLE_MODEL_API",
        "INSPECT_EVAL_MODEL",
    ):
        monkeypatch.delenv(name, raising=False)
