"""How much a sandbox hands out."""

from __future__ import annotations


class SandboxEnvironmentLimits:
    """How much a sandbox hands out; beyond, it raises `OutputLimitExceededError`."""

    MAX_EXEC_OUTPUT_SIZE = 10 * 1024**2
    """Bytes that a command may write to each of its outputs."""

    MAX_EXEC_OUTPUT_SIZE_STR = "10 MiB"
    """The same, for people."""

    MAX_READ_FILE_SIZE = 100 * 1024**2
    """Bytes of the largest file that is read."""

    MAX_READ_FILE_SIZE_STR = "100 MiB"
    """The same, for people."""
