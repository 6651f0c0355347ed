"""Which samples of earlier logs are taken over, and what the receipt says of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from flows._reuse import Reuse
from tasks_lib.schema import (
    ChatMessageUser,
    ContentImage,
    EvalLog,
    EvalSample,
    EvalSampleLimit,
    Sample,
    WorkReceipt,
    WorkShare,
)
from tasks_lib.steps import SampleKey
from tasks_lib.task import RunPlan
from tests.flows._earlier import earlier_task, failed, leave, log_of, plan_of, retry, sample, used

LIMIT = EvalSampleLimit(type="message", limit=2)
NAME = "2026-01-01T00-00-0{}+00-00_earlier_a.{}"


async def kept_by(reuse: Reuse) -> list[EvalSample]:
    """Return what is taken over, after a look at the keys."""
    kept: list[EvalSample] = []

    async def keep(one: EvalSample) -> None:
        kept.append(one)

    done = await reuse.copy(keep)
    assert all((one.id, one.epoch) in done for one in kept)
    assert reuse.kept == len(kept)
    return kept


async def keys_kept(plan: RunPlan, *logs: EvalLog) -> list[SampleKey]:
    return [(one.id, one.epoch) for one in await kept_by(Reuse(plan, logs))]


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        pytest.param(sample(1), True, id="finished"),
        pytest.param(sample(1, limit=LIMIT), True, id="ended by a limit"),
        pytest.param(sample(1, 2), True, id="second epoch"),
        pytest.param(failed(1), False, id="failed"),
        pytest.param(sample(1, 3), False, id="epoch that is not asked for"),
        pytest.param(sample("1", input="q1"), False, id="the id as text"),
        pytest.param(sample(4), False, id="not in the dataset"),
        pytest.param(sample(1, digest=None), True, id="without digest"),
    ],
)
@pytest.mark.parametrize("ending", ["parquet", "json", "eval"])
async def test_what_is_finished(
    tmp_path: Path, ending: str, left: EvalSample, expected: bool
) -> None:
    plan = plan_of(earlier_task(), tmp_path, epochs=2)
    log = leave(log_of(plan), [left], tmp_path / NAME.format(0, ending))

    assert await keys_kept(plan, log) == ([(left.id, left.epoch)] if expected else [])


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        pytest.param(sample(1), True, id="the same sample"),
        pytest.param(sample(1, input="old"), False, id="another input"),
        pytest.param(sample(1, target="y"), False, id="another target"),
        pytest.param(sample(1, digest="0" * 16), False, id="another digest"),
        pytest.param(sample(1, digest=None), True, id="without digest"),
        pytest.param(
            sample(1, digest=None, metadata={"by": "a solver"}), True, id="metadata without digest"
        ),
        pytest.param(sample(1, digest=None, input="old"), False, id="input without digest"),
        pytest.param(sample(1, digest=None, target="y"), False, id="target without digest"),
        pytest.param(sample(1, digest=None, choices=["x"]), False, id="choices without digest"),
    ],
)
@pytest.mark.parametrize("digest", ["0" * 64, None])
async def test_a_log_of_another_dataset(
    tmp_path: Path, left: EvalSample, expected: bool, digest: str | None
) -> None:
    plan = plan_of(earlier_task(), tmp_path)
    old = log_of(plan)
    old.eval.dataset.digest = digest
    log = leave(old, [left], tmp_path / NAME.format(0, "parquet"))

    assert await keys_kept(plan, log) == ([(1, 1)] if expected else [])


async def test_samples_are_taken_over_as_they_are(tmp_path: Path) -> None:
    plan = plan_of(earlier_task(), tmp_path)
    left = sample(2, attempt=3, metadata={"a": [1]}, error_retries=[retry(5)])
    log = leave(log_of(plan), [left], tmp_path / NAME.format(0, "parquet"))

    [one] = await kept_by(Reuse(plan, [log]))

    assert one.model_dump(exclude={"output"}) == left.model_dump(exclude={"output"})


async def test_more_samples_than_are_read_at_a_time(tmp_path: Path) -> None:
    plan = plan_of(earlier_task(size=100), tmp_path)
    log = leave(
        log_of(plan), [sample(i) for i in range(1, 100)], tmp_path / NAME.format(0, "parquet")
    )

    assert sorted(await keys_kept(plan, log)) == [(i, 1) for i in range(1, 100)]


async def test_the_newest_finished_sample_counts(tmp_path: Path) -> None:
    plan = plan_of(earlier_task(size=4), tmp_path)
    old = [sample(1), sample(2, store={"from": "old"}, uuid="old 2"), failed(3), sample(4)]
    new = [sample(1), sample(2, store={"from": "new"}), failed(4)]
    logs = [
        leave(log_of(plan), samples, tmp_path / NAME.format(number, "parquet"))
        for number, samples in enumerate([new, old])
    ]

    kept = await kept_by(Reuse(plan, logs))

    assert sorted((one.id, one.store) for one in kept) == [(1, {}), (2, {"from": "new"}), (4, {})]


def share(samples: int, tokens: int) -> WorkShare:
    return WorkShare(samples=samples, model_usage=used(tokens))


async def receipt_of(
    plan: RunPlan, folder: Path, logs: Sequence[list[EvalSample]], ran: Sequence[EvalSample]
) -> WorkReceipt | None:
    headers = [
        leave(log_of(plan), samples, folder / NAME.format(number, "parquet"))
        for number, samples in enumerate(logs)
    ]
    reuse = Reuse(plan, headers)
    await kept_by(reuse)
    for one in ran:
        reuse.ran(one)
    return reuse.receipt


@pytest.mark.parametrize(
    ("logs", "ran", "expected"),
    [
        pytest.param([], [sample(1)], None, id="no earlier log"),
        pytest.param(
            [[sample(1, tokens=10), failed(2, tokens=20)]],
            [sample(2, tokens=3), sample(3, tokens=4)],
            {"kept": share(1, 10), "redone": share(1, 3), "new": share(1, 4), "lost": used(20)},
            id="kept, redone and new",
        ),
        pytest.param(
            [[sample(1, error_retries=[retry(5)]), failed(2, tokens=1, error_retries=[retry(2)])]],
            [failed(2, tokens=7, error_retries=[retry(30)])],
            {"kept": share(1, 15), "redone": share(1, 37), "lost": used(3)},
            id="attempts within a run count",
        ),
        pytest.param(
            [
                [sample(1, tokens=10), failed(2, tokens=1, uuid="second")],
                [sample(1, tokens=10), failed(2, tokens=2, uuid="first")],
            ],
            [sample(2, tokens=9)],
            {"kept": share(1, 10), "redone": share(1, 9), "lost": used(3)},
            id="a copy in another log counts once",
        ),
        pytest.param(
            [
                [sample(1, tokens=10, uuid="second")],
                [failed(1, tokens=4, uuid="first"), sample(2, tokens=5)],
            ],
            [],
            {"kept": share(2, 15), "lost": used(4)},
            id="what an earlier attempt at a kept sample used",
        ),
        pytest.param(
            [
                [failed(1, tokens=10, uuid=None, started_at="2026-01-01T00:00:00+00:00")],
                [failed(1, tokens=5, uuid=None, started_at="2026-01-01T00:01:00+00:00")],
            ],
            [sample(1, tokens=1)],
            {"redone": share(1, 1), "lost": used(15)},
            id="attempts of others have no id",
        ),
        pytest.param(
            [[sample(9, tokens=10), sample(1, 2, tokens=10)]],
            [sample(1, tokens=1)],
            {"new": share(1, 1)},
            id="what is not asked for any more does not count",
        ),
    ],
)
async def test_receipt(
    tmp_path: Path, logs: Any, ran: Any, expected: dict[str, object] | None
) -> None:
    plan = plan_of(earlier_task(), tmp_path)

    receipt = await receipt_of(plan, tmp_path, logs, ran)

    assert receipt == (None if expected is None else WorkReceipt.model_validate(expected))


async def test_a_sample_that_changed_is_redone(tmp_path: Path) -> None:
    plan = plan_of(earlier_task(), tmp_path)
    old = log_of(plan)
    old.eval.dataset.digest = "0" * 64
    log = leave(old, [sample(1, input="old")], tmp_path / NAME.format(0, "parquet"))
    reuse = Reuse(plan, [log])
    await kept_by(reuse)
    reuse.ran(sample(1, tokens=2))

    assert reuse.receipt == WorkReceipt(redone=share(1, 2), lost=used(10))


def spoil(path: Path, damage: str) -> None:
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:200] if damage == "cut" else b"hello")


@pytest.mark.parametrize("damage", ["gone", "cut", "no log"])
async def test_a_log_that_cannot_be_read_stops_nothing(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    plan = plan_of(earlier_task(), tmp_path)
    bad = leave(log_of(plan), [sample(1)], tmp_path / NAME.format(0, "parquet"))
    good = leave(log_of(plan), [sample(2)], tmp_path / NAME.format(1, "parquet"))
    spoil(Path(bad.location), damage)

    with caplog.at_level(logging.WARNING):
        assert await keys_kept(plan, bad, good) == [(2, 1)]

    assert [r.name for r in caplog.records] == ["flows._reuse"]
    assert f"What cannot be read of {bad.location} is run again." in caplog.text


async def test_a_log_that_was_never_written_is_no_earlier_log(tmp_path: Path) -> None:
    plan = plan_of(earlier_task(), tmp_path)
    reuse = Reuse(plan, [log_of(plan)])

    assert (await kept_by(reuse), reuse.receipt) == ([], None)


async def test_an_error_of_who_keeps_is_not_taken_for_one_of_the_log(tmp_path: Path) -> None:
    plan = plan_of(earlier_task(), tmp_path)
    log = leave(log_of(plan), [sample(1)], tmp_path / NAME.format(0, "parquet"))

    async def keep(one: EvalSample) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        await Reuse(plan, [log]).copy(keep)


async def test_an_image_that_the_log_holds_as_an_attachment(tmp_path: Path) -> None:
    plan = plan_of(earlier_task(), tmp_path)
    image = ContentImage(image="data:image/png;base64," + "A" * 400)
    plan.samples = [Sample(id=1, input=[ChatMessageUser(content=[image])], target="x")]
    left = sample(1, input=plan.samples[0].input, digest=None)
    old = log_of(plan)
    old.eval.dataset.digest = None

    assert await keys_kept(plan, leave(old, [left], tmp_path / NAME.format(0, "parquet"))) == [
        (1, 1)
    ]


async def test_samples_are_told_apart_by_type_of_id(tmp_path: Path) -> None:
    plan = plan_of(earlier_task(), tmp_path)
    plan.samples = [Sample(id="1", input="q1", target="x"), *plan.samples[1:]]
    old = log_of(plan)
    old.eval.dataset.digest = None
    log = leave(old, [sample(1), sample("1", uuid="text")], tmp_path / NAME.format(0, "parquet"))

    assert await keys_kept(plan, log) == [("1", 1)]
