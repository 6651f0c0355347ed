"""From names to models."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tasks_lib._errors import (
    MissingKeyError,
    ModelError,
    ParameterError,
    PrerequisiteError,
    UnknownNameError,
)
from tasks_lib.model import (
    BUILTIN_PROVIDERS,
    Model,
    ModelAPI,
    active_generate_config,
    active_model,
    get_model,
    modelapi,
    resolve_model_roles,
    resolve_models,
    use_active_model,
)
from tasks_lib.schema import ChatMessage, GenerateConfig, ModelOutput, ToolChoice, ToolInfo

KEY = "sk-very-secret-0123456789"


@modelapi("echo")
class EchoAPI(ModelAPI):
    """Says what it was told; takes any argument."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        **model_args: object,
    ) -> None:
        super().__init__(model_name, base_url, api_key, ["ECHO_API_KEY"], config)
        self.model_args = model_args

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        return ModelOutput.from_content(self.model_name, input[-1].text)


@modelapi("lazy")
def lazy() -> type[ModelAPI]:
    return EchoAPI


MADE = get_model("echo/made")


def echo(model: Model) -> EchoAPI:
    assert isinstance(model.api, EchoAPI)
    return model.api


async def test_registered_class_and_function() -> None:
    for name in ("echo/a/b", "lazy/a/b"):
        model = get_model(name)
        assert (str(model), model.name) == (name, "a/b")
        assert (await model.generate("Hi")).completion == "Hi"


def test_arguments_reach_the_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHO_API_KEY", "from the environment")
    config = GenerateConfig(seed=3)
    model = get_model("echo/a", config=config, base_url="http://x", depth=2)

    api = echo(model)
    assert (api.model_name, api.base_url, api.api_key) == ("a", "http://x", "from the environment")
    assert (api.model_args, model.config) == ({"depth": 2}, config)


def test_secrets_stay_out_of_the_log() -> None:
    model = get_model(
        "echo/a",
        api_key=KEY,
        depth=2,
        aws_secret=KEY,
        headers={"x": KEY},
        client={"retries": 1, "auth_token": KEY},
        context_tokens=512,
        servers=[{"name": "a", "password": KEY}],
    )

    assert model.log_args() == {
        "depth": 2,
        "client": {"retries": 1},
        "context_tokens": 512,
        "servers": [{"name": "a"}],
    }
    assert KEY not in f"{model!r} {model} {model.api!r}"


