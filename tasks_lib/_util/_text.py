"""Templates that are filled in from data which may not fit them."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter

_FORMATTER = Formatter()


def format_safe(template: str, variables: Mapping[str, object]) -> str:
    """Fill in the `{placeholders}` of `template` that `variables` can serve.

    `{a.b}`, `{a[0]}`, conversions and format specs work as in `str.format`. A placeholder
    that is unknown, `None`, or fails to resolve or format stays literally in place;
    `{{` and `}}` become single braces. A template whose braces are not balanced is returned
    as it is.
    """
    try:
        parts = list(_FORMATTER.parse(template))
    except ValueError:
        return template
    out: list[str] = []
    for literal, field, spec, conversion in parts:
        out.append(literal)
        if field is not None:
            out.append(_filled(field, spec or "", conversion, variables))
    return "".join(out)


def template_variables(template: str) -> set[str]:
    """Return the names of the variables that `template` asks for.

    Raises:
        ValueError: The template's braces are not balanced.
    """
    fields = (field for _, field, _, _ in _FORMATTER.parse(template) if field is not None)
    return {field.replace("[", ".").split(".")[0] for field in fields}


def _filled(field: str, spec: str, conversion: str | None, variables: Mapping[str, object]) -> str:
    literal = f"{{{field}{'!' + conversion if conversion else ''}{':' + spec if spec else ''}}}"
    try:
        value, _ = _FORMATTER.get_field(field, (), variables)
        if value is None:
            return literal
        if conversion:
            value = _FORMATTER.convert_field(value, conversion)
        return format(value, spec)
    except (LookupError, AttributeError, ValueError, TypeError):
        return literal
