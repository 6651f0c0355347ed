"""What measurements run in: an environment without anybody's settings, and a known peer."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

PEER = "inspect_ai"

_FOREIGN = ("PREFECT_", "INSPECT_", "EVAL_", "OPENAI_", "PYTHON")


def clean_environment(prefect_home: Path) -> dict[str, str]:
    """Return this environment without anybody's settings of Prefect, inspect_ai or ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return kept | {
        "PREFECT_HOME": str(prefect_home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "OPENAI_API_KEY": "none-is-needed",
    }


def peer_version(peer_python: Path) -> str:
    """Return the version of inspect_ai in the peer's environment."""
    ask = f"from importlib.metadata import version; print(version({PEER!r}))"
    done = subprocess.run([peer_python, "-c", ask], capture_output=True, text=True, check=True)
    return done.stdout.strip()
