"""A real program of its own process, with the providers' SDKs, behind a bridge."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from solvers.agents import AgentState
from tests.solvers.agents._bridge_asking import adder, opened

PROGRAM = Path(__file__).parent / "_bridge_program.py"

THE_SUM = "The sum is 3."


async def test_an_unmodified_program() -> None:
    state = AgentState(messages=[])
    async with opened(adder, state=state) as bridge:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(PROGRAM),
            env={**os.environ, **bridge.bridge.env},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        key = bridge.bridge.api_key

    assert process.returncode == 0, err.decode()
    assert json.loads(out) == {
        "chat": [THE_SUM, 12],
        "chat_stream": [THE_SUM, 12],
        "responses": [THE_SUM, 12],
        "responses_with_items": THE_SUM,
        "claude": [THE_SUM, 12],
        "claude_async": ["text", "tool_use"],
        "refused": "Error code: 400 - the bridge does not support the option 'functions'",
        "models": ["evals", "inspect"],
    }
    ways = ["chat", "chat_stream", "responses", "responses_with_items", "claude"]
    assert [[m.text for m in c.messages] for c in bridge.bridge.conversations] == [
        *([f"1+2? ({way})", "Let me add.", "3", THE_SUM] for way in ways),
        ["1+2? (claude_async)", "Let me add."],
    ]
    assert [m.text for m in state.messages] == ["1+2? (claude)", "Let me add.", "3", THE_SUM]
    events = [event for event in bridge.context.transcript.events if event.event == "model"]
    assert [len(event.input) for event in events] == [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]
    assert {event.model for event in events} == {"mockllm/big"}
    assert key not in json.dumps([event.model_dump(mode="json") for event in events])
