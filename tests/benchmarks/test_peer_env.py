from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks._peer_env import PEER_PACKAGES, prepare_peer


def test_an_environment_that_is_complete_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "env"
    folder.mkdir()
    (folder / ".installed").write_text("\n".join(PEER_PACKAGES))

    python = prepare_peer(folder)

    assert python == folder / "bin" / "python"
    assert [file.name for file in folder.iterdir()] == [".installed"]
    assert capsys.readouterr().out == ""


def test_every_version_is_bounded() -> None:
    assert all("==" in package or ",<" in package for package in PEER_PACKAGES)
