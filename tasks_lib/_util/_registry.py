"""Names for factories: what `@solver`, `@scorer`, `@task` … register and look up.

A *factory* is what a decorator decorates; an *instance* is what calling it returns. An
instance remembers its name and the arguments that were passed, so that a log can say how
it was made. Packages add names through the entry-point group `prefect_evals`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points, packages_distributions
from typing import Literal, ParamSpec, TypeVar

from tasks_lib._errors import ParameterError, UnknownNameError, nearest_hint

P = ParamSpec("P")
T = TypeVar("T")

RegistryType = Literal[
    "task",
    "solver",
    "agent",
    "scorer",
    "metric",
    "score_reducer",
    "modelapi",
    "tool",
    "approver",
    "sandboxenv",
]
"""The kinds of things that have names."""

ENTRY_POINT_GROUP = "prefect_evals"
"""Installed packages whose modules are imported when a name is not known yet."""

_INFO = "__evals_registry_info__"
_PARAMS = "__evals_registry_params__"
_DEFAULTS = "__evals_registry_defaults__"


@dataclass(frozen=True)
class RegistryInfo:
    """The name of a factory or of an instance that it made."""

    type: RegistryType
    """What kind of thing it is."""

    name: str
    """Its name; `package/name` when it comes from an installed package."""

    metadata: Mapping[str, object] = field(default_factory=dict)
    """What the decorator was told beside the name, for example a scorer's metrics."""


_registry: dict[tuple[RegistryType, str], Callable[..., object]] = {}
_loaded_entry_points: set[str] = set()


def register_factory(
    type: RegistryType,
    factory: Callable[P, T],
    name: str | None = None,
    metadata: Mapping[str, object] | None = None,
    *,
    check: Callable[[T], T] | None = None,
) -> Callable[P, T]:
    """Register `factory` and return it wrapped so that its instances know their origin.

    Args:
        type: What kind of thing the factory makes.
        factory: The decorated function or class.
        name: Its name; by default its `__name__`. Factories of installed packages
            (ours excepted) are known as `package/name`.
        metadata: Kept in the registry info of the factory and its instances.
        check: Gets each new instance and returns it, possibly wrapped; raises when the
            factory returned something else than it should.
    """
    info = RegistryInfo(type, _qualified(factory, name or factory.__name__), metadata or {})
    signature = inspect.signature(factory)

    @functools.wraps(factory)
    def make(*args: P.args, **kwargs: P.kwargs) -> T:
        instance = factory(*args, **kwargs)
        if check is not None:
            instance = check(instance)
        registry_tag(instance, info, signature.bind(*args, **kwargs).arguments, signature)
        return instance

    registry_add(make, info)
    return make


def registry_add(factory: Callable[..., object], info: RegistryInfo) -> None:
    """Make `factory` known under `info.name`; a later one of the same name replaces it."""
    setattr(factory, _INFO, info)
    _registry[(info.type, info.name)] = factory


def registry_tag(
    instance: object,
    info: RegistryInfo,
    params: Mapping[str, object],
    signature: inspect.Signature | None = None,
    defaults: Mapping[str, object] | None = None,
) -> None:
    """Let `instance` remember its name and the arguments that were passed for it.

    Arguments collected by `*args` or `**kwargs` are recorded as if they had been named
    (`kwargs`) or as a list (`args`). Defaults are those of `signature`, unless they are given.
    """
    flat: dict[str, object] = {}
    for key, value in params.items():
        kind = signature.parameters[key].kind if signature is not None else None
        if kind is inspect.Parameter.VAR_KEYWORD and isinstance(value, Mapping):
            flat.update(value)
        elif kind is inspect.Parameter.VAR_POSITIONAL and isinstance(value, tuple):
            flat[key] = list(value)
        else:
            flat[key] = value
    # Instances are functions or frozen-free objects of ours; object.__setattr__ would hide
    # an instance that cannot remember anything.
    setattr(instance, _INFO, info)
    setattr(instance, _PARAMS, flat)
    if defaults is None and signature is not None:
        parameters = signature.parameters.values()
        defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
    setattr(instance, _DEFAULTS, dict(defaults or {}))


def registry_lookup(type: RegistryType, name: str) -> Callable[..., object] | None:
    """Return the factory called `name`, or None.

    `name` may leave out the package. Entry points are imported when it is not known yet.
    """
    found = _find(type, name)
    if found is None and _load_entry_points():
        found = _find(type, name)
    return found


def registry_class(type: RegistryType, name: str, kind: str) -> object:
    """Return the class that is registered under `name`, or that a function of this name returns.

    Raises:
        UnknownNameError: There is none. `kind` says what it would be.
    """
    found = registry_lookup(type, name)
    if found is None:
        raise UnknownNameError(kind, name, known_names(type))
    return found if inspect.isclass(found) else found()


