"""The code that the README shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

README = Path(__file__).parents[2] / "README.md"


def blocks(section: str, language: str) -> list[str]:
    """Return the code that the README shows in a section, with those below it."""
    _, _, rest = README.read_text(encoding="utf-8").partition(f"\n{section}\n")
    text = re.split(r"\n## ", rest)[0]
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def shown_names(section: str, module: str) -> dict[str, Any]:
    """Return what the Python code of a section defines, as if `module` held it."""
    names: dict[str, Any] = {"__name__": module}
    for code in blocks(section, "python"):
        exec(compile(code, str(README), "exec"), names)
    return names
