"""OpenAI, and every server that speaks its chat completions."""

from __future__ import annotations

import asyncio
import re
import time

import httpx2
import openai
from pydantic_core import from_json

from tasks_lib._errors import MissingKeyError
from tasks_lib.model._api import ModelAPI, model_base_url
from tasks_lib.model._providers._openai_client import Account, release_client, shared_client
from tasks_lib.model._providers._openai_errors import (
    RequestError,
    is_passing,
    request_error,
    without_secret,
)
from tasks_lib.model._providers._openai_request import JSONObject, chat_request, refuse_options
from tasks_lib.model._providers._openai_response import model_output, refusal_output
from tasks_lib.schema import (
    ChatMessage,
    GenerateConfig,
    ModelCall,
    ModelOutput,
    ToolChoice,
    ToolInfo,
)

KEY_VARIABLE = "OPENAI_API_KEY"
BASE_URL_VARIABLE = "OPENAI_BASE_URL"

_REASONING_MODEL = re.compile(r"(o\d|gpt-[5-9])")
"""Models that know `max_tokens` only as `max_completion_tokens`."""

_REFUSED = {
    "best_of": "chat completions have no such option; num_choices gives several answers",
    "top_k": "chat completions have no such option; extra_body reaches servers that do",
    "reasoning_tokens": "chat completions have no such option; see reasoning_effort",
    "reasoning_summary": "chat completions have no such option",
}


class OpenAIAPI(ModelAPI):
    """`openai/…`: chat completions of OpenAI or of a server with the same interface.

    The request is made and read here, as JSON; the SDK brings it there and back. Its own
    request and response types would cost more than all the rest of a call.
    """

    def __init__(  # noqa: PLR0913 - model arguments, given by name
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        *,
        user: str | None = None,
        service_tier: str | None = None,
        organization: str | None = None,
        project: str | None = None,
    ) -> None:
        """Find key and address; nothing is opened yet.

        Args:
            model_name: The model, as the server names it.
            base_url: The server; by default `OPENAI_BASE_URL`, `EVAL_MODEL_BASE_URL` or
                OpenAI.
            api_key: The key; by default `OPENAI_API_KEY`.
            config: Options that the model was made with.
            user: Sent with every request, for OpenAI to tell end users apart.
            service_tier: Sent with every request.
            organization: Who pays, for keys that belong to several.
            project: Who pays, for keys that belong to several.

        Raises:
            MissingKeyError: There is no key.
        """
        base_url = model_base_url(base_url, BASE_URL_VARIABLE)
        super().__init__(model_name, base_url, api_key, [KEY_VARIABLE], config)
        if not self.api_key:
            raise MissingKeyError("openai", KEY_VARIABLE)
        self._secret = self.api_key
        self._account = Account(base_url, self.api_key, organization, project)
        fixed = {"user": user, "service_tier": service_tier}
        self._fixed = {name: value for name, value in fixed.items() if value is not None}
        self._client: openai.AsyncOpenAI | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def connection_key(self) -> str:
        """Return a digest of server and key: what is limited by the provider."""
        return f"openai-{self._account.digest()}"

    def should_retry(self, ex: BaseException) -> bool:
        """Retry what may pass: 408, 429, 5xx, broken connections and broken responses."""
        return isinstance(ex, RequestError) and ex.passing

    def retry_after(self, ex: BaseException) -> float | None:
        """Return what the header Retry-After says."""
        return ex.retry_after_s if isinstance(ex, RequestError) else None

    def check_config(self, config: GenerateConfig) -> None:
        """Refuse options that chat completions do not have."""
        refuse_options(f"openai/{self.model_name}", config, _REFUSED)

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput | tuple[ModelOutput | Exception, ModelCall]:
        """Make one request.

        Raises:
            RequestError: It failed and may work later. Other failures are returned.
        """
        body = chat_request(self.model_name, input, tools, tool_choice, config)
        if "max_tokens" in body and _REASONING_MODEL.match(self.model_name):
            body["max_completion_tokens"] = body.pop("max_tokens")
        body.update(self._fixed)
        began = time.perf_counter()
        try:
            response = await self._sdk().post(
                "/chat/completions", cast_to=httpx2.Response, body=body
            )
        except openai.APIStatusError as error:
            # Without the SDK's exception as a context: its text may repeat the key.
            return self._refused(error, body, time.perf_counter() - began)
        except openai.APIConnectionError as error:
            raise request_error(self._label, error, self._secret) from None
        return self._answer(response, tools, body, time.perf_counter() - began)

    async def aclose(self) -> None:
        """Close the connections, unless another model shares them."""
        self._client = self._loop = None
        await release_client(self)

    @property
    def _label(self) -> str:
        return f"openai/{self.model_name}"

    def _sdk(self) -> openai.AsyncOpenAI:
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            self._client, self._loop = shared_client(self._account, self), loop
        return self._client

    def _refused(
        self, error: openai.APIStatusError, body: JSONObject, seconds: float
    ) -> tuple[ModelOutput | Exception, ModelCall]:
        failure = request_error(self._label, error, self._secret)
        if failure.passing:
            raise failure from None
        said = error.body if isinstance(error.body, dict) else {"message": str(failure)}
        call = _call(body, _shown(error.response.text, self._secret), seconds)
        output = refusal_output(self.model_name, said) if error.status_code == 400 else None
        return output or failure, call

    def _answer(
        self, response: httpx2.Response, tools: list[ToolInfo], body: JSONObject, seconds: float
    ) -> tuple[ModelOutput, ModelCall]:
        try:
            data = from_json(response.content)
            if not isinstance(data, dict):
                raise ValueError("not a JSON object")
            _raise_for_error(self._label, data, self._secret)
            output = model_output(data, self.model_name, tools)
        except (ValueError, KeyError, TypeError) as error:
            # A proxy's page, or half an answer: the next attempt may get a whole one.
            text = f"{self._label}: the response is broken ({error}): {response.text}"
            raise RequestError(without_secret(text, self._secret), passing=True) from None
        output.time = seconds
        return output, _call(body, data, seconds)


def _raise_for_error(label: str, data: JSONObject, secret: str) -> None:
    """Raise RequestError for an error that came with status 200, as some gateways send."""
    error = data.get("error")
    if not error or data.get("choices"):
        return
    code = error.get("code") if isinstance(error, dict) else None
    status = code if isinstance(code, int) else 500
    text = without_secret(f"{label}: status 200 with an error: {error}", secret)
    raise RequestError(text, status=status, passing=is_passing(status))


def _shown(text: str, secret: str) -> JSONObject:
    try:
        data = from_json(text.replace(secret, "[key]"))
    except ValueError:
        data = None
    return data if isinstance(data, dict) else {"text": without_secret(text, secret)}


def _call(request: JSONObject, response: JSONObject, seconds: float) -> ModelCall:
    # Both are JSON already: checking them again would cost as much as the request.
    return ModelCall.model_construct(request=request, response=response, time=seconds)
