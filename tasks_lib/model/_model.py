"""A model that can be asked: what is the same for all providers."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from tasks_lib._errors import ModelError
from tasks_lib._util._registry import is_registered, unqualified_name
from tasks_lib.context import (
    MaxConnections,
    check_limits,
    check_message_limit,
    current_sample,
)
from tasks_lib.model._api import ModelAPI
from tasks_lib.model._cache import CachePolicy, cache_policy
from tasks_lib.model._input import make_request
from tasks_lib.model._sender import Sender
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    ModelOutput,
    ToolChoice,
)
from tasks_lib.tool import AnyTools, execute_tools, mcp_connection

DISABLE_VARIABLES = ("EVAL_DISABLE_MODEL_API", "INSPECT_DISABLE_MODEL_API")
"""When one is set, every call of a model fails, except of `mockllm` and `replay`: for tests that
must not pay."""

_FREE_PROVIDERS = ("mockllm/", "replay/")


class _Plan(NamedTuple):
    """What the configs of a call come to."""

    sources: tuple[dict[str, object], ...]
    """The fields of the configs that were merged."""
    config: GenerateConfig
    system: list[ChatMessage]


class Model:
    """A model at a provider, with its generate options.

    Made by `get_model`. Configs merge from the outside in: the model's own; if this is the
    evaluated model, that of task and eval; that of the call. Other models (graders, roles)
    keep to their own config and that of the call.
    """

    def __init__(
        self,
        api: ModelAPI,
        config: GenerateConfig,
        model_args: Mapping[str, object] | None = None,
    ) -> None:
        """Combine a provider's model with generate options; `model_args` made the `api`."""
        self.api = api
        self.config = config
        self.model_args = dict(model_args or {})
        self.role: str | None = None
        """What the model is used as, None for the evaluated one."""
        provider = api.provider or _registered_provider(api)
        self._name = f"{provider}/{api.model_name}"
        self._sender = Sender(api, self._name, self.model_args)
        self._plan: _Plan | None = None
        self._on_close: Callable[[], None] | None = None

    @property
    def name(self) -> str:
        """The name without the provider."""
        return self.api.model_name

    def __str__(self) -> str:
        return self._name

    def __repr__(self) -> str:
        return f"Model({self._name!r})"

    def with_role(self, role: str) -> Model:
        """Return the same model in another role; both use the same connections."""
        model = Model(self.api, self.config, self.model_args)
        model.role = role
        return model

    @property
    def base_url(self) -> str | None:
        """Where the provider is, as logs may say it: without user, password and query."""
        return _public(self.api.base_url)

    def log_args(self) -> dict[str, object]:
        """Return the arguments that made the model, without those that may hold a secret."""
        return _without_secrets(self.model_args)

    def check_config(self, config: GenerateConfig | None = None) -> None:
        """Raise ParameterError if the provider cannot honour an option.

        Args:
            config: Options that will be merged over the model's own.
        """
        self.api.check_config(self.config.merge(config) if config else self.config)

    def max_connections(self, config: GenerateConfig | None = None) -> MaxConnections:
        """Return how many requests may be in flight at once with `config` merged in."""
        merged = self.config.merge(config) if config else self.config
        return merged.max_connections or self.api.max_connections()

    def max_tool_output(self, config: GenerateConfig | None = None) -> int | None:
        """Return how many bytes of a tool's output the model gets to see; None: the default.

        Args:
            config: Options of a call, which win over all others.
        """
        return self._merged(config).config.max_tool_output

    async def generate(
        self,
        input: str | list[ChatMessage],
        tools: AnyTools = (),
        tool_choice: ToolChoice | None = None,
        config: GenerateConfig | None = None,
        cache: bool | CachePolicy = False,
    ) -> ModelOutput:
        """Ask the model for its next message.

        The call takes one of the model's connections for its whole time, the waits between
        its attempts included: a provider that is overloaded gets fewer requests. What
        happens is recorded in the sample's transcript as one `ModelEvent`, whose metadata
        lists the retries with their causes.

        Args:
            input: The conversation, or what the user says. It is not changed.
            tools: Tools that the model may call.
            tool_choice: Whether and which tools it may or must call; None means "auto".
            config: Options of this call; they win over all others.
            cache: Whether an earlier answer to the same request may be used, and this one
                kept, and how long. An answer from the cache is booked with no usage.

        Raises:
            LimitExceededError: The sample, or a block with a limit of its own, has no messages,
                tokens or working time left.
            ModelRetryError: The request failed on every attempt that was allowed.
            ModelError: The provider refused the request, or calls are disabled.
            ToolDefinitionError: One of `tools` is none, or two have the same name.
        """
        self._check_enabled()
        messages = [ChatMessageUser(content=input)] if isinstance(input, str) else input
        check_message_limit(len(messages), generating=True)
        check_limits()
        context = current_sample()
        plan = self._merged(config)
        request = await make_request(
            self.api, [*plan.system, *messages], tools, tool_choice, plan.config
        )
        policy = cache_policy(cache)
        if policy is None:
            return await self._sender.ask(request, context, self.role)
        return await self._sender.ask_cached(request, context, self.role, policy)

    async def generate_loop(
        self,
        input: str | list[ChatMessage],
        tools: AnyTools = (),
        config: GenerateConfig | None = None,
        cache: bool | CachePolicy = False,
    ) -> tuple[list[ChatMessage], ModelOutput]:
        """Ask, do the tool calls of the answer, and ask again until it has none.

        The arguments and what is raised are those of `generate`.

        Returns:
            The messages that joined the conversation, and the last output.
        """
        messages: list[ChatMessage] = []
        messages += [ChatMessageUser(content=input)] if isinstance(input, str) else input
        before = len(messages)
        max_output = self.max_tool_output(config)
        async with mcp_connection(tools):
            while True:
                output = await self.generate(messages, tools, config=config, cache=cache)
                if output.empty:
                    return messages[before:], output
                messages.append(output.message)
                if not output.message.tool_calls:
                    return messages[before:], output
                results = await execute_tools(messages, tools, max_output)
                messages.extend(results.messages)

    def on_close(self, callback: Callable[[], None]) -> None:
        """Let `callback` know when the model is closed."""
        self._on_close = callback

    def close(self) -> None:
        """Forget the model, so that `get_model` makes it anew; see also `aclose`."""
        if self._on_close is not None:
            self._on_close()
        self.api.close()

    async def aclose(self) -> None:
        """Close the model's connections and forget it."""
        if self._on_close is not None:
            self._on_close()
        await self.api.aclose()

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    async def __aenter__(self) -> Model:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    def _check_enabled(self) -> None:
        if self._name.startswith(_FREE_PROVIDERS):
            return
        for variable in DISABLE_VARIABLES:
            if os.environ.get(variable):
                raise ModelError(f"{self}: not called, because {variable} is set.")

    def _merged(self, config: GenerateConfig | None) -> _Plan:
        """Return the merged config; the last one is remembered, as calls mostly repeat it."""
        active = _active.get()
        layers = [self.config.__dict__]
        if active is not None and active.model is self:
            layers.append(active.config.__dict__)
        if config is not None:
            layers.append(config.__dict__)
        plan = self._plan
        # Compared by value: a config that was changed in place must not go unnoticed.
        if plan is not None and plan.sources == tuple(layers):
            return plan
        values: dict[str, object] = {}
        for layer in layers:
            values.update((name, value) for name, value in layer.items() if value is not None)
        merged = self.config.model_copy(update=values)
        if merged.max_tokens is None:
            merged.max_tokens = self.api.max_tokens_for_config(merged) or self.api.max_tokens()
        self.api.check_config(merged)
        system: list[ChatMessage] = []
        if merged.system_message:
            system = [ChatMessageSystem(content=merged.system_message)]
        self._plan = _Plan(tuple(dict(layer) for layer in layers), merged, system)
        return self._plan


