from __future__ import annotations

import pytest
import yaml

from tasks_lib._util._yaml import read_yaml


@pytest.mark.parametrize(
    ("text", "content", "lines"),
    [
        pytest.param("", None, {}, id="empty"),
        pytest.param("a: 1\n\nb: {c: 2}", {"a": 1, "b": {"c": 2}}, {"a": 1, "b": 3, "b.c": 3}),
        pytest.param("- a\n- b: 1", ["a", {"b": 1}], {"[0]": 1, "[1]": 2, "[1].b": 2}, id="list"),
        pytest.param(
            "a: &x\n  b: 1\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}, {"a": 1, "a.b": 2, "c": 3}
        ),
        pytest.param("1: x\n'1': y", {1: "x", "1": "y"}, {"1": 2}, id="number and text"),
    ],
)
def test_content_and_lines(text: str, content: object, lines: dict[str, int]) -> None:
    assert read_yaml(text) == (content, lines)


def test_a_node_within_itself_ends() -> None:
    content, lines = read_yaml("a: &a\n  b: *a")

    assert isinstance(content, dict)
    assert content["a"]["b"] is content["a"]
    assert lines == {"a": 1, "a.b": 2}


def test_aliases_that_multiply_are_noted_once() -> None:
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 30)]

    lines = read_yaml("\n".join(["l0: &l0 [x]", *levels])).lines

    assert len(lines) == 30 + 1 + 29 * 9


def test_a_key_that_is_there_twice() -> None:
    with pytest.raises(yaml.MarkedYAMLError) as caught:
        read_yaml("a:\n  b: 1\n  b: 2")

    assert caught.value.problem == "the key 'b' is there twice"
    assert caught.value.problem_mark is not None
    assert caught.value.problem_mark.line == 2
