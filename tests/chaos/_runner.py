"""Runs `python -m flows.eval_set …` in processes that are there to be killed.

Lines on stdin ask for a run: JSON with `arguments`, `folder`, `output` (a file) and
`environment`. Each is forked, so that the imports are paid for once, and leads a process
group of its own. Lines on stdout: `started PID`, and in time `ended PID STATUS`.
"""

from __future__ import annotations

import json
import os
import runpy
import select
import sys

# What takes most of the start. Not the program itself: it must be new in each process.
import flows._attempts
import flows._click_options
import flows._eval_set_file
import flows._table
import flows.eval  # noqa: F401

_POLL_S = 0.01


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def run(request: dict[str, object]) -> None:
    os.environ.update(request["environment"])  # type: ignore[call-overload]  # a dict of str
    os.chdir(str(request["folder"]))
    output = os.open(str(request["output"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = ["flows.eval_set", *request["arguments"]]  # type: ignore[misc]  # a list of str
    runpy.run_module("flows.eval_set", run_name="__main__", alter_sys=True)


def main() -> None:
    children: set[int] = set()
    while True:
        if select.select([0], [], [], _POLL_S if children else None)[0]:
            line = sys.stdin.readline()
            if not line:
                return
            child = os.fork()
            os.setpgid(child, child)  # by both, as either may be first; 0 is the process itself
            if child == 0:
                run(json.loads(line))
                return
            children.add(child)
            say("started", child)
        for child in [*children]:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                children.remove(child)
                say("ended", child, os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
