"""The kinds of frames: pandas, Polars, and plain Arrow tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import pyarrow as pa

from tasks_lib._errors import MissingPackageError, ParameterError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

FrameType = Literal["pandas", "polars", "arrow"]
"""Kinds of frames. Those of pandas have columns of Arrow types, where missing is missing."""

Frame: TypeAlias = "pd.DataFrame | pl.DataFrame | pa.Table"
"""A frame of any kind."""


def check_frame(function: str, frame: FrameType) -> None:
    """Make sure, before anything is read, that frames of this kind can be made.

    Raises:
        MissingPackageError: Their package is not installed.
        ParameterError: There is no such kind.
    """
    if frame not in get_args(FrameType):
        raise ParameterError(function, "frame", frame, "'pandas', 'polars' or 'arrow'")
    try:
        if frame == "pandas":
            import pandas  # noqa: F401 - optional
        elif frame == "polars":
            import polars  # noqa: F401 - optional
    except ImportError as error:
        raise MissingPackageError(f"frame={frame!r}", frame, "analysis") from error


def as_frame(table: pa.Table, frame: FrameType) -> Frame:
    """Return a table as a frame of the kind that was asked for."""
    if frame == "pandas":
        import pandas as pd

        return table.to_pandas(types_mapper=pd.ArrowDtype)
    if frame == "polars":
        import polars as pl

        return pl.DataFrame(table)
    return table
