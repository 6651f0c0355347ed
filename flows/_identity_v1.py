"""Version 1 of what tells which runs are the same, for the logs that carry it."""

from __future__ import annotations

import hashlib
import json

from tasks_lib.schema import EvalLog, EvalModelConfig, GenerateConfig

_LIMITS = {"message_limit", "token_limit", "time_limit", "working_limit"}
_NOT_COUNTED = {"attempt_timeout", "max_connections", "max_retries", "timeout"}
_CONFIG = {
    *("max_retries", "timeout", "attempt_timeout", "max_connections", "system_message"),
    *("max_tokens", "top_p", "temperature", "stop_seqs", "best_of", "frequency_penalty"),
    *("presence_penalty", "logit_bias", "seed", "top_k", "num_choices", "logprobs"),
    *("top_logprobs", "parallel_tool_calls", "internal_tools", "max_tool_output"),
    *("cache_prompt", "reasoning_effort", "reasoning_tokens", "reasoning_summary"),
    *("reasoning_history", "response_schema", "extra_body"),
}
"""The generate options that there were then: null fields counted too."""
_STEP = {"solver", "params"}
_SCORER = {"name", "options", "metrics", "metadata"}


def task_identity_v1(header: EvalLog) -> str | None:
    """Return the digest as those versions made it, None for a run that they did not know.

    It never changes: every log that they wrote would be another run.
    """
    spec = header.eval
    if spec.sandbox is not None:
        return None
    content: dict[str, object] = {
        "task": [spec.task, spec.task_file, spec.task_args, spec.task_version],
        "samples": spec.dataset.digest,
        "solvers": [step.model_dump(include=_STEP) for step in header.plan.steps],
        "scorers": [scorer.model_dump(include=_SCORER) for scorer in spec.scorers or []],
        "model": [spec.model, spec.model_base_url, spec.model_args],
        "config": _config(header.plan.config),
        "model_config": _config(spec.model_generate_config),
        "roles": {
            role: [_role(model) for model in of] if isinstance(of, list) else _role(of)
            for role, of in (spec.model_roles or {}).items()
        },
        "limits": spec.config.model_dump(include=_LIMITS),
    }
    if spec.config.approval is not None:
        content["approval"] = spec.config.approval
    text = json.dumps(content, sort_keys=True, default=str)
    return f"v1:{hashlib.sha256(text.encode()).hexdigest()}"


def _config(config: GenerateConfig) -> dict[str, object]:
    return config.model_dump(include=_CONFIG - _NOT_COUNTED)


def _role(model: EvalModelConfig) -> dict[str, object]:
    of_then = model.model_dump(include={"model", "base_url", "args"})
    return {**of_then, "config": model.config.model_dump(include=_CONFIG)}
