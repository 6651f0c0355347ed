from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tasks_lib._errors import MissingPackageError, ParameterError, UnknownNameError
from tasks_lib._util._registry import (
    is_registered,
    known_names,
    register_factory,
    registry_create,
    registry_info,
    registry_name,
    registry_params,
    unqualified_name,
)

Greeter = Callable[[], str]


def greeting(word: str, *, times: int = 1) -> Greeter:
    def greet() -> str:
        return " ".join([word] * times)

    return greet


make = register_factory("tool", greeting, "test_greeting", {"kind": "polite"})


def test_instances_know_their_name_and_the_arguments_that_were_passed() -> None:
    greet = make("hi", times=2)

    assert greet() == "hi hi"
    assert registry_name(greet) == "test_greeting"
    assert registry_info(greet).metadata == {"kind": "polite"}
    assert registry_params(greet) == {"word": "hi", "times": 2}
    assert registry_params(make("hi")) == {"word": "hi"}


def test_create_by_name() -> None:
    greet = registry_create("tool", "test_greeting", word="ho")

    assert callable(greet)
    assert greet() == "ho"


def test_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=re.escape("Did you mean 'test_greeting'?")):
        registry_create("tool", "test_greting")


def test_unknown_argument_offers_the_nearest() -> None:
    with pytest.raises(ParameterError, match="Did you mean 'times'"):
        registry_create("tool", "test_greeting", word="x", tims=2)


def test_missing_argument_is_named() -> None:
    with pytest.raises(ParameterError, match="missing a required argument: 'word'"):
        registry_create("tool", "test_greeting")


def test_arguments_of_var_keywords_are_recorded_by_name() -> None:
    def options(**kwargs: int) -> Greeter:
        return lambda: str(kwargs)

    assert registry_params(register_factory("tool", options, "test_options")(a=1)) == {"a": 1}


def test_check_replaces_the_instance() -> None:
    def plain() -> Greeter:
        return lambda: "plain"

    def louder(greet: Greeter) -> Greeter:
        return lambda: greet().upper()

    assert register_factory("tool", plain, "test_plain", check=louder)()() == "PLAIN"


def test_name_with_package_is_found_without_it() -> None:
    register_factory("tool", greeting, "some_package/test_far")

    greet = registry_create("tool", "test_far", word="x")

    assert registry_name(greet) == "some_package/test_far"
    assert unqualified_name(greet) == "test_far"
    assert "some_package/test_far" in known_names("tool")


def test_what_is_not_registered() -> None:
    assert not is_registered(greeting)
    assert is_registered(make, "tool")
    assert not is_registered(make, "solver")
    with pytest.raises(ValueError, match="greeting is not registered: decorate"):
        registry_info(greeting)


@pytest.mark.parametrize(
    ("extra", "command"),
    [("demo", "pip install 'prefect-evals[demo]'."), (None, "pip install --no-deps weights.")],
)
def test_a_missing_package_says_how_to_get_it(extra: str | None, command: str) -> None:
    assert str(MissingPackageError("It", "weights", extra)) == (
        f"It needs the package 'weights': {command}"
    )
