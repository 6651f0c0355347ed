"""A log of the reference is finished by ours, once the task file imports from here."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.eval_retry import eval_retry
from tasks_lib.log import read_eval_log
from tests.log._peer import Peer, start_peer  # noqa: F401  # a fixture

pytestmark = pytest.mark.usefixtures("prefect_harness")

_TASK = """
from pathlib import Path

@solver
def marked(word):
    async def solve(state, generate):
        with Path("calls.txt").open("a") as calls:
            calls.write(f"{state.sample_id}/{state.epoch}\\n")
        if state.sample_id == "sum" and not Path("mended").exists():
            raise ValueError("not yet")
        state.metadata["changed"] = word
        return await generate(state)
    return solve

@task
def questions(count=1):
    return Task(
        dataset=[
            Sample(id="sum", input="1 + 1?", target="2"),
            Sample(id="long", input="Words. " * 100, target=["Default", "other"]),
            Sample(input=[ChatMessageUser(content="Which?")], choices=["a", "b"], target="A",
                   metadata={"from": "chat"}),
        ][:count],
        solver=marked("loud"),
        scorer=includes(),
    )
"""
_THEIRS = """
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessageUser
from inspect_ai.scorer import includes
from inspect_ai.solver import solver
"""
_OURS = """
from scorers import includes
from solvers import solver
from tasks_lib import Task, task
from tasks_lib.dataset import Sample
from tasks_lib.model import ChatMessageUser
"""


@pytest.mark.parametrize("log_format", ["eval", "json"])
def test_only_what_failed_there_is_run(
    log_format: str,
    peer: Peer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    task_file = tmp_path / "questions.py"
    task_file.write_text(_THEIRS + _TASK)
    name = peer.run("tests.flows._peer_unfinished", tmp_path, log_format)
    theirs = read_eval_log(tmp_path / "logs" / name)
    assert [s.id for s in theirs.samples or () if s.error] == ["sum", "sum"]
    Path("calls.txt").unlink()
    Path("mended").touch()
    task_file.write_text(_OURS + _TASK)

    [log] = eval_retry(theirs, display="none")

    assert sorted(Path("calls.txt").read_text().split()) == ["sum/1", "sum/2"]
    assert (log.status, log.error) == ("success", None)
    assert [(s.id, s.epoch) for s in log.samples or ()] == [
        (3, 1), ("long", 1), ("sum", 1), (3, 2), ("long", 2), ("sum", 2),
    ]  # fmt: skip
    assert [s.metadata["changed"] for s in log.samples or ()] == ["loud"] * 6
    assert log.stats.reused_samples == 4
    assert log.stats.work is not None
    assert (log.stats.work.kept.samples, log.stats.work.redone.samples) == (4, 2)
    assert log.eval.task_id == theirs.eval.task_id
    assert log.eval.task_args == {"count": 3}
    assert log.plan.config.temperature == 0.5
    assert Path(log.location).parent == tmp_path / "logs"
    assert Path(log.location).suffix == f".{log_format}"
    assert log.results is not None
    assert log.results.scores[0].metrics["accuracy"].value == pytest.approx(2 / 3)
    kept = {(s.id, s.epoch): s for s in theirs.samples or () if not s.error}
    for sample in log.samples or ():
        old = kept.get((sample.id, sample.epoch))
        if old is not None:
            assert sample.messages == old.messages
            assert sample.scores == old.scores
            assert sample.model_usage == old.model_usage
