"""What failed requests mean, whatever the SDK."""

from __future__ import annotations

import pytest

from tasks_lib.model._request_error import is_passing, retry_after_s, without_secret


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"retry-after": "7"}, 7.0, id="seconds"),
        pytest.param({"retry-after-ms": "250", "retry-after": "7"}, 0.25, id="milliseconds win"),
        pytest.param({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0, id="a past date"),
        pytest.param({"retry-after": "soon"}, None, id="nonsense"),
        pytest.param({"retry-after": "-3"}, 0.0, id="never negative"),
    ],
)
def test_retry_after(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_s(headers) == expected


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (408, None, True),
        (429, None, True),
        (429, "insufficient_quota", False),
        (500, None, True),
        (529, None, True),
        (400, None, False),
        (401, None, False),
        (404, None, False),
    ],
)
def test_what_passes(status: int, code: str | None, expected: bool) -> None:
    assert is_passing(status, code) is expected


@pytest.mark.parametrize(
    ("text", "secret", "expected"),
    [
        pytest.param("key sk-1 is wrong: sk-1", "sk-1", "key [key] is wrong: [key]", id="key"),
        pytest.param("nothing to hide", "", "nothing to hide", id="no key"),
        pytest.param("x" * 501, "", "x" * 500 + "…", id="long"),
    ],
)
def test_texts_without_secrets(text: str, secret: str, expected: str) -> None:
    assert without_secret(text, secret) == expected
