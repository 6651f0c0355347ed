"""The recorded calls of a log: where each request's answers are."""

from __future__ import annotations

import json
import tempfile
import weakref
from collections import Counter
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import Any, NamedTuple

from tasks_lib._errors import ModelError
from tasks_lib.log import read_eval_log_samples
from tasks_lib.model._input import Request
from tasks_lib.model._providers._replay_request import RequestForm, canonical, request_form
from tasks_lib.schema import EvalSample, ModelEvent, ModelOutput

_CANDIDATES = 200
"""Recorded calls that a request is compared with when its sample was not recorded."""

_COMPARED = 2000
"""Characters at the end of messages that are compared."""

_LENGTH_BYTES = 8


class Asker(NamedTuple):
    """The sample that makes a request."""

    sample_id: int | str
    epoch: int
    uuid: str
    """Of this run of the sample."""


class Call(NamedTuple):
    """One recorded call."""

    sample_id: int | str
    epoch: int
    number: int
    """Its place among the calls of its sample and epoch, from 1."""
    place: int
    """Where it is in the file of the index."""


class Answer(NamedTuple):
    """What a call was answered."""

    output: ModelOutput
    error: str | None
    """Why there was no answer."""


class Nearest(NamedTuple):
    """The recorded call that is most like a request."""

    call: Call
    form: RequestForm


