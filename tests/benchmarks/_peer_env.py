"""The environment of inspect_ai, which this engine is compared with.

It is never installed beside this package: the two need different versions of what they share.
"""

from __future__ import annotations

import fcntl
import subprocess
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PEER_PACKAGES = (
    "inspect_ai==0.3.285",  # whose formats and figures the tests and README name
    "openai>=3.4,<4",  # its client for the benchmark's server
    "pandas>=2.2,<4",  # its data frames
    "pyarrow>=21,<27",
)
"""What is installed, with what it depends on."""

_INSTALLED = ".installed"
"""File in the environment that says what was installed; written when that is done."""


def prepare_peer(folder: Path) -> Path:
    """Return the Python of the peer's environment; it is made, or completed, if need be.

    It takes pip and nothing else. Processes that ask for the same folder at the same time
    wait for the first one's installation.

    Args:
        folder: Where the environment is kept.

    Raises:
        subprocess.CalledProcessError: pip failed; what it said is on stderr.
    """
    folder = folder.absolute()
    python = folder / "bin" / "python"
    wanted = "\n".join(PEER_PACKAGES)
    with _locked(folder.with_name(f"{folder.name}.lock")):
        installed = folder / _INSTALLED
        if not installed.exists() or installed.read_text() != wanted:
            print(f"Installing {', '.join(PEER_PACKAGES)} in {folder} ...", flush=True)
            venv.create(folder, with_pip=True)
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, *PEER_PACKAGES], check=True)
            installed.write_text(wanted)
    return python


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes; it is let go of however this process ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
