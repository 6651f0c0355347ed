"""Runs of the set of `_tasks`, and what they leave."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from tasks_lib.log import list_eval_logs, read_eval_log, read_eval_log_samples
from tasks_lib.schema import EvalLog, EvalSample
from tests.chaos._tasks import EPOCHS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TASKS = ("first", "second")
MAX_SAMPLES = 4
LOG_BUFFER = 5
DEADLINE_S = 120
"""For what takes seconds on a machine that is idle."""

Key = tuple[str, int, int]
"""Task, sample, epoch."""


class Runner:
    """Starts runs in processes of their own; see `_runner`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._ended: dict[int, queue.Queue[int]] = {}
        self._started: queue.Queue[int] = queue.Queue()
        threading.Thread(target=self._listen, args=(process.stdout,), daemon=True).start()

    def start(self, folder: Path, environment: Mapping[str, str]) -> Run:
        """Start `python -m flows.eval_set set.yaml` in `folder`."""
        output = folder / "output.txt"
        request = {
            "arguments": ["set.yaml"],
            "folder": str(folder),
            "output": str(output),
            "environment": dict(environment),
        }
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps(request)}\n")
        self._process.stdin.flush()
        pid = self._started.get(timeout=DEADLINE_S)
        return Run(pid, self._ended[pid], output)

    def kill_all(self) -> None:
        """End what is still running."""
        for pid, ended in self._ended.items():
            with suppress(ProcessLookupError):
                if ended.empty():
                    os.killpg(pid, signal.SIGKILL)

    def _listen(self, answers: IO[str]) -> None:
        for line in answers:
            what, pid, *status = line.split()
            if what == "started":
                self._ended[int(pid)] = queue.Queue()
                self._started.put(int(pid))
            else:
                self._ended[int(pid)].put(int(status[0]))


class Run:
    """A process that runs the set."""

    def __init__(self, pid: int, ended: queue.Queue[int], output: Path) -> None:
        self.pid = pid
        self._ended = ended
        self._output = output

    @property
    def is_over(self) -> bool:
        """Whether the process has ended."""
        return not self._ended.empty()

    @property
    def output(self) -> str:
        """What the runs of this folder have said."""
        return self._output.read_text()

    def wait(self) -> int:
        """Return the exit status; of one that was killed, the signal, negative."""
        status = self._ended.get(timeout=DEADLINE_S)
        self._ended.put(status)
        return status

    def kill(self) -> None:
        """Kill it with SIGKILL, and wait for its end."""
        with suppress(ProcessLookupError):  # it has just ended
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()


@contextmanager
def open_runner(api_url: str, prefect_home: Path) -> Iterator[Runner]:
    """Start what forks the runs; ends with all of them."""
    environment = {
        **os.environ,
        "PREFECT_API_URL": api_url,
        "PREFECT_HOME": str(prefect_home),
        "PYTHONPATH": str(ROOT),
    }
    for name in ("EVAL_MODEL", "INSPECT_EVAL_MODEL", "EVAL_LOG_DIR", "INSPECT_LOG_DIR"):
        environment.pop(name, None)
    command = [sys.executable, str(HERE / "_runner.py")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        runner = Runner(process)
        try:
            yield runner
        finally:
            runner.kill_all()
            process.kill()


class Folder(NamedTuple):
    """The folder of a set that is run again and again."""

    path: Path

    @classmethod
    def made(cls, path: Path, task_runs: str) -> Folder:
        """Make one with an eval-set file."""
        path.mkdir()
        settings: dict[str, Any] = {
            "log_dir": "logs",
            "tasks": [
                {"task": f"{HERE / '_tasks.py'}@chaos", "args": {"name": name}} for name in TASKS
            ],
            "epochs": EPOCHS,
            "fail_on_error": False,
            "max_samples": MAX_SAMPLES,
            "log_buffer": LOG_BUFFER,
            "task_runs": task_runs,
            "retry_attempts": 1,
            "display": "plain",
        }
        (path / "set.yaml").write_text(json.dumps(settings))
        return cls(path)

    @property
    def log_dir(self) -> Path:
        """Where the logs are."""
        return self.path / "logs"

    @property
    def environment(self) -> dict[str, str]:
        """What the tasks need."""
        return {"CHAOS_CALLS": str(self.path / "calls.txt")}

    def calls(self) -> list[Key]:
        """Return the calls of the model, in order."""
        try:
            lines = (self.path / "calls.txt").read_text().splitlines()
        except FileNotFoundError:
            return []
        return [(task, int(id), int(epoch)) for task, id, epoch in map(str.split, lines)]

    @property
    def called_bytes(self) -> int:
        """The size of the file of calls; a call is some 11 bytes."""
        try:
            return (self.path / "calls.txt").stat().st_size
        except FileNotFoundError:
            return 0

    def finished(self) -> set[Key]:
        """Return the samples that ended without an error in any log; all must be readable."""
        found: set[Key] = set()
        for info in list_eval_logs(self.log_dir):
            for sample in read_eval_log_samples(info, all_samples_required=False):
                if sample.error is None:
                    found.add((info.task, int(sample.id), sample.epoch))
        return found

    def files(self) -> list[str]:
        """Return all that there is in the log directory, folders too."""
        return sorted(str(path.relative_to(self.log_dir)) for path in self.log_dir.rglob("*"))

    def logs(self) -> dict[str, EvalLog]:
        """Return the logs by task, with their samples."""
        logs = [read_eval_log(info) for info in list_eval_logs(self.log_dir)]
        return {log.eval.task: log for log in logs}


def rows(log: EvalLog) -> list[dict[str, Any]]:
    """Return what must be the same however often the run was killed."""
    return [_row(sample) for sample in log.samples or []]


def _row(sample: EvalSample) -> dict[str, Any]:
    names = {"id", "epoch", "input", "target", "choices", "metadata", "model_usage", "digest"}
    return {
        **sample.model_dump(include=names),
        "messages": [(message.role, message.text) for message in sample.messages],
        "output": sample.output.completion,
        "scores": {name: score.model_dump() for name, score in (sample.scores or {}).items()},
        "error": sample.error.message if sample.error else None,
        "limit": sample.limit,
    }