class ReplayIndex:
    """The calls of one model in a log.

    Requests and answers are in a temporary file, a message of a sample once; in memory are
    about 400 bytes per call.
    """

    def __init__(self, location: str, model: str) -> None:
        """Read the log.

        Args:
            location: The log.
            model: The model whose calls count, by its full name.

        Raises:
            ModelError: The log has no calls of this model.
            OSError, LogError: The log cannot be read.
        """
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the index
        self._lock = Lock()
        weakref.finalize(self, self._file.close)
        self._calls: dict[bytes, list[Call]] = {}
        self._by_sample: dict[bytes, dict[int | str | None, dict[int, list[Call]]]] = {}
        """Of requests that were made several times: the calls by sample (None: all) and epoch."""
        self._turns: Counter[tuple[str, bytes]] = Counter()
        self._samples: dict[int | str, list[Call]] = {}
        """The calls by sample; made for the first request that was not recorded."""
        self._tools: dict[bytes, int] = {}
        self._max_tokens: set[int | None] = set()
        others: set[str] = set()
        for sample in read_eval_log_samples(
            location, all_samples_required=False, resolve_attachments=True
        ):
            others.update(self._add_sample(sample, model))
        if not self._calls:
            known = ", ".join(map(repr, sorted(others))) or "no model at all"
            raise ModelError(
                f"The log {location!r} has no calls of the model {model!r}, but of {known}. "
                "Name one as the model argument 'recorded_model'."
            )

    @property
    def same_max_tokens(self) -> int | None:
        """The number that all calls have as `max_tokens`; None: they differ, or have none."""
        return next(iter(self._max_tokens)) if len(self._max_tokens) == 1 else None

    def find(self, form: RequestForm, asker: Asker | None) -> Answer | None:
        """Return what a request was answered, None if it was not recorded."""
        digest = form.digest()
        calls = self._calls.get(digest)
        if calls is None:
            return None
        if len(calls) > 1 and asker is not None:
            calls = self._of_epoch(digest, calls, asker)
        turn = 0
        if len(calls) > 1:
            key = (asker.uuid if asker else "", digest)
            turn = self._turns[key] % len(calls)
            self._turns[key] += 1
        record = self._record(calls[turn])
        # Messages were recorded without their ids: each time, they get new ones.
        return Answer(ModelOutput.model_validate(record["output"]), record["error"])

    def nearest(self, form: RequestForm, asker: Asker | None) -> Nearest:
        """Return the recorded call that is most like a request: of the same sample, if any."""
        if not self._samples:
            for call in self._all():
                self._samples.setdefault(call.sample_id, []).append(call)
        calls: Sequence[Call] = self._samples.get(asker.sample_id, ()) if asker else ()
        if not calls:
            calls = list(self._all())
            calls = calls[:: len(calls) // _CANDIDATES + 1]
        epoch = asker.epoch if asker else 1
        found = (Nearest(call, self._form(call)) for call in calls)
        return max(found, key=lambda it: (_likeness(form, it.form), it.call.epoch == epoch))

    def _all(self) -> Iterator[Call]:
        return (call for calls in self._calls.values() for call in calls)

    def _of_epoch(self, digest: bytes, calls: list[Call], asker: Asker) -> list[Call]:
        """Return the calls that answer a sample in an epoch: its own, if there are any."""
        groups = self._by_sample.get(digest)
        if groups is None:
            groups = self._by_sample[digest] = {}
            for call in calls:
                for sample in (call.sample_id, None):
                    groups.setdefault(sample, {}).setdefault(call.epoch, []).append(call)
        epochs = groups.get(asker.sample_id) or groups[None]
        if asker.epoch in epochs:
            return epochs[asker.epoch]
        recorded = sorted(epochs)
        return epochs[recorded[(asker.epoch - 1) % len(recorded)]]

    def _add_sample(self, sample: EvalSample, model: str) -> set[str]:
        """Add the calls of `model`; return the models that were called."""
        forms: dict[int, bytes] = {}
        places: dict[bytes, int] = {}
        events = [event for event in sample.events if isinstance(event, ModelEvent)]
        number = 0
        for event in events:
            if event.model != model or event.pending:
                continue
            number += 1
            asked = Request(event.input, event.tools, event.tool_choice, event.config)
            form = request_form(asked, forms)
            self._max_tokens.add(event.config.max_tokens)
            place = self._add_record(form, event, places)
            call = Call(sample.id, sample.epoch, number, place)
            self._calls.setdefault(form.digest(), []).append(call)
        return {event.model for event in events}

    def _add_record(self, form: RequestForm, event: ModelEvent, places: dict[bytes, int]) -> int:
        for message in form.messages:
            if message not in places:
                places[message] = self._write(message)
        if form.tools not in self._tools:
            self._tools[form.tools] = self._write(form.tools)
        record = {
            "messages": [places[message] for message in form.messages],
            "tools": self._tools[form.tools],
            "options": form.options.decode(),
            "output": event.output.model_dump(mode="json", exclude_none=True, exclude=_IDS),
            "error": event.error,
        }
        return self._write(canonical(record))

    def _record(self, call: Call) -> dict[str, Any]:
        record: dict[str, Any] = json.loads(self._read(call.place))
        return record

    def _form(self, call: Call) -> RequestForm:
        record = self._record(call)
        messages = [self._read(place) for place in record["messages"]]
        return RequestForm(messages, self._read(record["tools"]), record["options"].encode())

    def _write(self, data: bytes) -> int:
        place = self._file.tell()
        self._file.write(len(data).to_bytes(_LENGTH_BYTES, "little"))
        self._file.write(data)
        return place

    def _read(self, place: int) -> bytes:
        with self._lock:
            self._file.seek(place)
            length = int.from_bytes(self._file.read(_LENGTH_BYTES), "little")
            return self._file.read(length)


_IDS: Any = {"choices": {"__all__": {"message": {"id"}}}}


def _likeness(form: RequestForm, other: RequestForm) -> tuple[int, float, int]:
    """Return what sorts requests by likeness: equal messages at the start, then details."""
    equal = 0
    for left, right in zip(form.messages, other.messages, strict=False):
        if left != right:
            return equal, _overlap(left, right), -abs(len(form.messages) - len(other.messages))
        equal += 1
    same_options = (form.tools == other.tools) + (form.options == other.options)
    return equal, same_options, -abs(len(form.messages) - len(other.messages))


def _overlap(left: bytes, right: bytes) -> float:
    """Return which share of two texts is the same at their ends."""
    start = equal_at_start(left, right)
    rest = min(len(left), len(right)) - start
    end = min(rest, equal_at_start(left[: -_COMPARED - 1 : -1], right[: -_COMPARED - 1 : -1]))
    return (start + end) / max(len(left), len(right), 1)


def equal_at_start(left: str | bytes, right: str | bytes) -> int:
    """Return how many characters two texts share at their start."""
    pairs = enumerate(zip(left, right, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(left), len(right)))
