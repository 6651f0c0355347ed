"""Reads the templates that solvers are given, as text or as the name of a file."""

from __future__ import annotations

from collections.abc import Collection

from tasks_lib._errors import ParameterError
from tasks_lib._util._resource import resource
from tasks_lib._util._text import template_variables


def read_template(template: str) -> str:
    """Return the content of the file that `template` names (path or URL), else `template`.

    Raises:
        PrerequisiteError: It names a file that cannot be read; see `tasks_lib.util.resource`.
    """
    return resource(template)


def check_template(
    function: str,
    template: str,
    *,
    required: Collection[str],
    allowed: Collection[str] | None,
    parameter: str = "template",
) -> None:
    """Check that a strict template asks for all of `required` and for nothing but `allowed`.

    Args:
        function: Whose template it is.
        template: The template.
        required: Names of variables.
        allowed: Names of variables, all of them texts; None: any that have a name, as they
            come from data that is not known yet.
        parameter: The parameter of `function` that brought the template.

    Raises:
        ParameterError: It does not, its braces are not balanced, or a text cannot be
            formatted as it wants.
    """
    try:
        variables = template_variables(template)
    except ValueError as error:
        expected = f"balanced braces ({error}; write {{{{ for a brace)"
        raise ParameterError(function, parameter, template, expected) from None
    missing = [name for name in required if name not in variables]
    if missing:
        expected = " and ".join(f"{{{name}}}" for name in missing)
        raise ParameterError(function, parameter, template, expected)
    unnamed = {name for name in variables if not name or name.isdecimal()}
    unknown = sorted(unnamed if allowed is None else variables.difference(allowed))
    if unknown:
        known = "" if allowed is None else "it may have " + " ".join(f"{{{n}}}" for n in allowed)
        hint = "; ".join(filter(None, [known, "write {{ for a brace"]))
        raise ParameterError(
            function, parameter, template, f"no variable {{{unknown[0]}}} ({hint})"
        )
    if allowed is not None:
        try:
            template.format(**dict.fromkeys(allowed, "text"))
        except (LookupError, AttributeError, ValueError, TypeError) as error:
            expected = f"variables that are texts ({error})"
            raise ParameterError(function, parameter, template, expected) from None
