"""solvers.bridge: deprecated; tests of agents show what solvers.agents.bridge does."""

from __future__ import annotations

from typing import Any, cast

import pytest

from solvers import bridge
from tasks_lib._errors import ParameterError
from tasks_lib._util._callables import is_async_callable
from tasks_lib._util._params import plain_params
from tasks_lib._util._registry import is_registered, registry_name, registry_params


async def bridged_solver_function(sample: dict[str, Any]) -> dict[str, Any]:
    return {"output": ""}


def test_a_solver_that_warns() -> None:
    with pytest.warns(DeprecationWarning, match=r"use solvers\.agents\.bridge") as warnings:
        solver = bridge(bridged_solver_function)

    assert [warning.filename for warning in warnings] == [__file__]
    assert is_registered(solver, "solver")
    assert is_async_callable(solver)
    assert registry_name(solver) == "bridge"
    assert plain_params(registry_params(solver)) == {"agent": "bridged_solver_function"}


def test_a_function_that_is_not_async() -> None:
    with pytest.warns(DeprecationWarning), pytest.raises(ParameterError, match="async function"):
        bridge(cast(Any, lambda sample: sample))
