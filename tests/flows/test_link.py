"""A Prefect server that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.eval import eval
from tasks_lib._errors import PrerequisiteError
from tests.flows._tasks import halves


def test_a_server_that_is_not_there_at_the_start(tmp_path: Path) -> None:
    with (
        temporary_settings({PREFECT_API_URL: "http://user:secret@127.0.0.1:9/api"}),
        pytest.raises(PrerequisiteError) as raised,
    ):
        eval(halves(), "mockllm/model", log_dir=str(tmp_path), display="none")

    assert str(raised.value) == (
        "The Prefect server at http://127.0.0.1:9/api cannot be used (ConnectError: [Errno 111] "
        "Connection refused). Start it (`prefect server start`), set PREFECT_API_URL to where it "
        "is, or unset it (`prefect config unset PREFECT_API_URL`): then a temporary server is "
        "started."
    )
    assert list(tmp_path.iterdir()) == []
