"""`evals log list | convert | recover`, as a person or a program starts them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from tasks_lib.log import EvalLogWriter, read_eval_log
from tasks_lib.schema import (
    EvalLog,
)
from tests.flows._cli_logs import ROOT, evals, left_behind, make_log, rows_of, sample, written

pytestmark = pytest.mark.usefixtures("own_folder")


class TestList:
    def test_newest_first_with_what_runs_and_what_is_no_log(self) -> None:
        old, new = written(make_log()), written(make_log("new", status="error"), "2026-11-22T12-00-00+00-00_new_id1.parquet")  # fmt: skip # noqa: E501
        stranger = Path("logs/2026-11-20T12-00-00+00-00_other_x.parquet")
        stranger.write_bytes(b"nothing")
        for path, time in ((old, 2e9), (new, 3e9), (stranger, 1e9)):
            os.utime(path, (time, time))
        live = left_behind(make_log("running"))

        done = evals("list")

        assert done.exit_code == 0, done.stderr
        assert [row[1:] for row in rows_of(done.stdout)] == [
            ["status", "samples", "score", "task", "model", "log"],
            ["error", "2/3", "0.250", "new", "mockllm/model", str(new)],
            ["success", "2/3", "0.250", "sums", "mockllm/model", str(old)],
            ["started", "–", "–", "running", "mockllm/model", os.path.relpath(live)],  # noqa: RUF001
            ["unreadable", "–", "–", "other", "–", str(stranger)],  # noqa: RUF001
        ]
        assert len(done.stderr.splitlines()) == 1
        assert stranger.name in done.stderr

    def test_json_lines(self) -> None:
        path = written(make_log())
        Path("logs/2026-11-20T12-00-00+00-00_other_x.parquet").write_bytes(b"nothing")
        os.utime(path, (3e9, 3e9))

        done = evals("list", "--json")

        log, stranger = map(json.loads, done.stdout.splitlines())
        assert done.stderr == ""
        assert log == {
            "name": str(path),
            "type": "file",
            "size": path.stat().st_size,
            "mtime": 3e9,
            "task": "sums",
            "task_id": "id1",
            "suffix": None,
            "status": "success",
            "eval_id": "eval-sums",
            "run_id": "run-1",
            "created": "2026-11-21T12:00:00+00:00",
            "model": "mockllm/model",
            "tags": ["nightly"],
            "error": None,
            "total_samples": 3,
            "completed_samples": 2,
            "errored_samples": 1,
            "scored_samples": None,
            "unscored_samples": None,
            "limited_samples": None,
            "missing_samples": None,
            "metrics": [
                {"score": "match", "reducer": None, "metric": "accuracy", "value": 0.25},
                {"score": "match", "reducer": None, "metric": "stderr", "value": None},
            ],
        }
        assert (stranger["status"], stranger["size"]) == ("unreadable", 7)
        assert "Parquet" in stranger["problem"]

    @pytest.mark.parametrize(
        ("options", "names"),
        [
            pytest.param([], {"logs/a.parquet", "logs/deep/b.parquet"}, id="all"),
            pytest.param(["--no-recursive"], {"logs/a.parquet"}, id="not recursive"),
            pytest.param(["--status", "error"], {"logs/deep/b.parquet"}, id="status"),
            pytest.param(["--status", "cancelled"], set(), id="none of the status"),
            pytest.param(["--log-dir", "logs/deep"], {"logs/deep/b.parquet"}, id="log-dir"),
            pytest.param(["--log-dir", "none"], set(), id="no such folder"),
        ],
    )
    def test_which(self, options: list[str], names: set[str]) -> None:
        stamp = "2026-11-21T12-00-00+00-00_"
        written(make_log(), f"{stamp}a.parquet")
        written(make_log(status="error"), f"deep/{stamp}b.parquet")

        done = evals("list", "--json", *options)

        found = [json.loads(line)["name"].replace(stamp, "") for line in done.stdout.splitlines()]
        assert set(found) == names
        assert done.exit_code == 0

    def test_nothing_is_said(self) -> None:
        done = evals("list", "--status", "error")

        assert (done.exit_code, done.stdout) == (0, "")
        assert done.stderr == "No error logs in ./logs.\n"

    def test_absolute(self, own_folder: Path) -> None:
        path = written(make_log())

        done = evals("list", "--json", "--absolute")

        assert json.loads(done.stdout)["name"] == str(own_folder / path)


class TestConvert:
    @pytest.mark.parametrize("to", ["json", "eval", "parquet"])
    def test_file(self, to: str) -> None:
        path = written(make_log(samples=[sample(1), sample(2)]))

        done = evals("convert", path, "--to", to, "--output-dir", "out")

        assert (done.exit_code, done.output) == (0, "")
        converted = read_eval_log(Path("out", path.with_suffix(f".{to}").name))
        assert converted.samples == read_eval_log(path).samples
        assert converted.eval == read_eval_log(path).eval

    def test_folder_keeps_what_is_there_unless_told(self) -> None:
        written(make_log())
        written(make_log(), "deep/2026-11-21T12-00-00+00-00_deep_x.parquet")
        arguments = ("convert", "logs", "--to", "eval", "--output-dir", "out")

        first, second = evals(*arguments), evals(*arguments)
        third = evals(*arguments, "--overwrite")

        assert [first.exit_code, second.exit_code, third.exit_code] == [0, 2, 0]
        assert second.stderr.startswith("Error: ")
        assert {str(path) for path in Path("out").rglob("*.eval")} == {
            "out/2026-11-21T12-00-00+00-00_sums_id1.eval",
            "out/deep/2026-11-21T12-00-00+00-00_deep_x.eval",
        }


class TestRecover:
    def test_all_in_a_folder(self) -> None:
        location = left_behind(make_log("running"))
        written(make_log())

        listed, recovered, again = evals("recover", "--list"), evals("recover"), evals("recover")

        assert listed.stdout.split()[-3:] == ["3", "samples", os.path.relpath(location)]
        assert (recovered.exit_code, recovered.stderr) == (0, "")
        assert recovered.stdout == f"{os.path.relpath(location)}: 3 samples\n"
        assert (again.exit_code, again.stdout) == (0, "")
        assert again.stderr == "No unfinished logs in ./logs.\n"
        log = read_eval_log(location)
        assert (log.status, len(log.samples or [])) == ("error", 3)

    def test_file(self) -> None:
        location = left_behind(make_log("running"))

        done = evals("recover", location)

        assert (done.exit_code, done.stdout) == (0, f"{os.path.relpath(location)}: 3 samples\n")

    def test_a_run_that_is_alive_is_left_alone_unless_forced(self) -> None:
        location = asyncio.run(started(make_log("running", samples=[])))

        one, all_of_them = evals("recover", location), evals("recover", "--log-dir", "logs")
        forced = evals("recover", location, "--force")

        assert [one.exit_code, all_of_them.exit_code, forced.exit_code] == [2, 1, 0]
        assert one.stderr.startswith("Error: ")
        assert len(one.stderr.splitlines()) == 1
        assert all_of_them.stderr.startswith(f"Error: {os.path.relpath(location)}: ")

    def test_a_damaged_part_is_named_and_the_rest_recovered(self) -> None:
        location = Path(left_behind(make_log("running")))
        parts = sorted((location.parent / ".live" / location.name).glob("part-*"))
        parts[-1].with_name("part-0-000099.parquet").write_bytes(parts[-1].read_bytes()[:100])

        done = evals("recover", location)

        assert done.exit_code == 1
        assert "part-0-000099.parquet" in done.stderr
        assert len(read_eval_log(location).samples or []) == 3


async def started(log: EvalLog) -> str:
    """Begin a log in this process, which stays alive."""
    log.status, log.results, log.samples = "started", None, None
    writer = EvalLogWriter(log, "logs")
    await writer.start()
    return writer.location


class TestErrors:
    @pytest.mark.parametrize(
        ("arguments", "status", "said"),
        [
            pytest.param(["show", "none.parquet"], 2, "none.parquet", id="show: no file"),
            pytest.param(["dump", "none.json"], 2, "none.json", id="dump: no file"),
            pytest.param(["recover", "none"], 2, "'none'", id="recover: no log"),
            pytest.param(["show", "README"], 1, "README", id="no log of ours"),
            pytest.param(["show", "LOG", "--sample", "thre"], 2, "'three'", id="nearest id"),
            pytest.param(["show", "LOG", "--sample", "1", "--epoch", "4"], 2, "[1]", id="epoch"),
            pytest.param(["show", "LOG", "--epoch", "2"], 2, "--sample", id="epoch of no sample"),
            pytest.param(["recover", "LOG", "--log-dir", "logs"], 2, "--log-dir", id="both"),
            pytest.param(["recover", "LOG", "--list"], 2, "--list", id="list one log"),
            pytest.param(["list", "--log-dir", "what://x"], 2, "what://x", id="unknown store"),
            pytest.param(
                ["convert", "none", "--to", "json", "--output-dir", "out"], 2, "none",
                id="convert: no file",
            ),
        ],
    )  # fmt: skip
    def test_one_line(self, arguments: list[str], status: int, said: str) -> None:
        Path("README").write_text("Not a log\nat all.")
        path = str(written(make_log()))

        done = evals(*(path if word == "LOG" else word for word in arguments))

        assert (done.exit_code, done.stdout) == (status, "")
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert done.stderr.startswith("Error: ")
        assert said in done.stderr

    def test_reader_that_goes_away(self) -> None:
        path = written(make_log(samples=[sample(n) for n in range(2000)]))
        command = [sys.executable, "-m", "flows.cli", "log", "dump", str(path)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}

        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.read(10) == b'{"version"'
            process.stdout.close()
            errors = process.stderr.read()

        assert (process.returncode, errors) == (1, b"")


class TestS3:
    def test_all_it_takes_is_the_environment(self, s3_environment: dict[str, str]) -> None:
        path = written(make_log(samples=[sample(1), sample(2)]))
        there = f"s3://night-logs/{path.with_suffix('.eval').name}"

        def run(*arguments: str) -> str:
            done = subprocess.run(
                [sys.executable, "-m", "flows.cli", "log", *arguments],
                env=s3_environment, capture_output=True, text=True, timeout=60,
            )  # fmt: skip
            assert (done.returncode, done.stderr) == (0, "")
            return done.stdout

        run("convert", str(path), "--to", "eval", "--output-dir", "s3://night-logs")
        [listed] = run("list", "--log-dir", "s3://night-logs", "--json").splitlines()

        assert json.loads(listed)["name"] == there
        assert "Sample 2, epoch 1\n" in run("show", there, "--sample", "2")

    @pytest.fixture
    def s3_environment(self) -> Iterator[dict[str, str]]:
        """Yield the environment of a program that reaches an S3 server of its own."""
        server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        server.start()
        try:
            host, port = server.get_host_and_port()
            yield {
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "FSSPEC_S3_ENDPOINT_URL": f"http://{host}:{port}",
                "AWS_ACCESS_KEY_ID": "key",
                "AWS_SECRET_ACCESS_KEY": "secret",
                "AWS_DEFAULT_REGION": "us-east-1",
            }
        finally:
            server.stop()
