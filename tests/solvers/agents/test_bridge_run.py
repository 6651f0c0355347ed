"""Who may ask a bridge, what is answered, and in whose sample."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from solvers.agents import AgentState, agent_bridge
from tasks_lib._errors import UnknownNameError
from tasks_lib.schema import ChatMessageUser
from tests.solvers.agents._bridge_asking import (
    BODIES,
    CHAT,
    HI,
    MESSAGES,
    RESPONSES,
    Listening,
    Opened,
    opened,
    problem,
    sample,
    say,
)


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"X-Nothing": "1"}, id="no key"),
        pytest.param({"Authorization": "Bearer sk-other"}, id="another key"),
        pytest.param({"X-Api-Key": ""}, id="an empty key"),
        pytest.param({"Authorization": "Basic c2Vj"}, id="another scheme"),
    ],
)
async def test_without_the_key(path: str, headers: dict[str, str]) -> None:
    async with opened() as bridge:
        reply = await bridge.post(path, BODIES[path], **headers)

    kind = "authentication_error" if path == MESSAGES else "invalid_request_error"
    assert problem(reply)[:2] == (401, kind)
    assert reply.headers["X-Should-Retry"] == "false"
    assert bridge.listening.asked == []


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b"{", "The request is not JSON", id="no JSON"),
        pytest.param(b'{"model": "\\ud800"}', "The request is not JSON", id="half a character"),
        pytest.param([1], "The request is not a JSON object.", id="a list"),
        pytest.param({"messages": 5}, "model: Field required", id="no model"),
    ],
)
async def test_broken_requests(path: str, body: object, message: str) -> None:
    async with opened() as bridge:
        reply = await bridge.post(path, body)

    assert problem(reply)[:2] == (400, "invalid_request_error")
    assert message in reply.body["error"]["message"]
    assert (reply.body.get("type") == "error") is (path == MESSAGES)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/v1/embeddings", (404, "invalid_request_error", None), id="openai"),
        pytest.param("/v1/messages/count_tokens", (404, "not_found_error", None), id="anthropic"),
    ],
)
async def test_what_is_not_served(path: str, expected: tuple[int, str, str | None]) -> None:
    async with opened() as bridge:
        headers = {"X-Api-Key": bridge.bridge.api_key}
        if "messages" in path:
            headers["anthropic-version"] = "2023-06-01"
        reply = await bridge.post(path, HI, **headers)

    assert problem(reply) == expected
    assert f"POST {path} is not served by the bridge." in reply.body["error"]["message"]


async def test_models() -> None:
    grader = Listening().model()
    async with opened(roles={"grader": grader}) as bridge:
        headers = {"X-Api-Key": bridge.bridge.api_key}
        url = f"{bridge.bridge.openai_base_url}/models"
        async with bridge.session.get(url, headers=headers) as response:
            listed = await response.json()
        async with bridge.session.get(f"{url}/evals/grader", headers=headers) as response:
            one = await response.json()
        async with bridge.session.get(f"{url}/gpt-9", headers=headers) as response:
            status = response.status

    assert [model["id"] for model in listed["data"]] == ["evals", "inspect", "evals/grader"]
    assert one == listed["data"][2]
    assert status == 404


@pytest.mark.parametrize(
    ("model", "answers"),
    [
        pytest.param("gpt-9", "You said Hi.", id="any name"),
        pytest.param("inspect", "You said Hi.", id="inspect"),
        pytest.param("evals", "You said Hi.", id="evals"),
        pytest.param("inspect/grader", "Graded.", id="a role"),
        pytest.param("evals/grader", "Graded.", id="a role of evals"),
        pytest.param("inspect/mockllm/x", "Default output from mockllm/model", id="another"),
    ],
)
async def test_who_answers(model: str, answers: str) -> None:
    grader = Listening(lambda asked: say("Graded.")).model()
    async with opened(roles={"grader": grader}) as bridge:
        reply = await bridge.post(CHAT, {**HI, "model": model})
        is_followed = bool(bridge.bridge.state.messages)

    assert reply.body["choices"][0]["message"]["content"] == answers
    assert is_followed is (answers == "You said Hi.")
    [event] = [e for e in bridge.context.transcript.events if e.event == "model"]
    assert event.output.completion == answers


@pytest.mark.parametrize(
    ("model", "message"),
    [
        pytest.param("inspect/judge", "No role has the name 'judge'", id="role"),
        pytest.param("inspect/mockllmm/x", "Did you mean 'mockllm'?", id="provider"),
    ],
)
async def test_models_that_are_not_there(model: str, message: str) -> None:
    async with opened() as bridge:
        reply = await bridge.post(CHAT, {**HI, "model": model})

    assert problem(reply) == (404, "invalid_request_error", "model_not_found")
    assert message in reply.body["error"]["message"]


async def test_a_bridge_with_a_model_of_its_own() -> None:
    other = Listening(lambda asked: say("Other."))
    async with sample(Listening()), aiohttp.ClientSession() as session:
        async with agent_bridge(model=other.model()) as bridge:
            asking = Opened(bridge, None, other, session)  # type: ignore[arg-type]
            assert await asking.chat("Hi") == "Other."
        with pytest.raises(UnknownNameError):
            async with agent_bridge(model="mockllmm/x"):
                pass


async def test_previous_responses() -> None:
    async with opened() as bridge:
        first = await bridge.post(RESPONSES, BODIES[RESPONSES])
        follow = {**BODIES[RESPONSES], "previous_response_id": first.body["id"], "input": "More"}
        second = await bridge.post(RESPONSES, {**follow, "store": False})
        not_stored = {**follow, "previous_response_id": second.body["id"]}
        refused = await bridge.post(RESPONSES, not_stored)

    assert bridge.listening.asked[1].texts == ["user: Hi", "assistant: You said Hi.", "user: More"]
    assert problem(refused)[0] == 404
    assert repr(second.body["id"]) in refused.body["error"]["message"]


async def test_the_key_never_gets_to_the_model_nor_to_the_log() -> None:
    async with opened() as bridge:
        key = bridge.bridge.api_key
        answer = await bridge.chat(f"My environment: OPENAI_API_KEY={key}")
        shown = repr(bridge.bridge)

    events = [event.model_dump(mode="json") for event in bridge.context.transcript.events]
    assert answer == "You said My environment: OPENAI_API_KEY=[key]."
    assert key not in json.dumps(events)
    assert key not in shown


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(None, "127.0.0.1", id="none"),
        pytest.param("example.org", "example.org,127.0.0.1", id="some"),
    ],
)
async def test_the_environment(
    before: str | None, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    if before is not None:
        monkeypatch.setenv("NO_PROXY", before)
    async with opened() as opening:
        bridge = opening.bridge

    assert bridge.env == {
        "OPENAI_BASE_URL": f"{bridge.anthropic_base_url}/v1",
        "OPENAI_API_BASE": f"{bridge.anthropic_base_url}/v1",
        "OPENAI_API_KEY": bridge.api_key,
        "ANTHROPIC_BASE_URL": bridge.anthropic_base_url,
        "ANTHROPIC_API_KEY": bridge.api_key,
        "NO_PROXY": after,
        "no_proxy": after,
    }


async def test_keys_end_with_their_bridges() -> None:
    async with opened() as first:
        async with agent_bridge() as second:
            key = second.api_key
            assert second.openai_base_url == first.bridge.openai_base_url
        reply = await first.post(CHAT, HI, Authorization=f"Bearer {key}")
        url = first.bridge.openai_base_url
        assert problem(reply)[0] == 401

    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(url)


async def test_it_listens_on_loopback_only() -> None:
    async with opened() as bridge:
        host = bridge.bridge.anthropic_base_url.removeprefix("http://").split(":")[0]

    assert host == "127.0.0.1"


async def test_twenty_samples_at_once() -> None:
    async def run(number: int) -> tuple[list[str], int, str]:
        state = AgentState(messages=[ChatMessageUser(content=f"I am {number}.")])
        async with opened(state=state) as bridge:
            said = await bridge.chat(f"I am {number}.")
            await bridge.chat(f"I am {number}.", said, f"Still {number}.")
        events = [e for e in bridge.context.transcript.events if e.event == "model"]
        return [m.text for m in state.messages], len(events), bridge.bridge.anthropic_base_url

    results = await asyncio.gather(*(run(number) for number in range(20)))

    assert [texts for texts, _, _ in results] == [
        [f"I am {n}.", f"You said I am {n}..", f"Still {n}.", f"You said Still {n}.."]
        for n in range(20)
    ]
    assert {count for _, count, _ in results} == {2}
    assert len({url for _, _, url in results}) == 1
