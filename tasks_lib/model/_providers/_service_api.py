"""Models of the services in the table, and of any other server with OpenAI's interface."""

from __future__ import annotations

import functools
import re

from tasks_lib._errors import ParameterError, PrerequisiteError
from tasks_lib.model._api import ModelAPI
from tasks_lib.model._providers._openai_compatible import OpenAICompatibleAPI
from tasks_lib.model._providers._openai_responses import Responses
from tasks_lib.model._providers._service import Service
from tasks_lib.model._providers._services import INSTEAD, INSTEAD_OF_MODELS, SERVICES, service
from tasks_lib.schema import (
    ChatMessage,
    GenerateConfig,
    ModelOutput,
    ToolChoice,
    ToolInfo,
)

_SERVICE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


class ServiceAPI(OpenAICompatibleAPI):
    """`<service>/<model>` for the services of the table."""

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
            base_url: The server; by default the value of `<SERVICE>_BASE_URL` or
                `EVAL_MODEL_BASE_URL`, or the service's usual address.
            api_key: The key; by default the value of `<SERVICE>_API_KEY`. Servers that people
                run themselves need none.
            config: Options that the model was made with.
            service: The service.

        Raises:
            MissingKeyError: The service needs a key and there is none.
            PrerequisiteError: It has no address, or its models of that kind have another
                interface.
        """
        for start, instead in INSTEAD_OF_MODELS.items():
            if f"{service.name}/{model_name}".startswith(start):
                raise _other_interface(f"{service.name}/{model_name}", instead)
        super().__init__(model_name, base_url, api_key, config, service=service)
        if service.responses_api:
            # Only OpenAI's models have reasoning that has to be sent encrypted.
            self.interface = Responses(thinks=False)

    def max_tokens(self) -> int | None:
        """Return a number where the service's own default is too small for most answers."""
        return self.service.max_tokens


class AnyServiceAPI(ServiceAPI):
    """`openai-api/<service>/<model>`: a service that the table does not have.

    Its key is in `<SERVICE>_API_KEY`, its address in `<SERVICE>_BASE_URL`; both are needed.
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
    ) -> None:
        """Find key and address; nothing is opened yet.

        Args:
            model_name: The service, a slash, and the model as the service names it. In the
                names of variables dashes of the service are underscores.
            base_url: The server, instead of the variable.
            api_key: The key, instead of the variable.
            config: Options that the model was made with.

        Raises:
            ParameterError: The name has no service.
            MissingKeyError: There is no key.
            PrerequisiteError: There is no address.
        """
        name, _, model = model_name.partition("/")
        if not model or not _SERVICE_NAME.fullmatch(name):
            expected = "'openai-api/<service>/<model>', the service in letters, digits and dashes"
            raise ParameterError("get_model", "model", f"openai-api/{model_name}", expected)
        described = service(name, None)
        super().__init__(model_name, base_url, api_key, config, service=described)
        self.label = f"openai-api/{model_name}"
        self.sent_name = model


class OtherInterfaceAPI(ModelAPI):
    """A provider that others have and we do not: says what to use instead."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        **model_args: object,
    ) -> None:
        raise _other_interface(f"{self.provider}/{model_name}", INSTEAD[self.provider])

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """Never called."""
        raise NotImplementedError


@functools.cache
def service_class(name: str) -> type[ModelAPI]:
    """Return the class of models of a service of the table.

    Raises:
        KeyError: The table has no such service.
    """
    known = SERVICES[name]

    class OneServiceAPI(ServiceAPI):
        __doc__ = f"`{name}/…`."

        def __init__(
            self,
            model_name: str,
            base_url: str | None = None,
            api_key: str | None = None,
            config: GenerateConfig | None = None,
        ) -> None:
            super().__init__(model_name, base_url, api_key, config, service=known)

    return OneServiceAPI


@functools.cache
def other_interface_class(name: str) -> type[ModelAPI]:
    """Return the class that says what to use instead of the provider `name`."""
    return type("OtherInterfaceAPI", (OtherInterfaceAPI,), {"provider": name})


def _other_interface(model: str, instead: str) -> PrerequisiteError:
    return PrerequisiteError(f"{model!r} cannot be asked this way. Use {instead}.")
