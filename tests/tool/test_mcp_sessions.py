"""Sessions with servers: shared or not, at the same time, and what is left when they end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tasks_lib._errors import ToolServiceError
from tasks_lib.schema import ContentImage
from tasks_lib.tool import (
    MCPServer,
    Tool,
    ToolError,
    mcp_connection,
    mcp_server_http,
    mcp_server_sse,
)
from tests.tool._mcp_processes import (
    is_running,
    listening_server,
    named,
    pid_in,
    pids_in,
    raw_server,
    real_server,
)


async def only(server: MCPServer) -> Tool:
    [tool] = await server.tools()
    return tool


async def test_samples_that_run_at_once_share_no_session() -> None:
    server = raw_server()

    async def sample(name: str) -> list[str]:
        async with mcp_connection(server):
            tool = await only(server)
            return [str(await tool(text=name)) for _ in range(3)]

    answers = await asyncio.gather(*(sample(name) for name in "abcd"))

    said = [[answer.partition(": ")[2] for answer in of_one] for of_one in answers]
    assert said == [[f"1 {name}", f"2 {name}", f"3 {name}"] for name in "abcd"]
    assert len({pid_in(of_one[0]) for of_one in answers}) == 4


async def test_calls_that_run_at_once_share_the_session_around_them() -> None:
    server = raw_server()
    async with server:
        tool = await only(server)
        answers = await asyncio.gather(*(tool(text=str(number)) for number in range(20)))

    said = [str(answer).partition(": ")[2] for answer in answers]
    assert said == [f"{number + 1} {number}" for number in range(20)]
    assert len({pid_in(answer) for answer in answers}) == 1


async def test_what_outlives_the_block_gets_a_session_of_its_own() -> None:
    server = raw_server()
    inside = asyncio.Event()

    async def later() -> object:
        inside.set()
        await left.wait()
        return await tool(text="it")

    left = asyncio.Event()
    async with server:
        tool = await only(server)
        first = await tool(text="it")
        task = asyncio.create_task(later())
        await inside.wait()
    left.set()

    assert pid_in(await task) != pid_in(first)


async def test_a_block_that_another_task_opened_within_keeps_the_session() -> None:
    server = raw_server()
    entered, left = asyncio.Event(), asyncio.Event()

    async def within() -> object:
        async with server:
            entered.set()
            await left.wait()
            return await tool(text="it")

    async with server:
        tool = await only(server)
        task = asyncio.create_task(within())
        await entered.wait()
        first = await tool(text="it")
    left.set()
    second = await task

    assert pid_in(second) == pid_in(first)
    assert not is_running(pid_in(first))


async def leaving(how: str, server: MCPServer) -> None:
    """Open a session and leave it, or wait to be cancelled."""
    async with mcp_connection(server):
        tool = await only(server)
        if how == "by an error":
            raise LookupError
        if how == "cancelled":
            await asyncio.sleep(60)
        if how == "cancelled in a call":
            await tool(text="it")


@pytest.mark.parametrize(
    ("how", "mode", "raised"),
    [
        pytest.param("normally", "", None, id="normally"),
        pytest.param("normally", "hang-at-once", ToolServiceError, id="that never began"),
        pytest.param("by an error", "", LookupError, id="by an error"),
        pytest.param("cancelled", "", asyncio.CancelledError, id="cancelled"),
        pytest.param(
            "cancelled in a call", "hang", asyncio.CancelledError, id="cancelled in a call"
        ),
        pytest.param("cancelled", "hang-at-once", asyncio.CancelledError, id="before it answers"),
        pytest.param(
            "cancelled as it ends",
            "stubborn",
            asyncio.CancelledError,
            id="as it ends, with a child",
        ),
    ],
)
async def test_processes_end_with_the_block(
    how: str, mode: str, raised: type[BaseException] | None, tmp_path: Path
) -> None:
    server = raw_server(mode, tmp_path / "pids", timeout=0.5 if how == "normally" and mode else 20)
    task = asyncio.create_task(leaving(how, server))
    pids = await pids_in(tmp_path / "pids")
    if how.startswith("cancelled"):
        await asyncio.sleep(0.1 if mode != "stubborn" else 0.5)
        assert all(is_running(pid) for pid in pids)
        task.cancel()
    [outcome] = await asyncio.gather(task, return_exceptions=True)

    assert (type(outcome) if outcome else None) is raised
    assert [is_running(pid) for pid in pids] == [False] * len(pids)


async def test_a_time_limit_around_the_block_is_what_it_raises(tmp_path: Path) -> None:
    server = raw_server("hang", tmp_path / "pids")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5), server:
            await (await only(server))(text="it")

    [pid] = await pids_in(tmp_path / "pids")
    assert not is_running(pid)


async def test_a_server_that_died_fails_the_calls_that_follow_and_those_that_run() -> None:
    server = raw_server("")
    async with server:
        tool = await only(server)
        os.kill(pid_in(await tool(text="it")), signal.SIGKILL)
        outcomes = await asyncio.gather(tool(text="it"), tool(text="it"), return_exceptions=True)
        with pytest.raises(ToolServiceError):
            await tool(text="it")

    assert [type(outcome) for outcome in outcomes] == [ToolServiceError] * 2


async def test_of_two_servers_the_first_ends_if_the_second_does_not_start(tmp_path: Path) -> None:
    servers = [raw_server("", tmp_path / "pids"), raw_server("die-at-once")]
    with pytest.raises(ToolServiceError, match="die-at-once"):
        async with mcp_connection(servers):
            pass

    [pid] = await pids_in(tmp_path / "pids")
    assert not is_running(pid)


class Listening(NamedTuple):
    """A server at an address."""

    make: Any
    url: str

    def server(self, more: str = "") -> MCPServer:
        server: MCPServer = self.make(url=self.url + more, sse_read_timeout=20)
        return server


@pytest.fixture(scope="module", params=["http", "sse"])
def listening(request: pytest.FixtureRequest) -> Iterator[Listening]:
    make = mcp_server_http if request.param == "http" else mcp_server_sse
    with listening_server(request.param) as url:
        yield Listening(make, url)


async def test_a_server_at_an_address(listening: Listening) -> None:
    server = listening.server()
    async with mcp_connection(server):
        tools = await named(server)
        results = await asyncio.gather(*(tools["add"](x=number) for number in range(10)))
        drawn = await tools["files_draw"]()
        with pytest.raises(ToolError, match="fail: no luck"):
            await tools["fail"](reason="no luck")

    assert results == [str(number + 1) for number in range(10)]
    assert drawn == [ContentImage(image="data:image/gif;base64,R0lGODlh")]


async def test_samples_share_a_server_at_an_address(listening: Listening) -> None:
    server = listening.server()

    async def sample(number: int) -> object:
        async with mcp_connection(server):
            tools = await named(server)
            return await tools["add"](x=number)

    assert await asyncio.gather(*map(sample, range(5))) == ["1", "2", "3", "4", "5"]


async def test_an_address_that_is_not_the_servers(listening: Listening) -> None:
    with pytest.raises(ToolServiceError) as raised:
        await listening.server("/nowhere?key=secret").tools()

    message = str(raised.value)
    assert f"{listening.url}/nowhere' cannot be used: " in message
    assert "secret" not in message


@pytest.mark.parametrize("make", [mcp_server_http, mcp_server_sse])
async def test_nobody_at_an_address(make: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://me:pw@127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ToolServiceError) as raised:
            await make(url=f"{address}/mcp?key=1").tools()

    assert str(raised.value) == (
        f"The server of tools '{address.replace('me:pw@', '')}/mcp' cannot be used: "
        "All connection attempts failed"
    )


async def test_a_real_server_over_pipes() -> None:
    server = real_server()
    async with server:
        tools = await named(server)
        sum_ = await tools["add"](x=20, y=22)
        first, second = await tools["note"](text="a"), await tools["note"](text="b")

    assert sum_ == "42"
    assert str(second) == f"{pid_in(first)}: a,b"
    assert not is_running(pid_in(first))
