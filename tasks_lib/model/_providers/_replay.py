"""A model that says again what a log has recorded."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from threading import Lock
from typing import Literal, NamedTuple

from tasks_lib._errors import LogError, MissingFileError, ModelError, PrerequisiteError
from tasks_lib.context import current_sample
from tasks_lib.log import list_eval_logs, read_eval_log
from tasks_lib.model._api import ModelAPI
from tasks_lib.model._input import Request
from tasks_lib.model._providers._replay_index import Answer, Asker, ReplayIndex
from tasks_lib.model._providers._replay_miss import miss_text
from tasks_lib.model._providers._replay_request import as_others_get_it, request_form
from tasks_lib.schema import (
    ChatMessage,
    EvalLog,
    GenerateConfig,
    ModelOutput,
    ToolChoice,
    ToolInfo,
)

_PROVIDER = "replay/"


class _Source(NamedTuple):
    """What is replayed."""

    location: str
    model: str
    sets_max_tokens: bool
    """Whether the run itself said how many tokens an answer may have."""


class ReplayAPI(ModelAPI):
    """`replay/<log>`: the answers that one of our logs recorded, without a network.

    A request is answered if exactly the same was recorded: messages (without ids and
    metadata), tools, tool choice and all options that are sent. Otherwise the sample ends
    with an error that names the nearest recorded call and where it differs. Usage and time of
    an answer are those that were recorded; a call that had failed fails again.

    A request that several samples, epochs or turns made is answered by

    1. what the same sample was answered in the same epoch, call by call in recorded order
       (and from the first again if it asks more often);
    2. if only other epochs of it were recorded, one of those, in turn: five epochs of a log
       with two repeat answers, and their spread says nothing new;
    3. if only other samples made it, as if it were one of them.

    The log is read once, at the first request: about 0.5 s for 1,000 samples with a call
    each, then 400 bytes of memory per call and a temporary file of the size of the
    conversations.
    """

    limits_connections = False

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        *,
        recorded_model: str | None = None,
    ) -> None:
        """Find the log and read its header.

        Args:
            model_name: Path or URL of a log in any format, or of a folder: that is its newest
                finished log that is not itself a replay.
            base_url: Not used.
            api_key: Not used.
            config: Options that the model was made with.
            recorded_model: Full name of the model whose calls are replayed; by default the
                evaluated one. A log has calls of several when it has graders or roles.

        Raises:
            MissingFileError: There is no such log, or none in the folder.
            PrerequisiteError: It cannot be read.
        """
        super().__init__(model_name, config=config)
        self._recorded_model = recorded_model
        self._lock = Lock()
        self._index: Future[tuple[_Source, ReplayIndex]] | None = None
        self._source()

    def force_reasoning_history(self) -> Literal["all"]:
        """Return "all": which of it was sent is found out from the log."""
        return "all"

    def tool_result_images(self) -> bool:
        """Return True: where images were sent is found out from the log."""
        return True

    def tools_required(self) -> bool:
        """Return True: whether tools were sent in vain is found out from the log."""
        return True

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """Return what was recorded.

        Raises:
            ModelError: The request was not recorded, or had failed; or the log has no calls of
                the model.
        """
        opened = self._opened()
        if not opened.done():
            # A sample that is cancelled while it waits must not cancel the reading.
            await asyncio.shield(asyncio.wrap_future(opened))
        source, index = opened.result()
        context = current_sample()
        asker = Asker(context.sample_id, context.epoch, context.uuid) if context else None
        request = Request(input, tools, tool_choice, config)
        answer = self._answer(source, index, request, asker)
        if answer is None:
            form = request_form(request)
            nearest = index.nearest(form, asker)
            raise ModelError(f"replay: {miss_text(asker, form, nearest, source.location)}")
        if answer.error is not None:
            raise ModelError(f"replay: the recorded call had failed: {answer.error}")
        return answer.output

    async def aclose(self) -> None:
        """Forget what was read; the next request reads it anew, and answers begin anew."""
        with self._lock:
            self._index = None

    def _answer(
        self, source: _Source, index: ReplayIndex, request: Request, asker: Asker | None
    ) -> Answer | None:
        answer = index.find(request_form(request), asker)
        if answer is not None:
            return answer
        default = None if source.sets_max_tokens else index.same_max_tokens
        # The first one is the request itself.
        for variant in islice(as_others_get_it(request, default), 1, None):
            answer = index.find(request_form(variant), asker)
            if answer is not None:
                return answer
        return None

    def _opened(self) -> Future[tuple[_Source, ReplayIndex]]:
        """Return the index, made once in a thread of its own, whoever asks first."""
        with self._lock:
            if self._index is None:
                thread = ThreadPoolExecutor(1, thread_name_prefix="replay")
                self._index = thread.submit(self._read)
                thread.shutdown(wait=False)
            return self._index

    def _read(self) -> tuple[_Source, ReplayIndex]:
        source = self._source()
        return source, ReplayIndex(source.location, source.model)

    def _source(self) -> _Source:
        header = _header(self.model_name)
        spec = header.eval
        configs = (spec.model_generate_config, header.plan.config)
        return _Source(
            header.location or self.model_name,
            self._recorded_model or spec.model,
            any(config.max_tokens is not None for config in configs),
        )


def _header(location: str) -> EvalLog:
    """Return the header of the log at `location`, or of the newest in the folder there."""
    try:
        return read_eval_log(location, header_only=True)
    except (FileNotFoundError, IsADirectoryError):
        header = _newest(location)
    except LogError as error:
        raise PrerequisiteError(f"replay: {error}") from error
    except OSError as error:
        raise PrerequisiteError(f"replay: {location!r} cannot be read: {error}") from error
    if header is None:
        hint = "A folder must hold a finished log that is not itself a replay."
        raise MissingFileError("log to replay", location, hint)
    return header


def _newest(folder: str) -> EvalLog | None:
    for info in list_eval_logs(folder):
        if info.type == "file":
            with suppress(LogError, OSError):  # a stranger in the folder, or gone meanwhile
                header = read_eval_log(info, header_only=True)
                if not header.eval.model.startswith(_PROVIDER):
                    return header
    return None
