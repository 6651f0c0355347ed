"""What an agent is, and `@agent`, which gives the function that makes one a name."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, ParamSpec, Protocol, TypeGuard, overload, runtime_checkable

from solvers.agents._state import AgentState
from tasks_lib._errors import AgentDefinitionError, nearest_hint
from tasks_lib._util._callables import is_async_callable
from tasks_lib._util._registry import is_registered, register_factory, unqualified_name

P = ParamSpec("P")

_FACTS = "__evals_agent__"


@runtime_checkable
class Agent(Protocol):
    """Goes on with a conversation: as a solver, as a tool of others, or on its own."""

    async def __call__(self, state: AgentState, *args: Any, **kwargs: Any) -> AgentState:
        """Return the state, changed or replaced."""
        ...


@overload
def agent(func: Callable[P, Agent]) -> Callable[P, Agent]: ...


@overload
def agent(
    *, name: str | None = None, description: str | None = None
) -> Callable[[Callable[P, Agent]], Callable[P, Agent]]: ...


def agent(
    func: Callable[P, Agent] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
) -> Callable[P, Agent] | Callable[[Callable[P, Agent]], Callable[P, Agent]]:
    """Register a function that makes an agent. Used as `@agent` or as `@agent(name="…")`.

    An agent that another agent function made takes the name of the outer one.

    Args:
        func: The function (or class), when the decorator is used without brackets.
        name: Name of the agent; by default that of the function.
        description: What the agent can do, for models that may call it; by default what the
            docstring of the inner async function says.

    Raises:
        TypeError: The function is called and returns something that is not an async callable
            of a state.
        AgentDefinitionError: The function is called and calls itself without end.
    """

    def register(factory: Callable[P, Agent]) -> Callable[P, Agent]:
        called = name or factory.__name__

        @functools.wraps(factory)
        def make(*args: P.args, **kwargs: P.kwargs) -> Agent:
            try:
                return factory(*args, **kwargs)
            except RecursionError as error:
                raise AgentDefinitionError(
                    called,
                    "cannot be made: to make it, it has to be made before. It cannot hand over to "
                    "itself, nor have itself as a tool.",
                ) from error

        def check(instance: Agent) -> Agent:
            _check(instance, called)
            known = _facts(instance)
            if inspect.ismethod(instance):  # methods cannot remember what made them
                instance = _own_function(instance)
            elif is_registered(instance, "agent"):  # it goes on being what the other made
                instance, known = _own_function(instance), _Facts(None, known.description)
            return describe_agent(instance, known.name, description or known.description)

        return register_factory("agent", make, name, {"description": description}, check=check)

    return register if func is None else register(func)


def is_agent(obj: object) -> TypeGuard[Agent]:
    """Tell whether `obj` is what an `@agent` function made (the function itself is none)."""
    return is_registered(obj, "agent") and is_async_callable(obj)


def agent_with(agent: Agent, *, name: str | None = None, description: str | None = None) -> Agent:
    """Change how an agent is called and what it is said to do, and return it.

    The agent itself is changed: make it twice to have it in two variants. What is None stays.
    Logs go on to say by which `@agent` function it was made.

    Args:
        agent: What an `@agent` function made.
        name: Its name: in transcripts, and in the names of tools that hand over to it.
        description: What it can do, for models that may call it.

    Raises:
        AgentDefinitionError: `agent` was not made by an `@agent` function.
    """
    return describe_agent(require_agent(agent), name, description)


def describe_agent(agent: Agent, name: str | None, description: str | None) -> Agent:
    """Do what `agent_with` does, also for what an `@agent` function is about to return."""
    known = _facts(agent)
    setattr(agent, _FACTS, _Facts(name or known.name, description or known.description))
    return agent


def agent_name(agent: Agent) -> str:
    """Return what an agent is called: in transcripts, and by those who hand over to it."""
    return _facts(agent).name or unqualified_name(agent)


def agent_description(agent: Agent) -> str | None:
    """Return what an agent was said to do; None: only its docstring can say."""
    return _facts(agent).description


def require_agent(agent: Agent) -> Agent:
    """Return `agent`.

    Raises:
        AgentDefinitionError: It was not made by an `@agent` function.
    """
    if is_agent(agent):
        return agent
    name = getattr(agent, "__name__", None) or repr(agent)
    if is_registered(agent, "agent"):
        raise AgentDefinitionError(name, f"was not made: pass {name}(…) instead.")
    raise AgentDefinitionError(
        name, "was not made by an @agent function: decorate the function that makes it."
    )


def agent_function(agent: Agent) -> Callable[..., Any]:
    """Return the function that runs when `agent`, whatever it is, is called."""
    called: Any = agent
    while isinstance(called, functools.partial):
        called = called.func
    function: Callable[..., Any] = called if inspect.isroutine(called) else type(called).__call__
    return function


def open_parameters(agent: Agent, arguments: Mapping[str, object]) -> list[inspect.Parameter]:
    """Return what `agent` takes beside the state and `arguments`.

    Raises:
        AgentDefinitionError: It does not take one of `arguments`.
    """
    state, *parameters = inspect.signature(agent).parameters.values()
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    others = any(p.kind is p.VAR_KEYWORD for p in parameters)
    for name in arguments:
        if name not in named and (not others or name == state.name):
            hint = nearest_hint(name, named)
            raise AgentDefinitionError(agent_name(agent), f"has no parameter {name!r}. {hint}")
    return [p for p in parameters if p.name not in arguments and p.kind is not p.VAR_POSITIONAL]


def check_arguments(agent: Agent, arguments: Mapping[str, object]) -> None:
    """Check that `agent` can be called with a state and `arguments`.

    Raises:
        AgentDefinitionError: It lacks one, or does not take one.
    """
    for parameter in open_parameters(agent, arguments):
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD:
            raise AgentDefinitionError(
                agent_name(agent), f"needs {parameter.name!r}: pass {parameter.name}=… too."
            )


class _Facts(NamedTuple):
    """What an agent is said to be, beside what its registration says."""

    name: str | None = None
    description: str | None = None


def _facts(agent: object) -> _Facts:
    facts = getattr(agent, _FACTS, None)
    return facts if isinstance(facts, _Facts) else _Facts()


def _check(instance: Agent, name: str) -> None:
    problem = None
    if not is_async_callable(instance):
        problem = "which is not an async callable"
    elif not _takes_state(instance):
        problem = "which does not take a state"
    if problem is not None:
        raise TypeError(
            f"@agent {name} returned {instance!r}, {problem}: return "
            "`async def execute(state: AgentState) -> AgentState`."
        )


def _takes_state(instance: Agent) -> bool:
    first = next(iter(inspect.signature(instance).parameters.values()), None)
    return first is not None and first.kind in (
        first.POSITIONAL_ONLY,
        first.POSITIONAL_OR_KEYWORD,
        first.VAR_POSITIONAL,
    )


def _own_function(agent: Agent) -> Agent:
    """Return a function that calls `agent` and says of itself what `agent` does."""

    @functools.wraps(agent_function(agent))
    async def execute(*args: Any, **kwargs: Any) -> AgentState:
        return await agent(*args, **kwargs)

    vars(execute).pop(_FACTS, None)
    vars(execute)["__signature__"] = inspect.signature(agent)
    return execute
