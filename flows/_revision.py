"""The state of the code and of the packages that an evaluation ran with."""

from __future__ import annotations

import functools
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version

from tasks_lib.schema import EvalRevision

_PACKAGES = ("prefect-evals", "prefect", "pydantic", "pyarrow", "openai", "anthropic")
_GIT_SECONDS = 5


@functools.cache
def revision() -> EvalRevision | None:
    """Return the commit of the working folder, None outside of a git checkout."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return None
    origin = re.sub(r"//[^/@]*@", "//", _git("remote", "get-url", "origin") or "")
    return EvalRevision(origin=origin, commit=commit, dirty=bool(_git("status", "--porcelain")))


@functools.cache
def package_versions() -> dict[str, str]:
    """Return the installed versions of the packages that matter for a result."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:  # ours, when it runs from a checkout without install
            continue
    return versions


def _git(*args: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *args], capture_output=True, text=True, timeout=_GIT_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
