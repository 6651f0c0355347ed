"""OpenAI's models on Azure, against a server on this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tasks_lib._errors import MissingKeyError, ModelError, PrerequisiteError
from tasks_lib.model import get_model
from tests.model._scripted_server import Reply, ScriptedServer, scripted_server

KEY = "azure-very-secret"
CHAT = {"choices": [{"message": {"content": "Paris"}, "finish_reason": "stop"}]}
RESPONSE = {"output": [{"type": "message", "content": [{"type": "output_text", "text": "Paris"}]}]}


@pytest.fixture(autouse=True)
def no_azure_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for stem in ("AZUREAI_OPENAI", "AZURE_OPENAI"):
        for part in ("API_KEY", "BASE_URL", "ENDPOINT", "AD_TOKEN"):
            monkeypatch.delenv(f"{stem}_{part}", raising=False)
    monkeypatch.delenv("OPENAI_API_VERSION", raising=False)


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as scripted:
        scripted.replies = [Reply(body=CHAT)]
        yield scripted


async def ask(**arguments: Any) -> str:
    async with get_model("openai/azure/my-gpt", memoize=False, **arguments) as model:
        return (await model.generate("Capital of France?")).completion


@pytest.mark.parametrize(
    ("key_variable", "url_variable"),
    [
        ("AZUREAI_OPENAI_API_KEY", "AZUREAI_OPENAI_BASE_URL"),
        ("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_BASE_URL"),
        ("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT"),
    ],
)
async def test_deployment(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, key_variable: str, url_variable: str
) -> None:
    monkeypatch.setenv(key_variable, KEY)
    monkeypatch.setenv(url_variable, server.url)
    monkeypatch.setenv("OPENAI_API_VERSION", "2024-10-21")

    assert await ask() == "Paris"

    assert server.paths == ["/openai/deployments/my-gpt/chat/completions"]
    assert server.queries == [{"api-version": "2024-10-21"}]
    assert server.headers[0]["api-key"] == KEY
    assert server.requests[0]["model"] == "my-gpt"


async def test_responses_api(server: ScriptedServer) -> None:
    server.replies = [Reply(body=RESPONSE)]

    assert await ask(base_url=server.url, api_key=KEY, responses_api=True) == "Paris"

    assert server.paths == ["/openai/responses"]
    assert server.queries == [{"api-version": "2025-03-01-preview"}]


async def test_address_without_versions(server: ScriptedServer) -> None:
    assert await ask(base_url=f"{server.url}/openai/v1/", api_key=KEY) == "Paris"

    assert (server.paths, server.queries) == (["/openai/v1/chat/completions"], [{}])
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"


async def test_content_filter(server: ScriptedServer) -> None:
    error = {
        "message": "The response was filtered.",
        "code": "content_filter",
        "status": 400,
        "innererror": {"code": "ResponsibleAIPolicyViolation"},
    }
    server.replies = [Reply(400, {"error": error})]

    async with get_model("openai/azure/my-gpt", base_url=server.url, api_key=KEY) as model:
        output = await model.generate("Hi")

    assert (output.stop_reason, output.error) == ("content_filter", "The response was filtered.")


async def test_wrong_key(server: ScriptedServer) -> None:
    server.replies = [Reply(401, {"error": {"message": f"Access denied: {KEY}"}})]

    with pytest.raises(ModelError, match=r"openai/azure/my-gpt: status 401: .*\[key\]"):
        await ask(base_url=server.url, api_key=KEY)

    assert len(server.requests) == 1


def test_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingKeyError, match="AZUREAI_OPENAI_API_KEY"):
        get_model("openai/azure/my-gpt")
    monkeypatch.setenv("AZUREAI_OPENAI_API_KEY", KEY)
    with pytest.raises(PrerequisiteError, match="AZUREAI_OPENAI_BASE_URL"):
        get_model("openai/azure/my-gpt")


def test_connection_key_is_a_name() -> None:
    """Prefect's limits have no slashes in their names."""
    api = get_model("openai/azure/a", base_url="http://127.0.0.1:9", api_key=KEY).api

    assert api.connection_key().startswith("openai-azure-")
    assert KEY not in api.connection_key()
