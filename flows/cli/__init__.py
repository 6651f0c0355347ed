"""The command `evals`."""

from flows.cli._app import main

__all__ = ["main"]
