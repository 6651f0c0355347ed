"""Writes logs in processes that are there to be killed. Started by test_log_kill.

A line on stdin (folder, then format) forks a process that writes three short logs there, and
says on stdout what is safe by now. The imports are paid for once.
"""

from __future__ import annotations

import asyncio
import os
import sys

from tasks_lib.log import EvalLogWriter, LogFormat
from tasks_lib.schema import (
    ChatMessageUser,
    EvalConfig,
    EvalLog,
    EvalSample,
    EvalSpec,
    Score,
)

LOGS = 3
SAMPLES = 60
"""In a log; each is a part of its own, so that there is a merge."""


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())  # at once, and in one piece


async def write_logs(log_dir: str, log_format: LogFormat) -> None:
    for log in range(LOGS):
        spec = EvalSpec(created="2026-11-21T21:04:45+00:00", task="t", task_id="id", model="m")
        spec.config = EvalConfig(log_buffer=1)
        writer = EvalLogWriter(
            EvalLog(eval=spec), log_dir, score_columns=["match"], log_format=log_format
        )
        await writer.start()
        for id in range(SAMPLES):
            text = f"{id} " * 100
            await writer.append(
                EvalSample(
                    id=id,
                    epoch=1,
                    input=text,
                    messages=[ChatMessageUser(content=text)],
                    scores={"match": Score(value="C")},
                )
            )
            say(log, "flushed", id + 1)
        say(log, "finishing")
        await writer.finish(EvalLog(eval=spec, status="success"))
        say(log, "finished")
    await asyncio.sleep(60)  # it is killed, not waited for


def main() -> None:
    for line in sys.stdin:
        log_dir, log_format = line.split()
        pid = os.fork()
        if pid == 0:
            asyncio.run(write_logs(log_dir, log_format))  # type: ignore[arg-type]  # one of them
            os._exit(0)
        say("started", pid)
        os.waitpid(pid, 0)
        say("dead")


if __name__ == "__main__":
    main()
