"""Tools of servers that are processes: what models are told, what comes back, what goes wrong."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from tasks_lib._errors import ParameterError, ToolServiceError, UnknownNameError
from tasks_lib.schema import ContentAudio, ContentDocument, ContentText, ToolInfo
from tasks_lib.tool import (
    MCPServer,
    ToolError,
    ToolSource,
    execute_tools,
    expand_tools,
    mcp_connection,
    mcp_server_http,
    mcp_server_sse,
    mcp_server_stdio,
    mcp_tools,
    tool_def,
    tool_infos,
    tool_with,
)
from tests.tool._calls import asking, errors, texts
from tests.tool._mcp_processes import named, pid_in, raw_server


async def called(mode: str, **arguments: Any) -> Any:
    """Return what the only tool of a server in a mode returns."""
    server = raw_server(mode, timeout=0.5 if mode == "hang" else 20)
    async with server:
        [tool] = await server.tools()
        return await tool(**arguments)


async def test_the_model_is_told_what_the_server_says() -> None:
    assert await tool_infos(raw_server()) == [
        ToolInfo.model_validate(
            {
                "name": "do",
                "description": "Do it.",
                "parameters": {
                    "properties": {"text": {"type": "string", "description": "text"}},
                    "additionalProperties": None,
                },
            }
        )
    ]


async def test_schemas_keep_what_providers_hardly_know() -> None:
    [info] = await tool_infos(raw_server("odd"))

    assert info.parameters.model_dump(exclude_none=True) == {
        "type": "object",
        "properties": {
            "anything": {"description": "anything"},
            "pair": {
                "type": "array",
                "description": "pair",
                "prefixItems": [{"type": "string"}, {"type": "number"}],
            },
            "place": {"$ref": "#/$defs/Place", "description": "place"},
            "size": {"type": ["integer", "null"], "minimum": 0, "description": "How large."},
        },
        "required": ["place"],
        "$defs": {"Place": {"type": "object", "properties": {"x": {"type": "integer"}}}},
    }


async def test_arguments_are_checked_before_the_server_gets_them() -> None:
    messages = asking(("odd", {"size": -1}), ("odd", {"place": {"x": "far"}}))

    result = await execute_tools(messages, raw_server("odd"))

    assert errors(result) == [
        (
            "parsing",
            "The arguments do not fit the tool:\n"
            "- size: -1 is less than the minimum of 0\n"
            "- 'place' is a required property",
        ),
        (
            "parsing",
            "The arguments do not fit the tool:\n- place.x: 'far' is not of type 'integer'",
        ),
    ]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        pytest.param(
            "odd",
            [
                ContentText(text="one"),
                ContentAudio(audio="data:audio/wav;base64,UklGRg==", format="wav"),
                ContentText(text="a\nfile:///a.txt\nThe first."),
                ContentText(text="two"),
                ContentDocument(
                    document="data:application/pdf;base64,JVBERg==",
                    filename="c.pdf",
                    mime_type="application/pdf",
                ),
            ],
            id="content of every kind",
        ),
        pytest.param("structured", '{"a": [1]}', id="structured content only"),
        pytest.param("empty", "", id="nothing"),
    ],
)
async def test_result(mode: str, expected: Any) -> None:
    assert await called(mode) == expected


@pytest.mark.parametrize(
    ("mode", "error", "message"),
    [
        pytest.param("silent-error", ToolError, "did not say why", id="an error without a text"),
        pytest.param("refuse", ToolError, "^not like this$", id="an error of the protocol"),
        pytest.param("hang", TimeoutError, "within 0.5 seconds", id="no answer"),
        pytest.param("die", ToolServiceError, "'do' was called: .*\n.*\nout of memory$", id="died"),
        pytest.param(
            "invalid", ToolServiceError, "no valid answer: 1 valid", id="no answer of MCP"
        ),
    ],
)
async def test_calls_fail(mode: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        await called(mode)


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        pytest.param(
            "die-at-once",
            r"die-at-once' cannot be used: .*\nIt wrote:\nno such database\nset DATABASE$",
            id="ends when it starts",
        ),
        pytest.param("hang-at-once", "used: no answer within 0.3 seconds", id="is silent"),
        pytest.param("endless", "more than 100 pages", id="never ends its list"),
    ],
)
async def test_servers_that_cannot_be_used(mode: str, message: str) -> None:
    with pytest.raises(ToolServiceError, match=message):
        await raw_server(mode, timeout=0.3 if mode == "hang-at-once" else 20).tools()


async def test_a_command_that_is_not_there_is_named_without_its_secrets() -> None:
    args = ["--api-key", "one", "--auth-token=two", "https://me:three@host/?four", "run"]

    with pytest.raises(ToolServiceError) as raised:
        await mcp_server_stdio(command="no-such-program", args=args).tools()

    assert str(raised.value) == (
        "The server of tools 'no-such-program --api-key … --auth-token=… https://host/ run' "
        "cannot be used: [Errno 2] No such file or directory: 'no-such-program'"
    )


async def test_lines_that_are_no_messages_are_passed_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert str(await called("garbage", text="it")).endswith(": 1 it")
    assert "Failed to parse" in caplog.text


async def test_all_pages_are_listed_with_names_that_providers_take() -> None:
    assert list(await named(raw_server("pages"))) == ["read_file", "read_link", "files_write"]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        pytest.param("all", ["read_file", "read_link", "files_write"], id="all"),
        pytest.param(["read_*"], ["read_file", "read_link"], id="a pattern"),
        pytest.param(["files.write", "read_file"], ["read_file", "files_write"], id="names"),
    ],
)
async def test_some_of_the_tools(patterns: Any, expected: list[str]) -> None:
    source = mcp_tools(raw_server("pages"), tools=patterns)

    assert isinstance(source, ToolSource)
    assert [tool_def(tool).name for tool in await source.tools()] == expected


async def test_a_name_that_no_tool_has() -> None:
    with pytest.raises(UnknownNameError, match=r"'read_flie'. Did you mean 'read_file'"):
        await mcp_tools(raw_server("pages"), tools=["files.*", "read_flie"]).tools()


async def test_the_same_tool_twice_is_one() -> None:
    server = raw_server("pages")

    expanded = await expand_tools([server, mcp_tools(server, tools=["read_*"])])

    assert [tool.name for tool in expanded] == ["read_file", "read_link", "files_write"]


async def test_tools_can_be_renamed() -> None:
    server = raw_server()
    [tool] = await server.tools()
    renamed = tool_with(tool, name="perform", parameters={"text": "What to do."})

    result = await execute_tools(asking(("perform", {"text": "it"})), [renamed])

    assert texts(result)[0].endswith(": 1 it")
    assert tool_def(renamed).info.parameters.properties["text"].description == "What to do."


async def test_the_list_is_asked_again_when_it_has_changed() -> None:
    async with raw_server("changing") as server:
        [first] = await server.tools()
        assert await server.tools() == [first]
        await first()
        [second] = await server.tools()

    assert (tool_def(first).name, tool_def(second).name) == ("do1", "do3")


async def test_without_a_connection_each_call_is_a_session() -> None:
    [tool] = await raw_server().tools()

    first, second = await tool(text="it"), await tool(text="it")

    assert pid_in(first) != pid_in(second)
    assert [str(answer).partition(": ")[2] for answer in (first, second)] == ["1 it", "1 it"]


@pytest.mark.parametrize(
    "of",
    [
        pytest.param(lambda server, tools: server, id="the server"),
        pytest.param(lambda server, tools: [[mcp_tools(server, tools=["d*"])]], id="some tools"),
        pytest.param(lambda server, tools: tools, id="a tool"),
        pytest.param(lambda server, tools: [tool_def(tools[0])], id="a definition"),
    ],
)
async def test_a_connection_is_one_session(of: Any) -> None:
    server = raw_server()
    tools = await server.tools()

    async with mcp_connection(of(server, tools)):
        first = await tools[0](text="it")
        async with mcp_connection(server):
            second = await tools[0](text="it")
        third = await tools[0](text="it")

    assert pid_in(first) == pid_in(second) == pid_in(third)
    assert str(third).endswith(": 3 it")


async def test_other_tools_need_no_connection() -> None:
    async def alone() -> str:
        return ""

    async with mcp_connection([alone, ToolInfo(name="described", description="D.")]):
        pass


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda: mcp_server_stdio(command=""), "command is ''", id="no command"),
        pytest.param(
            lambda: mcp_server_stdio(command="x", args="-y it"),
            "a list of texts",
            id="args as text",
        ),
        pytest.param(
            lambda: mcp_server_stdio(command="x", cwd="/no/where"), "existing dir", id="no such cwd"
        ),
        pytest.param(
            lambda: mcp_server_stdio(command="x", timeout=0), "timeout is 0, ", id="no time"
        ),
        pytest.param(lambda: mcp_server_http(url="localhost:1"), "'http://…'", id="no URL"),
        pytest.param(
            lambda: mcp_server_sse(url="http://x", timeout=-1),
            "mcp_server_sse: timeout",
            id="below 0",
        ),
        pytest.param(
            lambda: mcp_server_http(url="http://x", sse_read_timeout=0),
            "sse_read_t",
            id="no answer",
        ),
        pytest.param(lambda: mcp_tools("x"), "server is 'x'", id="no server"),  # type: ignore[arg-type]
        pytest.param(lambda: mcp_tools(raw_server(), tools=[]), r"tools is \[\]", id="no tools"),
        pytest.param(lambda: mcp_tools(raw_server(), tools="do"), "tools is 'do'", id="one name"),
    ],
)
def test_wrong_arguments(make: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        make()


def test_nothing_secret_is_shown_of_a_server() -> None:
    server = mcp_server_http(url="https://me:pw@host/mcp?key=1", headers={"Authorization": "x"})

    assert isinstance(server, MCPServer)
    assert repr(server) == "MCPServer('https://host/mcp')"


def test_packages_are_imported_when_they_are_needed() -> None:
    code = "import sys, tasks_lib.tool; print(sys.modules.keys() & {'mcp', 'mcp_types', 'httpx'})"

    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"
