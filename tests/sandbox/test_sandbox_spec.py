"""Which sandbox an argument, a file or a log means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from tasks_lib._errors import MissingFileError, ParameterError, PrerequisiteError, UnknownNameError
from tasks_lib.sandbox import find_sandboxenv, resolve_sandbox, sandbox_json
from tasks_lib.sandbox._spec import complete_sandbox
from tasks_lib.schema import Sample, SandboxEnvironmentSpec
from tests.sandbox._types import NotingConfig, SterileSandbox

Spec = SandboxEnvironmentSpec


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(None, None, id="nothing"),
        pytest.param("local", Spec("local"), id="type"),
        pytest.param("docker:a.yaml", Spec("docker", "a.yaml"), id="type and config"),
        pytest.param("docker:/b:c.yaml", Spec("docker", "/b:c.yaml"), id="the first colon"),
        pytest.param(("docker", "a.yaml"), Spec("docker", "a.yaml"), id="pair"),
        pytest.param(["docker", "a.yaml"], Spec("docker", "a.yaml"), id="list"),
        pytest.param(["docker"], Spec("docker"), id="list of one"),
        pytest.param(Spec("local"), Spec("local"), id="spec"),
        pytest.param({"type": "local"}, Spec("local"), id="from a log"),
        pytest.param({"type": "x", "config": {"size": 2}}, Spec("x", {"size": 2}), id="its model"),
    ],
)
def test_resolve(source: object, expected: Spec | None) -> None:
    assert resolve_sandbox(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("", id="no text"),
        pytest.param(":a.yaml", id="no type"),
        pytest.param(3, id="number"),
        pytest.param(["a", "b", "c"], id="three parts"),
        pytest.param(("docker", 3), id="number as config"),
        pytest.param({"config": "a.yaml"}, id="dict without a type"),
        pytest.param({"type": "a", "size": 2}, id="dict with another key"),
        pytest.param({"type": "a", "config": 3}, id="dict with a number"),
        pytest.param(SterileSandbox, id="class"),
    ],
)
def test_what_is_no_sandbox(source: Any) -> None:
    with pytest.raises(ParameterError, match=r"^eval: sandbox is .*, expected a type") as caught:
        resolve_sandbox(source)
    assert caught.value.value == source


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "sub").mkdir()
    for name in ("noting.yml", "other.yaml", "sub/noting.yml", "sub/noting.yaml"):
        (tmp_path / name).touch()
    return str(tmp_path)


@pytest.mark.parametrize(
    ("spec", "config"),
    [
        pytest.param(Spec("noting"), "{}/noting.yml", id="found"),
        pytest.param(Spec("noting", "other.yaml"), "{}/other.yaml", id="relative"),
        pytest.param(Spec("noting", "sub/noting.yml"), "{}/sub/noting.yml", id="below"),
        pytest.param(Spec("sterile", "any text"), "{}/any text", id="need not exist"),
        pytest.param(Spec("sterile"), None, id="nothing to look for"),
        pytest.param(Spec("noting", {"size": 2}), NotingConfig(size=2), id="dict"),
        pytest.param(Spec("noting", NotingConfig(size=3)), NotingConfig(size=3), id="model"),
    ],
)
def test_complete(spec: Spec, config: str | BaseModel | None, folder: str) -> None:
    expected = config.format(folder) if isinstance(config, str) else config
    assert complete_sandbox(spec, folder) == Spec(spec.type, expected)


def test_the_best_file_and_full_paths(folder: str) -> None:
    best = f"{folder}/sub/noting.yaml"
    assert complete_sandbox(Spec("noting"), f"{folder}/sub").config == best
    assert complete_sandbox(Spec("noting", best), "/nowhere").config == best


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        pytest.param(Spec("docker"), UnknownNameError,
                     r"^No sandbox is named 'docker'\. .*'local'", id="unknown"),
        pytest.param(Spec("locl"), ValueError, "Did you mean 'local'", id="nearly known"),
        pytest.param(Spec("noting", "gone.yaml"), MissingFileError,
                     r"^The config of the sandbox 'noting' '.*/gone\.yaml' does not", id="file"),
        pytest.param(Spec("noting", {"siz": 2}), PrerequisiteError,
                     r"(?s)^The config \{'siz': 2\} of the sandbox 'noting' cannot be used: .*size",
                     id="field"),
        pytest.param(Spec("sterile", {"size": 2}), PrerequisiteError,
                     r"of the sandbox 'sterile' cannot be used: It takes none\.", id="no models"),
    ],
)  # fmt: skip
def test_what_cannot_be_used(spec: Spec, error: type[Exception], message: str, folder: str) -> None:
    with pytest.raises(error, match=message):
        complete_sandbox(spec, folder)


@pytest.mark.parametrize(
    ("spec", "logged"),
    [
        pytest.param(Spec("local"), {"type": "local"}, id="type"),
        pytest.param(Spec("docker", "a.yaml"), {"type": "docker", "config": "a.yaml"}, id="file"),
        pytest.param(
            Spec("noting", NotingConfig(size=2)),
            {"type": "noting", "config": {"size": 2, "fails_in": ""}},
            id="model",
        ),
    ],
)
def test_logs_hold_what_is_resolved_again(spec: Spec, logged: dict[str, Any]) -> None:
    assert sandbox_json(spec) == logged
    again = resolve_sandbox(logged)
    assert again is not None
    assert (
        complete_sandbox(again, "/") == complete_sandbox(spec, "/")
        if "noting" in str(logged)
        else again == spec
    )


@pytest.mark.parametrize(
    "sandbox",
    ["local", ("docker", "a.yaml"), Spec("docker", "a.yaml"), Spec("noting", {"size": 2})],
    ids=["type", "pair", "spec", "model"],
)
def test_samples_take_them_and_keep_them_in_logs(sandbox: Any) -> None:
    sample = Sample(input="q", sandbox=sandbox)
    adapter = TypeAdapter(Sample)

    assert sample.sandbox == sandbox
    assert adapter.validate_json(adapter.dump_json(sample)).sandbox == sandbox


def test_a_type_may_be_found_when_it_is_asked_for() -> None:
    assert find_sandboxenv("found_late") is SterileSandbox
