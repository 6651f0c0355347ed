"""OpenAI: chat completions, the Responses API, and both on Azure."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

import httpx2
import openai

from tasks_lib._errors import ParameterError
from tasks_lib.model._providers._openai_azure import AZURE, azure_client, azure_version
from tasks_lib.model._providers._openai_chat import ChatCompletions
from tasks_lib.model._providers._openai_compatible import OpenAICompatibleAPI
from tasks_lib.model._providers._openai_request import CHAT_OPTIONS, ChatForm
from tasks_lib.model._providers._openai_responses import Responses
from tasks_lib.model._providers._service import Service
from tasks_lib.schema import GenerateConfig, ToolInfo
from tasks_lib.tool import native_search

OPENAI = Service("openai", "https://api.openai.com/v1", ("OPENAI_API_KEY",), ("OPENAI_BASE_URL",))

AZURE_PREFIX = "azure/"

_OWN_HOST = re.compile(r"(.+\.)?api\.openai\.com")
"""OpenAI's own addresses, those of its regions included."""

_REASONING_MODEL = re.compile(r"o\d|gpt-[5-9](?!.*-chat)|codex")
"""Models that think, by the beginning of their names."""

_CACHE_MODEL = re.compile(r"gpt-(5\.([6-9]|\d\d)|[6-9])")
"""Models that can be told how to cache prompts."""

_WITHOUT_SEARCH = re.compile(r"gpt-3\.5|gpt-4(?!o|\.)|gpt-4\.1-nano|o1|o3-mini|.*-chat-latest$")
"""Models that cannot search the web, by the beginning of their names."""

_REASONING_OPTIONS = {**CHAT_OPTIONS, "max_tokens": "max_completion_tokens"}


class OpenAIAPI(OpenAICompatibleAPI):
    """`openai/…`: OpenAI, or a server with its interface; `openai/azure/…`: Azure."""

    def __init__(  # noqa: PLR0913 - model arguments, given by name
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        *,
        responses_api: bool | None = None,
        responses_store: bool = False,
        user: str | None = None,
        service_tier: str | None = None,
        organization: str | None = None,
        project: str | None = None,
    ) -> None:
        """Find key and address; nothing is opened yet.

        Args:
            model_name: The model, as the server names it; on Azure `azure/` and the name of
                the deployment.
            base_url: The server; by default `OPENAI_BASE_URL`, `EVAL_MODEL_BASE_URL` or
                OpenAI. On Azure `AZUREAI_OPENAI_BASE_URL`, `AZURE_OPENAI_BASE_URL` or
                `AZURE_OPENAI_ENDPOINT`; the version is that of `OPENAI_API_VERSION`.
            api_key: The key; by default `OPENAI_API_KEY`, on Azure `AZUREAI_OPENAI_API_KEY`
                or `AZURE_OPENAI_API_KEY`.
            config: Options that the model was made with.
            responses_api: Whether to use the Responses API instead of chat completions. By
                default for models that think, at OpenAI itself: other servers mostly have
                chat completions only.
            responses_store: Whether OpenAI keeps the responses of the Responses API.
                Reasoning is kept across turns either way.
            user: Sent with every request, for OpenAI to tell end users apart.
            service_tier: Sent with every request.
            organization: Who pays, for keys that belong to several; by default
                `OPENAI_ORG_ID`. Not used on Azure.
            project: Who pays, for keys that belong to several; by default
                `OPENAI_PROJECT_ID`. Not used on Azure.

        Raises:
            MissingKeyError: There is no key.
            PrerequisiteError: There is no address, on Azure.
            ParameterError: `responses_store` without the Responses API.
        """
        self._on_azure = model_name.startswith(AZURE_PREFIX)
        service = AZURE if self._on_azure else OPENAI
        super().__init__(model_name, base_url, api_key, config, service=service)
        self.label = f"openai/{model_name}"
        self.sent_name = model_name.removeprefix(AZURE_PREFIX) if self._on_azure else model_name
        fixed = {"user": user, "service_tier": service_tier}
        self.fixed = {name: value for name, value in fixed.items() if value is not None}
        if self._on_azure:
            more: tuple[str | None, ...] = (azure_version(),)
        else:
            payers = organization, project
            variables = "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"
            more = tuple(
                payer or os.environ.get(variable)
                for payer, variable in zip(payers, variables, strict=True)
            )
        self.account = self.account._replace(more=more)
        self._choose_interface(responses_api, responses_store)

    def search_refusal(self, tool: ToolInfo, config: GenerateConfig) -> str | None:
        """Return why OpenAI does not search the web itself; None: it does."""
        if native_search(tool, "openai") is None:
            return f"{self.label!r} searches as 'openai', which is not named"
        if not isinstance(self.interface, Responses):
            return f"{self.label!r} searches in the Responses API only (responses_api=True)"
        if _WITHOUT_SEARCH.match(self.sent_name):
            return f"{self.label!r} is a model without web search"
        if config.reasoning_effort == "minimal":
            return f"{self.label!r} does not search with reasoning_effort 'minimal'"
        return None

    def make_client(self, http_client: httpx2.AsyncClient) -> openai.AsyncOpenAI:
        """Return a client of the account that does not retry."""
        if self._on_azure:
            return azure_client(self.account, http_client)
        client = super().make_client(http_client)
        client.organization, client.project = self.account.more
        return client

    def _choose_interface(self, responses_api: bool | None, store: bool) -> None:
        name = self.sent_name
        thinks = _REASONING_MODEL.match(name) is not None
        host = urlsplit(self.account.base_url or "").hostname or ""
        at_openai = not self._on_azure and _OWN_HOST.fullmatch(host) is not None
        # Other servers hardly know the role: their chat templates have none for it.
        system_role = "developer" if thinks and at_openai else "system"
        can_stop_caching = _CACHE_MODEL.match(name) is not None
        if thinks and at_openai if responses_api is None else responses_api:
            self.interface = Responses(system_role, can_stop_caching, thinks, store)
            return
        if store:
            expected = "False: only the Responses API keeps responses (responses_api=True)"
            raise ParameterError(self.label, "responses_store", store, expected)
        options = _REASONING_OPTIONS if thinks else CHAT_OPTIONS
        form = ChatForm(options, system_role, self.service.name)
        self.interface = ChatCompletions(form, cache_options=can_stop_caching)
