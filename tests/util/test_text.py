from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from tasks_lib._util._ids import short_uuid
from tasks_lib._util._text import format_safe, template_variables

VARIABLES = {"a": "x", "n": 1.5, "none": None, "obj": SimpleNamespace(b=[7, 8])}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        pytest.param("{a} and {a}", "x and x", id="known"),
        pytest.param("{b}", "{b}", id="unknown stays"),
        pytest.param("{none}", "{none}", id="None stays"),
        pytest.param("{obj.b[1]}", "8", id="attribute and item"),
        pytest.param("{obj.c} {obj.b[9]}", "{obj.c} {obj.b[9]}", id="failed lookups stay"),
        pytest.param("{n:.2f} {a:d}", "1.50 {a:d}", id="failed format stays"),
        pytest.param("{a!r} {b!r:>3}", "'x' {b!r:>3}", id="conversion"),
        pytest.param("{{a}}", "{a}", id="escaped braces"),
        pytest.param("if (x) { y", "if (x) { y", id="unbalanced is returned as it is"),
        pytest.param("{} {0}", "{} {0}", id="positional stays"),
        pytest.param("", "", id="empty"),
    ],
)
def test_format_safe(template: str, expected: str) -> None:
    assert format_safe(template, VARIABLES) == expected


def test_template_variables() -> None:
    assert template_variables("{a} {b.c[0]:>3} {{d}} {a!r}") == {"a", "b"}


def test_short_uuids_are_22_letters_and_digits_and_differ() -> None:
    ids = {short_uuid() for _ in range(1000)}

    assert len(ids) == 1000
    assert all(len(one) == 22 and one.isalnum() for one in ids)


def test_a_forked_process_has_ids_of_its_own() -> None:
    short_uuid()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, short_uuid().encode())
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(reading, 100).decode() != short_uuid()
