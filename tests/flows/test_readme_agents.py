"""What the README shows of agents, bridges and approval does what it says."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from flows.eval import eval
from tasks_lib import Task
from tasks_lib.approval import approval_config, resolve_approval
from tasks_lib.log import read_eval_log
from tasks_lib.model import get_model
from tasks_lib.schema import EvalLog, ModelOutput, Sample
from tests.flows._readme import blocks, shown_names

_MODEL = "mockllm/model"


def _run(task: Task, log_dir: str, *outputs: ModelOutput) -> EvalLog:
    model = get_model(_MODEL, custom_outputs=list(outputs))
    (log,) = eval(task, model, log_dir=log_dir, display="none")
    assert log.status == "success", log.error
    return read_eval_log(log.location)


@pytest.fixture
def shown() -> dict[str, Any]:
    """Return what the code of the section defines."""
    return shown_names("## Solvers, agents and tools", "readme_agents")


@pytest.mark.usefixtures("prefect_harness")
def test_the_agent_with_a_tool(shown: dict[str, Any], log_dir: str) -> None:
    log = _run(
        shown["calculator"](),
        log_dir,
        ModelOutput.for_tool_call(_MODEL, "checker", {"input": "Is 17 + 25 = 42?"}),
        ModelOutput.from_content(_MODEL, "It is."),
        ModelOutput.for_tool_call(_MODEL, "add_numbers", {"x": 17, "y": 25}),
        ModelOutput.for_tool_call(_MODEL, "submit", {"answer": "41"}),
        ModelOutput.for_tool_call(_MODEL, "submit", {"answer": "42"}),
    )
    (sample,) = log.samples or []

    assert {name: score.value for name, score in (sample.scores or {}).items()} == {"includes": "C"}
    assert [m.text for m in sample.messages if m.role == "tool"] == ["It is.", "42"]


@pytest.mark.usefixtures("prefect_harness")
def test_the_program_behind_a_bridge(
    shown: dict[str, Any], log_dir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = """
        import json, os, urllib.request
        asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "?"}]}
        request = urllib.request.Request(
            os.environ["OPENAI_BASE_URL"] + "/chat/completions",
            json.dumps(asked).encode(),
            {
                "Authorization": "Bearer " + os.environ["OPENAI_API_KEY"],
                "Content-Type": "application/json",
            },
        )
        urllib.request.urlopen(request).read()
    """
    (tmp_path / "program.py").write_text(textwrap.dedent(program))
    monkeypatch.chdir(tmp_path)
    task = Task(dataset=[Sample(input="?")], solver=shown["somebody_elses"]())
    log = _run(task, log_dir, ModelOutput.from_content(_MODEL, "Bridged."))
    (sample,) = log.samples or []

    assert [(m.role, m.text) for m in sample.messages] == [("user", "?"), ("assistant", "Bridged.")]


def test_the_approval_policies(tmp_path: Path) -> None:
    (policies,) = blocks("### Approval", "yaml")
    file = tmp_path / "approval.yaml"
    file.write_text(policies)

    assert approval_config(resolve_approval(str(file))) == {
        "approvers": [
            {
                "name": "human",
                "tools": ["bash", "web_*", "transfer(amount=*"],
                "params": {"choices": ["approve", "modify", "reject", "terminate"]},
            },
            {"name": "auto", "tools": "*", "params": {}},
        ]
    }
