"""Functions that run only so often."""

from __future__ import annotations

import time

import pytest

from tasks_lib._errors import ParameterError
from tasks_lib.util import throttle


def test_calls_in_between_get_the_last_result() -> None:
    runs: list[str] = []

    @throttle(0.2)
    def run(text: str) -> str:
        """Say something."""
        runs.append(text)
        return text.upper()

    early = [run("a"), run("b"), run(text="c")]
    time.sleep(0.21)
    late = [run("d"), run("e")]

    assert (early, late, runs) == (["A"] * 3, ["D"] * 2, ["a", "d"])
    assert (run.__name__, run.__doc__) == ("run", "Say something.")


def test_none_is_a_result() -> None:
    runs: list[int] = []
    run = throttle(60)(lambda: runs.append(1))

    run()
    run()

    assert runs == [1]


def test_functions_do_not_share_their_time() -> None:
    slow = throttle(60)

    assert [slow(lambda: 1)(), slow(lambda: 2)()] == [1, 2]


def test_no_time_is_no_limit() -> None:
    runs = iter(range(9))
    run = throttle(0)(lambda: next(runs))

    assert [run(), run()] == [0, 1]


def test_a_run_that_fails_does_not_count() -> None:
    outcomes = iter([ValueError("broke"), "fine"])

    @throttle(60)
    def run() -> object:
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    with pytest.raises(ValueError, match="broke"):
        run()
    assert [run(), run()] == ["fine", "fine"]


@pytest.mark.parametrize("seconds", [-1, -0.5, float("nan")])
def test_negative_time(seconds: float) -> None:
    with pytest.raises(ParameterError, match=r"throttle: seconds is .*, expected 0 or more"):
        throttle(seconds)


def test_async_functions_are_refused() -> None:
    async def run() -> None: ...

    with pytest.raises(TypeError, match=r"throttle: .*run is async"):
        throttle(1)(run)
