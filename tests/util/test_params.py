"""Arguments as a log can hold them, and what counts as an async callable."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from scorers import accuracy, match
from tasks_lib._util._callables import is_async_callable
from tasks_lib._util._params import plain_params
from tasks_lib.schema import GenerateConfig


def a_function() -> None: ...


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, None, id="None"),
        pytest.param(True, True, id="bool"),
        pytest.param(1.5, 1.5, id="float"),
        pytest.param("text", "text", id="text"),
        pytest.param((1, [2, {"a": 3}]), [1, [2, {"a": 3}]], id="nested"),
        pytest.param({1: "x"}, {"1": "x"}, id="keys become text"),
        pytest.param({"b", "a"}, ["a", "b"], id="set"),
        pytest.param(Path("a/b"), "a/b", id="path"),
        pytest.param(b"x", "b'x'", id="bytes"),
        pytest.param(a_function, "a_function", id="function"),
        pytest.param(accuracy(), "accuracy", id="registered"),
        pytest.param(
            match("any"), {"name": "match", "params": {"location": "any"}}, id="with arguments"
        ),
        pytest.param(GenerateConfig(seed=1), {"seed": 1}, id="pydantic model"),
        pytest.param(
            partial(a_function), "functools.partial(<function a_function>)", id="no address"
        ),
    ],
)
def test_plain(value: object, expected: object) -> None:
    assert plain_params({"key": value}) == {"key": expected}


async def _coroutine() -> None: ...


class _AsyncCall:
    async def __call__(self) -> None: ...


class _Call:
    def __call__(self) -> None: ...


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(_coroutine, True, id="async function"),
        pytest.param(partial(_coroutine), True, id="partial"),
        pytest.param(_AsyncCall(), True, id="object"),
        pytest.param(_AsyncCall, False, id="class"),
        pytest.param(_Call(), False, id="blocking object"),
        pytest.param(a_function, False, id="function"),
        pytest.param(5, False, id="number"),
    ],
)
def test_async_callable(value: Any, expected: bool) -> None:
    assert is_async_callable(value) is expected
