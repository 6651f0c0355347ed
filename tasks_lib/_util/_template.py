"""Templates of prompts, as text or as the name of a file: read, checked, filled in."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tasks_lib._errors import DatasetError, ParameterError
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
    texts: Collection[str] = (),
    parameter: str = "template",
) -> None:
    """Check that a strict template asks for all of `required` and for nothing but `allowed`.

    Args:
        function: Whose template it is.
        template: The template.
        required: Names of variables.
        allowed: Names of variables, all of them texts; None: any that have a name, as they
            come from data that is not known yet.
        texts: Names of variables that are texts, where `allowed` does not say it.
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
    try:
        template.format_map(_Values.fromkeys(texts if allowed is None else allowed, "text"))
    except (LookupError, AttributeError, ValueError, TypeError) as error:
        expected = f"variables that are texts ({error})"
        raise ParameterError(function, parameter, template, expected) from None


class _Anything:
    """Stands for a value that is not known yet; fits any template."""

    def __getattr__(self, name: str) -> _Anything:
        return self

    def __getitem__(self, key: object) -> _Anything:
        return self

    def __format__(self, spec: str) -> str:
        return ""


class _Values(dict[str, object]):
    def __missing__(self, name: str) -> _Anything:
        return _Anything()


def fill_template(
    function: str,
    template: str,
    own: Mapping[str, object],
    *,
    metadata: Mapping[str, object],
    sample_id: int | str,
) -> str:
    """Return a strict template filled in from a sample; braces in what is filled in stay.

    Args:
        function: Whose template it is.
        template: The template.
        own: The function's own variables; they win over metadata of the same name.
        metadata: The sample's.
        sample_id: For messages.

    Raises:
        DatasetError: The metadata lacks a variable, or it does not fit the template.
    """
    try:
        return template.format_map({**metadata, **own})
    except KeyError as error:
        known = ", ".join(map(repr, metadata)) or "nothing"
        raise DatasetError(
            f"{function}: sample {sample_id!r} has no metadata {error}, which a template "
            f"asks for; it has {known}.",
            field="metadata",
        ) from None
    except (LookupError, AttributeError, ValueError, TypeError) as error:
        raise DatasetError(
            f"{function}: a template cannot be filled from the metadata of sample "
            f"{sample_id!r} ({error}).",
            field="metadata",
        ) from error
