"""A provider that fails in every way, from end to end: what the samples make of it."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any, NamedTuple

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import Artifact

from flows.eval import eval
from flows.eval_set import eval_set
from scorers import match
from tasks_lib import Task
from tasks_lib.log import read_eval_log_table
from tasks_lib.schema import EvalLog, EvalSample, ModelEvent, Sample
from tests.flows._fault_server import SOON, FaultServer, Reply, answer, by_prompt, failure

pytestmark = pytest.mark.usefixtures("prefect_harness", "key")

ATTEMPT_S = 2
"""Seconds that an attempt may take where the server is slow."""


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-this-test")


def questions(count: int) -> Task:
    """Return a task with the prompts q1, q2 …; the server's usual answer is right."""
    samples = [Sample(id=i, input=f"q{i}", target="yes") for i in range(1, count + 1)]
    return Task(dataset=samples, scorer=match(), name="questions")


def ask(server: FaultServer, log_dir: str, count: int, **options: Any) -> EvalLog:
    options = {"max_connections": 20, "fail_on_error": False, **options}
    [log] = eval(
        questions(count), "openai/m", model_base_url=server.url, log_dir=log_dir,
        task_runs="shard", display="none", **options,
    )  # fmt: skip
    return log


def call_of(sample: EvalSample) -> ModelEvent:
    [event] = [event for event in sample.events if isinstance(event, ModelEvent)]
    return event


def waits_of(sample: EvalSample) -> list[dict[str, Any]]:
    """Return the retries of the sample's call: what failed, and how long was waited."""
    event = call_of(sample)
    retries: list[dict[str, Any]] = (event.metadata or {}).get("retries", [])
    assert len(retries) == (event.retries or 0)
    return retries


def attempts(log: EvalLog) -> dict[str, int]:
    """Return the requests that the log tells of, by prompt."""
    return {f"q{sample.id}": len(waits_of(sample)) + 1 for sample in log.samples or []}


def artifacts(log: EvalLog) -> dict[str, Artifact]:
    """Return the artifacts of the log's flow run, by the last word of their keys."""

    async def read() -> list[Artifact]:
        run = ArtifactFilterFlowRunId(any_=[log.eval.flow_run_id])
        async with get_client() as client:
            return await client.read_artifacts(artifact_filter=ArtifactFilter(flow_run_id=run))

    return {(found.key or "").rpartition("-")[2]: found for found in asyncio.run(read())}


class Fault(NamedTuple):
    """A way to fail, and how it is told."""

    reply: Reply
    told: str
    """What the cause of a retry says, or the sample's error or stop reason."""
    lasting: bool = False
    """Whether the request is not made again."""


FAULTS = {
    "500": Fault(failure(500, "oops", headers=SOON), "status 500: oops"),
    "429": Fault(failure(429, "slow down", headers=SOON), "status 429: slow down"),
    "503 page": Fault(Reply(503, "<html>down</html>", SOON), "status 503: <html>down"),
    "nothing": Fault(Reply(cut="before headers"), "ServerDisconnectedError"),
    "no HTTP": Fault(Reply(cut="no HTTP"), "Bad status line"),
    "half a header": Fault(Reply(cut="in headers"), "ServerDisconnectedError"),
    "no body": Fault(Reply(body=" " * 50, cut="after headers"), "0 of 50 bytes"),
    "half a body": Fault(Reply(body=" " * 100, cut="in the body"), "50 of 100 bytes"),
    "no JSON": Fault(Reply(body='{"choices": [{"mess'), "the response is broken"),
    "slow": Fault(Reply(delay_s=60), f"attempt_timeout of {ATTEMPT_S} s"),
    "400": Fault(failure(400, "top_q is unknown"), "status 400: top_q is unknown", lasting=True),
    "odd 400": Fault(
        Reply(400, '{"error": {"message": "odd", "code": ["a", 1]}}'), "400: odd", lasting=True
    ),
    "404": Fault(failure(404, "no such model"), "status 404: no such model", lasting=True),
    "filter": Fault(failure(400, "no!", "content_filter"), "content_filter", lasting=True),
    "overflow": Fault(
        failure(400, "too long", "context_length_exceeded"), "model_length", lasting=True
    ),
}


