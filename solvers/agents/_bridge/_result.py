"""What a bridged function returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pydantic import BaseModel, ValidationError

from solvers.agents._bridge._call import Refusal
from solvers.agents._bridge._chat_messages import ChatParam, chat_messages
from tasks_lib._errors import BridgeError
from tasks_lib.schema import ChatMessage


class BridgeResult(NamedTuple):
    """A result that was found right."""

    output: str
    messages: list[ChatMessage] | None


def read_result(result: object) -> BridgeResult:
    """Return what a bridged function returned.

    Raises:
        BridgeError: It is not what it must be; the message lists what is wrong with it.
    """
    try:
        checked = _Result.model_validate(result)
        messages = chat_messages(checked.messages) if checked.messages is not None else None
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, details['loc'])) or 'the result'}: {details['msg']}"
            for details in error.errors(include_url=False)
        ]
        raise _bad(problems, result) from None
    except Refusal as refusal:
        raise _bad([f"messages: {refusal}"], result) from None
    return BridgeResult(checked.output, messages)


class _Result(BaseModel):
    output: str
    messages: list[ChatParam] | None = None


def _bad(problems: Sequence[str], result: object) -> BridgeError:
    return BridgeError(
        "A bridged function must return a dict with 'output', a text, and perhaps 'messages', "
        f"as in OpenAI's chat completions. {'; '.join(problems)}. It returned {result!r}."
    )
