"""What the models of a bridge are called."""

from __future__ import annotations

from solvers.agents._bridge._call import Refusal
from tasks_lib._errors import PrerequisiteError
from tasks_lib.model import Model, get_model, model_roles

OURS = ("evals", "inspect")
"""The evaluated model; with `/<role>` or `/<provider>/<model>` another one."""


def is_ours(name: object) -> bool:
    """Tell whether a model's name says that a bridge is meant."""
    return isinstance(name, str) and name.partition("/")[0] in OURS


def named_model(name: str, own: Model) -> Model:
    """Return the model that a program asks.

    Args:
        name: One of ours, else any: a program that is pointed at a bridge asks the bridge's
            model, whatever it calls it.
        own: The bridge's model.

    Raises:
        Refusal: There is no such role, provider or model.
    """
    prefix, _, rest = name.partition("/")
    if prefix not in OURS or not rest:
        return own
    try:
        if "/" in rest:
            return get_model(rest)
    except PrerequisiteError as error:
        raise Refusal(404, str(error), code="model_not_found", param="model") from error
    if rest not in model_roles():
        known = ", ".join(sorted(model_names())) or "none"
        message = f"No role has the name {rest!r}, as asked for by {name!r}. Known: {known}."
        raise Refusal(404, message, code="model_not_found", param="model")
    return get_model(role=rest)


def model_names() -> list[str]:
    """Return the names that a program can be told; those with a provider are any."""
    return [*OURS, *(f"{OURS[0]}/{role}" for role in sorted(model_roles()))]
