"""`evals log show | dump`: what people and programs get to read of a log."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks_lib.log import read_eval_log
from tasks_lib.schema import (
    ChatMessageAssistant,
    ChatMessageTool,
    ChatMessageUser,
    EvalError,
    EvalSampleLimit,
    EvalStats,
    InfoEvent,
    Score,
    SpanBeginEvent,
    ToolCall,
    ToolEvent,
)
from tests.flows._cli_logs import (
    NOON,
    USAGE,
    evals,
    left_behind,
    make_log,
    rows_of,
    sample,
    talk,
    written,
)

pytestmark = pytest.mark.usefixtures("own_folder")

HOSTILE = "\x1b[31mred\x07 \x9b2J \x1b]0;title\x07 \u202egnp.exe\u202c \x7f bell\r\nnext"
UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class TestShow:
    def test_log(self) -> None:
        samples = [sample(1), sample(2, limit=EvalSampleLimit(type="token", limit=9))]
        failed = EvalError(message="ValueError('no\nnumber')", traceback="")
        samples += [sample(n, error=failed, scores=None) for n in range(3, 15)]
        path = written(make_log(samples=samples))

        done = evals("show", path)

        assert done.exit_code == 0, done.stderr
        lines = [line.rstrip() for line in done.stdout.splitlines() if line.strip()]
        errors = [f"  {n} (epoch 1): ValueError('no number')" for n in range(3, 13)]
        assert lines[:12] == [
            "sums on mockllm/model: success",
            f"log        {path}",
            "created    2026-11-21T12:00:00+00:00, took 90 s",
            "eval       eval-sums, run run-1, task id id1",
            "arguments  level=2",
            "dataset    figures",
            "tags       nightly",
            "samples    3 to evaluate, 14 in the log, 12 with errors, 1 at the token limit",
            "tokens     1,234 of mockllm/model (1,200 in, 34 out)",
            " score   reducer   metric     value   scored   unscored",
            " ──────────────────────────────────────────────────────",
            " match             accuracy    0.25        2          0",
        ]
        assert lines[12].split() == ["stderr", "–"]  # noqa: RUF001
        assert lines[13:25] == ["Errors (12)", *errors, "  … and 2 more"]
        assert lines[25] == "Slowest samples"
        assert rows_of("\n".join(lines[26:29])) == [
            ["sample", "seconds", "working", "tokens", "retries"],
            ["2 (epoch 1)", "12.25", "0.25", "1,234", "0"],
        ]
        assert len(lines) == 28 + 5

    def test_log_that_a_killed_run_left(self) -> None:
        location = left_behind(make_log("running"))

        done = evals("show", location)

        assert done.exit_code == 0, done.stderr
        assert "running on mockllm/model: started\n" in done.stdout
        assert "samples    3 in the log, 1 with errors\n" in done.stdout

    def test_log_without_samples(self) -> None:
        path = written(make_log(samples=[], results=None, stats=EvalStats()))

        done = evals("show", path)

        assert done.exit_code == 0, done.stderr
        assert done.stdout.splitlines()[-1] == "samples    0 in the log"

    def test_sample(self) -> None:
        path = written(make_log(samples=[talk()]))

        done = evals("show", path, "--sample", "talk")

        assert done.exit_code == 0, done.stderr
        assert done.stdout == TALK

    def test_long_text_is_cut(self) -> None:
        long = ChatMessageAssistant(content="x" * 20_001)
        path = written(make_log(samples=[sample(1, messages=[long])]))

        done = evals("show", path, "--sample", "1")

        assert "x" * 20_000 + "\n… 1 more characters; `evals log dump` has them.\n" in done.stdout

    @pytest.mark.parametrize(
        ("options", "shown"),
        [
            pytest.param(["1"], ["Sample 1, epoch 1", "Sample '1', epoch 1"], id="number and text"),
            pytest.param(["2"], ["Sample '2', epoch 1"], id="text"),
            pytest.param(["1", "--epoch", "2"], ["Sample 1, epoch 2"], id="epoch"),
        ],
    )
    def test_which_sample(self, options: list[str], shown: list[str]) -> None:
        samples = [sample(1), sample("1"), sample("2"), sample(1, epoch=2)]
        path = written(make_log(samples=samples))

        done = evals("show", path, "--sample", *options)

        assert [line for line in done.stdout.splitlines() if line.startswith("Sample")] == shown


TALK = """\
Sample 'talk', epoch 1
target     2 | two
choice 1   one
choice 2   two
time       1.00 s, working 0.25 s
tokens     1,234 (1,200 in, 34 out) of mockllm/model
limit      message 5
retry 1    after TimeoutError()
metadata   {"level":3}

── score match: C
answer: 2
Two lines
of text.

