"""Asking a person to decide on a tool call: on the terminal, or by a paused flow run.

A question without a terminal is a flow run of its own below its evaluation's, named after the
call and paused. Whoever resumes it in the Prefect UI (or by the API) fills in a form: the
decision, why, and for `modify` the arguments. So any number of samples can wait at once, and
an automation on the state Paused can tell people.

What ends a question without a decision: the policy's `timeout` (the call is rejected);
cancelling or deleting its flow run (rejected, too); the end of the evaluation or of the sample
(the flow run is cancelled). If the process dies, nobody waits for its questions any more: they
stay paused until they expire, resuming them does nothing, and the evaluation that is started
again asks again.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, Literal, cast
from uuid import UUID
from weakref import WeakKeyDictionary

import httpx
from prefect import flow, get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import State
from prefect.client.schemas.responses import SetStateStatus
from prefect.context import FlowRunContext
from prefect.exceptions import ObjectNotFound
from prefect.input import RunInput
from prefect.input.run_input import Keyset, keyset_from_paused_state
from prefect.settings import PREFECT_API_URL
from prefect.states import Cancelled, Completed, Paused
from prefect.utilities.urls import url_for
from pydantic import Field, create_model

from flows._server import FLOW_OPTIONS
from tasks_lib._errors import EvalsError, PrerequisiteError
from tasks_lib._util._harmless import harmless, one_line
from tasks_lib.approval import (
    Approval,
    ApprovalPolicy,
    Ask,
    Question,
    ask_on_terminal,
    fenced,
    in_time,
    needs_person,
)
from tasks_lib.context import DisplayType, current_sample, has_terminal

logger = logging.getLogger(__name__)

EXPIRES_S = 7 * 24 * 3600
"""After how many seconds a question without a `timeout` expires."""

_GRACE_S = 60
"""How much later than we the server lets a question expire: only if we cannot any more."""

POLL_S = 1.0
"""How often the server is asked for an answer, while few questions are open."""

QUESTIONS_A_SECOND = 10
"""How many questions of this process the server is asked about in a second, however many wait."""

_MARKUP = re.compile(r"[!-/:-@\[-`{-~]")
"""What may mean something in Markdown, and there means itself after a backslash."""

_TAKEN_BACK = Approval(decision="reject", explanation="The question was taken back in Prefect.")


def person_asker(display: DisplayType) -> Ask:
    """Return how people are asked: on the terminal if there is one, else by paused flow runs.

    With the display `log`, which is that of deployed runs, never on the terminal.
    """
    return ask_on_terminal if _on_terminal(display) else ask_in_prefect


def check_person(policies: Sequence[ApprovalPolicy] | None, display: DisplayType) -> None:
    """Raise PrerequisiteError if `policies` ask a person and nobody could be asked.

    Without a terminal that needs a Prefect server that lives longer than the run: nobody finds
    the UI of a temporary one.
    """
    if needs_person(policies) and not _on_terminal(display) and not PREFECT_API_URL.value():
        raise PrerequisiteError(
            "approval: the approver 'human' has nobody to ask: there is neither a terminal nor a "
            "Prefect server in whose UI people could decide. Set PREFECT_API_URL."
        )


async def ask_in_prefect(question: Question) -> Approval | None:
    """Ask by a paused flow run; see the module. None: nobody decided in time."""
    asked = _Asked(question)
    token = _current.set(asked)
    try:
        await asked.await_turn()
        state = await cast(Any, approve_tool_call)(asked.title, return_state=True)
    except Exception:
        # The flow run is gone, or the server: a decision that was made is one all the same.
        if not asked.over:
            raise
        logger.warning("Prefect was not told of a decision.", exc_info=True)
        return asked.decision
    finally:
        asked.end_turn()
        _current.reset(token)
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError  # flows don't raise it: they end as Cancelled
    if not asked.over:
        raise EvalsError(f"Nobody could be asked to decide on a call: {state.message}")
    return asked.decision


class _Asked:
    """A question on its way: flows take and return only what Prefect can store."""

    def __init__(self, question: Question) -> None:
        self.question = question
        sample = current_sample()
        of = f"{sample.sample_id}, epoch {sample.epoch}: " if sample is not None else ""
        self.title = one_line(f"{of}{question.title}", 120)
        self.over = False
        """Whether the question has been decided on, taken back, or its time is over."""
        self.decision: Approval | None = None
        self._turns = _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock())
        self._has_turn = False

    async def await_turn(self) -> None:
        """Wait until no other question is being opened; `end_turn` when this one is open.

        Prefect's SQLite refuses what is written at the same time, and clients then wait for
        seconds: twelve questions at once took 32 s to open, one after another 3 s.
        """
        await self._turns.acquire()
        self._has_turn = True

    def end_turn(self) -> None:
        """Let the next question be opened."""
        if self._has_turn:
            self._turns.release()
            self._has_turn = False


_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
_current: ContextVar[_Asked] = ContextVar("asked")
_open: set[UUID] = set()
"""Questions of this process that wait for an answer."""


@flow(name="approve-tool-call", flow_run_name="{call}", **FLOW_OPTIONS)
async def approve_tool_call(call: str) -> State[None]:
    """Wait until somebody decides on a call. `call` tells people what it is about."""
    asked = _current.get()
    context = FlowRunContext.get()
    assert context is not None and context.flow_run is not None  # this is a flow
    try:
        async with get_client() as client:
            run = PausedRun(client, context.flow_run.id, asked.question)
            await run.open()
            asked.end_turn()
            asked.decision = await in_time(asked.question, run.answer())
    except asyncio.CancelledError:
        return Cancelled(message="Nobody waits for this decision any more.")
    asked.over = True
    if asked.decision is None:
        return Cancelled(message="Nobody decided in time: the call is rejected.")
    if asked.decision is _TAKEN_BACK:
        return Cancelled(message="Taken back: the call is rejected.")
    return Completed(message=asked.decision.decision)


class PausedRun:
    """A flow run that is paused for a question."""

    def __init__(self, client: PrefectClient, run_id: UUID, question: Question) -> None:
        self._client = client
        self._run_id = run_id
        self._question = question
        self._form = decision_form(question)
        self._told = False
        self._state: State[None] = Paused(
            timeout_seconds=math.ceil(_GRACE_S + (question.timeout or EXPIRES_S)),
            pause_key="decision",
        )
        self._keys: Keyset = keyset_from_paused_state(self._state)
        self._state.state_details.run_input_keyset = cast(dict[str, str], self._keys)

    async def open(self) -> None:
        """Pause the flow run, with its form."""
        # The form first: a run that is paused can be resumed.
        await self._form.asave(self._keys, self._run_id)
        result = await self._client.set_flow_run_state(self._run_id, self._state)
        if result.status != SetStateStatus.ACCEPT:
            raise EvalsError(f"The flow run of a question cannot be paused: {result.details}")
        place = url_for("flow-run", self._run_id) or f"the flow run {self._run_id}"
        logger.warning("A tool call waits for a decision: resume %s", place)

    async def answer(self) -> Approval:
        """Wait until the flow run goes on, and return what was decided."""
        _open.add(self._run_id)
        try:
            while True:
                await asyncio.sleep(max(POLL_S, len(_open) / QUESTIONS_A_SECOND))
                if (decision := await self.decision()) is not None:
                    return decision
        finally:
            _open.discard(self._run_id)

    async def decision(self) -> Approval | None:
        """Return what has been decided, None if nothing has, or the server does not say."""
        try:
            state = (await self._client.read_flow_run(self._run_id)).state
            if state is None or state.is_paused():
                return None
            if not state.is_running():
                return _TAKEN_BACK
            answer = await self._form.aload(self._keys, self._run_id)
        except ObjectNotFound:  # it was deleted, or set to Running without the form
            return _TAKEN_BACK
        except httpx.HTTPError as error:
            # The server may come back, and the question is still open there.
            level = logging.DEBUG if self._told else logging.WARNING
            logger.log(level, "Prefect does not say what was decided on a call: %r", error)
            self._told = True
            return None
        return _approval(answer.model_dump(), self._question)


def decision_form(question: Question) -> type[RunInput]:
    """Return what a person fills in to decide on `question`."""
    fields: dict[str, Any] = {
        "decision": (Literal[question.choices], Field(description="What is to be done.")),
        "explanation": (
            str,
            Field(default="", description="Why; the model is told why its call was rejected."),
        ),
    }
    if "modify" in question.choices:
        help_text = "For the decision 'modify': what the call is done with instead."
        arguments = Field(default=question.call.arguments, description=help_text)
        fields["arguments"] = (dict[str, Any], arguments)
    form = create_model("Decision", __base__=RunInput, **fields)
    return form.with_initial_data(description=_description(question))


def _description(question: Question) -> str:
    """Return the sections of a question in Markdown; what is not ours is shown as it is."""
    parts: list[str] = []
    for section in question.sections:
        title = _MARKUP.sub(r"\\\g<0>", one_line(section.title))
        parts.append(f"**{title}**\n\n{fenced(harmless(section.text))}")
    return "\n\n".join(parts)


def _approval(answer: dict[str, Any], question: Question) -> Approval:
    modified = None
    if answer["decision"] == "modify":
        changes = {"arguments": answer["arguments"], "view": None}
        modified = question.call.model_copy(update=changes)
    return Approval(
        decision=answer["decision"],
        modified=modified,
        explanation=answer["explanation"].strip() or None,
    )


def _on_terminal(display: DisplayType) -> bool:
    return display != "log" and has_terminal()
