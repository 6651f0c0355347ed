"""What a provider of models implements."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Literal, TypeVar, cast

from tasks_lib._util._registry import RegistryInfo, registry_add, registry_class
from tasks_lib.model._request_error import RequestError
from tasks_lib.schema import (
    ChatMessage,
    GenerateConfig,
    ModelCall,
    ModelOutput,
    ToolChoice,
    ToolInfo,
)

BASE_URL_VARIABLES = ("EVAL_MODEL_BASE_URL", "INSPECT_EVAL_MODEL_BASE_URL")
"""Base URL of every provider that has no variable of its own or whose own is not set; the
first one set counts."""

DEFAULT_MAX_CONNECTIONS = 10


class ModelAPI(ABC):
    """One model at one provider: turns a conversation into a request and back.

    A subclass implements `generate`; everything else has a default. What is the same for
    all providers (merged configs, connections, retries, limits, the transcript) is done by
    `Model`, which calls this.
    """

    provider: str = ""
    """The part of the model's full name before the first slash; `get_model` sets it."""

    limits_connections: bool = True
    """Whether a request takes one of the `max_connections` slots of `connection_key()`."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        api_key_vars: Sequence[str] = (),
        config: GenerateConfig | None = None,
    ) -> None:
        """Remember the model's name and where it is.

        Args:
            model_name: The name without the provider.
            base_url: Where the provider is, None for its usual place.
            api_key: The key; by default the value of the first variable that is set.
            api_key_vars: Environment variables that may hold the key.
            config: The options that the model was made with.
        """
        self.model_name = model_name
        self.base_url = base_url
        self.api_key = api_key or _first_set(api_key_vars)
        self.config = config or GenerateConfig()

    @abstractmethod
    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput | tuple[ModelOutput | Exception, ModelCall]:
        """Send one request and return its answer, with or without the raw exchange.

        An exception that is raised is retried if `should_retry` says so, as it does of a
        `RequestError` that may pass. One that is
        returned ends the sample; the log then shows the raw exchange with it.
        """

    def check_config(self, config: GenerateConfig) -> None:  # noqa: B027 - optional to override
        """Raise ParameterError for an option that this provider cannot honour.

        Called before the first request with a config; it must not do input or output.
        """

    def max_tokens(self) -> int | None:
        """Return the default of `max_tokens`; None leaves it to the provider."""
        return None

    def max_tokens_for_config(self, config: GenerateConfig) -> int | None:
        """Return the default of `max_tokens` for `config`; it wins over `max_tokens()`."""
        return None

    def max_connections(self) -> int:
        """Return the default of `max_connections`, where "auto" begins."""
        return DEFAULT_MAX_CONNECTIONS

    def connection_key(self) -> str:
        """Return what shares its connections: models with the same key use the same slots.

        It shows up in logs and in Prefect, so it must never contain a secret.
        """
        return "default"

    def should_retry(self, ex: BaseException) -> bool:
        """Tell whether a request that raised `ex` may work later; a `RequestError` knows."""
        return isinstance(ex, RequestError) and ex.passing

    def retry_after(self, ex: BaseException) -> float | None:
        """Return the seconds that the provider asked to wait after `ex`, if it did."""
        return ex.retry_after_s if isinstance(ex, RequestError) else None

    def is_overloaded(self, ex: BaseException) -> bool:
        """Tell whether `ex` says that the provider gets too many requests at once.

        With `max_connections="auto"`, fewer are made then.
        """
        return isinstance(ex, RequestError) and ex.overloaded

    def collapse_user_messages(self) -> bool:
        """Tell whether user messages in a row must be sent as one."""
        return False

    def collapse_assistant_messages(self) -> bool:
        """Tell whether assistant messages in a row must be sent as one."""
        return False

    def tools_required(self) -> bool:
        """Tell whether tools must be sent even when none may be called."""
        return False

    def search_refusal(self, tool: ToolInfo, config: GenerateConfig) -> str | None:
        """Return why the provider does not itself do the web search that `tool` is.

        None: it does. `generate` then gets the tool with its options, see
        `tasks_lib.tool.native_search`; otherwise it gets a function like any other.
        """
        return f"{self.provider or 'the model'!r} does not search itself"

    def tool_result_images(self) -> bool:
        """Tell whether tool messages may carry images."""
        return False

    def disable_computer_screenshot_truncation(self) -> bool:
        """Tell whether old screenshots must stay in the conversation."""
        return False

    def emulate_reasoning_history(self) -> bool:
        """Tell whether earlier reasoning is sent as text in `<think>` tags."""
        return True

    def force_reasoning_history(self) -> Literal["none", "all", "last"] | None:
        """Return which earlier reasoning must be sent, whatever the config says."""
        return None

    def auto_reasoning_history(self) -> Literal["none", "all", "last"]:
        """Return which earlier reasoning is sent when the config says "auto"."""
        return "all"

    def close(self) -> None:  # noqa: B027 - optional to override
        """Give back what does not need an event loop to be given back."""

    async def aclose(self) -> None:
        """Give back all that was opened; the api opens it again when it is used again."""
        self.close()


A = TypeVar("A", bound=type[ModelAPI] | Callable[[], type[ModelAPI]])


def modelapi(name: str) -> Callable[[A], A]:
    """Register a provider under `name`, the part of model names before the first slash.

    Decorates a `ModelAPI` class, or a function without parameters that returns one (and
    may import it only then).
    """

    def register(provider: A) -> A:
        registry_add(provider, RegistryInfo("modelapi", name))
        return provider

    return register


def find_provider(name: str) -> type[ModelAPI]:
    """Return the class that was registered under `name`.

    Raises:
        UnknownNameError: None was; the message offers the nearest names.
    """
    return cast(type[ModelAPI], registry_class("modelapi", name, "model provider"))


def model_base_url(base_url: str | None, *variables: str) -> str | None:
    """Return `base_url`, else the first variable that is set, else that of all providers."""
    return base_url or _first_set((*variables, *BASE_URL_VARIABLES))


def _first_set(variables: Sequence[str]) -> str | None:
    return next((value for name in variables if (value := os.environ.get(name))), None)