def registry_create(type: RegistryType, name: str, /, **kwargs: object) -> object:
    """Call the factory called `name` with `kwargs` and return the instance.

    Raises:
        UnknownNameError: No factory has this name.
        ParameterError: The factory has no parameter of one of the names, or needs another.
    """
    factory = registry_lookup(type, name)
    if factory is None:
        raise UnknownNameError(type.replace("_", " "), name, known_names(type))
    check_arguments(name, factory, kwargs)
    return factory(**kwargs)


def check_arguments(
    name: str, factory: Callable[..., object], kwargs: Mapping[str, object]
) -> None:
    """Raise ParameterError unless `factory` can be called with `kwargs`."""
    parameters = inspect.signature(factory).parameters
    if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
        for key in kwargs:
            if key not in parameters:
                hint = nearest_hint(key, parameters)
                raise ParameterError(name, "argument name", key, f"one that it has. {hint}"[:-1])
    try:
        inspect.signature(factory).bind(**kwargs)
    except TypeError as error:
        # Names only: one of the values may be a key.
        raise ParameterError(name, "arguments", sorted(kwargs), f"a full set ({error})") from error


def call_recorded(
    name: str, factory: Callable[..., object], params: Mapping[str, object]
) -> object:
    """Call `factory` with arguments as `registry_params` records them: `*args` are a list.

    Raises:
        ParameterError: They are not arguments of `factory`, or one is missing.
    """
    parameters = inspect.signature(factory).parameters.values()
    star = next((p for p in parameters if p.kind is inspect.Parameter.VAR_POSITIONAL), None)
    listed = params.get(star.name) if star is not None else None
    if star is None or not isinstance(listed, list):
        check_arguments(name, factory, params)
        return factory(**params)
    rest = {key: value for key, value in params.items() if key != star.name}
    check_arguments(name, factory, rest)
    before = [p for p in parameters if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    positional = [rest.pop(p.name, p.default) for p in before] if listed else []
    return factory(*positional, *listed, **rest)


def registry_info(obj: object) -> RegistryInfo:
    """Return what `obj`, a factory or an instance, is registered as.

    Raises:
        ValueError: It is not registered: the decorator is missing.
    """
    info = getattr(obj, _INFO, None)
    if not isinstance(info, RegistryInfo):
        label = getattr(obj, "__name__", None) or repr(obj)
        raise ValueError(
            f"{label} is not registered: decorate the function that makes it "
            "(@task, @solver, @scorer, @metric …)."
        )
    return info


def is_registered(obj: object, type: RegistryType | None = None) -> bool:
    """Tell whether `obj` is a registered factory or instance (of `type`, if given)."""
    info = getattr(obj, _INFO, None)
    return isinstance(info, RegistryInfo) and (type is None or info.type == type)


def is_factory(obj: object, type: RegistryType) -> bool:
    """Tell whether `obj` is what a decorator registered, and not an instance that it made."""
    return is_registered(obj, type) and callable(obj) and not hasattr(obj, _PARAMS)


def registry_params(obj: object) -> dict[str, object]:
    """Return the arguments that were passed for the instance `obj`; defaults are left out."""
    params = getattr(obj, _PARAMS, None)
    return dict(params) if isinstance(params, dict) else {}


def registry_defaults(obj: object) -> dict[str, object]:
    """Return the default of each parameter of `obj` for which nothing was passed."""
    defaults = getattr(obj, _DEFAULTS, None)
    passed = registry_params(obj)
    return {key: value for key, value in (defaults or {}).items() if key not in passed}


def registry_name(obj: object) -> str:
    """Return the registered name of `obj`, with its package."""
    return registry_info(obj).name


def unqualified_name(obj: object) -> str:
    """Return the registered name of `obj` without its package."""
    return registry_info(obj).name.rsplit("/", 1)[-1]


def known_names(type: RegistryType) -> list[str]:
    """Return all names of a kind, sorted."""
    return sorted(name for kind, name in _registry if kind == type)


def _find(type: RegistryType, name: str) -> Callable[..., object] | None:
    exact = _registry.get((type, name))
    if exact is not None or "/" in name:
        return exact
    matches = [
        factory
        for (kind, full), factory in _registry.items()
        if kind == type and full.rsplit("/", 1)[-1] == name
    ]
    return matches[0] if len(matches) == 1 else None


def _load_entry_points() -> bool:
    """Import the modules of not yet loaded entry points; tell whether there were any."""
    fresh = [
        point
        for point in entry_points(group=ENTRY_POINT_GROUP)
        if point.value not in _loaded_entry_points
    ]
    for point in fresh:
        _loaded_entry_points.add(point.value)
        point.load()
    return bool(fresh)


_OUR_PACKAGES = frozenset({"tasks_lib", "solvers", "scorers", "flows", "deployments"})


@functools.cache
def _installed_packages() -> frozenset[str]:
    return frozenset(packages_distributions())


def _qualified(factory: Callable[..., object], name: str) -> str:
    package = (getattr(factory, "__module__", None) or "").split(".")[0]
    if "/" in name or package in _OUR_PACKAGES or package not in _installed_packages():
        return name
    return f"{package}/{name}"
