"""What is known of a tool: its function, and what the model and people are told of it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from pydantic import JsonValue

from tasks_lib._errors import ToolDefinitionError
from tasks_lib._util._callables import is_async_callable
from tasks_lib._util._models import build
from tasks_lib._util._registry import (
    is_registered,
    registry_info,
    registry_lookup,
    unqualified_name,
)
from tasks_lib.schema import ToolInfo, ToolParams
from tasks_lib.tool._arguments import ArgumentReader
from tasks_lib.tool._docstring import ToolDocs, tool_docs
from tasks_lib.tool._function import (
    Accepted,
    accepted_arguments,
    check_accepted,
    check_described,
    function_of,
    tool_params,
)
from tasks_lib.tool._take_over import takes_over
from tasks_lib.tool._tool import (
    Tool,
    ToolCallModelInput,
    ToolCallViewer,
    ToolResult,
)

_DEFINITION = "__evals_tool_def__"


class ToolDef:
    """A tool with all that is known of it.

    Attributes:
        tool: The async function (or object) that is called.
        name: Its name, for the model too.
        description: What it does.
        parameters: What it takes.
        parallel: Whether calls of one message may run at the same time.
        viewer: How calls are shown to people.
        model_input: What the model gets to see of earlier results.
        options: Options that only some providers understand.
    """

    def __init__(  # noqa: PLR0913 - the documented signature
        self,
        tool: Callable[..., Any],
        name: str | None = None,
        description: str | None = None,
        parameters: Mapping[str, str] | ToolParams | None = None,
        parallel: bool | None = None,
        viewer: ToolCallViewer | None = None,
        model_input: ToolCallModelInput | None = None,
        options: Mapping[str, JsonValue] | None = None,
    ) -> None:
        """Describe a tool. What is None is what `tool` already says of itself.

        Args:
            tool: An async function or object, made by a `@tool` function or not.
            name: Its name; by default that of the `@tool` function, else its own.
            description: What it does; by default what its docstring says.
            parameters: What it takes: descriptions that win over those of the docstring,
                or all of it, for functions that take `**kwargs`.
            parallel: Whether calls of one message may run at the same time; True unless
                `@tool` was told otherwise.
            viewer: How calls are shown to people.
            model_input: What the model gets to see of earlier results.
            options: Options that only some providers understand.

        Raises:
            ToolDefinitionError: `tool` is none, or the model could not be told what it does
                and takes.
        """
        facts = _facts(tool, name)
        self.tool = tool
        self.name = facts.name
        self.description = description or facts.docs.description
        if not self.description:
            raise ToolDefinitionError(
                self.name, "does not say what it does: describe it in its docstring."
            )
        self._accepted = accepted_arguments(self.name, tool)
        self.parameters = _parameters(self.name, self._accepted, facts, parameters)
        self.parallel = facts.parallel if parallel is None else parallel
        self.viewer = viewer or facts.viewer
        self.model_input = model_input or facts.model_input
        self.options = facts.options if options is None else dict(options)
        self._info: ToolInfo | None = None
        self._reader: ArgumentReader | None = None

    def __repr__(self) -> str:
        return f"ToolDef({self.name!r})"

    @property
    def info(self) -> ToolInfo:
        """What the model is told; the same object until something of it is changed."""
        info = self._info
        if (
            info is None
            or info.name != self.name
            or info.description != self.description
            or info.parameters is not self.parameters
            or info.options is not self.options
        ):
            info = self._info = build(
                ToolInfo,
                name=self.name,
                description=self.description,
                parameters=self.parameters,
                options=self.options,
            )
        return info

    def as_tool(self) -> Tool:
        """Return a tool that is known by this name, description and all the rest.

        It is a function of its own: `tool` itself is not changed, so one function can be
        several tools.
        """
        if remembered_def(self.tool) is self:
            return self.tool
        called = self.tool

        @functools.wraps(called)
        async def execute(*args: Any, **kwargs: Any) -> ToolResult:
            result: ToolResult = await called(*args, **kwargs)
            return result

        if takes_over(called):
            vars(execute).update(agent=called.agent, take_over=called.take_over)
        _remember(execute, self)
        return execute

    def read_arguments(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a model passed, checked and of the types that the function names.

        Raises:
            ToolParsingError: It is not what the model was told to pass.
        """
        if self._reader is None or self._reader.parameters is not self.parameters:
            self._reader = ArgumentReader(self.parameters, self._accepted)
        return self._reader.read(arguments)


