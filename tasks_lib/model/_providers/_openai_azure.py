"""OpenAI's models on Azure."""

from __future__ import annotations

import os

import httpx2
import openai

from tasks_lib.model._providers._clients import Account
from tasks_lib.model._providers._service import Service

AZURE = Service(
    "openai/azure",
    None,
    ("AZUREAI_OPENAI_API_KEY", "AZURE_OPENAI_API_KEY"),
    ("AZUREAI_OPENAI_BASE_URL", "AZURE_OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT"),
)

VERSION_VARIABLE = "OPENAI_API_VERSION"

DEFAULT_VERSION = "2025-03-01-preview"
"""The first version that has the Responses API beside chat completions."""

_WITHOUT_VERSION = "/openai/v1"
"""End of addresses whose interface is OpenAI's own: no version, no deployment in the path."""


def azure_version() -> str:
    """Return the version of Azure's interface that the environment asks for."""
    return os.environ.get(VERSION_VARIABLE) or DEFAULT_VERSION


def azure_client(account: Account, http_client: httpx2.AsyncClient) -> openai.AsyncOpenAI:
    """Return a client that does not retry.

    Args:
        account: Its base URL is that of the resource, or ends in `/openai/v1`; the first of
            `more` is the version of the interface.
        http_client: What sends the requests.
    """
    address = (account.base_url or "").rstrip("/")
    if address.endswith(_WITHOUT_VERSION):
        return openai.AsyncOpenAI(
            api_key=account.api_key, base_url=address, max_retries=0, http_client=http_client
        )
    return openai.AsyncAzureOpenAI(
        api_key=account.api_key,
        azure_endpoint=address,
        api_version=account.more[0],
        max_retries=0,
        http_client=http_client,
    )
