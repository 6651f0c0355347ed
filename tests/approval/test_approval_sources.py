"""Policies from names, files and dicts, and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tasks_lib._errors import (
    ApprovalPolicyError,
    MissingFileError,
    ParameterError,
    UnknownNameError,
)
from tasks_lib.approval import (
    Approval,
    ApprovalPolicy,
    Approver,
    approval_config,
    approver,
    auto_approver,
    human_approver,
    resolve_approval,
)
from tasks_lib.schema import ChatMessage, ToolCall, ToolCallView
from tests.approval._approvals import decide, outcome


@approver(name="graded_in_test_approval_sources")
def graded(threshold: float, labels: tuple[str, ...] = ()) -> Approver:
    async def approve(
        message: str, call: ToolCall, view: ToolCallView, history: list[ChatMessage]
    ) -> Approval:
        return Approval(decision="approve" if threshold > 0 else "reject")

    return approve


GRADED = "graded_in_test_approval_sources"

POLICIES = """\
approvers:
  - name: human
    tools: bash, python
    choices: [approve, modify]
  - name: graded_in_test_approval_sources
    tools: [web_*]
    params: {threshold: 0.5}
    labels: [a]
  - name: auto
    tools: "*"
"""

CONFIG = {
    "approvers": [
        {"name": "human", "tools": "bash, python", "params": {"choices": ["approve", "modify"]}},
        {"name": GRADED, "tools": ["web_*"], "params": {"threshold": 0.5, "labels": ["a"]}},
        {"name": "auto", "tools": "*", "params": {}},
    ]
}


def _file(folder: Path, text: str, name: str = "policy.yaml") -> Path:
    file = folder / name
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("policy.yaml", POLICIES, id="YAML"),
        pytest.param("policy.json", json.dumps(CONFIG), id="JSON"),
        pytest.param("policy", POLICIES, id="any other name"),
    ],
)
@pytest.mark.parametrize("kind", [str, Path])
def test_files(name: str, text: str, kind: type, tmp_path: Path) -> None:
    policies = resolve_approval(kind(_file(tmp_path, text, name)))

    assert approval_config(policies) == CONFIG


def test_no_policies_are_none() -> None:
    assert resolve_approval([]) is None


def test_what_a_log_holds_makes_the_same_policies() -> None:
    assert approval_config(resolve_approval(CONFIG)) == CONFIG
    assert json.loads(json.dumps(CONFIG)) == CONFIG


@pytest.mark.parametrize(
    ("source", "config"),
    [
        pytest.param(None, None, id="nothing"),
        pytest.param([], None, id="no policies"),
        pytest.param("auto", [("auto", "*", {})], id="a name"),
        pytest.param(
            [ApprovalPolicy(auto_approver("reject"), "a"), ApprovalPolicy(human_approver(), ["b"])],
            [("auto", "a", {"decision": "reject"}), ("human", ["b"], {})],
            id="policies",
        ),
        pytest.param(
            ApprovalPolicy(auto_approver(), ("a", "b")), [("auto", ["a", "b"], {})], id="one policy"
        ),
    ],
)
def test_other_sources(source: Any, config: list[tuple[str, Any, Any]] | None) -> None:
    expected = config and {
        "approvers": [{"name": n, "tools": t, "params": params} for n, t, params in config]
    }

    assert approval_config(resolve_approval(source)) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", ": expected the key 'approvers', got nothing.", id="empty"),
        pytest.param("- a", ": expected the key 'approvers', got ['a'].", id="a list"),
        pytest.param(
            "approvers:",
            ":1: field 'approvers': expected a list of at least one approver, got nothing.",
            id="no approvers",
        ),
        pytest.param(
            "approver: []",
            ":1: field 'approver': unknown. Did you mean 'approvers'?",
            id="wrong key",
        ),
        pytest.param(
            "approvers:\n- auto",
            ":2: field 'approvers[0]': expected 'name', 'tools' and arguments of the approver, "
            "got 'auto'.",
            id="only a name",
        ),
        pytest.param(
            "approvers:\n- tools: a",
            ":2: field 'approvers[0].name': expected the approver's name, got None.",
            id="no name",
        ),
        pytest.param(
            "approvers:\n- name: auto",
            ":2: field 'approvers[0].tools': is None, expected names or globs of tools, '*' for "
            "all.",
            id="no tools",
        ),
        pytest.param(
            "approvers:\n- name: auto\n  tools: a\n- tools: a\n  name: humna",
            ":5: field 'approvers[1].name': No approver is named 'humna'. Did you mean 'human'?",
            id="unknown approver",
        ),
        pytest.param(
            "approvers:\n- name: auto\n  tools: a\n  decison: approve",
            ":4: field 'approvers[0].decison': auto: argument name is 'decison', expected one "
            "that it has. Did you mean 'decision'.",
            id="unknown argument",
        ),
        pytest.param(
            "approvers:\n- name: auto\n  tools: a\n  params:\n    decision: maybe",
            ":5: field 'approvers[0].params.decision': is 'maybe', expected one of ('approve', "
            "'reject', 'terminate', 'escalate').",
            id="wrong value",
        ),
        pytest.param(
            "approvers:\n- name: auto\n  tools: a\n  decision: reject\n  params: {decision: x}",
            ":4: field 'approvers[0].decision': given here and in 'params'.",
            id="twice",
        ),
        pytest.param(
            "approvers:\n- name: graded_in_test_approval_sources\n  tools: a",
            ":2: field 'approvers[0]': graded_in_test_approval_sources: arguments is [], expected "
            "a full set (missing a required argument: 'threshold').",
            id="missing argument",
        ),
        pytest.param("approvers: [", ":1: is no YAML: ", id="no YAML"),
        pytest.param("a: 1\na: 2", ":2: is no YAML: the key 'a' is there twice.", id="two keys"),
    ],
)
def test_wrong_files(text: str, said: str, tmp_path: Path) -> None:
    file = _file(tmp_path, text)

    with pytest.raises(ApprovalPolicyError) as caught:
        resolve_approval(str(file))

    assert str(caught.value).startswith(f"{file}{said}")


def test_a_wrong_dict_has_no_line() -> None:
    with pytest.raises(ApprovalPolicyError) as caught:
        resolve_approval({"approvers": [{"name": "auto", "tools": "*", "decision": "maybe"}]})

    assert str(caught.value) == (
        "approval: field 'approvers[0].decision': is 'maybe', expected one of ('approve', "
        "'reject', 'terminate', 'escalate')."
    )


@pytest.mark.parametrize(
    ("source", "error", "said"),
    [
        pytest.param(
            "humna",
            UnknownNameError,
            "No approver or file of policies is named 'humna'. Did you mean 'human'?",
            id="neither name nor file",
        ),
        pytest.param(
            "none/policy.yaml",
            MissingFileError,
            "The approval policy file 'none/policy.yaml' does not exist.",
            id="no file",
        ),
        pytest.param(
            GRADED,
            ParameterError,
            f"{GRADED}: arguments is [], expected a full set (missing a required argument: "
            "'threshold').",
            id="needs arguments",
        ),
        pytest.param(
            ["auto"],
            ParameterError,
            "approval: policies is ['auto'], expected an approver's name, a file, or a list of "
            "ApprovalPolicy.",
            id="list of names",
        ),
        pytest.param(
            3,
            ParameterError,
            "approval: policies is 3, expected an approver's name, a file, or a list of "
            "ApprovalPolicy.",
            id="something else",
        ),
    ],
)
def test_wrong_sources(source: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error) as caught:
        resolve_approval(source)

    assert str(caught.value) == said
    assert isinstance(caught.value, ValueError | FileNotFoundError)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_bytes(b"\xff\xfe\xff")

    with pytest.raises(ApprovalPolicyError, match="cannot be read"):
        resolve_approval(file)


def test_a_name_wins_over_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _file(tmp_path, POLICIES, "auto")

    assert resolve_approval("auto") != resolve_approval(tmp_path / "auto")
    assert len(resolve_approval("auto") or []) == 1


PACKAGE = """
from tasks_lib.approval import Approval, approver


@approver(name="of_package_in_test_approval_sources")
def of_package(word):
    async def approve(message, call, view, history):
        return Approval(decision="reject", explanation=word)

    return approve
"""


async def test_approvers_of_installed_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "of_package_in_test_approval_sources"
    info = tmp_path / "acme_approvers-1.0.dist-info"
    info.mkdir()
    (tmp_path / "acme_approvers.py").write_text(PACKAGE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-approvers\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[prefect_evals]\nacme = acme_approvers\n")
    monkeypatch.syspath_prepend(tmp_path)

    policies = resolve_approval({"approvers": [{"name": name, "tools": "*", "word": "Acme"}]})

    assert outcome(await decide(policies)) == ["approval: Acme"]
