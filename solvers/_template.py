"""Reads the templates that solvers are given, as text or as the name of a file."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import fsspec

from tasks_lib._errors import ParameterError
from tasks_lib._util._text import template_variables

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://[^\s{}]+")
_LONGEST_PATH = 1024


def read_template(template: str) -> str:
    """Return the content of the file that `template` names (path or URL), else `template`.

    Raises:
        OSError: It is a URL (`https://…`, `s3://…`) that cannot be read.
    """
    if _URL.fullmatch(template):
        with fsspec.open(template, "r", encoding="utf-8") as file:
            return str(file.read())
    if len(template) <= _LONGEST_PATH and "\n" not in template and "\0" not in template:
        path = Path(template)
        if _is_file(path):
            return path.read_text(encoding="utf-8")
    return template


def check_template(
    function: str, template: str, *, required: Collection[str], allowed: Collection[str]
) -> None:
    """Check that a strict template asks for all of `required` and for nothing but `allowed`.

    Raises:
        ParameterError: It does not, or its braces are not balanced.
    """
    known = " ".join(f"{{{name}}}" for name in allowed)
    try:
        variables = template_variables(template)
    except ValueError as error:
        raise ParameterError(function, "template", template, f"balanced braces ({error})") from None
    missing = [name for name in required if name not in variables]
    if missing:
        raise ParameterError(
            function, "template", template, " and ".join(f"{{{name}}}" for name in missing)
        )
    unknown = sorted(variables.difference(allowed))
    if unknown:
        expected = f"no variable {{{unknown[0]}}} (it may have {known}; write {{{{ for a brace)"
        raise ParameterError(function, "template", template, expected)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a text that no file system takes for a name
        return False
