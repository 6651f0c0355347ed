"""What is computed from all samples' scores."""

from scorers.metrics._central import accuracy, mean
from scorers.metrics._spread import std, stderr, var

__all__ = ["accuracy", "mean", "std", "stderr", "var"]