def _registered_provider(api: ModelAPI) -> str:
    return unqualified_name(api) if is_registered(api) else type(api).__name__


def _without_secrets(arguments: Mapping[str, object]) -> dict[str, object]:
    return {
        name: _without_inner_secrets(value)
        for name, value in arguments.items()
        if not _SECRET_NAME.search(str(name))
    }


def _without_inner_secrets(value: object) -> object:
    if isinstance(value, Mapping):
        return _without_secrets(value)
    if isinstance(value, list | tuple):
        return [_without_inner_secrets(item) for item in value]
    return value


def _public(url: str | None) -> str | None:
    if url is None:
        return None
    parts = urlsplit(url)
    # Some gateways take the key in the query.
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


_SECRET_NAME = re.compile(r"key|secret|passw|credential|authorization|header|token$", re.IGNORECASE)
"""Arguments that may hold a secret; `max_tokens` and the like are none."""


class _Active(NamedTuple):
    """The evaluated model with what belongs to it."""

    model: Model
    config: GenerateConfig
    roles: Mapping[str, Model]


_active: ContextVar[_Active | None] = ContextVar("active_model", default=None)


@contextmanager
def use_active_model(
    model: Model, config: GenerateConfig | None = None, roles: Mapping[str, Model] | None = None
) -> Iterator[None]:
    """Make `model` the evaluated one within this context.

    Args:
        model: What `get_model()` returns without arguments.
        config: Options of task and eval, for calls of this model only.
        roles: What `get_model(role=…)` returns.
    """
    token = _active.set(_Active(model, config or GenerateConfig(), dict(roles or {})))
    try:
        yield
    finally:
        _active.reset(token)


def active_model() -> Model | None:
    """Return the evaluated model, None outside of evaluations."""
    active = _active.get()
    return active.model if active is not None else None


def active_generate_config() -> GenerateConfig:
    """Return the options of task and eval; empty outside of evaluations."""
    active = _active.get()
    return active.config if active is not None else GenerateConfig()


def model_roles() -> Mapping[str, Model]:
    """Return the models by role; empty outside of evaluations."""
    active = _active.get()
    return active.roles if active is not None else {}
