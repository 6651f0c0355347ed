"""Questions to a person: on a pseudo-terminal, where the test is the person."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from io import StringIO

import pytest
from rich.prompt import Confirm
from rich.text import Text

from tasks_lib._errors import NoTerminalError
from tasks_lib.context import (
    DisplayType,
    SampleContext,
    display_counter,
    display_type,
    has_terminal,
    input_screen,
    open_input_screen,
    use_display,
    use_sample,
)
from tasks_lib.schema import InputEvent
from tests.context._person import END_OF_INPUT, Person, terminal

WIDTH = 60


@pytest.fixture
def person() -> Iterator[Person]:
    """Return who can make standard input and standard error a terminal."""
    with terminal() as person:
        yield person


def _input_event(sample: SampleContext) -> InputEvent:
    [event] = sample.transcript.events
    assert isinstance(event, InputEvent)
    return event


def test_what_is_asked_and_answered(person: Person) -> None:
    person.sits_down()
    person.answers("sure?", "maybe\n")
    person.answers("enter Y or N", "y\n")
    with use_sample(SampleContext()) as sample, input_screen(width=WIDTH) as console:
        console.print("[bold]Delete[/bold] it")
        answer = Confirm.ask("Are you sure?", console=console)

    assert answer is True
    event = _input_event(sample)
    assert event.input == (
        "Delete it\nAre you sure? [y/n]: maybe\nPlease enter Y or N\nAre you sure? [y/n]: y\n"
    )
    assert event.input_ansi.startswith("\x1b[1mDelete\x1b[0m it\n")
    assert b"Delete" in person.saw


@pytest.mark.parametrize(
    ("header", "first_line"),
    [
        pytest.param(None, "text", id="none"),
        pytest.param("Question", f"{'─' * 15} Question {'─' * 15}", id="in the middle"),
        pytest.param("[b]x\x1b[0m", f"{'─' * 13} [b]x\\x1b[0m {'─' * 14}", id="taken literally"),
    ],
)
def test_header(header: str | None, first_line: str, person: Person) -> None:
    person.sits_down()
    with use_sample(SampleContext()) as sample, input_screen(header, width=40) as console:
        console.print("text")

    assert _input_event(sample).input.splitlines()[0] == first_line


def test_what_was_typed_before_is_no_answer(person: Person) -> None:
    person.sits_down()
    person.types("yes, all\n")
    person.answers("Sure?", "no\n")
    with input_screen() as console:
        assert console.input("Sure?") == "no"


def test_the_event_is_recorded_when_the_block_breaks(person: Person) -> None:
    person.sits_down()
    with (
        use_sample(SampleContext()) as sample,
        pytest.raises(ValueError, match="broke"),
        input_screen() as console,
    ):
        console.print("text")
        raise ValueError("broke")

    assert _input_event(sample).input == "text\n"


async def test_asking_does_not_stop_others(person: Person) -> None:
    person.sits_down()
    ticks = 0

    async def others() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            if ticks == 5:
                person.types("5 ticks\n")
            await asyncio.sleep(0.005)

    ticking = asyncio.ensure_future(others())
    with use_sample(SampleContext()) as sample:
        async with open_input_screen("Question", width=WIDTH) as screen:
            screen.console.print(Text("[b]literal[/b]"))
            answer = await screen.ask("[b]What\x1b? ")
    ticking.cancel()

    assert answer == "5 ticks"
    assert _input_event(sample).input.splitlines()[1:] == [
        "[b]literal[/b]",
        "[b]What\\x1b? 5 ticks",
    ]
    assert sample.clock.waited >= 0.02


async def test_the_end_of_input(person: Person) -> None:
    person.sits_down()
    person.answers("go on?", END_OF_INPUT)
    async with open_input_screen() as screen:
        with pytest.raises(EOFError):
            await screen.ask("go on?")


async def test_one_asks_at_a_time(person: Person) -> None:
    person.sits_down()

    async def ask(number: int) -> str:
        async with open_input_screen() as screen:
            person.answers(f"Q{number}b", f"A{number}\n")
            person.answers(f"Q{number}c", "x\n")
            screen.console.print(f"Q{number}a")
            await asyncio.sleep(0)
            answer = await screen.ask(f"Q{number}b ")
            await screen.ask(f"Q{number}c ")
            return answer

    answers = await asyncio.gather(*(ask(number) for number in range(3)))

    marks = [f"Q{n}{part}".encode() for n in range(3) for part in "abc"]
    places = [person.saw.index(mark) for mark in marks]
    assert answers == ["A0", "A1", "A2"]
    assert places == sorted(places)


async def test_a_cancelled_question_makes_way(person: Person) -> None:
    person.sits_down()

    async def ask(prompt: str) -> str:
        async with open_input_screen() as screen:
            return await screen.ask(prompt)

    first = asyncio.ensure_future(ask("first?"))
    second = asyncio.ensure_future(ask("second?"))
    await asyncio.sleep(0.02)
    person.answers("second?", "here\n")
    first.cancel()

    assert await second == "here"
    assert first.cancelled()


async def test_a_question_within_a_question(person: Person) -> None:
    person.sits_down()

    async def outer() -> str:
        async with open_input_screen() as screen:
            return await screen.ask("outer?")

    asking = asyncio.ensure_future(outer())
    await asyncio.sleep(0.02)
    person.answers("inner?", "1\n")
    person.answers("outer?", "2\n")  # it is shown again
    with input_screen() as console:
        inner = console.input("inner?")

    assert (inner, await asking) == ("1", "2")


async def test_threads_wait_for_their_turn(person: Person) -> None:
    person.sits_down()

    def ask(prompt: str) -> str:
        with input_screen() as console:
            return console.input(prompt)

    async with open_input_screen() as screen:
        thread = asyncio.ensure_future(asyncio.to_thread(ask, "thread?"))
        person.answers("loop?", "1\n")
        first = await screen.ask("loop?")
        assert b"thread?" not in person.saw
        person.answers("thread?", "2\n")
    second = await thread

    assert (first, second) == ("1", "2")


@pytest.mark.parametrize("redirected", ["sys.stdin", "sys.stderr"])
async def test_no_terminal(
    redirected: str, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.sits_down()
    assert has_terminal()
    monkeypatch.setattr(redirected, StringIO("y\n"))

    assert not has_terminal()
    with pytest.raises(NoTerminalError, match="no terminal"), input_screen():
        pass
    with pytest.raises(NoTerminalError, match="no terminal"):
        async with open_input_screen():
            pass


def test_standard_output_will_do(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    person.sits_down()
    redirected = StringIO()
    monkeypatch.setattr("sys.stdout", sys.stderr)
    monkeypatch.setattr("sys.stderr", redirected)
    with use_sample(SampleContext()) as sample, input_screen() as console:
        console.print("here")

    assert redirected.getvalue() == ""
    assert _input_event(sample).input == "here\n"


class Recorder:
    """A display that notes what it is told."""

    kind: DisplayType = "rich"

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def counter(self, caption: str, value: str) -> None:
        self.told.append((caption, value))

    def paused(self, *, resume: bool) -> AbstractContextManager[None]:
        @contextmanager
        def pause() -> Iterator[None]:
            self.told.append(("pause",))
            yield
            self.told.append(("end", resume))

        return pause()


@pytest.mark.parametrize(
    ("transient", "resume"),
    [pytest.param(None, True, id="default"), (True, True), (False, False)],
)
def test_the_display_pauses(transient: bool | None, resume: bool, person: Person) -> None:
    person.sits_down()
    display = Recorder()
    with use_display(display), input_screen(transient=transient):
        display_counter("within", "1")

    assert display.told == [("pause",), ("within", "1"), ("end", resume)]


def test_the_display_of_an_evaluation() -> None:
    display = Recorder()
    assert display_type() == "none"
    display_counter("nobody", "sees it")
    with use_display(display):
        assert display_type() == "rich"
        display_counter("calls", "7")

    assert display.told == [("calls", "7")]
