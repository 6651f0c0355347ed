"""Replays: whose answer a request gets, and from which log."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tasks_lib._errors import MissingFileError, ModelError, ParameterError, PrerequisiteError
from tasks_lib.log import list_eval_logs, write_eval_log
from tasks_lib.model import get_model
from tasks_lib.model._api import find_provider
from tasks_lib.schema import (
    EvalSample,
    ModelUsage,
)
from tests.model._recording import (
    LOG,
    Ask,
    Sampler,
    header,
    record,
    replay,
    wishful,
)


@pytest.mark.parametrize("suffix", ["parquet", "json", "eval"])
async def test_answers_as_recorded(tmp_path: Path, suffix: str) -> None:
    path = (tmp_path / LOG).with_suffix(f".{suffix}")
    await record(path, Ask("What is 1 + 1?"), Ask("What is 2 + 2?", sample=2))
    again = replay(path)

    second = await again.ask(Ask("What is 2 + 2?", sample=2))
    first = await again.ask(Ask("What is 1 + 1?"))

    assert (first.completion, second.completion) == ("answer 1", "answer 2")
    assert (second.usage, second.time) == (
        ModelUsage(input_tokens=10, output_tokens=2, total_tokens=12),
        1.5,
    )
    assert again.contexts[2, 1].model_usage == {str(again.model): second.usage}


R = "Roll."


@pytest.mark.parametrize(
    ("recorded", "asked", "expected"),
    [
        pytest.param([(1, 1), (1, 1), (1, 1)], [(1, 1)] * 5, [1, 2, 3, 1, 2], id="turns"),
        pytest.param([(1, 1), (1, 2), (1, 3)], [(1, 3), (1, 1), (1, 2)], [3, 1, 2], id="epochs"),
        pytest.param(
            [(1, 1), (1, 2)], [(1, 5), (1, 4), (1, 3)], [1, 2, 1], id="more epochs repeat"
        ),
        pytest.param([(1, 1), (2, 1), (3, 1)], [(3, 1), (2, 1), (1, 1)], [3, 2, 1], id="samples"),
        pytest.param([(1, 1), ("1", 1)], [("1", 1), (1, 1)], [2, 1], id="1 and '1'"),
        pytest.param(
            [(1, 1), (2, 1), (1, 2), (2, 2)],
            [(9, 2), (9, 2), (9, 2), (9, 1), (9, 3)],
            [3, 4, 3, 1, 1],
            id="a sample that was not recorded",
        ),
        pytest.param(
            [(1, 1), (1, 1), (1, 2), (1, 2)],
            [(1, 2), (1, 1), (1, 2), (1, 1)],
            [3, 1, 4, 2],
            id="turns of epochs",
        ),
    ],
)
async def test_whose_answer(
    tmp_path: Path,
    recorded: list[tuple[int | str, int]],
    asked: list[tuple[int | str, int]],
    expected: list[int],
) -> None:
    path = await record(tmp_path / LOG, *(Ask(R, *who) for who in recorded))
    again = replay(path)

    answers = [(await again.ask(Ask(R, *who))).completion for who in asked]

    assert answers == [f"answer {number}" for number in expected]


async def test_outside_of_samples_in_recorded_order(tmp_path: Path) -> None:
    path = await record(tmp_path / LOG, Ask(R), Ask(R, sample=2), Ask(R, epoch=2))
    model = get_model(f"replay/{path}", memoize=False)

    answers = [(await model.generate(R)).completion for _ in range(4)]

    assert answers == ["answer 1", "answer 2", "answer 3", "answer 1"]


async def test_a_sample_that_is_run_again_gets_the_same(tmp_path: Path) -> None:
    path = await record(tmp_path / LOG, Ask(R), Ask(R))
    model = get_model(f"replay/{path}", memoize=False)

    runs = []
    for _ in range(2):
        attempt = Sampler(model, {})
        runs.append([(await attempt.ask(Ask(R))).completion for _ in range(2)])

    assert runs == [["answer 1", "answer 2"]] * 2


async def test_recorded_failures_fail(tmp_path: Path) -> None:
    path = await record(tmp_path / LOG, Ask("Fail."), Ask(R))
    again = replay(path)

    with pytest.raises(ModelError, match="recorded call had failed: ValueError: out of order"):
        await again.ask(Ask("Fail."))
    assert (await again.ask(Ask(R))).completion == "answer 1"


async def test_answers_are_not_shared(tmp_path: Path) -> None:
    path = await record(tmp_path / LOG, Ask(R))
    again = replay(path)

    first, second = await again.ask(Ask(R)), await again.ask(Ask(R))
    first.message.text = "changed"

    assert second.completion == "answer 1"
    assert first.message.id != second.message.id


async def test_models_of_a_log(tmp_path: Path) -> None:
    sampler = Sampler(wishful(), {})
    await sampler.ask(Ask("2 + 2?"))
    grader = Sampler(get_model("wishful/grader", memoize=False), sampler.contexts)
    await grader.ask(Ask("Right?"))
    log = header()
    events = sampler.contexts[1, 1].transcript.events
    log.samples = [EvalSample(id=1, epoch=1, input="?", target="!", events=events)]
    path = tmp_path / LOG
    write_eval_log(log, str(path))

    replayed = replay(path, recorded_model="wishful/grader")
    assert (await replayed.ask(Ask("Right?"))).completion == "answer 1"
    with pytest.raises(ModelError, match="2 \\+ 2"):
        await replayed.ask(Ask("2 + 2?"))
    with pytest.raises(ModelError, match="Right"):
        await replay(path).ask(Ask("Right?"))
    with pytest.raises(ModelError, match="but of 'wishful/grader', 'wishful/model'"):
        await replay(path, recorded_model="openai/gpt-4o").ask(Ask(R))


class TestPlaces:
    """Which log it is."""

    def test_no_log(self, tmp_path: Path) -> None:
        with pytest.raises(MissingFileError, match=r"'.*nothing\.parquet' does not exist"):
            replay(tmp_path / "nothing.parquet")

    def test_an_empty_folder(self, tmp_path: Path) -> None:
        with pytest.raises(MissingFileError, match="not itself a replay"):
            replay(tmp_path)

    @pytest.mark.parametrize("name", [LOG, "log.eval", "2026-11-21T12-00-00+00-00_a_b.json"])
    def test_no_log_of_ours(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_bytes(b"PAR1 or not")

        with pytest.raises(
            PrerequisiteError, match=f"^replay: .*{re.escape(name)}' cannot be read"
        ):
            replay(tmp_path / name)

    async def test_the_newest_log_of_a_folder(self, tmp_path: Path) -> None:
        names = [LOG.replace("12-00", f"12-0{minute}") for minute in range(4)]
        await record(tmp_path / names[0], Ask("old"))
        await record(tmp_path / names[1], Ask("new"))
        await record(tmp_path / names[2], Ask("again"), log=header("replay/x"))
        (tmp_path / names[3]).write_bytes(b"damaged")
        assert [Path(info.name).name for info in list_eval_logs(tmp_path)] == names[::-1]

        assert (await replay(tmp_path).ask(Ask("new"))).completion == "answer 1"

    def test_unknown_argument(self, tmp_path: Path) -> None:
        with pytest.raises(ParameterError, match="recorded_model"):
            replay(tmp_path, recorded="x")


async def test_the_log_is_read_once(tmp_path: Path) -> None:
    path = await record(tmp_path / LOG, *(Ask(R, sample=number) for number in range(50)))
    again = replay(path)
    first = asyncio.create_task(again.ask(Ask(R, sample=0)))
    await asyncio.sleep(0)
    first.cancel()

    answers = await asyncio.gather(*(again.ask(Ask(R, sample=number)) for number in range(50)))
    path.unlink()
    later = await again.ask(Ask(R, sample=7))

    assert [output.completion for output in answers] == [f"answer {n + 1}" for n in range(50)]
    assert later.completion == "answer 8"


async def test_begins_anew_when_closed(tmp_path: Path) -> None:
    path = await record(tmp_path / LOG, Ask(R), Ask(R))
    again = replay(path)
    assert (await again.ask(Ask(R))).completion == "answer 1"

    await again.model.aclose()
    await record(path, Ask("a"), Ask(R), Ask(R))

    assert (await again.ask(Ask(R))).completion == "answer 2"


def test_needs_no_connections() -> None:
    assert find_provider("replay").limits_connections is False
