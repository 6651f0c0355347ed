"""The public face of every package: its `__all__` is complete and in order."""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType

import pytest


def _packages() -> list[str]:
    """Return all packages that users import from, by their full names."""
    names = []
    for top in ("scorers", "solvers", "tasks_lib"):
        found = walk_packages(import_module(top).__path__, f"{top}.")
        names += [top, *(module.name for module in found if module.ispkg)]
    return [name for name in names if "._" not in name]


def _in_order(name: str) -> tuple[int, str]:
    """Sort constants before types before functions, as ruff's RUF022 does."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


@pytest.mark.parametrize("package", _packages())
def test_all_is_complete_and_sorted(package: str) -> None:
    module = import_module(package)
    public = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, ModuleType) and name != "annotations"
    }

    assert list(module.__all__) == sorted(public, key=_in_order)
