"""What is computed from all samples' scores."""

from scorers.metrics._bootstrap import bootstrap_stderr
from scorers.metrics._central import accuracy, mean
from scorers.metrics._grouped import grouped
from scorers.metrics._interval import ci
from scorers.metrics._spread import std, stderr, var

__all__ = ["accuracy", "bootstrap_stderr", "ci", "grouped", "mean", "std", "stderr", "var"]
