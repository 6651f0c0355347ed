"""Claude: at Anthropic, on Amazon Bedrock and on Google Cloud."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

import aiohttp
import anthropic
import httpx2
from pydantic_core import from_json

from tasks_lib._errors import ParameterError
from tasks_lib.model._api import ModelAPI
from tasks_lib.model._providers._anthropic_errors import (
    error_text,
    request_error,
    status_of,
)
from tasks_lib.model._providers._anthropic_media import message_media
from tasks_lib.model._providers._anthropic_options import (
    SAMPLING_OPTIONS,
    can_search,
    check_options,
    default_max_tokens,
)
from tasks_lib.model._providers._anthropic_platforms import (
    BEDROCK,
    DIRECT,
    PLATFORMS,
    VERTEX,
    find_account,
    make_client,
)
from tasks_lib.model._providers._anthropic_request import continued_request, messages_request
from tasks_lib.model._providers._anthropic_response import (
    PAUSED,
    joined_messages,
    message_output,
    refusal_output,
)
from tasks_lib.model._providers._anthropic_stream import streamed_message
from tasks_lib.model._providers._clients import LoopClient, longer_timeout_s
from tasks_lib.model._providers._wire import JSONObject, raw_call
from tasks_lib.model._request_error import (
    RequestError,
    blacked_out,
    is_passing,
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
from tasks_lib.tool import native_search

_PATH = "/v1/messages"

_MOST_TOKENS_AT_ONCE = 21_333
"""`max_tokens` above which the answer is streamed: it could take more than ten minutes, and
connections that are silent for so long break."""

_MOST_PAUSES = 10
"""How often a turn that the provider paused is gone on with."""

_SAMPLING_VERSION = {DIRECT: "2023-06-01", VERTEX: "vertex-2023-10-16"}
"""The last version of the interface that has temperature, top_p and top_k."""

_BEDROCK_VERSION = "bedrock-2023-05-31"
"""The version that Bedrock has for all models; later ones it has for some."""


class AnthropicAPI(ModelAPI):
    """`anthropic/…`, `anthropic/bedrock/…` and `anthropic/vertex/…`: the messages interface.

    The request is made and read here, as JSON; the SDK brings it there and back, with the
    credentials of the platform. Its own request and response types would cost more than
    all the rest of a call.
    """

    def __init__(  # noqa: PLR0913 - model arguments, given by name
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        *,
        betas: Sequence[str] = (),
        region: str | None = None,
        project: str | None = None,
    ) -> None:
        """Find key and address; nothing is opened yet.

        Args:
            model_name: The model, as the platform names it, after `bedrock/` or `vertex/`
                on one of these.
            base_url: The server; by default `ANTHROPIC_BASE_URL`
                (`ANTHROPIC_BEDROCK_BASE_URL`, `ANTHROPIC_VERTEX_BASE_URL`),
                `EVAL_MODEL_BASE_URL` or the platform's own.
            api_key: The key; by default `ANTHROPIC_API_KEY`. On Bedrock a bearer token, by
                default `AWS_BEARER_TOKEN_BEDROCK` or what AWS's own ways of signing in
                find; on Vertex an access token, by default what Google's find.
            config: Options that the model was made with.
            betas: Names of features on trial, sent with every request.
            region: Where the model runs on Bedrock or Vertex; by default `AWS_REGION`,
                `ANTHROPIC_VERTEX_REGION` or `CLOUD_ML_REGION`.
            project: Who pays on Vertex; by default `ANTHROPIC_VERTEX_PROJECT_ID` or the
                project of Google's credentials.

        Raises:
            MissingKeyError: There is no key.
            ParameterError: There is a platform without a model.
            MissingPackageError: The platform needs a package that is not installed.
            PrerequisiteError: The platform's region is not known.
        """
        first, slash, rest = model_name.partition("/")
        platform = PLATFORMS.get(first, DIRECT) if slash else DIRECT
        if slash and not rest:
            raise ParameterError("anthropic", "model", model_name, f"'{first}/<model>'")
        self._account = find_account(platform, base_url, api_key, region, project)
        super().__init__(model_name, self._account.base_url, self._account.api_key, config=config)
        self._label = f"anthropic/{model_name}"
        self._sent_name = model_name if platform == DIRECT else rest
        self._headers = {"anthropic-beta": ",".join(betas)} if betas else {}
        self._client = LoopClient(lambda: make_client(self._account))

    def connection_key(self) -> str:
        """Return a digest of server and key, on Bedrock and Vertex of the model as well.

        That is what the platforms limit.
        """
        account = self._account
        if account.provider != DIRECT:
            account = account._replace(more=(*account.more, self._sent_name))
        return f"{account.provider}-{account.digest()}"

    def max_tokens_for_config(self, config: GenerateConfig) -> int:
        """Return 4096, and room for thinking: `reasoning_tokens`, or 16,000 without."""
        return default_max_tokens(self._sent_name, config)

    def check_config(self, config: GenerateConfig) -> None:
        """Refuse options that the interface or this model does not have."""
        check_options(self._label, self._sent_name, config)

    def tools_required(self) -> bool:
        """Return True: calls in a conversation are refused without the tools they are of."""
        return True

    def search_refusal(self, tool: ToolInfo, config: GenerateConfig) -> str | None:
        """Return why Anthropic does not search the web itself; None: it does."""
        if native_search(tool, "anthropic") is None:
            return f"{self._label!r} searches as 'anthropic', which is not named"
        if self._account.provider == BEDROCK:
            return "models on Bedrock do not search"
        if not can_search(self._sent_name):
            return f"{self._label!r} is a model without web search"
        return None

    def tool_result_images(self) -> bool:
        """Return True: tool results may have images."""
        return True

    def emulate_reasoning_history(self) -> bool:
        """Return False: thoughts go back as they came, and only other models' as text."""
        return False

    def force_reasoning_history(self) -> Literal["all"]:
        """Return "all": a conversation with tools is refused without its thoughts."""
        return "all"

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
            MediaError: An image or document of the conversation cannot be read.
            ModelError: A message has content that cannot be sent.
        """
        media = await message_media(input)
        if config.max_tokens is None:
            config = config.model_copy(update={"max_tokens": self.max_tokens_for_config(config)})
        body = messages_request(self._sent_name, input, tools, tool_choice, config, media)
        headers = self._prepare(body)
        began = time.perf_counter()
        try:
            data = await self._turn(body, headers, config)
            failure = self._error_in(data)
            if failure is not None:
                # Without the response itself: its text may repeat the key.
                seconds = time.perf_counter() - began
                return failure, raw_call(body, {"error": str(failure)}, seconds)
            output = message_output(data, self._sent_name, tools)
        except anthropic.APIStatusError as error:
            # Without the SDK's exception as a context: its text may repeat the key.
            return self._refused(error, body, time.perf_counter() - began)
        except (anthropic.APIError, httpx2.HTTPError, aiohttp.ClientError) as error:
            raise request_error(self._label, error, self._account.api_key) from None
        except (ValueError, KeyError, TypeError, IndexError) as error:
            # A proxy's page, or half an answer: the next attempt may get a whole one.
            text = f"{self._label}: the response is broken ({type(error).__name__}: {error})"
            secret = self._account.api_key
            raise RequestError(without_secret(text, secret), passing=True) from None
        seconds = time.perf_counter() - began
        output.time = seconds
        return output, raw_call(body, data, seconds)

    async def aclose(self) -> None:
        """Close the connections, unless another model shares them."""
        await self._client.release()

    def _prepare(self, body: JSONObject) -> dict[str, str]:
        """Complete a request with what the platform wants; return its headers."""
        if body["max_tokens"] > _MOST_TOKENS_AT_ONCE:
            body["stream"] = True
        platform = self._account.provider
        if platform == BEDROCK:
            body.setdefault("anthropic_version", _BEDROCK_VERSION)
        elif any(name in body for name in SAMPLING_OPTIONS):
            if platform == DIRECT:
                return {**self._headers, "anthropic-version": _SAMPLING_VERSION[platform]}
            body.setdefault("anthropic_version", _SAMPLING_VERSION[platform])
        return self._headers

    async def _turn(
        self, body: JSONObject, headers: dict[str, str], config: GenerateConfig
    ) -> JSONObject:
        """Return the response to a request, with what comes after the pauses of a long search."""
        data = await self._exchange(body, headers, config)
        for _ in range(_MOST_PAUSES):
            if data.get("stop_reason") != PAUSED:
                break
            more = await self._exchange(continued_request(body, data), headers, config)
            data = joined_messages(data, more)
        return data

    async def _exchange(
        self, body: JSONObject, headers: dict[str, str], config: GenerateConfig
    ) -> JSONObject:
        """Return the response to a request."""
        options = anthropic.RequestOptions()
        if headers:
            options["headers"] = headers
        if (timeout_s := longer_timeout_s(config)) is not None:
            options["timeout"] = timeout_s
        if body.get("stream"):
            return await self._streamed(body, options)
        response = await self._client.of(self._account).post(
            _PATH, cast_to=httpx2.Response, body=body, options=options
        )
        try:
            data = from_json(response.content)
        except ValueError as error:
            raise ValueError(f"{error} in {response.text!r}") from error
        if not isinstance(data, dict):
            raise ValueError(f"not an object: {response.text!r}")
        return data

    async def _streamed(self, body: JSONObject, options: anthropic.RequestOptions) -> JSONObject:
        events = await self._client.of(self._account).post(
            _PATH,
            cast_to=object,
            body=body,
            options=options,
            stream=True,
            stream_cls=anthropic.AsyncStream[object],
        )
        async with events:
            return await streamed_message(events)

    def _error_in(self, data: JSONObject) -> RequestError | None:
        """Return the error that came with status 200, as some gateways send it; None if none.

        Raises:
            RequestError: It may pass.
        """
        error = data.get("error")
        if not error or data.get("content"):
            return None
        status = status_of(error.get("type") if isinstance(error, dict) else None)
        text = f"{self._label}: status 200 with an error: {error}"
        failure = RequestError(
            without_secret(text, self._account.api_key), status=status, passing=is_passing(status)
        )
        if failure.passing:
            raise failure
        return failure

    def _refused(
        self, error: anthropic.APIStatusError, body: JSONObject, seconds: float
    ) -> tuple[ModelOutput | Exception, ModelCall]:
        failure = request_error(self._label, error, self._account.api_key)
        if failure.passing:
            raise failure from None
        text = blacked_out(error_text(error), self._account.api_key)
        output = refusal_output(self._sent_name, text) if failure.status == 400 else None
        return output or failure, raw_call(body, {"error": text}, seconds)
