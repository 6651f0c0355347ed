"""Limits that a solver sets on its state."""

from __future__ import annotations

from typing import Any

import pytest

from tasks_lib._errors import ParameterError
from tasks_lib.model import ModelName
from tasks_lib.task import TaskState


@pytest.mark.parametrize("name", ["message_limit", "token_limit"])
@pytest.mark.parametrize("limit", [-1, float("nan")])
def test_a_limit_of_a_state_is_not_negative(name: str, limit: Any) -> None:
    arguments: dict[str, Any] = {"input": "q", "messages": []}
    model = ModelName("mockllm/model")
    state = TaskState(model, 1, 1, **arguments)

    with pytest.raises(ParameterError, match=f"TaskState: {name} is {limit}, expected 0 or"):
        setattr(state, name, limit)
    with pytest.raises(ParameterError, match=f"TaskState: {name} is {limit}"):
        TaskState(model, 1, 1, **arguments, **{name: limit})
    setattr(state, name, 0)
    assert getattr(state, name) == 0