def random_faults(count: int, share: float, seed: int) -> dict[str, list[str]]:
    """Return the names of the faults that each prompt meets, one after another."""
    random = Random(seed)
    met: dict[str, list[str]] = {}
    for number in range(1, count + 1):
        names = met[f"q{number}"] = []
        while random.random() < share:
            names.append(random.choice(list(FAULTS)))
            if FAULTS[names[-1]].lasting:
                break
    return met


def faults_told(sample: EvalSample) -> list[str]:
    """Return how the log tells of the faults that the sample met; anything else as it is."""
    causes = [retry["error"] for retry in waits_of(sample)]
    if sample.error is not None:
        causes.append(sample.error.message)
    elif sample.output.stop_reason != "stop":
        causes.append(sample.output.stop_reason)
    told = {fault.told for fault in FAULTS.values()}
    return [next((text for text in told if text in cause), cause) for cause in causes]


def test_random_faults(log_dir: str) -> None:
    # With this seed nobody waits twice for long, as without a Retry-After.
    met = random_faults(1000, 0.05, seed=673)
    assert {name for names in met.values() for name in names} == set(FAULTS)
    assert max(map(len, met.values())) == 2
    script = {q: [*(FAULTS[n].reply for n in names), answer()] for q, names in met.items()}

    with FaultServer(by_prompt(script)) as server:
        log = ask(server, log_dir, 1000, max_connections=50, attempt_timeout=ATTEMPT_S)

    samples = log.samples or []
    expected = {q: [FAULTS[name].told for name in names] for q, names in met.items()}
    assert {f"q{s.id}": faults_told(s) for s in samples} == expected
    assert attempts(log) == server.requests

    errors = [s for s in samples if s.error is not None]
    ends = Counter(s.output.stop_reason for s in samples if s.error is None)
    last = Counter(names[-1] for names in met.values() if names)
    assert len(errors) == last["400"] + last["odd 400"] + last["404"]
    assert (ends["content_filter"], ends["model_length"]) == (last["filter"], last["overflow"])
    assert ends["stop"] == 1000 - len(errors) - last["filter"] - last["overflow"]
    assert all(s.output.completion == "yes" for s in samples if s.output.stop_reason == "stop")

    for sample in samples:
        waited = sum(retry["wait_s"] for retry in waits_of(sample))
        assert sample.total_time is not None and sample.working_time is not None
        assert round(sample.total_time - sample.working_time, 3) >= round(0.99 * waited, 3)

    assert_adds_up(log, errors=len(errors), right=ends["stop"])


def assert_adds_up(log: EvalLog, *, errors: int, right: int) -> None:
    """Check that results, usage, table, and artifacts count the same 1,000 samples."""
    assert log.status == "success" and log.results is not None
    completed = 1000 - errors
    results = log.results
    assert (results.total_samples, results.completed_samples, results.errored_samples) == (
        1000,
        completed,
        errors,
    )
    [score] = results.scores
    assert (score.scored_samples, score.metrics["accuracy"].value) == (completed, right / completed)
    assert log.stats.model_usage["openai/m"].total_tokens == 4 * right

    table = read_eval_log_table(log.location, ["sample_id", "error"])
    assert (table.num_rows, table["error"].null_count) == (1000, completed)

    shown = artifacts(log)
    assert isinstance(shown["log"].data, str) and isinstance(shown["errors"].data, str)
    assert f"{completed} of 1000 without an error" in shown["log"].data
    assert shown["errors"].data.count('"epoch"') == errors


def test_storm(log_dir: str) -> None:
    """For two seconds every request is refused; those who are told to wait do so."""
    over: list[float] = []

    def stormy(prompt: str, earlier: int) -> Reply:
        if not over:
            over.append(time.monotonic() + 2)
        refused = failure(429, "too many requests", headers={"Retry-After": "0.7"})
        return refused if time.monotonic() < over[0] else answer()

    with FaultServer(stormy) as server:
        log = ask(server, log_dir, 40, max_connections=20, working_limit=2)

    samples = log.samples or []
    assert (log.status, len(samples)) == ("success", 40)
    assert all((s.output.completion, s.error, s.limit) == ("yes", None, None) for s in samples)
    assert attempts(log) == server.requests
    assert server.too_early == []
    retries = [retry for sample in samples for retry in waits_of(sample)]
    assert retries and all("status 429: too many" in retry["error"] for retry in retries)
    assert all(0.7 <= retry["wait_s"] <= 1.4 for retry in retries)
    # The first one waited for the whole storm; its working limit did not run out.
    assert max(s.total_time or 0 for s in samples) > 2 > max(s.working_time or 0 for s in samples)
    assert all((call_of(s).working_time or 0) <= (s.working_time or 0) for s in samples)


