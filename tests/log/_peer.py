"""The reference package, which runs in an environment and a process of its own.

The tests of logs have the fixtures `peer` and `peer_logs`. Others import what defines them:
`from tests.log._peer import start_peer`.
"""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.benchmarks._peer_env import prepare_peer

_ROOT = Path(__file__).parents[2]
_ENV_VARIABLE = "EVALS_PEER_ENV"
"""Environment variable that names an environment to use as it is."""


_OURS_ONLY = {
    "attempt",
    "digest",
    "chosen",
    "defaults",
    "errored_samples",
    "errors_as_incorrect",
    "limited_samples",
    "missing_samples",
    "flow_run_id",
    "incomplete",
    "internal",
    "reused_samples",
    "stall_timeout",
    "same_errors",
    "budget",
    "task_identity",
    "task_runs",
    "work",
}
"""Fields that the reference does not have."""
_UTC = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")


@dataclass(frozen=True)
class Peer:
    """The reference package's Python."""

    python: Path

    def run(self, module: str, *args: str | Path | Sequence[str]) -> Any:
        """Run `python -m module` with these arguments and return what it prints as JSON.

        Lists go as JSON. It sees nobody's settings and leaves nothing in anybody's home; a
        failure shows what it wrote to stderr.
        """
        texts = [json.dumps(arg) if isinstance(arg, list | tuple) else str(arg) for arg in args]
        with TemporaryDirectory(prefix="peer-home-") as home:
            done = subprocess.run(
                [str(self.python), "-m", module, *texts],
                cwd=_ROOT,
                env=_environment() | {"XDG_DATA_HOME": home, "XDG_CACHE_HOME": home},
                capture_output=True,
                text=True,
            )
        assert done.returncode == 0, f"{module} failed:\n{done.stderr[-5000:]}"
        return json.loads(done.stdout) if done.stdout.strip() else None


@pytest.fixture(scope="session", name="peer")
def start_peer() -> Peer:
    """Return the reference package; its environment is made by the first test that asks."""
    given = os.environ.get(_ENV_VARIABLE)
    if given:
        return Peer(Path(given).absolute() / "bin" / "python")
    return Peer(prepare_peer(_ROOT / ".benchmarks" / "inspect-env"))


@pytest.fixture(scope="session", name="peer_logs")
def write_peer_logs(peer: Peer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with logs that the reference wrote; see `_peer_write` for what is in it."""
    folder = tmp_path_factory.mktemp("peer-logs")
    peer.run("tests.log._peer_write", folder)
    return folder


_OURS_ONLY_THERE = re.compile(
    r"(?:/results/(?:(?:un)?scored_samples|scores/\d+/metrics/[^/]+/samples)"
    r"|.*/error_retries/\d+/(?:started_at|total_time|working_time|model_usage))"
    r": .* became '<absent>'"
)
"""Names that the reference has, too, but not in these places."""


def differences(left: Any, right: Any, at: str = "") -> list[str]:
    """Return where two values of JSON differ, as lines that say how."""
    if isinstance(left, dict) and isinstance(right, dict):
        return [
            line
            for key in {**left, **right}
            for line in differences(
                left.get(key, "<absent>"), right.get(key, "<absent>"), f"{at}/{key}"
            )
        ]
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        return [
            line
            for index, pair in enumerate(zip(left, right, strict=True))
            for line in differences(*pair, f"{at}/{index}")
        ]
    if type(left) is type(right) and left == right:
        return []
    return [f"{at}: {str(left)[:200]!r} became {str(right)[:200]!r}"]


def lost(ours: Any, theirs: Any) -> list[str]:
    """Return what of ours the reference read differently; what it adds does not count."""
    lines = differences(_known(ours), theirs)
    return [
        line
        for line in lines
        if "'<absent>' became" not in line and not _OURS_ONLY_THERE.match(line)
    ]


def _known(plain: Any) -> Any:
    """Return JSON of ours without what only we have, NaN and times as they write them."""
    if isinstance(plain, dict):
        return {k: _known(v) for k, v in plain.items() if k not in _OURS_ONLY}
    if isinstance(plain, list):
        return [_known(item) for item in plain]
    if isinstance(plain, str) and _UTC.fullmatch(plain):
        return f"{plain[:-1]}+00:00"
    return "NaN" if isinstance(plain, float) and math.isnan(plain) else plain


def _environment() -> dict[str, str]:
    """Return this environment without settings of the reference, of pytest or of ours."""
    foreign = ("INSPECT_", "EVAL_", "PREFECT_", "PYTHON", "PYTEST_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
