"""The files that say what runs when and where: eval sets, prefect.yaml, compose.yaml."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import Flow
from prefect.client.schemas.schedules import CronSchedule
from prefect.flows import load_flow_from_entrypoint

import deployments
from flows._eval_set_file import read_eval_set_file
from flows._options import read_options
from flows._server import SERVER_DEFAULTS
from tasks_lib.task import load_tasks

DEPLOYMENTS = Path(deployments.__file__).parent
ROOT = DEPLOYMENTS.parent
EVAL_SETS = sorted((DEPLOYMENTS / "eval_sets").glob("*.yaml"))


def _yaml(name: str) -> dict[str, Any]:
    content = yaml.safe_load((DEPLOYMENTS / name).read_text())
    assert isinstance(content, dict)
    return content


@pytest.mark.parametrize("path", EVAL_SETS, ids=lambda path: path.stem)
def test_eval_set_can_be_run(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    content = read_eval_set_file(path)

    names = []
    for entry in content.tasks:
        read_options("eval_set", {**content.options, **entry.options})
        names += [task.name for task in load_tasks(entry.task, entry.args)]

    assert names == ["hellaswag", "truthfulqa", "gsm8k"]


def test_nightly_is_scheduled() -> None:
    [nightly] = _yaml("prefect.yaml")["deployments"]
    flow: Flow[..., Any] = load_flow_from_entrypoint(nightly["entrypoint"])

    assert (flow.name, nightly["name"]) == ("eval-set", "nightly")
    assert nightly["parameters"].keys() <= inspect.signature(flow.fn).parameters.keys()
    assert (ROOT / nightly["parameters"]["eval_set"]).is_file()
    assert [CronSchedule(**schedule) for schedule in nightly["schedules"]] == [
        CronSchedule(cron="0 3 * * *", timezone="UTC")
    ]
    assert nightly["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}


def test_hosted_server_has_our_defaults() -> None:
    services = _yaml("compose.yaml")["services"]
    ours = {
        name: value
        for name, value in SERVER_DEFAULTS.items()
        if name.startswith("PREFECT_SERVER_") and "EPHEMERAL" not in name
    }

    assert services["server"]["environment"].items() >= ours.items()


def test_hosted_worker_has_the_pool_of_the_deployment() -> None:
    [nightly] = _yaml("prefect.yaml")["deployments"]
    services = _yaml("compose.yaml")["services"]
    pool = nightly["work_pool"]["name"]

    assert services["worker"]["command"] == ["prefect", "worker", "start", "--pool", pool]
    assert f"work-pool create {pool} --type process" in services["deploy"]["command"][-1]


def test_image_has_the_weights_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    weights = next(line for line in makefile.splitlines() if line.startswith("WEIGHTS := "))

    assert weights.removeprefix("WEIGHTS := ") in (DEPLOYMENTS / "Dockerfile").read_text().split()
