"""Services with OpenAI's interface: addresses, keys, and what each is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from tasks_lib._errors import MissingKeyError, ParameterError, PrerequisiteError
from tasks_lib.model import Model, get_model
from tasks_lib.model._providers._openai_compatible import OpenAICompatibleAPI
from tasks_lib.model._providers._options import DONE_BY_MODEL
from tasks_lib.model._providers._services import SERVICES
from tasks_lib.schema import GenerateConfig, JSONSchema, ResponseSchema
from tests.model._scripted_server import Reply, ScriptedServer, scripted_server

KEY = "sk-very-secret-0123456789"
OTHER_KEY = "sk-other-secret-0123456789"


class Facts(NamedTuple):
    """What is known of a service."""

    url: str | None
    key: str | None
    """Variable of the key, None: no key is needed."""


FACTS = {
    "cf": Facts("https://api.cloudflare.com/client/v4/accounts/acc/ai/v1", "CLOUDFLARE_API_TOKEN"),
    "cloudflare": Facts(
        "https://api.cloudflare.com/client/v4/accounts/acc/ai/v1", "CLOUDFLARE_API_KEY"
    ),
    "deepseek": Facts("https://api.deepseek.com", "DEEPSEEK_API_KEY"),
    "fireworks": Facts("https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    "google": Facts("https://generativelanguage.googleapis.com/v1beta/openai/", "GOOGLE_API_KEY"),
    "grok": Facts("https://api.x.ai/v1", "GROK_API_KEY"),
    "groq": Facts("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "hf-inference-providers": Facts("https://router.huggingface.co/v1", "HF_TOKEN"),
    "llama-cpp": Facts("http://localhost:8080/v1", None),
    "llama-cpp-python": Facts("http://localhost:8000/v1", None),
    "mistral": Facts("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    "ollama": Facts("http://localhost:11434/v1", None),
    "openrouter": Facts("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "perplexity": Facts("https://api.perplexity.ai/v1", "PERPLEXITY_API_KEY"),
    "sglang": Facts(None, None),
    "together": Facts("https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    "vllm": Facts(None, None),
}


@pytest.fixture(autouse=True)
def no_service_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own services out of the tests."""
    monkeypatch.delenv("INSPECT_EVAL_MODEL_BASE_URL", raising=False)
    for service in SERVICES.values():
        for name in (*service.key_variables, *service.url_variables):
            monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", "acc")


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as scripted:
        answer = {"role": "assistant", "content": "Paris"}
        text = {"type": "output_text", "text": "Paris"}
        body = {
            "model": "m-0101",
            "choices": [{"index": 0, "message": answer, "finish_reason": "stop"}],
            "status": "completed",
            "output": [{"type": "message", "id": "m", "role": "assistant", "content": [text]}],
        }
        scripted.replies = [Reply(body=body)]
        yield scripted


def api(model: Model) -> OpenAICompatibleAPI:
    assert isinstance(model.api, OpenAICompatibleAPI)
    return model.api


def test_all_services_are_in_these_tests() -> None:
    assert sorted(SERVICES) == sorted(FACTS)