def tool_with(  # noqa: PLR0913 - the documented signature
    tool: Tool,
    name: str | None = None,
    description: str | None = None,
    parameters: Mapping[str, str] | None = None,
    parallel: bool | None = None,
    viewer: ToolCallViewer | None = None,
    model_input: ToolCallModelInput | None = None,
) -> Tool:
    """Change what is known of a tool, and return it.

    The tool itself is changed: make it twice to have it in two variants. What is None stays.

    Args:
        tool: The tool.
        name: Its name.
        description: What it does.
        parameters: Descriptions by the names of parameters; others keep theirs.
        parallel: Whether calls of one message may run at the same time.
        viewer: How calls are shown to people.
        model_input: What the model gets to see of earlier results.

    Raises:
        ToolDefinitionError: It has no parameter of one of the names, or the model could not
            be told what it does and takes.
    """
    changed = ToolDef(tool, name, description, parameters, parallel, viewer, model_input)
    _remember(tool, changed)
    return tool


def tool_def(tool: Callable[..., Any]) -> ToolDef:
    """Return what is known of a tool; it is found out once and remembered with the tool.

    Raises:
        ToolDefinitionError: It is no tool, or the model could not be told what it does and
            takes.
    """
    known = remembered_def(tool)
    if known is None:
        known = ToolDef(tool)
        _remember(tool, known)
    return known


def remembered_def(tool: object) -> ToolDef | None:
    """Return what is remembered with `tool` itself, None if nothing is.

    What `functools.wraps` copied from another function is of no use: it calls that function.
    """
    known = getattr(tool, _DEFINITION, None)
    return known if isinstance(known, ToolDef) and known.tool is tool else None


class _Facts(NamedTuple):
    """What a tool says of itself."""

    name: str
    docs: ToolDocs
    parameters: ToolParams | None = None
    """None: the signature and the docstring say it."""
    parallel: bool = True
    viewer: ToolCallViewer | None = None
    model_input: ToolCallModelInput | None = None
    options: dict[str, JsonValue] | None = None


def _facts(tool: Callable[..., Any], given_name: str | None) -> _Facts:
    known = getattr(tool, _DEFINITION, None)
    if isinstance(known, ToolDef):
        docs = ToolDocs(known.description, {}, {})
        return _Facts(
            given_name or known.name,
            docs,
            known.parameters,
            known.parallel,
            known.viewer,
            known.model_input,
            known.options,
        )
    name = _name(tool, given_name)
    if not is_async_callable(tool):
        raise ToolDefinitionError(name, "is not an async function, so it cannot be called.")
    docs = tool_docs(function_of(tool))
    if not is_registered(tool, "tool"):
        return _Facts(name, docs)
    said: Mapping[str, Any] = registry_info(tool).metadata
    return _Facts(
        name,
        docs,
        parallel=said["parallel"],
        viewer=said["viewer"],
        model_input=said["model_input"],
    )


def _name(tool: Callable[..., Any], given: str | None) -> str:
    if is_registered(tool, "tool"):
        info = registry_info(tool)
        if registry_lookup("tool", info.name) is tool:
            raise ToolDefinitionError(info.name, f"was not made: pass {info.name}() instead.")
        return given or unqualified_name(tool)
    if not callable(tool):
        raise ToolDefinitionError(str(tool), "is no tool: expected an async function.")
    if given:
        return given
    named = tool.func if isinstance(tool, functools.partial) else tool
    name = getattr(named, "__name__", None)
    if not isinstance(name, str):
        raise ToolDefinitionError(repr(tool), "has no name: pass one, as in ToolDef(…, name=…).")
    return name


def _parameters(
    name: str,
    accepted: Accepted,
    facts: _Facts,
    given: Mapping[str, str] | ToolParams | None,
) -> ToolParams:
    if isinstance(given, ToolParams):
        params = given
    elif facts.parameters is None:
        params = tool_params(name, accepted, facts.docs, given or {})
    else:
        params = _described(name, facts.parameters, given or {})
    check_accepted(name, accepted, params)
    return params


def _described(name: str, params: ToolParams, described: Mapping[str, str]) -> ToolParams:
    check_described(name, described, params.properties)
    changes = {
        parameter: params.properties[parameter].model_copy(update={"description": text})
        for parameter, text in described.items()
    }
    return params.model_copy(update={"properties": {**params.properties, **changes}})


def _remember(tool: Callable[..., Any], definition: ToolDef) -> None:
    with suppress(AttributeError):  # methods and slotted objects: found out again each time
        setattr(tool, _DEFINITION, definition)
