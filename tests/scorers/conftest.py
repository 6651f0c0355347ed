"""What scorer tests share: a state with an output, no model and no run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from tasks_lib.model import ModelName
from tasks_lib.schema import Choice, ModelOutput
from tasks_lib.task import TaskState


@pytest.fixture(scope="session")
def state_with() -> Callable[..., TaskState]:
    """Return a function that makes a state whose model answered `completion`."""

    def make(completion: str, choices: Sequence[str | Choice] = ()) -> TaskState:
        return TaskState(
            model=ModelName("mockllm/model"),
            sample_id=1,
            epoch=1,
            input="question",
            messages=[],
            choices=choices,
            output=ModelOutput.from_content("mockllm/model", completion),
        )

    return make
