"""Durations as a profile and a gate's limit write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_relgate.errors import RelgateError
from pytest_relgate.profile import seconds


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (90, 90.0),
        (0.5, 0.5),
        ("90", 90.0),
        ("90s", 90.0),
        ("1.5s", 1.5),
        ("2m", 120.0),
        ("1h30m", 5400.0),
        ("1.5h", 5400.0),
        ("1h0m1s", 3601.0),
        ("24h", 86400.0),
        ("1440m", 86400.0),
    ],
    ids=repr,
)
def test_a_duration_in_seconds(text: str | float, value: float) -> None:
    assert seconds(text) == value
    assert type(seconds(text)) is float


@pytest.mark.parametrize(
    "text",
    ["", " ", "2 m", " 2m", "2m ", "2M", "30m1h", "1h30", "m", "h", ".5h", "5.h", "1e3", "1e3s", "-5m", "+5m",
     "1d", "1_0s", "٣s", "2m\n", "inf", "nan", "1hh", True, False, None, [], {}],
    ids=repr,
)  # fmt: skip
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(RelgateError, match=r"^expected a duration such as 90, .* found "):
        seconds(text)


@pytest.mark.parametrize(
    "text",
    [0, 0.0, -1, -0.5, float("inf"), float("-inf"), float("nan"), 86401, 10**400, "0", "0s", "0h0m", "24h1s",
     "24.01h", "9" * 400, "8" * 400 + "h", "0." + "0" * 400 + "1s"],
    ids=lambda text: repr(text)[:20],
)  # fmt: skip
def test_a_limit_that_never_starts_or_never_ends(text: object) -> None:
    with pytest.raises(RelgateError, match=r'^expected a duration above 0 and up to "24h", found '):
        seconds(text)


@given(st.text() | st.text("0123456789.hms ") | st.integers() | st.floats() | st.none())
def test_every_duration_is_a_day_at_most_or_an_error(text: object) -> None:
    try:
        value = seconds(text)
    except RelgateError:
        return
    assert 0 < value <= 86400
