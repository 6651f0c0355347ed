"""The services with OpenAI's interface that have a provider of their own.

What a service lacks is in the table if it would ignore it silently or refuse every request.
Other servers are reached as `openai-api/<service>/<model>`.
"""

from __future__ import annotations

from collections.abc import Mapping

from tasks_lib.model._providers._service import Service

_TOP_K = ("top_k",)
_LOGPROBS = ("logprobs", "top_logprobs")
_PENALTIES = ("frequency_penalty", "presence_penalty")
_CLOUDFLARE = "https://api.cloudflare.com/client/v4/accounts/{CLOUDFLARE_ACCOUNT_ID}/ai/v1"
_CLOUDFLARE_KEYS = ("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_KEY")
_GOOGLE = "https://generativelanguage.googleapis.com/v1beta/openai/"
_OTHER_FORM = dict.fromkeys(_LOGPROBS, "most models answer in a form of their own")
_NO_SCHEMA = {"response_schema": "it only knows JSON mode; describe the form in the prompt"}
_TEMPLATE = {"reasoning_effort": "extra_body reaches the chat template's arguments"}


def service(name: str, base_url: str | None, *keys: str) -> Service:
    """Return a service whose variables are named after it: `<NAME>_API_KEY`, `<NAME>_BASE_URL`.

    Args:
        name: Its name; dashes become underscores in variables.
        base_url: Where it usually is.
        *keys: Variables that hold the key, where they are named otherwise.
    """
    stem = name.upper().replace("-", "_")
    return Service(name, base_url, keys or (f"{stem}_API_KEY",), (f"{stem}_BASE_URL",))


def _own_server(name: str, base_url: str | None, started_by: str = "") -> Service:
    """Return a service that people run themselves."""
    return service(name, base_url)._replace(needs_key=False, started_by=started_by)


SERVICES: Mapping[str, Service] = {
    each.name: each
    for each in (
        service("cf", _CLOUDFLARE, *_CLOUDFLARE_KEYS)._replace(
            model_prefix="@cf/", max_tokens=2048
        ),
        service("cloudflare", _CLOUDFLARE, *_CLOUDFLARE_KEYS)._replace(max_tokens=2048),
        service("deepseek", "https://api.deepseek.com")._replace(
            lacks=("seed", "num_choices", "logit_bias", "response_schema", "parallel_tool_calls"),
            reasons=_NO_SCHEMA,
        ),
        service("fireworks", "https://api.fireworks.ai/inference/v1")._replace(takes=_TOP_K),
        service("google", _GOOGLE, "GOOGLE_API_KEY", "GEMINI_API_KEY")._replace(
            lacks=("seed", "logit_bias", *_PENALTIES, *_LOGPROBS)
        ),
        service("grok", "https://api.x.ai/v1", "GROK_API_KEY", "XAI_API_KEY")._replace(
            renamed={"max_tokens": "max_completion_tokens"}, lacks=("logit_bias",)
        ),
        service("groq", "https://api.groq.com/openai/v1")._replace(
            lacks=("num_choices", "logit_bias", *_LOGPROBS)
        ),
        service("hf-inference-providers", "https://router.huggingface.co/v1", "HF_TOKEN"),
        service("mistral", "https://api.mistral.ai/v1")._replace(
            renamed={"seed": "random_seed"}, lacks=("logit_bias", *_LOGPROBS)
        ),
        service("openrouter", "https://openrouter.ai/api/v1")._replace(
            takes=_TOP_K, lacks=("num_choices",)
        ),
        service("perplexity", "https://api.perplexity.ai/v1")._replace(responses_api=True),
        service("together", "https://api.together.xyz/v1")._replace(
            takes=_TOP_K, lacks=_LOGPROBS, reasons=_OTHER_FORM, max_tokens=2048
        ),
        _own_server("llama-cpp", "http://localhost:8080/v1")._replace(
            takes=_TOP_K, lacks=("num_choices", "reasoning_effort"), reasons=_TEMPLATE
        ),
        _own_server("llama-cpp-python", "http://localhost:8000/v1")._replace(
            takes=_TOP_K,
            lacks=("num_choices", "reasoning_effort", "response_schema", "parallel_tool_calls"),
        ),
        _own_server("ollama", "http://localhost:11434/v1")._replace(
            lacks=("num_choices", "logit_bias", "parallel_tool_calls")
        ),
        _own_server("sglang", None, "python -m sglang.launch_server --model-path MODEL")._replace(
            takes=_TOP_K
        ),
        _own_server("vllm", None, "vllm serve MODEL")._replace(takes=_TOP_K),
    )
}
"""Each service by the name of its provider."""

INSTEAD: Mapping[str, str] = {
    "azureai": "'openai/azure/<deployment>', or 'openai-api/<service>/<model>' for other models",
    "bedrock": "'anthropic/bedrock/<model>', or 'openai-api/bedrock/<model>' with "
    "BEDROCK_BASE_URL='https://bedrock-runtime.<region>.amazonaws.com/openai/v1'",
    "hf": "'vllm/<model>' or another server of the model, 'hf-inference-providers/<model>', or "
    "'local/<path of a GGUF file>'",
    "vertex": "'google/<model>', or 'anthropic/vertex/<model>'",
}
"""Providers of others that speak an interface of their own, with what reaches their models."""

INSTEAD_OF_MODELS: Mapping[str, str] = {
    "google/vertex/": "'google/<model>', or 'openai-api/vertex/<model>' with the address of "
    "Vertex AI's OpenAI interface in VERTEX_BASE_URL",
    "perplexity/sonar": "'perplexity/perplexity/sonar': names begin with the model's maker",
    "mistral/azure/": "'openai-api/azure-mistral/<model>', with the address of the deployment in "
    "AZURE_MISTRAL_BASE_URL",
}
"""The same for models that some names begin with."""