@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        pytest.param("opnai/gpt", UnknownNameError, "'openai'", id="nearest provider offered"),
        pytest.param("gpt-4o", ParameterError, "'provider/name'", id="no provider"),
        pytest.param("openai/", ParameterError, "'provider/name'", id="no name"),
    ],
)
def test_wrong_names(name: str, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        get_model(name)


def test_missing_key_names_its_variable() -> None:
    with pytest.raises(MissingKeyError, match="OPENAI_API_KEY"):
        get_model("openai/gpt-4o")


def test_unknown_model_argument() -> None:
    with pytest.raises(ParameterError, match="Did you mean 'organization'"):
        get_model("openai/gpt-4o", api_key=KEY, organisation="x")


class TestMemory:
    """What is made once."""

    def test_the_same_is_the_same(self) -> None:
        config = GenerateConfig(seed=1)
        same = get_model("echo/a", config=config, depth=[1, {"x": 2}])

        assert get_model("echo/a", config=GenerateConfig(seed=1), depth=[1, {"x": 2}]) is same

    @pytest.mark.parametrize(
        "make",
        [
            pytest.param(lambda: get_model("echo/b"), id="name"),
            pytest.param(lambda: get_model("echo/a", role="grader"), id="role"),
            pytest.param(lambda: get_model("echo/a", config=GenerateConfig(seed=2)), id="config"),
            pytest.param(lambda: get_model("echo/a", base_url="http://x"), id="base url"),
            pytest.param(lambda: get_model("echo/a", api_key="k"), id="key"),
            pytest.param(lambda: get_model("echo/a", depth=1), id="argument"),
            pytest.param(lambda: get_model("echo/a", memoize=False), id="on demand"),
        ],
    )
    def test_another_is_another(self, make: Callable[[], Model]) -> None:
        assert make() is not get_model("echo/a")

    def test_what_cannot_be_compared_is_new(self) -> None:
        argument = object()

        assert get_model("echo/a", x=argument) is not get_model("echo/a", x=argument)

    def test_a_changed_key_makes_a_new_model(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ECHO_API_KEY", "one")
        first = get_model("echo/a")
        monkeypatch.setenv("ECHO_API_KEY", "two")

        assert echo(get_model("echo/a")).api_key == "two"
        assert echo(first).api_key == "one"

    async def test_closed_models_are_forgotten(self) -> None:
        async with get_model("echo/closed") as first:
            assert get_model("echo/closed") is first
        with get_model("echo/closed") as second:
            assert second is not first
        assert get_model("echo/closed") is not second


class TestWithoutName:
    """Which model it is when none is named."""

    def test_none_at_all(self) -> None:
        with pytest.raises(ParameterError, match="EVAL_MODEL"):
            get_model()

    @pytest.mark.parametrize("variable", ["EVAL_MODEL", "INSPECT_EVAL_MODEL"])
    def test_environment(self, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
        monkeypatch.setenv(variable, "echo/first, echo/second")

        assert str(get_model()) == "echo/first"

    def test_evaluated_model_wins_over_the_environment(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("EVAL_MODEL", "echo/env")
        evaluated = get_model("echo/evaluated")

        with use_active_model(evaluated):
            assert get_model() is evaluated
            assert str(get_model(default="echo/default")) == "echo/default"
        assert active_model() is None

    def test_roles(self) -> None:
        evaluated = get_model("echo/evaluated")
        roles = resolve_model_roles({"grader": "echo/strict", "critic": evaluated})

        with use_active_model(evaluated, roles=roles):
            assert str(get_model(role="grader", default="echo/other")) == "echo/strict"
            assert get_model(role="critic").role == "critic"
            assert get_model(role="unheard") is evaluated
        assert {role: model.role for role, model in roles.items()} == {
            "grader": "grader",
            "critic": "critic",
        }
        assert evaluated.role is None

    def test_default_model_gets_the_role(self) -> None:
        default = get_model("echo/default")

        assert get_model(role="grader", default=default).role == "grader"

    def test_a_model_is_itself(self) -> None:
        model = get_model("echo/a")

        assert get_model(model, role="grader") is model


class TestSeveral:
    """Models of an evaluation."""

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            pytest.param("echo/a", ["echo/a"], id="a name"),
            pytest.param("echo/a, echo/b", ["echo/a", "echo/b"], id="names in a text"),
            pytest.param(["echo/a", MADE], ["echo/a", "echo/made"], id="a list"),
            pytest.param(MADE, ["echo/made"], id="a model"),
            pytest.param(None, ["none/none"], id="none on purpose"),
            pytest.param([], ["none/none"], id="an empty list"),
        ],
    )
    def test_forms(
        self, given: str | Model | list[str | Model] | None, expected: list[str]
    ) -> None:
        assert [str(model) for model in resolve_models(given)] == expected

    def test_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert [str(model) for model in resolve_models()] == ["none/none"]
        monkeypatch.setenv("EVAL_MODEL", "echo/a,echo/b")
        monkeypatch.setenv("EVAL_MODEL_ARGS", "depth=2 names='[a, b]' on=true")

        models = resolve_models()

        assert [str(model) for model in models] == ["echo/a", "echo/b"]
        assert models[0].model_args == {"depth": 2, "names": ["a", "b"], "on": True}

    def test_options_are_for_names_only(self) -> None:
        made = get_model("echo/made")
        named, same = resolve_models(
            ["echo/named", made],
            base_url="http://x",
            model_args={"depth": 1},
            config=GenerateConfig(seed=1),
        )

        assert (echo(named).base_url, named.model_args) == ("http://x", {"depth": 1})
        assert named.config == GenerateConfig(seed=1)
        assert same is made

    def test_empty_name(self) -> None:
        with pytest.raises(ParameterError, match="single commas"):
            resolve_models("echo/a,,echo/b")

    def test_broken_model_args(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EVAL_MODEL_ARGS", "depth")

        with pytest.raises(ParameterError, match="'name=value'"):
            resolve_models("echo/a")


async def test_no_model_is_an_error_when_asked() -> None:
    for model in (get_model("none"), get_model("none/none")):
        assert str(model) == "none/none"
        with pytest.raises(PrerequisiteError, match="No model specified"):
            await model.generate("Hi")


@pytest.mark.parametrize("variable", ["EVAL_DISABLE_MODEL_API", "INSPECT_DISABLE_MODEL_API"])
async def test_disabled(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "1")

    assert (await get_model("mockllm/model").generate("Hi")).completion
    with pytest.raises(ModelError, match=variable):
        await get_model("echo/a").generate("Hi")


def test_options_of_the_eval_end_with_it() -> None:
    with use_active_model(get_model("echo/a"), GenerateConfig(seed=1)):
        assert active_generate_config() == GenerateConfig(seed=1)
    assert active_generate_config() == GenerateConfig()


def test_builtin_providers() -> None:
    assert " ".join(BUILTIN_PROVIDERS) == (
        "anthropic cf cloudflare deepseek fireworks google grok groq hf-inference-providers "
        "llama-cpp llama-cpp-python local mistral mockllm none ollama openai openai-api openrouter "
        "perplexity replay sglang together vllm"
    )


def test_roles_with_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    grader = {"model": "openai/gpt-4o", "temperature": 0, "base_url": "http://x/v1", "user": "me"}

    roles = resolve_model_roles({"grader": grader, "other": "mockllm/m"})

    assert str(roles["grader"]) == "openai/gpt-4o"
    assert roles["grader"].role == "grader"
    assert roles["grader"].config == GenerateConfig(temperature=0)
    assert roles["grader"].base_url == "http://x/v1"
    assert roles["grader"].log_args() == {"user": "me"}
    assert roles["other"].config == GenerateConfig()


@pytest.mark.parametrize(
    ("role", "text"),
    [
        pytest.param({"temperature": 0}, "grader is ['temperature']", id="no model"),
        pytest.param(
            {"model": "mockllm/m", "temperature": "hot"}, "grader.temperature is 'hot'", id="option"
        ),
        pytest.param({"model": "mockllm/m", "temprature": 0}, "temprature", id="argument"),
    ],
)
def test_wrong_roles(role: dict[str, object], text: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(text)):
        resolve_model_roles({"grader": role})


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("http://me:secret@host:1/v1", "http://host:1/v1", id="user and password"),
        pytest.param("http://host/v1@2", "http://host/v1@2", id="an at sign elsewhere"),
        pytest.param(None, None, id="none"),
    ],
)
def test_base_url_in_logs(url: str | None, shown: str | None) -> None:
    assert get_model("mockllm/m", base_url=url).base_url == shown
