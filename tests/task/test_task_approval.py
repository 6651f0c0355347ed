"""Who decides on calls of tools, as a task is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks_lib import Task
from tasks_lib._errors import UnknownNameError
from tasks_lib.approval import approval_config


def test_the_policies_of_a_file_are_read_when_the_task_is_made(tmp_path: Path) -> None:
    file = tmp_path / "policies.yaml"
    file.write_text("approvers: [{name: auto, tools: '*', decision: reject}]")
    made = Task(approval=str(file))
    file.unlink()

    assert approval_config(made.approval) == {
        "approvers": [{"name": "auto", "tools": "*", "params": {"decision": "reject"}}]
    }


def test_an_unknown_approver_is_refused_at_once() -> None:
    with pytest.raises(UnknownNameError, match=r"No approver or file .* 'autoo'.*'auto'"):
        Task(approval="autoo")