def test_slow_requests_hold_up_no_others(log_dir: str) -> None:
    """Not even one in each of the two blocks of samples that ten workers begin with."""
    slow = replace(answer(), after="q250")

    with FaultServer(by_prompt({"q1": [slow], "q101": [slow]})) as server:
        log = ask(server, log_dir, 250, max_connections=10)

    assert len(log.samples or []) == 250
    assert server.in_vain == []


class End(NamedTuple):
    """How a request ends that never gets an answer."""

    reply: Reply
    requests: int
    told: str
    """Pattern of the sample's error."""


OOPS = failure(500, "oops", headers=SOON)


@pytest.mark.parametrize(
    ("options", "ends"),
    [
        pytest.param(
            {},
            {
                "q1": End(OOPS, 12, r"gave up after 12 attempts in [\d.]+ s; .* 500: oops"),
                "q2": End(
                    failure(429, "no credit", "insufficient_quota", SOON), 1, "429: no credit"
                ),
            },
            id="bounded by default, and no retry of what waiting does not help",
        ),
        pytest.param(
            {"max_retries": 3},
            {"q1": End(OOPS, 3, r"gave up after 3 attempts in [\d.]+ s; .* 500: oops")},
            id="max_retries",
        ),
        pytest.param(
            {"timeout": 1},
            {
                "q1": End(Reply(delay_s=60), 1, "no answer within the timeout of 1 s, in 1 att"),
                "q2": End(
                    failure(503, "closed", headers={"Retry-After": "2"}),
                    1,
                    r"gave up after 1 attempts in [\d.]+ s; .* 503: closed",
                ),
            },
            id="timeout, and no wait that is longer",
        ),
    ],
)
def test_bounds(log_dir: str, options: dict[str, Any], ends: dict[str, End]) -> None:
    began = time.monotonic()
    with FaultServer(by_prompt({q: [end.reply] for q, end in ends.items()})) as server:
        log = ask(server, log_dir, 3, **options)

    assert time.monotonic() - began < 30
    asked = {q: ends[q].requests if q in ends else 1 for q in ("q1", "q2", "q3")}
    assert server.requests == attempts(log) == asked
    for sample in log.samples or []:
        end = ends.get(f"q{sample.id}")
        if end is None:
            assert (sample.error, sample.output.completion) == (None, "yes")
        else:
            assert sample.error is not None
            assert re.search(end.told, sample.error.message)
            assert call_of(sample).error == sample.error.message
    assert log.status == "success" and log.results is not None
    counts = log.results.completed_samples, log.results.errored_samples
    assert counts == (3 - len(ends), len(ends))


@pytest.mark.parametrize(
    ("fail_on_error", "status", "asked"),
    [
        pytest.param(False, "success", 6, id="never"),
        pytest.param(0.3, "error", 4, id="a share"),
        pytest.param(True, "error", 2, id="the first"),
    ],
)
def test_fail_on_error(log_dir: str, fail_on_error: bool | float, status: str, asked: int) -> None:
    refused = [failure(400, "unknown option")]

    with FaultServer(by_prompt({"q2": refused, "q4": refused})) as server:
        log = ask(server, log_dir, 6, max_connections=1, fail_on_error=fail_on_error)

    assert log.status == status
    assert server.requests == attempts(log) == {f"q{i}": 1 for i in range(1, asked + 1)}
    failed = [sample.id for sample in log.samples or [] if sample.error is not None]
    assert failed == [i for i in (2, 4) if i <= asked]
    if status == "error":
        assert log.error is not None and "400: unknown option" in log.error.message


def test_retries_of_tasks_repeat_no_request(log_dir: str) -> None:
    """Prefect repeats the task, which asks again only what was not answered."""
    with FaultServer(by_prompt({"q3": [OOPS, OOPS, OOPS, answer()]})) as server:
        success, [log] = eval_set(
            questions(5), log_dir, "openai/m", model_base_url=server.url, max_connections=1,
            max_retries=2, retry_wait=0.01, display="none",
        )  # fmt: skip

    assert (success, log.eval.attempt, log.stats.reused_samples) == (True, 2, 2)
    # Two attempts of the first run, two of the second.
    assert server.requests == {"q1": 1, "q2": 1, "q3": 4, "q4": 1, "q5": 1}
