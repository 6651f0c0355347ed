"""Folders of runs that were killed before they had written anything."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tasks_lib.log._abandoned import remove_abandoned

LONG_AGO_S = 60.0
FIRST = "part-0-000000.parquet.partial"


@pytest.mark.parametrize(
    ("files", "age_s", "stays"),
    [
        pytest.param([FIRST], LONG_AGO_S, False, id="killed at its first part"),
        pytest.param([], LONG_AGO_S, False, id="killed before it"),
        pytest.param([FIRST], -60.0, True, id="just being started"),
        pytest.param(["part-0-000000.parquet"], LONG_AGO_S, True, id="has samples"),
        pytest.param([FIRST, "part-0-000001.parquet"], LONG_AGO_S, True, id="has samples, too"),
        pytest.param(["notes.txt"], LONG_AGO_S, True, id="somebody's file"),
    ],
)
def test_which_folders_are_removed(
    tmp_path: Path, files: list[str], age_s: float, stays: bool
) -> None:
    live = tmp_path / ".live" / "2026-11-21T21-04-45+00-00_sums_id1.parquet"
    live.mkdir(parents=True)
    (tmp_path / ".live" / "eval-set.lock").touch()
    changed = time.time() - age_s
    for name in files:
        (live / name).write_text("half")
        os.utime(live / name, (changed, changed))
    os.utime(live, (changed, changed))

    remove_abandoned(tmp_path)

    left = [file.name for file in live.iterdir()] if stays else []
    assert (live.exists(), sorted(left)) == (stays, sorted(files) if stays else [])
    assert (tmp_path / ".live" / "eval-set.lock").exists()


def test_a_folder_without_any(tmp_path: Path) -> None:
    remove_abandoned(tmp_path / "logs")

    assert not (tmp_path / "logs").exists()
