"""Samples that would never end, from end to end: a request that hangs, one that is retried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flows.eval_set import eval_set
from scorers import match
from tasks_lib import Task
from tasks_lib.log import read_eval_log
from tasks_lib.schema import EvalSample, ModelEvent, Sample
from tests.flows._fault_server import SOON, FaultServer, Reply, answer, failure

pytestmark = pytest.mark.usefixtures("prefect_harness")

STALL_S = 1.0


def replies(broken: Callable[[], bool]) -> Callable[[str, int], Reply]:
    """Answer "ok", and the rest as well once nothing is broken."""

    def reply(prompt: str, earlier: int) -> Reply:
        if prompt == "ok" or not broken():
            return answer()
        if prompt == "hangs":
            return Reply(delay_s=600.0)
        return failure(500, "come back", headers=SOON)

    return reply


def prompts(*texts: str) -> Task:
    samples = [Sample(id=text, input=text, target="yes") for text in texts]
    return Task(dataset=samples, scorer=match(), name="prompts")


def error_of(sample: EvalSample) -> str:
    return sample.error.message if sample.error is not None else ""


def test_the_next_run_does_what_had_stalled(log_dir: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-this-test")
    broken = True
    with FaultServer(replies(lambda: broken)) as server:

        def run() -> tuple[bool, dict[Any, EvalSample]]:
            success, [log] = eval_set(
                prompts("ok", "hangs", "retried"), log_dir, model="openai/m",
                model_base_url=server.url, stall_timeout=STALL_S, max_retries=100_000,
                same_errors=0, fail_on_error=2, retry_attempts=1, display="none",
            )  # fmt: skip
            log = read_eval_log(log.location)
            assert log.eval.config.stall_timeout == STALL_S
            return success, {sample.id: sample for sample in log.samples or []}

        success, samples = run()
        asked = dict(server.requests)
        broken = False
        again, finished = run()

    assert (success, again) == (False, True)
    assert [samples[name].limit for name in ("hangs", "retried")] == [None, None]
    for name in ("hangs", "retried"):
        assert error_of(samples[name]).startswith(
            "SampleStalledError: The sample had no event for 1 s; its last one was the beginning "
            "of the solver 'generate', at "
        )
        [call] = [event for event in samples[name].events if isinstance(event, ModelEvent)]
        assert (call.pending, (call.error or "")[:15]) == (True, "Cancelled after")
    assert "come back" not in error_of(samples["hangs"])
    assert " times by then, the last time with RequestError: " in error_of(samples["retried"])
    assert "come back" in error_of(samples["retried"])
    assert (asked["ok"], asked["hangs"], asked["retried"] > 3) == (1, 1, True)
    assert server.requests["ok"] == 1
    assert server.requests["hangs"] == 2
    assert server.requests["retried"] == asked["retried"] + 1
    assert [(error_of(sample), sample.output.completion) for sample in finished.values()] == [
        ("", "yes")
    ] * 3
