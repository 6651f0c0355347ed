"""A program on a terminal: bars, a counter, a question in between. Not a test itself."""

from __future__ import annotations

import termios
from fcntl import ioctl

from rich.text import Text

from flows._display import Display
from tasks_lib.context import (
    SampleContext,
    display_counter,
    display_type,
    input_screen,
    use_sample,
)
from tasks_lib.schema import EvalSample, InputEvent


def main() -> None:
    ioctl(0, termios.TIOCSCTTY, 0)  # as a shell would: passwords are asked of what controls us
    display = Display(None)
    with display.show():
        bar = display.task("sums\x1b[2J", "a/[b]x", 2)
        bar.sample_done(EvalSample(id=1, epoch=1, input="", target=""))
        display_counter("calls\x07", "7 [red]")
        with use_sample(SampleContext()) as sample, input_screen("Question", width=40) as console:
            answer = console.input(Text("Name: "))
            password = console.input("Key: ", password=True)
        bar.sample_done(EvalSample(id=2, epoch=1, input="", target=""))
        bar.close()
    [event] = sample.transcript.events
    assert isinstance(event, InputEvent)
    print(display_type(), display.kind, answer, len(password))
    print(event.input)


if __name__ == "__main__":
    main()
