"""Functions with clients of their own, as agents."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import openai
import pytest

from solvers.agents import AgentState, as_solver, bridge
from tasks_lib._errors import BridgeError, LimitExceededError, ParameterError
from tasks_lib._util._registry import registry_info
from tasks_lib.context import SampleLimits
from tasks_lib.model import ModelName
from tasks_lib.schema import ChatMessageUser, ContentImage, ContentText
from tasks_lib.task import TaskState
from tests.model._scripted_server import Reply, scripted_server
from tests.solvers.agents._bridge_asking import Listening, sample
from tests.solvers.agents._bridge_reading import PIXEL

NOWHERE = "http://127.0.0.1:9"
"""Nothing listens there: who asks it gets no answer."""

Function = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


async def run(function: Function, listening: Listening, *texts: str) -> AgentState:
    messages = [ChatMessageUser(content=text) for text in texts or ("Hi",)]
    async with sample(listening):
        return await bridge(function)(AgentState(messages=[*messages]))


def new_client() -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key="sk-x", base_url=f"{NOWHERE}/v1", max_retries=0)


async def chat(sample: dict[str, Any]) -> dict[str, Any]:
    async with new_client() as client:
        return await chat_with(client, sample)


async def chat_with(client: openai.AsyncOpenAI, sample: dict[str, Any]) -> dict[str, Any]:
    completion = await client.chat.completions.create(model="inspect", messages=sample["messages"])
    return {"output": completion.choices[0].message.content}


async def chat_stream(sample: dict[str, Any]) -> dict[str, Any]:
    async with new_client() as client:
        stream = await client.chat.completions.create(
            model="evals", messages=sample["input"], stream=True
        )
        return {"output": "".join([c.choices[0].delta.content or "" async for c in stream])}


async def chat_in_a_thread(sample: dict[str, Any]) -> dict[str, Any]:
    client = openai.OpenAI(api_key="sk-x", base_url=NOWHERE, max_retries=0)
    completion = await asyncio.to_thread(
        lambda: client.chat.completions.create(model="inspect", messages=sample["messages"])
    )
    return {"output": completion.choices[0].message.content}


async def responses(sample: dict[str, Any]) -> dict[str, Any]:
    async with new_client() as client:
        response = await client.responses.create(model="inspect", input=sample["messages"])
        return {"output": response.output_text}


async def azure(sample: dict[str, Any]) -> dict[str, Any]:
    async with openai.AsyncAzureOpenAI(
        api_key="x", api_version="1", azure_endpoint=NOWHERE, max_retries=0
    ) as client:
        return await chat_with(client, sample)


async def claude(sample: dict[str, Any]) -> dict[str, Any]:
    async with (
        anthropic.AsyncAnthropic(api_key="x", base_url=NOWHERE, max_retries=0) as client,
        client.messages.stream(
            model="inspect", max_tokens=10, messages=sample["messages"]
        ) as stream,
    ):
        return {"output": await stream.get_final_text()}


async def claude_in_a_thread(sample: dict[str, Any]) -> dict[str, Any]:
    def ask() -> str:
        with anthropic.Anthropic(auth_token="x", base_url=NOWHERE, max_retries=0) as client:
            message = client.messages.create(
                model="evals", max_tokens=10, messages=sample["messages"]
            )
        [block] = message.content
        assert block.type == "text"
        return block.text

    return {"output": await asyncio.to_thread(ask)}


@pytest.mark.parametrize(
    "function",
    [chat, chat_stream, chat_in_a_thread, responses, azure, claude, claude_in_a_thread],
    ids=lambda function: function.__name__,
)
async def test_clients(function: Function) -> None:
    listening = Listening()

    state = await run(function, listening)

    assert [asked.texts for asked in listening.asked] == [["user: Hi"]]
    assert state.output.completion == "You said Hi."
    assert state.output.usage is not None
    assert [message.text for message in state.messages] == ["Hi", "You said Hi."]


async def test_other_models_stay_where_they_were() -> None:
    said = {"role": "assistant", "content": "Elsewhere."}
    completion = {"choices": [{"index": 0, "message": said, "finish_reason": "stop"}]}
    async with scripted_server() as server:
        server.replies = [Reply(body=completion)]
        client = openai.AsyncOpenAI(api_key="sk-own", base_url=server.url, max_retries=0)

        async def elsewhere(sample: dict[str, Any]) -> dict[str, Any]:
            own = await client.chat.completions.create(model="gpt-9", messages=sample["messages"])
            return {"output": own.choices[0].message.content}

        listening = Listening()
        state = await run(elsewhere, listening)
        await client.chat.completions.create(model="inspect", messages=[])
        await client.close()

    assert listening.asked == []
    assert state.output.completion == "Elsewhere."
    assert state.output.model == "mockllm/big"
    assert [message.text for message in state.messages] == ["Hi"]
    assert [headers["Authorization"] for headers in server.headers] == ["Bearer sk-own"] * 2


async def test_what_the_function_gets() -> None:
    got: list[dict[str, Any]] = []

    async def listen(sample: dict[str, Any]) -> dict[str, Any]:
        got.append(sample)
        sample["metadata"]["level"] = 9
        return {"output": "Done."}

    image = ChatMessageUser(content=[ContentText(text="Look"), ContentImage(image=PIXEL)])
    async with sample(Listening()) as context:
        state = TaskState(
            model=ModelName("mockllm/big"),
            sample_id=1,
            epoch=1,
            input="Look",
            messages=[image],
            metadata={"level": 3},
        )
        context.state = state
        await bridge(listen)(AgentState(messages=[image]))

    parts = [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": PIXEL, "detail": "auto"}},
    ]
    messages = [{"role": "user", "content": parts}]
    assert got == [{"messages": messages, "input": messages, "metadata": {"level": 9}}]
    assert got[0]["messages"] is not got[0]["input"]
    assert state.metadata == {"level": 3}


async def test_messages_of_the_result() -> None:
    async def tell(sample: dict[str, Any]) -> dict[str, Any]:
        await chat(sample)
        said = {"role": "assistant", "content": "Told."}
        return {"output": "Told.", "messages": [*sample["messages"], said], "more": 1}

    state = await run(tell, Listening())

    assert [(m.role, m.text) for m in state.messages] == [("user", "Hi"), ("assistant", "Told.")]
    assert state.output.completion == "Told."


@pytest.mark.parametrize(
    ("result", "problems"),
    [
        pytest.param(None, "the result: Input should be a valid dictionary", id="nothing"),
        pytest.param({"text": "x"}, "output: Field required", id="no output"),
        pytest.param(
            {"output": 5, "messages": [{"role": "user"}]},
            "output: Input should be a valid string; messages.0.user.content: Field required",
            id="several",
        ),
        pytest.param(
            {
                "output": "",
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": {"url": "/a.png"}}],
                    }
                ],
            },
            "messages: An image must be a data URI or a web address, not '/a.png'.",
            id="a file",
        ),
    ],
)
async def test_bad_results(result: Any, problems: str) -> None:
    async def answer(sample: dict[str, Any]) -> dict[str, Any]:
        return result  # type: ignore[no-any-return]

    with pytest.raises(BridgeError) as raised:
        await run(answer, Listening())

    assert problems in str(raised.value)
    assert str(raised.value).endswith(f"It returned {result!r}.")


async def test_a_blocking_client_in_the_event_loop() -> None:
    async def block(sample: dict[str, Any]) -> dict[str, Any]:
        with openai.OpenAI(api_key="x", timeout=1, max_retries=0) as client:
            client.chat.completions.create(model="inspect", messages=sample["messages"])
        return {"output": ""}

    with pytest.raises(BridgeError, match="is not async, in the event loop that has to answer"):
        await run(block, Listening())


async def test_a_thread_without_the_context() -> None:
    errors: list[Exception] = []

    def ask(sample: dict[str, Any]) -> None:
        try:
            openai.OpenAI(api_key="x").chat.completions.create(
                model="inspect", messages=sample["messages"]
            )
        except BridgeError as error:
            errors.append(error)

    async def start(sample: dict[str, Any]) -> dict[str, Any]:
        thread = threading.Thread(target=ask, args=[sample])
        thread.start()
        await asyncio.to_thread(thread.join)
        return {"output": ""}

    await run(start, Listening())

    [error] = errors
    assert "outside of the context of its bridge: start threads with" in str(error)


@pytest.mark.parametrize("function", [5, lambda sample: {"output": ""}], ids=["no", "not async"])
def test_bad_functions(function: Any) -> None:
    with pytest.raises(ParameterError, match="expected an async function of a dict"):
        bridge(function)


def test_its_name() -> None:
    assert registry_info(bridge(chat)).name == "bridge"


async def test_a_client_that_was_there_before_and_twenty_samples_at_once() -> None:
    client = new_client()

    async def twice(sample: dict[str, Any]) -> dict[str, Any]:
        await chat_with(client, sample)
        return await chat_with(client, sample)

    listening = Listening()
    states = await asyncio.gather(*(run(twice, listening, f"I am {n}.") for n in range(20)))
    await client.close()

    assert [state.output.completion for state in states] == [
        f"You said I am {n}.." for n in range(20)
    ]
    assert len(listening.asked) == 40


async def test_a_limit_ends_the_function() -> None:
    calls: list[int] = []

    async def stubborn(sample: dict[str, Any]) -> dict[str, Any]:
        while True:
            calls.append(1)
            try:
                await chat(sample)
            except openai.APIStatusError:
                continue

    state = TaskState(ModelName("mockllm/big"), 1, 1, "Hi", [ChatMessageUser(content="Hi")])
    listening = Listening()
    async with sample(listening, SampleLimits(token_limit=30)):
        with pytest.raises(LimitExceededError) as raised:
            await as_solver(bridge(stubborn))(state, None)  # type: ignore[arg-type]

    assert raised.value.type == "token"
    assert len(listening.asked) == 3
    assert state.output.completion == "You said Hi."
