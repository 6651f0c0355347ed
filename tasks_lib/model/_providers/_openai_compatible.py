"""What is the same for OpenAI and for every service with its interface."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Protocol

import aiohttp
import httpx2
import openai
from pydantic_core import from_json

from tasks_lib._errors import ParameterError
from tasks_lib.model._api import ModelAPI
from tasks_lib.model._providers._clients import (
    Account,
    LoopClient,
    longer_timeout_s,
    transport_options,
)
from tasks_lib.model._providers._openai_chat import ChatCompletions
from tasks_lib.model._providers._openai_content import with_content_read
from tasks_lib.model._providers._openai_errors import error_in_answer, request_error
from tasks_lib.model._providers._openai_request import CHAT_OPTIONS, ChatForm
from tasks_lib.model._providers._openai_response import refusal_output
from tasks_lib.model._providers._service import NO_KEY, Service
from tasks_lib.model._providers._wire import JSONObject, raw_call
from tasks_lib.model._request_error import (
    RequestError,
    blacked_out_json,
    without_secret,
)
from tasks_lib.schema import (
    ChatMessage,
    GenerateConfig,
    ModelCall,
    ModelOutput,
    ToolChoice,
    ToolInfo,
)


class Interface(Protocol):
    """One of the two interfaces: how a conversation becomes JSON, and JSON an output."""

    @property
    def path(self) -> str:
        """Where requests go, below the base URL."""

    @property
    def tool_images(self) -> bool:
        """Whether the results of tools may hold images."""

    def check(self, label: str, config: GenerateConfig) -> None:
        """Raise ParameterError for an option that `request` does not send."""

    def request(
        self,
        model: str,
        messages: Sequence[ChatMessage],
        tools: Sequence[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> JSONObject:
        """Return the request for the next message; files have been read in."""

    def output(self, data: JSONObject, model: str, tools: Sequence[ToolInfo] = ()) -> ModelOutput:
        """Return what a response says; whatever is raised means that it is none."""


class OpenAICompatibleAPI(ModelAPI):
    """A model of a service with OpenAI's interface.

    The request is made and read here, as JSON; the SDK brings it there and back. Its own
    request and response types would cost more than all the rest of a call.

    A subclass passes its `Service` on and may change the attributes that `__init__` sets.
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        *,
        service: Service,
    ) -> None:
        """Find key and address; nothing is opened yet.

        Args:
            model_name: The model, as the service names it.
            base_url: The server; by default the first variable of the service that is set,
                `EVAL_MODEL_BASE_URL`, or the service's own address.
            api_key: The key; by default the first variable of the service that is set.
            config: Options that the model was made with.
            service: What the service is called, where it is and what it takes.

        Raises:
            MissingKeyError: The service needs a key and there is none.
            PrerequisiteError: Nothing says where the service is.
        """
        key = service.key(api_key)
        address = _checked(service.name, service.address(base_url))
        super().__init__(model_name, address, key, config=config)
        self.service = service
        self.label = f"{service.name}/{model_name}"
        """The model in messages."""
        self.sent_name = service.sent_name(model_name)
        """The model in requests."""
        form = ChatForm(chat_options(service), service=service.name)
        self.interface: Interface = ChatCompletions(form, service.reasons)
        self.fixed: JSONObject = {}
        """Sent with every request, unless the config's `extra_body` says otherwise."""
        self.account = Account(service.name, address, key)
        """Whose connections are shared."""
        self._secret = "" if key == NO_KEY else key
        self._client = LoopClient(self._open)

    def connection_key(self) -> str:
        """Return a digest of server and key: what is limited by the service."""
        return f"{self.service.name.replace('/', '-')}-{self.account.digest()}"

    def check_config(self, config: GenerateConfig) -> None:
        """Refuse options that are not sent."""
        self.interface.check(self.label, config)

    def tool_result_images(self) -> bool:
        """Tell whether tool messages may carry images: chat completions take text only."""
        return self.interface.tool_images

    def emulate_reasoning_history(self) -> bool:
        """Return False: reasoning goes back as it came, and only else in `<think>` tags."""
        return False

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
            MediaError: An image or another file of the conversation cannot be read.
            ModelError: A message has content that cannot be sent.
        """
        messages = await with_content_read(input)
        body = self.interface.request(self.sent_name, messages, tools, tool_choice, config)
        for name, value in self.fixed.items():
            body.setdefault(name, value)
        began = time.perf_counter()
        try:
            response = await self._post(body, config)
        except openai.APIStatusError as error:
            # Without the SDK's exception as a context: its text may repeat the key.
            return self._refused(error, body, time.perf_counter() - began)
        except (openai.APIConnectionError, aiohttp.ClientError) as error:
            # The second kind comes through the SDK: answers that are no HTTP.
            raise request_error(self.label, error, self._secret) from None
        return self._answer(response, tools, body, time.perf_counter() - began)

    async def aclose(self) -> None:
        """Close the connections, unless another model shares them."""
        await self._client.release()

    def make_client(self, http_client: httpx2.AsyncClient) -> openai.AsyncOpenAI:
        """Return a client of the account that does not retry."""
        client = openai.AsyncOpenAI(
            api_key=self.account.api_key,
            base_url=self.base_url,
            max_retries=0,
            http_client=http_client,
        )
        # The SDK reads OPENAI_ORG_ID and OPENAI_PROJECT_ID, which concern OpenAI only.
        client.organization = client.project = None
        return client

    async def _post(self, body: JSONObject, config: GenerateConfig) -> httpx2.Response:
        timeout_s = longer_timeout_s(config)
        sdk = self._client.of(self.account)
        if timeout_s is None:
            return await sdk.post(self.interface.path, cast_to=httpx2.Response, body=body)
        return await sdk.post(
            self.interface.path,
            cast_to=httpx2.Response,
            body=body,
            options={"timeout": timeout_s},
        )

    def _open(self) -> openai.AsyncOpenAI:
        # It costs the SDK half the time of its own transport: 1.2 instead of 1.9 ms a call
        # at 100 connections.
        return self.make_client(openai.DefaultAioHttpClient(**transport_options()))

    def _refused(
        self, error: openai.APIStatusError, body: JSONObject, seconds: float
    ) -> tuple[ModelOutput | Exception, ModelCall]:
        failure = request_error(self.label, error, self._secret)
        if failure.passing:
            raise failure from None
        shown = self._shown(error.response.text)
        output = _refusal(self.model_name, shown) if error.status_code == 400 else None
        return output or failure, raw_call(body, shown, seconds)

    def _answer(
        self, response: httpx2.Response, tools: list[ToolInfo], body: JSONObject, seconds: float
    ) -> tuple[ModelOutput | Exception, ModelCall]:
        try:
            data = _parsed(response.content)
            if not isinstance(data, dict):
                raise ValueError("not a JSON object")
            failure = error_in_answer(self.label, data, self._secret)
            if failure is not None:
                if failure.passing:
                    raise failure
                shown = self._shown(response.text)
                return _refusal(self.model_name, shown) or failure, raw_call(body, shown, seconds)
            output = self.interface.output(data, self.sent_name, tools)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            # A proxy's page, or half an answer: the next attempt may get a whole one.
            text = f"{self.label}: the response is broken ({error}): {response.text}"
            raise RequestError(without_secret(text, self._secret), passing=True) from None
        output.time = seconds
        return output, raw_call(body, data, seconds)

    def _shown(self, text: str) -> JSONObject:
        try:
            data = from_json(text)
        except ValueError:
            data = None
        if not isinstance(data, dict):
            return {"text": without_secret(text, self._secret)}
        shown: JSONObject = blacked_out_json(data, self._secret)
        return shown


def chat_options(service: Service) -> dict[str, str]:
    """Return the options that a service's chat completions take, with their names there."""
    names = {name: sent for name, sent in CHAT_OPTIONS.items() if name not in service.lacks}
    names.update((name, name) for name in service.takes)
    return {name: service.renamed.get(sent, sent) for name, sent in names.items()}


def _checked(name: str, base_url: str) -> str:
    """Return `base_url`; ParameterError if requests cannot go there."""
    start, at, host = base_url.rpartition("@")
    if at:
        scheme, slashes, _ = start.partition("//")
        shown = f"{scheme + slashes if slashes else ''}[…]@{host}"
        expected = "an address without a user or password: requests carry the key"
        raise ParameterError(name, "base_url", shown, expected)
    if not base_url.startswith(("http://", "https://")):
        raise ParameterError(name, "base_url", base_url, "'http://…' or 'https://…'")
    return base_url


def _parsed(content: bytes) -> object:
    """Return the value of a JSON text; ValueError if it is none."""
    try:
        return from_json(content)
    except ValueError:
        # Python's own also reads a BOM and halves of characters, which models do write.
        try:
            whole = json.dumps(json.loads(content), ensure_ascii=False)
        except RecursionError as error:
            raise ValueError(str(error)) from error
        return from_json(whole.encode(errors="replace"))


def _refusal(model: str, response: JSONObject) -> ModelOutput | None:
    """Return the output that stands for a refused request, None if it is an error."""
    error = response.get("error") or response.get("text") or response
    return refusal_output(model, error if isinstance(error, dict) else {"message": error})
