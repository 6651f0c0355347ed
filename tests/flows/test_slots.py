"""Slots that processes share through a Prefect server."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from prefect.client.base import ServerType
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.responses import GlobalConcurrencyLimitResponse

from flows._leases import LimitState, ServerLimit, client_settings
from flows._slots import LeasedSlots, limit_name
from tasks_lib.context import connection_feedback, use_connection_slots

CALLER = """
import asyncio, sys
from flows._leases import client_settings
from flows._slots import LeasedSlots
from prefect.client.orchestration import PrefectClient

async def main(url, key, limit, callers, calls, port):
    async def call(slots):
        for _ in range(calls):
            async with slots.slot(key, limit):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                await reader.read()
                writer.close()
    def client():
        return PrefectClient(url, httpx_settings=client_settings(15))
    async with LeasedSlots(client) as slots:
        await asyncio.gather(*(call(slots) for _ in range(callers)))

url, key, *numbers = sys.argv[1:]
asyncio.run(main(url, key, *map(int, numbers)))
"""


class CallCounter:
    """A server whose calls take 30 ms; counts how many run at once."""

    def __init__(self) -> None:
        self.now = 0
        self.most = 0
        self.calls = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.now += 1
        self.calls += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.03)
        self.now -= 1
        writer.close()


class Gateway:
    """Passes connections on to a server until it is cut."""

    def __init__(self, url: str) -> None:
        self._port = int(url.split(":")[2].split("/")[0])
        self._writers: list[asyncio.StreamWriter] = []

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers += [writer, there_writer]
        await asyncio.gather(_pipe(reader, there_writer), _pipe(there_reader, writer))

    def cut(self) -> None:
        for writer in self._writers:
            writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
    except ConnectionError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def _listening(
    handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[tuple[asyncio.Server, int]]:
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server, server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.fixture
def key() -> str:
    """Return a connection key that no other test uses."""
    return f"test-{uuid.uuid4().hex[:8]}"


def _slots(url: str) -> LeasedSlots:
    return LeasedSlots(lambda: PrefectClient(url, httpx_settings=client_settings(15)))


async def _state(url: str, key: str) -> tuple[int, int]:
    """Return size and taken slots of a key."""
    async with PrefectClient(url) as client:
        found = await client.read_global_concurrency_limit_by_name(limit_name(key))
    return found.limit, found.active_slots


async def _until_state(url: str, key: str, expected: tuple[int, int]) -> None:
    async with asyncio.timeout(15):
        while True:
            if await _state(url, key) == expected:
                return
            await asyncio.sleep(0.1)


async def _until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while True:
            if happened():
                return
            await asyncio.sleep(0.005)


async def test_processes_share_a_limit_exactly(prefect_server: str, key: str) -> None:
    counter = CallCounter()
    async with _listening(counter.handle) as (_, port):
        arguments = (prefect_server, key, "5", "20", "10", str(port))
        processes = [
            await asyncio.create_subprocess_exec(sys.executable, "-c", CALLER, *arguments)
            for _ in range(2)
        ]
        codes = [await process.wait() for process in processes]

    assert codes == [0, 0]
    assert (counter.calls, counter.most) == (400, 5)
    assert await _state(prefect_server, key) == (5, 0)


async def test_a_newcomer_gets_its_share(prefect_server: str, key: str) -> None:
    running = {"first": 0, "second": 0}
    done = asyncio.Event()

    async def call(name: str, slots: LeasedSlots) -> None:
        while not done.is_set():
            async with slots.slot(key, 16):
                running[name] += 1
                await asyncio.sleep(0.02)
                running[name] -= 1

    async with (
        _slots(prefect_server) as first,
        _slots(prefect_server) as second,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(16):
            group.create_task(call("first", first))
        await _until(lambda: running["first"] == 16)
        for _ in range(16):
            group.create_task(call("second", second))
        await _until(lambda: running["second"] == 8)
        seen = dict(running)
        done.set()

    assert sum(seen.values()) <= 16


async def test_nobody_is_left_without_a_slot(prefect_server: str, key: str) -> None:
    running = Counter[int]()
    done = asyncio.Event()

    async def call(number: int, slots: LeasedSlots) -> None:
        while not done.is_set():
            async with slots.slot(key, 10):
                running[number] += 1
                await asyncio.sleep(0.02)
                running[number] -= 1

    async with AsyncExitStack() as stack:
        # As blocks have two slots, the third and the fourth find none that is free.
        processes = [await stack.enter_async_context(_slots(prefect_server)) for _ in range(4)]
        group = await stack.enter_async_context(asyncio.TaskGroup())
        for number, slots in enumerate(processes):
            for _ in range(10):
                group.create_task(call(number, slots))
        # Both have been seen, and last.
        await _until(lambda: sorted(running.values()) in ([2, 2, 3, 3], [1, 3, 3, 3]))
        done.set()


async def test_auto_shares_the_most_that_it_may_become(prefect_server: str, key: str) -> None:
    async def call(slots: LeasedSlots, limited: bool) -> None:
        with use_connection_slots(slots):
            async with slots.slot(key, "auto", first=4):
                await asyncio.sleep(0.01)
                connection_feedback(key, limited=limited)

    async with _slots(prefect_server) as first, _slots(prefect_server) as second:
        await asyncio.gather(*(call(first, False) for _ in range(50)), call(second, True))
        grown = first.auto_connections(key)
        first.scale_auto(key, 0.5)

        assert (await _state(prefect_server, key))[0] == 100
        assert grown is not None and grown > 4
        assert (first.auto_connections(key), second.auto_connections(key)) == (grown // 2, 1)
    assert await _state(prefect_server, key) == (100, 0)


async def test_a_busy_database_is_asked_again_at_once() -> None:
    """Prefect's client waits two seconds and more after a 503."""
    refusals = iter([True, True])

    async def answer(request: web.Request) -> web.Response:
        if next(refusals, False):
            return web.json_response({}, status=503)
        limit = GlobalConcurrencyLimitResponse(
            id=uuid.uuid4(),
            name="key",
            limit=3,
            active_slots=1,
            active=True,
            slot_decay_per_second=0,
        )
        return web.Response(text=limit.model_dump_json(), content_type="application/json")

    app = web.Application()
    app.router.add_get("/api/v2/concurrency_limits/key", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/api"
        async with PrefectClient(url, httpx_settings=client_settings(15)) as client:
            state = await ServerLimit(client, "key", timeout_s=1).read()
    finally:
        await runner.cleanup()

    assert state == LimitState(3, 1)


async def test_the_first_size_stays(
    prefect_server: str, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    for limit in (3, 7):
        async with _slots(prefect_server) as slots:
            for _ in range(2):
                async with slots.slot(key, limit):
                    pass

    assert await _state(prefect_server, key) == (3, 0)
    assert [record.getMessage() for record in caplog.records if "max_conn" in record.msg] == [
        f"max_connections=7, but 'evals-{key}' has 3 slots; these are used. To change it for all "
        f"runs: prefect gcl update evals-{key} --limit 7"
    ]


async def test_a_lower_limit_caps_this_process(prefect_server: str, key: str) -> None:
    counter = CallCounter()
    async with _slots(prefect_server) as slots:
        async with slots.slot(key, 8):
            pass

        async def call() -> None:
            async with slots.slot(key, 2):
                counter.most = max(counter.most, counter.now + 1)
                counter.now += 1
                await asyncio.sleep(0.01)
                counter.now -= 1

        await asyncio.gather(*(call() for _ in range(10)))

    assert counter.most == 2


async def test_idle_slots_go_back(prefect_server: str, key: str) -> None:
    async with _slots(prefect_server) as slots:
        async with slots.slot(key, 4):
            assert await _state(prefect_server, key) == (4, 1)
        await _until_state(prefect_server, key, (4, 0))
        async with slots.slot(key, 4):
            assert await _state(prefect_server, key) == (4, 1)


async def test_a_lost_server_leaves_the_local_limit(
    prefect_server: str, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    gateway, most, now = Gateway(prefect_server), 0, 0

    async def call(slots: LeasedSlots, limit_key: str) -> None:
        nonlocal most, now
        async with slots.slot(limit_key, 3):
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.01)
            now -= 1

    async with _listening(gateway.handle) as (listener, port):
        url = f"http://127.0.0.1:{port}/api"
        async with (
            LeasedSlots(lambda: PrefectClient(url), request_timeout_s=0.5) as slots,
            slots.slot(key, 3),
        ):
            listener.close()
            gateway.cut()
            await asyncio.gather(*(call(slots, f"{key}-new") for _ in range(9)))

    assert most == 3
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.getMessage().split(":")[0] for record in warnings[:1]] == [
        f"Slots of 'evals-{key}-new' can't be shared"
    ]


async def test_slots_of_a_killed_process_come_back(
    prefect_server: str, prefect_server_home: Path, key: str
) -> None:
    url = prefect_server
    hold = CALLER.replace("await reader.read()", "await asyncio.sleep(600)")
    counter = CallCounter()
    async with _listening(counter.handle) as (_, port):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", hold, url, key, "2", "2", "1", str(port)
        )
        await _until(lambda: counter.calls == 2)
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        taken = await _state(url, key)
        _expire_leases(prefect_server_home)
        async with (
            _slots(url) as slots,
            asyncio.timeout(30),
            slots.slot(key, 2),
        ):
            pass

    assert taken == (2, 2)


