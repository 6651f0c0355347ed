"""Tool calls that wait in paused flow runs, and a person who resumes them as the UI does."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from flows._approval import (
    PausedRun,
    ask_in_prefect,
    check_person,
    decision_form,
    person_asker,
)
from flows.eval import eval_async
from solvers import generate, use_tools
from tasks_lib import Task
from tasks_lib._errors import PrerequisiteError
from tasks_lib.approval import (
    ApprovalPolicy,
    Question,
    ask_on_terminal,
    auto_approver,
    human_approver,
)
from tasks_lib.log import read_eval_log
from tasks_lib.model import get_model
from tasks_lib.schema import (
    ApprovalEvent,
    ChatMessage,
    ChatMessageTool,
    EvalLog,
    EvalSample,
    ModelOutput,
    Sample,
    ToolCall,
    ToolCallContent,
    ToolCallView,
)
from tasks_lib.tool import Tool, tool
from tests.approval._person import at_terminal

ASKS = ApprovalPolicy(human_approver(["approve", "modify", "reject", "terminate"]), "*")
HURRIES = ApprovalPolicy(human_approver(timeout=1), "shell_in_test_approval(command='hurry")


@tool(name="shell_in_test_approval")
def shell() -> Tool:
    async def execute(command: str) -> str:
        """Run a command.

        Args:
            command: What to run.
        """
        return f"ran {command}"

    return execute


def _answer(messages: list[ChatMessage], *_: object) -> ModelOutput:
    """Call the tool with the question, then repeat what came of it."""
    last = messages[-1]
    if isinstance(last, ChatMessageTool):
        return ModelOutput.from_content("m", last.error.message if last.error else last.text)
    return ModelOutput.for_tool_call("m", "shell_in_test_approval", {"command": last.text})


def _task(*ids: str) -> Task:
    samples = [Sample(id=id, input=f"{id}\n```") for id in ids]
    return Task(dataset=samples, solver=[use_tools(shell()), generate()], name="asking")


async def _run(log_dir: str, *ids: str) -> EvalLog:
    model = get_model("mockllm/model", custom_outputs=_answer)
    (log,) = await eval_async(
        _task(*ids), model, approval=[HURRIES, ASKS], log_dir=log_dir, display="none"
    )
    return log


async def _paused(count: int) -> dict[str, FlowRun]:
    """Return the questions that are open, by the ids of their samples, when there are `count`."""
    waiting = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED]))
    )
    async with get_client() as client:
        for _ in range(300):
            runs = await client.read_flow_runs(flow_run_filter=waiting)
            if len(runs) == count:
                return {str(run.name).partition(",")[0]: run for run in runs}
            await asyncio.sleep(0.1)
    raise AssertionError(f"{len(runs)} of {count} questions are open")


class Browser:
    """Does what the UI does for the person in front of it."""

    def __init__(self, url: str) -> None:
        self._client = httpx.AsyncClient(base_url=f"{url}/flow_runs/")

    async def __aenter__(self) -> Browser:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def shown(self, run: FlowRun, what: str) -> Any:
        """Return the form (`schema`) or the text above it (`description`)."""
        keys = run.state.state_details.run_input_keyset if run.state else None
        assert keys is not None
        return (await self._client.get(f"{run.id}/input/{keys[what]}")).json()

    async def resume(self, run: FlowRun, **answer: Any) -> str:
        return str((await self._post(f"{run.id}/resume", run_input=answer))["status"])

    async def cancel(self, run: FlowRun) -> None:
        state = {"type": "CANCELLING", "name": "Cancelling"}
        await self._post(f"{run.id}/set_state", state=state, force=False)

    async def _post(self, path: str, **content: Any) -> Any:
        for _ in range(20):
            response = await self._client.post(path, json=content)
            if response.status_code < 500:
                return response.json()
            await asyncio.sleep(0.1)  # SQLite was busy: a person clicks again
        raise AssertionError(response.text)

    async def state(self, run: FlowRun) -> tuple[str, str]:
        state = (await self._client.get(str(run.id))).json()["state"]
        return state["type"], state["message"]


def _outcome(sample: EvalSample) -> tuple[Any, ...]:
    decisions = [e for e in sample.events if isinstance(e, ApprovalEvent)]
    return (
        [(e.approver, e.decision, e.explanation) for e in decisions],
        sample.output.completion,
        sample.limit.type if sample.limit else None,
    )


@pytest.mark.usefixtures("prefect_harness")
async def test_a_person_decides_in_the_ui(log_dir: str, harness_url: str) -> None:
    ids = ["approve", "cancel", "modify", "reject", "terminate"]
    async with Browser(harness_url) as browser:
        work = asyncio.create_task(_run(log_dir, *ids))
        runs = await _paused(5)
        assert sorted(runs) == ids
        edited = {"command": "other"}
        answers = [
            await browser.resume(runs["reject"], decision="perhaps"),
            await browser.resume(runs["reject"], decision="reject", explanation=" Too risky. "),
            await browser.resume(runs["approve"], decision="approve"),
            await browser.resume(runs["modify"], decision="modify", arguments=edited),
            await browser.resume(runs["terminate"], decision="terminate"),
        ]
        shown = await browser.shown(runs["approve"], "description")
        form = await browser.shown(runs["modify"], "schema")
        await browser.cancel(runs["cancel"])
        log = read_eval_log((await work).location)
        states = [await browser.state(run) for run in runs.values()]

    assert answers == ["REJECT", "ACCEPT", "ACCEPT", "ACCEPT", "ACCEPT"]
    assert log.samples is not None
    assert {str(sample.id): _outcome(sample) for sample in log.samples} == {
        "approve": ([("human", "approve", None)], "ran approve\n```", None),
        "cancel": (
            [("human", "reject", "The question was taken back in Prefect.")],
            "The question was taken back in Prefect.",
            None,
        ),
        "modify": ([("human", "modify", None)], "ran other", None),
        "reject": ([("human", "reject", "Too risky.")], "Too risky.", None),
        "terminate": (
            [("human", "terminate", None)],
            "Calling the tool shell_in_test_approval.",
            "operator",
        ),
    }
    assert shown == (
        "**The model says**\n\n```\nCalling the tool shell_in_test_approval.\n```\n\n"
        "**Call**\n\n````\nshell_in_test_approval(\n    command='''approve\n```''',\n)\n````"
    )
    assert form["properties"]["arguments"]["default"] == {"command": "modify\n```"}
    assert sorted(states) == [
        ("CANCELLED", "Taken back: the call is rejected."),
        ("COMPLETED", "approve"),
        ("COMPLETED", "modify"),
        ("COMPLETED", "reject"),
        ("COMPLETED", "terminate"),
    ]
    assert log.samples[0].working_time is not None
    assert log.samples[0].working_time < (log.samples[0].total_time or 0) - 0.5


@pytest.mark.usefixtures("prefect_harness")
async def test_after_the_timeout_nobody_needs_to_decide(log_dir: str, harness_url: str) -> None:
    async with Browser(harness_url) as browser:
        work = asyncio.create_task(_run(log_dir, "hurry"))
        run = (await _paused(1))["hurry"]
        log = read_eval_log((await work).location)

        assert await browser.state(run) == (
            "CANCELLED",
            "Nobody decided in time: the call is rejected.",
        )
        assert await browser.resume(run, decision="approve") == "ABORT"
    reason = "Nobody decided on the call within 1 seconds."
    assert log.samples is not None
    assert _outcome(log.samples[0]) == ([("human", "reject", reason)], reason, None)


@pytest.mark.usefixtures("prefect_harness")
async def test_a_stopped_evaluation_takes_its_questions_back(
    log_dir: str, harness_url: str
) -> None:
    async with Browser(harness_url) as browser:
        work = asyncio.create_task(_run(log_dir, "a"))
        run = (await _paused(1))["a"]
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

        assert await browser.state(run) == ("CANCELLED", "Nobody waits for this decision any more.")
        assert str(run.name) == "a, epoch 1: shell_in_test_approval(command='a\\n```')"
        assert run.parent_task_run_id is not None


async def _is_down(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 500 Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    await writer.drain()
    writer.close()


async def test_a_server_that_is_down_may_come_back(caplog: pytest.LogCaptureFixture) -> None:
    call = ToolCall(id="1", function="f", arguments={})
    question = Question("", call, ToolCallView(), ("approve",))
    async with await asyncio.start_server(_is_down, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        with temporary_settings(updates={PREFECT_CLIENT_MAX_RETRIES: 0}):
            async with PrefectClient(f"http://{host}:{port}/api") as client:
                run = PausedRun(client, uuid4(), question)
                decisions = [await run.decision(), await run.decision()]

    told = [r.levelname for r in caplog.records if "Prefect does not say" in r.message]
    assert (decisions, told) == ([None, None], ["WARNING"])


def test_what_is_shown_in_the_ui_is_not_obeyed() -> None:
    context = ToolCallContent(title="![x](http://e.vil)", format="markdown", content="\x1b[2J```")
    call = ToolCall(id="1", function="f", arguments={})

    form = decision_form(Question("", call, ToolCallView(context=context), ("approve",)))

    assert form._description == (
        "**\\!\\[x\\]\\(http\\:\\/\\/e\\.vil\\)**\n\n````\n\\x1b[2J```\n````\n\n**Call**\n\n```\nf()\n```"
    )


@pytest.mark.parametrize(
    ("choices", "fields"),
    [
        pytest.param(("approve", "reject"), ["decision", "explanation"], id="yes or no"),
        pytest.param(("modify",), ["decision", "explanation", "arguments"], id="modify"),
    ],
)
def test_forms(choices: Any, fields: list[str]) -> None:
    call = ToolCall(id="1", function="f", arguments={})

    form = decision_form(Question("", call, ToolCallView(), choices))

    assert list(form.model_fields) == fields


async def test_where_people_are_asked() -> None:
    assert person_asker("plain") is ask_in_prefect
    with at_terminal():
        assert person_asker("plain") is ask_on_terminal
        assert person_asker("log") is ask_in_prefect


async def test_somebody_has_to_be_there() -> None:
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        with pytest.raises(PrerequisiteError, match="the approver 'human' has nobody to ask"):
            check_person([ASKS], "plain")
        check_person([ApprovalPolicy(auto_approver(), "*")], "plain")
        check_person(None, "plain")
        with at_terminal():
            check_person([ASKS], "plain")
    with temporary_settings(updates={PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        check_person([ASKS], "log")
