"""`tasks_lib.util` has every documented name."""

from __future__ import annotations

import inspect

import pytest

from tasks_lib import util
from tasks_lib._errors import ParameterError
from tasks_lib.tool import Tool, tool
from tasks_lib.util import InputPanel, input_panel, registry_create

DOCUMENTED = """
    apply_limits ExecResult concurrency DisplayType display_counter display_type InputPanel
    input_panel input_screen JSONType JSONSchema json_schema Limit message_limit
    OutputLimitExceededError resource subprocess LimitExceededError LimitScope Store store
    StoreModel store_as span collect Subtask subtask throttle token_limit time_limit
    working_limit trace_action trace_message RegistryType registry_create
"""
"""All but those of sandboxes."""


def test_documented_names_are_there() -> None:
    assert set(DOCUMENTED.split()) - set(util.__all__) == set()


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("concurrency", "name, concurrency, key=None"),
        ("subprocess", "args, text=True, input=None, cwd=None, env={}, capture_output=True, "
                       "output_limit=None, timeout=None, concurrency=True"),
        ("resource", "resource, type='auto', fs_options={}"),
        ("throttle", "seconds"),
        ("registry_create", "type, name, /, **kwargs"),
        ("trace_action", "logger, action, message, *args, **kwargs"),
        ("trace_message", "logger, category, message, *args, **kwargs"),
        ("display_type", ""),
        ("display_counter", "caption, value"),
        ("input_screen", "header=None, transient=None, width=None"),
        ("input_panel", "panel"),
    ],
)  # fmt: skip
def test_documented_parameters(name: str, parameters: str) -> None:
    signature = inspect.signature(getattr(util, name))
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]

    assert str(inspect.Signature(bare)) == f"({parameters})"


async def test_there_are_no_panels() -> None:
    class Questions(InputPanel): ...

    with pytest.raises(NotImplementedError, match=r"input_panel\(Questions\): .*input_screen"):
        await input_panel(Questions)


@tool(name="made_by_name")
def _made_by_name(size: int = 1) -> Tool:
    async def execute() -> str:
        """Say how large it is."""
        return str(size)

    return execute


async def test_objects_are_made_by_name() -> None:
    made = registry_create("tool", "made_by_name", size=3)

    assert callable(made)
    assert await made() == "3"


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        pytest.param("made_by_nam", {}, LookupError, "Did you mean 'made_by_name'", id="name"),
        pytest.param("made_by_name", {"siz": 1}, ParameterError, "Did you mean 'size'",
                     id="argument"),
    ],
)  # fmt: skip
def test_what_cannot_be_made(
    name: str, arguments: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        registry_create("tool", name, **arguments)
