"""Models that a log names, made anew."""

from __future__ import annotations

from collections.abc import Mapping

from tasks_lib._errors import PrerequisiteError
from tasks_lib.model import Model, get_model
from tasks_lib.schema import EvalModelConfig

_NOT_A_LOGS = frozenset({"api_key", "base_url", "config", "default", "memoize", "model", "role"})
"""Arguments of `get_model` that no log of ours has among those of the provider."""


def logged_model(
    function: str,
    logged: EvalModelConfig,
    role: str | None = None,
    *,
    base_url: str | None = None,
    model_args: Mapping[str, object] | None = None,
) -> Model:
    """Make a model of a log, which must not choose where the keys of this process are sent.

    Args:
        function: Who needs it, for messages.
        logged: What the log says of it.
        role: What it is used as, None for the evaluated model.
        base_url: Where the provider is, from somebody who may say so; None: where the
            environment says, which must be where the log has it.
        model_args: Arguments of the provider beside those of the log, which has no secrets.

    Raises:
        PrerequisiteError: It was elsewhere than it would be here, or it cannot be made.
    """
    argument = f"model_roles={{{role!r}: …}}" if role else "model=…"
    if foreign := _NOT_A_LOGS & logged.args.keys():
        raise PrerequisiteError(
            f"{function}: the log passes {sorted(foreign)} to the model {logged.model!r}, which "
            f"is not for a log to say. Pass {argument} to say which model is meant."
        )
    arguments = {**logged.args, **(model_args or {})}
    model = get_model(
        logged.model,
        config=logged.config,
        base_url=base_url,
        memoize=False,
        **arguments,
    )
    if base_url is None and logged.base_url not in (None, model.base_url):
        raise PrerequisiteError(
            f"{function}: the log has the model {logged.model!r} at {logged.base_url!r}, which is "
            f"not where it is here ({model.base_url or 'its usual place'}). Pass {argument} to say "
            "which one is meant: the name alone, or, if you trust that address, a Model with it."
        )
    return model.with_role(role) if role else model
