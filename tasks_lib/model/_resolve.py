"""From names to models."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import yaml
from pydantic import BaseModel, ValidationError

from tasks_lib._errors import ParameterError
from tasks_lib._util._registry import check_arguments, known_names
from tasks_lib.model._api import find_provider
from tasks_lib.model._model import Model, active_model, model_roles
from tasks_lib.schema import GenerateConfig

MODEL_VARIABLES = ("EVAL_MODEL", "INSPECT_EVAL_MODEL")
"""Name the model, or models separated by commas, when none is given; the first one set counts."""

MODEL_ARGS_VARIABLES = ("EVAL_MODEL_ARGS", "INSPECT_EVAL_MODEL_ARGS")
"""Arguments of the model when none are given, as `name=value name=value`; the first one set
counts."""

NO_MODEL = "none/none"
"""The model of evaluations that ask no model; asking it is an error."""


RoleModel: TypeAlias = str | Model | Mapping[str, object]
"""The model of a role: its name, itself, or its name with options."""

_OPTIONS = frozenset(GenerateConfig.model_fields)


class NotGiven:
    """The type of `NOT_GIVEN`: an argument that was left out, where None means something."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN: Final = NotGiven()

_memoized: dict[str, Model] = {}

_OWN_ARGUMENTS = {
    "base_url": "model_base_url",
    "config": "generate options by their names",
    "default": "model",
    "memoize": "a model of get_model",
    "model": "model",
    "model_name": "model",
    "role": "model_roles",
}
"""Arguments that are not the provider's, and what to pass instead."""

_PROVIDER_VARIABLES = (
    "_API_KEY", "_TOKEN", "_BASE_URL", "_ENDPOINT", "_API_VERSION", "_REGION", "_ACCOUNT_ID",
    "_ORG_ID", "_PROJECT_ID",
)  # fmt: skip
"""How the names of variables end that providers read."""


def get_model(  # noqa: PLR0913 - the documented signature
    model: str | Model | None = None,
    *,
    role: str | None = None,
    default: str | Model | None = None,
    config: GenerateConfig | None = None,
    base_url: str | None = None,
    api_key: str | None = None,
    memoize: bool = True,
    **model_args: object,
) -> Model:
    """Return a model.

    A `Model` is returned as it is. Without `model` it is the one that has the `role`, else
    `default`, else the evaluated one, else the first that the environment names
    (`EVAL_MODEL`). Asking twice for the same returns the same model, with its open
    connections; mock models are always new.

    Used as a context manager (`async with get_model(…) as model`), a model closes its
    connections at the end.

    Args:
        model: `provider/name`, or "none".
        role: A role like "grader". A role that the eval has given away wins over
            everything else.
        default: The model when none is named and the role is not given away.
        config: Generate options of the model.
        base_url: Where the provider is.
        api_key: Its key; by default an environment variable, see the provider.
        memoize: Whether a model that was made before may be returned.
        **model_args: Further arguments of the provider.

    Raises:
        UnknownNameError: There is no such provider.
        ParameterError: The name is not `provider/name`, or the provider does not know one
            of the arguments.
        MissingKeyError: The provider needs a key and there is none.
    """
    if isinstance(model, Model):
        return model
    if role is not None and role in model_roles():
        return model_roles()[role]
    name = model or _default_model(role, default)
    if isinstance(name, Model):
        return name
    if name == "none":
        name = NO_MODEL
    config = config or GenerateConfig()
    key = _memo_key(name, role, config, {"base_url": base_url, "api_key": api_key, **model_args})
    if not memoize or key is None or name.startswith("mockllm/"):
        return _create(name, role, config, base_url, api_key, model_args)
    known = _memoized.get(key)
    if known is None:
        known = _memoized[key] = _create(name, role, config, base_url, api_key, model_args)
        known.on_close(lambda: _forget(key))
    return known


def resolve_models(
    model: str | Model | Sequence[str | Model] | NotGiven | None = NOT_GIVEN,
    *,
    base_url: str | None = None,
    model_args: Mapping[str, object] | None = None,
    config: GenerateConfig | None = None,
) -> list[Model]:
    """Return the models that an evaluation is to run on, at least one.

    Args:
        model: One or several; a text may name several, separated by commas. Left out, the
            environment names them (`EVAL_MODEL`); None is `none/none`, on purpose.
        base_url: For models made from names.
        model_args: For models made from names; by default those of `EVAL_MODEL_ARGS`.
        config: Generate options of models made from names.

    Raises:
        PrerequisiteError: A model cannot be made, see `get_model`.
    """
    if isinstance(model, NotGiven):
        model = _environment_models() or None
    if model is None or (not isinstance(model, (str, Model)) and not model):
        return [get_model(NO_MODEL)]
    arguments = dict(model_args or environment_model_args())
    _check_model_args(arguments)
    entries = [model] if isinstance(model, Model) else _names(model)
    return [
        entry
        if isinstance(entry, Model)
        else get_model(entry, config=config, base_url=base_url, **arguments)  # type: ignore[arg-type]
        for entry in entries
    ]