── error ValueError('late')
Traceback
  ValueError

── system
Be brief.

── user
What is this?
[image] data:image/png;base64,AAAAAAAAAAAAAAAAA… (1,022 characters)

── assistant mockllm/model
[reasoning] A sum.
I look.
→ look_up(table=a, row=2)

── tool look_up
file_not_found error: There is no table 'a'.

── assistant
It is 2.

── events 7
    0.000  sample_init
    0.500  solver generate
    0.750    model mockllm/model stop 1,234 tokens 1.50 s 2 retries
    0.000    tool look_up("table":"a"): file_not_found error: There is no table 'a'.
    0.000    info {"source":"me","data":{"note":"half\\nway"}}
    0.000  score 0.5

"""


class TestDump:
    def test_is_the_log(self) -> None:
        path = written(make_log(samples=[talk(), sample(1)]))

        done = evals("dump", path)

        assert done.exit_code == 0, done.stderr
        Path("dumped.json").write_text(done.stdout)
        dumped, log = read_eval_log("dumped.json"), read_eval_log(path)
        assert dumped.samples == log.samples
        assert dumped.model_dump(exclude={"results"}) == log.model_dump(exclude={"results"})
        assert json.loads(done.stdout)["results"]["scores"][0]["metrics"]["accuracy"] == {
            "name": "accuracy", "value": 0.25, "params": {},
        }  # fmt: skip

    def test_header_only(self) -> None:
        dumped = json.loads(evals("dump", written(make_log()), "--header-only").stdout)

        assert "samples" not in dumped
        assert (dumped["status"], dumped["eval"]["task"]) == ("success", "sums")

    def test_attachments(self) -> None:
        path = written(make_log(samples=[talk()]))

        plain, resolved = evals("dump", path), evals("dump", path, "--resolve-attachments")

        assert "base64," not in json.dumps(json.loads(plain.stdout)["samples"][0]["messages"])
        [_, image] = json.loads(resolved.stdout)["samples"][0]["messages"][1]["content"]
        assert image["image"] == "data:image/png;base64," + "A" * 1000

    def test_log_that_a_killed_run_left(self) -> None:
        dumped = json.loads(evals("dump", left_behind(make_log("running"))).stdout)

        assert dumped["status"] == "started"
        assert [sample["id"] for sample in dumped["samples"]] == [1, 2, "three"]


class TestUntrustedText:
    @pytest.mark.parametrize(
        "command",
        [
            pytest.param(lambda path: ["list"], id="list"),
            pytest.param(lambda path: ["list", "--json"], id="list --json"),
            pytest.param(lambda path: ["show", path], id="show"),
            pytest.param(lambda path: ["show", path, "--sample", HOSTILE], id="show --sample"),
            pytest.param(lambda path: ["show", path, "--sample", "x"], id="unknown sample"),
            pytest.param(lambda path: ["dump", path], id="dump"),
            pytest.param(lambda path: ["recover", f"{HOSTILE}.parquet"], id="recover"),
        ],
    )
    def test_no_command_prints_it(self, command: Callable[[str], list[str]]) -> None:
        error = EvalError(message=HOSTILE, traceback=HOSTILE, traceback_ansi=HOSTILE)
        call = ToolCall(id=HOSTILE, function=HOSTILE, arguments={HOSTILE: HOSTILE})
        hostile = sample(
            HOSTILE,
            target=HOSTILE,
            choices=[HOSTILE],
            messages=[
                ChatMessageUser(content=HOSTILE),
                ChatMessageAssistant(content=HOSTILE, tool_calls=[call], model=HOSTILE),
                ChatMessageTool(content=HOSTILE, function=HOSTILE),
            ],
            scores={HOSTILE: Score(value=HOSTILE, answer=HOSTILE, explanation=HOSTILE)},
            metadata={HOSTILE: HOSTILE},
            model_usage={HOSTILE: USAGE},
            error=error,
            error_retries=[error],
            events=[
                SpanBeginEvent(id="1", name=HOSTILE, type=HOSTILE, timestamp=NOON),
                ToolEvent(id="1", function=HOSTILE, arguments={HOSTILE: HOSTILE}, timestamp=NOON),
                InfoEvent(data=HOSTILE, timestamp=NOON),
            ],
        )
        log = make_log(samples=[hostile], status="error", error=error)
        log.eval.task = log.eval.model = HOSTILE
        log.eval.tags, log.eval.metadata = [HOSTILE], {HOSTILE: HOSTILE}
        assert log.results is not None
        log.results.scores[0].name = HOSTILE

        done = evals(*command(str(written(log))))

        assert done.exit_code in (0, 2), done.stderr
        assert "red" in done.output
        assert not UNSAFE.search(done.output)
