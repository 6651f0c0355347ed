"""`max_connections` from end to end: evaluations against a server that counts."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from flows.eval import eval
from flows.eval_set import eval_set
from scorers import match
from tasks_lib import Task
from tasks_lib.schema import Sample

pytestmark = pytest.mark.usefixtures("prefect_harness")

LATENCY_S = 0.02


class CountingServer:
    """An OpenAI server that answers "yes" and counts requests in flight."""

    def __init__(self) -> None:
        self.url = ""
        self.requests = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.awaited = 0
        """Answers are held back until so many requests were in flight, ten seconds at most."""
        self.fail_next = 0
        self.most_allowed = 1000
        """More in flight are refused with 429."""
        self.refused = 0
        self.latency_s = LATENCY_S
        self.failing = False
        """Whether every request is refused for good."""
        self._all_there = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> CountingServer:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _serve(self) -> None:
        self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._runner.cleanup())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"

    async def _hold(self) -> None:
        try:
            async with asyncio.timeout(10):
                await self._all_there.wait()
        except TimeoutError:
            self._all_there.set()  # the others are not held back for nothing

    async def _answer(self, request: web.Request) -> web.Response:
        self.requests += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        if self.in_flight >= self.awaited:
            self._all_there.set()
        too_many = self.in_flight > self.most_allowed
        try:
            await self._hold()
            await asyncio.sleep(self.latency_s)
        finally:
            self.in_flight -= 1
        if self.failing:
            return web.json_response({"error": {"message": "no"}}, status=400)
        if self.fail_next or too_many:
            self.fail_next -= not too_many
            self.refused += 1
            error = {"error": {"message": "slow down", "type": "rate_limit"}}
            return web.json_response(error, status=429, headers={"Retry-After": "0.01"})
        message = {"role": "assistant", "content": "yes"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
        return web.json_response(
            {"id": "1", "object": "chat.completion", "created": 1, "model": "m",
             "choices": [choice], "usage": usage}
        )  # fmt: skip


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingServer]:
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-this-test")
    with CountingServer() as running:
        yield running


def questions(name: str, count: int = 12) -> Task:
    samples = [Sample(input=f"{i}?", target="yes") for i in range(count)]
    return Task(dataset=samples, scorer=match(), name=name)


def test_connections_are_shared_by_tasks_and_all_used(
    server: CountingServer, tmp_path: Path
) -> None:
    server.awaited = 3  # a slow machine starts them one after another

    logs = eval(
        [questions("one"), questions("two")],
        "openai/m",
        model_base_url=server.url,
        max_connections=3,
        max_samples=10,
        max_tasks=2,
        log_dir=str(tmp_path),
        task_runs="shard",
        display="none",
    )

    assert [log.status for log in logs] == ["success", "success"]
    assert server.requests == 24
    assert server.most_in_flight == 3
    assert logs[0].stats.model_usage["openai/m"].total_tokens == 48
    assert "key-of-this-test" not in "".join(log.model_dump_json() for log in logs)


def test_refused_requests_are_tried_again_and_told(server: CountingServer, tmp_path: Path) -> None:
    server.fail_next = 3

    [log] = eval(
        questions("refused", 4), "openai/m", model_base_url=server.url, max_connections=1,
        log_dir=str(tmp_path), task_runs="shard", display="none",
    )  # fmt: skip

    assert log.status == "success"
    assert server.requests == 7
    events = [event for sample in log.samples or [] for event in sample.events]
    assert sum(event.retries or 0 for event in events if event.event == "model") == 3


def test_auto_finds_out_what_the_provider_takes(
    server: CountingServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="tasks_lib.context")
    server.most_allowed = 15
    server.latency_s = 0.2  # long enough for a slow machine to have as many in flight as it may

    [log] = eval(
        questions("auto", 300), "openai/m", model_base_url=server.url, max_connections="auto",
        log_dir=str(tmp_path), task_runs="shard", display="none",
    )  # fmt: skip

    assert log.status == "success"
    assert log.plan.config.max_connections == "auto"
    assert 15 < server.most_in_flight <= 32
    assert server.requests == 300 + server.refused
    # Ten would have had some 30 round trips; what is refused is a small part of all requests.
    assert 0 < server.refused < 60
    assert any("connections instead of" in record.getMessage() for record in caplog.records)


def test_another_attempt_at_a_task_has_fewer_connections_also_with_auto(
    server: CountingServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="tasks_lib.context")
    server.failing = True

    success, [log] = eval_set(
        [questions("refused", 2)], str(tmp_path), "openai/m", model_base_url=server.url,
        max_connections="auto", retry_attempts=3, retry_wait=0, task_runs="shard", display="none",
    )  # fmt: skip

    assert (success, log.eval.attempt) == (False, 3)
    assert log.plan.config.max_connections == "auto"
    lines = [record.getMessage().partition(": ")[2] for record in caplog.records]
    assert [line for line in lines if "attempted" in line] == [
        "5 connections instead of 10; a task that failed is attempted again.",
        "2 connections instead of 5; a task that failed is attempted again.",
    ]