def resolve_model_roles(roles: Mapping[str, RoleModel] | None) -> dict[str, Model]:
    """Return the models of `roles`, each knowing its role.

    A model's name alone means no other options than its own defaults: a grader does not get
    the temperature of the evaluated model. A mapping gives it some: `model` is the name, the
    rest are generate options, `base_url`, and arguments of the provider.

    Raises:
        PrerequisiteError: A model cannot be made, see `get_model`.
    """
    return {role: _role_model(role, model).with_role(role) for role, model in (roles or {}).items()}


def environment_model_args() -> dict[str, object]:
    """Return the arguments that `EVAL_MODEL_ARGS` names; values are read as YAML.

    Raises:
        ParameterError: A word of it is not `name=value`.
    """
    arguments: dict[str, object] = {}
    variable = next(filter(os.environ.get, MODEL_ARGS_VARIABLES), MODEL_ARGS_VARIABLES[0])
    for word in shlex.split(os.environ.get(variable, "")):
        name, equals, value = word.partition("=")
        if not name or not equals:
            raise ParameterError("environment", variable, word, "'name=value'")
        arguments[name.replace("-", "_")] = yaml.safe_load(value)
    return arguments


async def close_models() -> None:
    """Close the connections of all memoized models; they open again when used again.

    To be awaited before an event loop ends: connections do not outlive their loop.
    """
    for model in list(_memoized.values()):
        await model.api.aclose()


def _role_model(role: str, model: RoleModel) -> Model:
    if isinstance(model, (str, Model)):
        return get_model(model, memoize=False)
    options = dict(model)
    name = options.pop("model", None)
    if not isinstance(name, str):
        expected = "a model's name, or a mapping with one as 'model'"
        # Names only: one of the values may be a key.
        raise ParameterError("model_roles", role, sorted(map(str, model)), expected)
    generate = {key: options.pop(key) for key in list(options) if key in _OPTIONS}
    try:
        config = GenerateConfig.model_validate(generate)
    except ValidationError as error:
        first = error.errors()[0]
        option = f"{role}.{'.'.join(map(str, first['loc']))}"
        raise ParameterError("model_roles", option, first["input"], first["msg"]) from error
    return get_model(name, config=config, memoize=False, **options)  # type: ignore[arg-type]


def _check_model_args(arguments: Mapping[str, object]) -> None:
    for name in arguments:
        if name in _OWN_ARGUMENTS:
            expected = f"an argument of the provider; use {_OWN_ARGUMENTS[name]} instead"
            raise ParameterError("eval", "model_args", name, expected)


def _forget(key: str) -> None:
    _memoized.pop(key, None)


def _default_model(role: str | None, default: str | Model | None) -> str | Model:
    if isinstance(default, Model):
        return default.with_role(role) if role else default
    found = default or active_model() or next(iter(_environment_models()), None)
    if found is None:
        raise ParameterError(
            "get_model", "model", None, f"'provider/name', or {MODEL_VARIABLES[0]} to be set"
        )
    return found


def _names(model: str | Sequence[str | Model]) -> list[str | Model]:
    if not isinstance(model, str):
        return list(model)
    names = [name.strip() for name in model.split(",")]
    if not all(names):
        raise ParameterError("eval", "model", model, "names separated by single commas")
    return list(names)


def _environment_models() -> list[str]:
    found = next((value for name in MODEL_VARIABLES if (value := os.environ.get(name))), "")
    return [name.strip() for name in found.split(",") if name.strip()]


def _create(
    name: str,
    role: str | None,
    config: GenerateConfig,
    base_url: str | None,
    api_key: str | None,
    model_args: Mapping[str, object],
) -> Model:
    if api_key is not None and not isinstance(api_key, str):
        # From a command line or a file, where 123 is a number. Its type only: it is a key.
        raise ParameterError("get_model", "api_key", type(api_key).__name__, "a text (in quotes)")
    provider, slash, model_name = name.partition("/")
    if not slash or not provider or not model_name:
        known = ", ".join(known_names("modelapi"))
        expected = f"'provider/name', with one of the providers {known}"
        raise ParameterError("get_model", "model", name, expected)
    api_class = find_provider(provider)
    arguments = {"base_url": base_url, "api_key": api_key, "config": config, **model_args}
    check_arguments(provider, api_class, {"model_name": model_name, **arguments})
    api = api_class(model_name, **arguments)  # type: ignore[arg-type]
    api.provider = provider
    model = Model(api, config, model_args)
    model.role = role
    return model


def _memo_key(
    name: str, role: str | None, config: GenerateConfig, arguments: Mapping[str, object]
) -> str | None:
    """Return a digest of what makes a model, None if it cannot be compared.

    Providers read keys and addresses from the environment, so these belong to it.
    """
    variables = [item for item in os.environ.items() if item[0].endswith(_PROVIDER_VARIABLES)]
    parts = [name, role, config, arguments, sorted(variables)]
    try:
        text = json.dumps(parts, sort_keys=True, default=_plain)
    except TypeError:
        return None
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump()
    raise TypeError(f"{value!r} cannot be compared")
