"""The events of a stream of OpenAI's Responses."""

from __future__ import annotations

from collections.abc import Iterator

from solvers.agents._bridge._call import Call, JSONObject


def responses_events(call: Call, answer: JSONObject) -> Iterator[tuple[str, JSONObject]]:
    """Yield the events of a stream that makes `answer`: their names and their data."""
    for number, event in enumerate(_events(answer)):
        yield event["type"], {**event, "sequence_number": number}


def _events(answer: JSONObject) -> Iterator[JSONObject]:
    begun = {**answer, "status": "in_progress", "incomplete_details": None, "output": []}
    begun["usage"] = None
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(answer["output"]):
        yield from _item_events(index, item)
    yield {"type": f"response.{answer['status']}", "response": answer}


def _item_events(index: int, item: JSONObject) -> Iterator[JSONObject]:
    field, empty = _CONTENT[item["type"]]
    begun = {**item, field: empty}
    if "status" in item:
        begun["status"] = "in_progress"
    yield {"type": "response.output_item.added", "output_index": index, "item": begun}
    place = {"output_index": index, "item_id": item["id"]}
    if item["type"] == "message":
        for number, part in enumerate(item["content"]):
            yield from _part_events({**place, "content_index": number}, part)
    elif item["type"] == "reasoning":
        for number, part in enumerate(item["summary"]):
            yield from _summary_events({**place, "summary_index": number}, part)
    else:
        kind = "response.function_call_arguments"
        yield {"type": f"{kind}.delta", **place, "delta": item["arguments"]}
        said = {"name": item["name"], "arguments": item["arguments"]}
        yield {"type": f"{kind}.done", **place, **said}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


_CONTENT: dict[str, tuple[str, object]] = {
    "message": ("content", []),
    "reasoning": ("summary", []),
    "function_call": ("arguments", ""),
}
"""The field of an item that its events fill, and what is in it before."""


def _part_events(place: JSONObject, part: JSONObject) -> Iterator[JSONObject]:
    kind = "text" if part["type"] == "output_text" else "refusal"
    field, name = (kind, "output_text") if kind == "text" else (kind, "refusal")
    more = {"logprobs": part["logprobs"]} if kind == "text" else {}
    begun = {**part, field: "", **({"logprobs": []} if more else {})}
    yield {"type": "response.content_part.added", **place, "part": begun}
    yield {"type": f"response.{name}.delta", **place, "delta": part[field], **more}
    yield {"type": f"response.{name}.done", **place, field: part[field], **more}
    yield {"type": "response.content_part.done", **place, "part": part}


def _summary_events(place: JSONObject, part: JSONObject) -> Iterator[JSONObject]:
    kind = "response.reasoning_summary_"
    yield {"type": f"{kind}part.added", **place, "part": {**part, "text": ""}}
    yield {"type": f"{kind}text.delta", **place, "delta": part["text"]}
    yield {"type": f"{kind}text.done", **place, "text": part["text"]}
    yield {"type": f"{kind}part.done", **place, "part": part}