async def test_a_temporary_server_gets_expired_slots_back(
    prefect_harness: Path, harness_url: str, key: str
) -> None:
    async with PrefectClient(harness_url) as client:
        async with _slots(harness_url) as slots:
            async with slots.slot(key, 1):
                pass
            await _until_state(harness_url, key, (1, 0))
        await client.increment_concurrency_slots_with_lease([limit_name(key)], 1, "concurrency", 60)
    assert await _state(harness_url, key) == (1, 1)
    _expire_leases(prefect_harness)

    def temporary() -> PrefectClient:
        return PrefectClient(harness_url, server_type=ServerType.EPHEMERAL)

    async with LeasedSlots(temporary) as slots, asyncio.timeout(15), slots.slot(key, 1):
        pass


async def test_use_after_the_end_is_refused() -> None:
    with pytest.raises(RuntimeError, match="outside of its `async with` block"):
        LeasedSlots().slot("key", 1)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        pytest.param("openai-1f2e", "evals-openai-1f2e", id="a plain key stays"),
        pytest.param("a/b c%&<>", "evals-a-b-c-", id="what Prefect refuses in names"),
    ],
)
def test_limit_name(key: str, name: str) -> None:
    assert limit_name(key) == name


def _expire_leases(home: Path) -> None:
    """Let a minute pass for all leases of a server that keeps them in files."""
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    folder = home / "concurrency_leases"
    index = json.loads((folder / "expirations.json").read_text())
    for lease_id in index:
        path = folder / f"{lease_id}.json"
        if path.exists():
            path.write_text(json.dumps({**json.loads(path.read_text()), "expiration": past}))
    (folder / "expirations.json").write_text(json.dumps(dict.fromkeys(index, past)))