@pytest.mark.parametrize("name", FACTS)
async def test_address_and_key(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url, variable = FACTS[name]
    if variable is not None:
        monkeypatch.setenv(variable, KEY)
    if url is None:
        monkeypatch.setenv(f"{name.upper()}_BASE_URL", url := "http://127.0.0.1:9/v1")

    model = get_model(f"{name}/maker/model", memoize=False)

    assert (str(model), model.base_url, model.api.api_key) == (
        f"{name}/maker/model",
        url,
        KEY if variable else "no-key",
    )


@pytest.mark.parametrize("name", [name for name, facts in FACTS.items() if facts.key])
def test_missing_key(name: str) -> None:
    with pytest.raises(MissingKeyError, match=SERVICES[name].key_variables[0]):
        get_model(f"{name}/maker/model")


@pytest.mark.parametrize("name", FACTS)
async def test_request(server: ScriptedServer, name: str) -> None:
    async with get_model(f"{name}/maker/model", base_url=server.url, api_key=KEY) as model:
        output = await model.generate("Capital of France?")

    path, question = server.paths[0], server.requests[0]
    assert (output.completion, output.model) == ("Paris", "m-0101")
    assert path == ("/responses" if name == "perplexity" else "/chat/completions")
    assert question["model"] == ("@cf/maker/model" if name == "cf" else "maker/model")
    assert question.get("max_tokens") == (
        2048 if name in ("cf", "cloudflare", "together") else None
    )
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"


async def test_names_that_have_their_prefix(server: ScriptedServer) -> None:
    async with get_model("cf/@cf/maker/model", base_url=server.url, api_key=KEY) as model:
        await model.generate("Hi")

    assert server.requests[0]["model"] == "@cf/maker/model"


SCHEMA = ResponseSchema(name="answer", json_schema=JSONSchema(type="object"))
VALUES: dict[str, Any] = {
    "max_tokens": 5,
    "top_p": 0.9,
    "temperature": 0.0,
    "stop_seqs": ["\n"],
    "best_of": 2,
    "frequency_penalty": 0.1,
    "presence_penalty": 0.1,
    "logit_bias": {50: -100.0},
    "seed": 7,
    "top_k": 5,
    "num_choices": 2,
    "logprobs": True,
    "top_logprobs": 3,
    "parallel_tool_calls": False,
    "internal_tools": True,
    "cache_prompt": False,
    "reasoning_effort": "low",
    "reasoning_tokens": 9,
    "reasoning_summary": "auto",
    "response_schema": SCHEMA,
    "extra_body": {"min_p": 0.1},
}
"""A value of each option that Model leaves to providers."""

NEVER = ["best_of", "cache_prompt", "internal_tools", "reasoning_summary", "reasoning_tokens"]
"""What chat completions of no service have."""

PENALTIES = ["frequency_penalty", "presence_penalty"]
LOGPROBS = ["logprobs", "top_logprobs"]

REFUSED = {
    "cf": ["top_k"],
    "cloudflare": ["top_k"],
    "deepseek": [
        "logit_bias",
        "num_choices",
        "parallel_tool_calls",
        "response_schema",
        "seed",
        "top_k",
    ],
    "fireworks": [],
    "google": [*PENALTIES, *LOGPROBS, "logit_bias", "seed", "top_k"],
    "grok": ["logit_bias", "top_k"],
    "groq": [*LOGPROBS, "logit_bias", "num_choices", "top_k"],
    "hf-inference-providers": ["top_k"],
    "llama-cpp": ["num_choices", "reasoning_effort"],
    "llama-cpp-python": [
        "num_choices",
        "parallel_tool_calls",
        "reasoning_effort",
        "response_schema",
    ],
    "mistral": [*LOGPROBS, "logit_bias", "top_k"],
    "ollama": ["logit_bias", "num_choices", "parallel_tool_calls", "top_k"],
    "openrouter": ["num_choices"],
    "sglang": [],
    "together": [*LOGPROBS],
    "vllm": [],
}
"""What else each service refuses."""


def test_values_of_all_options() -> None:
    assert {*VALUES, *DONE_BY_MODEL} == {*GenerateConfig.model_fields}


@pytest.mark.parametrize("name", REFUSED)
async def test_options_are_sent_or_refused(server: ScriptedServer, name: str) -> None:
    refused = sorted([*NEVER, *REFUSED[name]])
    model = get_model(f"{name}/m", base_url=server.url, api_key=KEY, memoize=False)
    said_no = []
    for option, value in VALUES.items():
        try:
            model.check_config(GenerateConfig(**{option: value}))
        except ParameterError as error:
            assert f"{name}/m: {option} is " in str(error)
            said_no.append(option)
    assert sorted(said_no) == refused

    taken = {option: value for option, value in VALUES.items() if option not in refused}
    async with model:
        await model.generate("Hi", config=GenerateConfig(**taken))
    sent = server.requests[0]
    names = {"stop_seqs": "stop", "num_choices": "n", "response_schema": "response_format"}
    names |= {
        "mistral": {"seed": "random_seed"},
        "grok": {"max_tokens": "max_completion_tokens"},
    }.get(name, {})
    only_with_tools = {"parallel_tool_calls"}
    values = taken | {"logit_bias": {"50": -100.0}} | taken.pop("extra_body")
    assert {key: sent.get(key) for key in ("model", "min_p")} == {
        "model": api(model).sent_name,
        "min_p": 0.1,
    }
    for option in taken.keys() - only_with_tools - {"response_schema"}:
        assert sent[names.get(option, option)] == values[option], option
    assert ("response_format" in sent) == ("response_schema" in taken)
    assert not {"seed", "max_tokens"} & names.keys() & sent.keys()


@pytest.mark.parametrize(
    ("name", "config", "text"),
    [
        pytest.param("deepseek", {"response_schema": SCHEMA}, "JSON mode", id="schema"),
        pytest.param("llama-cpp", {"reasoning_effort": "low"}, "extra_body", id="effort"),
        pytest.param("together", {"logprobs": True}, "form of their own", id="logprobs"),
    ],
)
def test_what_to_do_instead(name: str, config: dict[str, Any], text: str) -> None:
    model = get_model(f"{name}/m", api_key=KEY, memoize=False)

    with pytest.raises(ParameterError, match=text):
        model.check_config(GenerateConfig(**config))


class TestAddresses:
    """Which address counts."""

    async def test_order(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = []
        for variable in (
            None,
            "INSPECT_EVAL_MODEL_BASE_URL",
            "EVAL_MODEL_BASE_URL",
            "OLLAMA_BASE_URL",
        ):
            if variable is not None:
                monkeypatch.setenv(variable, f"http://{variable.lower()}/v1")
            found.append(get_model("ollama/m", memoize=False).base_url)
        found.append(get_model("ollama/m", memoize=False, base_url="http://argument/v1").base_url)

        assert found == [
            "http://localhost:11434/v1",
            "http://inspect_eval_model_base_url/v1",
            "http://eval_model_base_url/v1",
            "http://ollama_base_url/v1",
            "http://argument/v1",
        ]

    @pytest.mark.parametrize("name", ["vllm", "sglang"])
    def test_no_server_is_started(self, name: str) -> None:
        with pytest.raises(PrerequisiteError, match=f"start no server.*{name.upper()}_BASE_URL"):
            get_model(f"{name}/m")

    def test_a_missing_part(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("CLOUDFLARE_ACCOUNT_ID")

        with pytest.raises(PrerequisiteError, match="CLOUDFLARE_ACCOUNT_ID"):
            get_model("cf/m", api_key=KEY)
        assert get_model("cf/m", api_key=KEY, base_url="http://here/v1").base_url == (
            "http://here/v1"
        )


class TestConnectionKeys:
    """Who shares connections."""

    def test_one_per_service_key_and_address(self) -> None:
        models = [
            get_model("groq/a", api_key=KEY),
            get_model("groq/a", api_key=OTHER_KEY),
            get_model("mistral/a", api_key=KEY),
            get_model("ollama/a"),
            get_model("ollama/a", base_url="http://other:11434/v1"),
            get_model("openai-api/my-own/a", api_key=KEY, base_url="http://here/v1"),
        ]
        keys = [model.api.connection_key() for model in models]

        assert len(set(keys)) == len(keys)
        assert get_model("groq/b", api_key=KEY).api.connection_key() == keys[0]
        # Names in Prefect have no slashes; nothing that is shown has a secret.
        assert not [key for key in keys if "/" in key or KEY in key or OTHER_KEY in key]


class TestAnyService:
    """`openai-api/<service>/<model>`."""

    async def test_request(self, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MY_OWN_API_KEY", KEY)
        monkeypatch.setenv("MY_OWN_BASE_URL", server.url)

        async with get_model("openai-api/my-own/maker/model", memoize=False) as model:
            output = await model.generate("Hi", config=GenerateConfig(seed=1, logprobs=True))

        assert (str(model), output.completion) == ("openai-api/my-own/maker/model", "Paris")
        assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
        assert server.requests == [
            {
                "model": "maker/model",
                "messages": [{"role": "user", "content": "Hi"}],
                "seed": 1,
                "logprobs": True,
            }
        ]

    def test_needs_a_key(self) -> None:
        with pytest.raises(MissingKeyError, match="MY_OWN_API_KEY"):
            get_model("openai-api/my-own/m", base_url="http://here/v1")

    def test_needs_an_address(self) -> None:
        with pytest.raises(PrerequisiteError, match="MY_OWN_BASE_URL"):
            get_model("openai-api/my-own/m", api_key=KEY)

    @pytest.mark.parametrize("name", ["m", "my-own/", "/m", "my own/m", "../m", "-x/m"])
    def test_wrong_names(self, name: str) -> None:
        with pytest.raises(ParameterError, match="'openai-api/<service>/<model>'"):
            get_model(f"openai-api/{name}", api_key=KEY, base_url="http://here/v1")


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        pytest.param("hf/gpt2", "'vllm/<model>'", id="hf"),
        pytest.param("bedrock/m", "'anthropic/bedrock/<model>'", id="bedrock"),
        pytest.param("azureai/m", "'openai/azure/<deployment>'", id="azureai"),
        pytest.param("vertex/m", "'google/<model>'", id="vertex"),
        pytest.param("google/vertex/m", "VERTEX_BASE_URL", id="google on vertex"),
        pytest.param("mistral/azure/m", "AZURE_MISTRAL_BASE_URL", id="mistral on azure"),
        pytest.param("perplexity/sonar", "'perplexity/perplexity/sonar'", id="perplexity"),
    ],
)
def test_other_interfaces(name: str, instead: str) -> None:
    with pytest.raises(PrerequisiteError, match=f"'{name}' cannot be asked this way.*{instead}"):
        get_model(name, api_key=KEY, device="cuda:0") if name == "hf/gpt2" else get_model(
            name, api_key=KEY
        )
