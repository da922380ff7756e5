"""Which gitignore-style patterns a profile may hold."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_relgate.errors import RelgateError
from pytest_relgate.profile import parse_profile
from pytest_relgate.profile.pattern import checked_pattern


def problem(text: str) -> str:
    with pytest.raises(RelgateError) as caught:
        parse_profile(text.encode(), "c/relgate.toml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("!", "is empty"),
        ("# a comment", "matches nothing"),
        ("src/[ab", "matches nothing"),
        ("/", "empty path segment"),
        ("//", "empty path segment"),
        ("src//x", "empty path segment"),
        ("./src", 'holds "." or ".."'),
        ("!../src", 'holds "." or ".."'),
        ("src/./x", 'holds "." or ".."'),
        (" src", "begins or ends with a space"),
        ("src ", "begins or ends with a space"),
        ("[z-a]", "does not compile"),
        ("src\\", "does not compile"),
        ("[a&&b]", "does not compile"),
        ("[[:alpha:]]", "bracket class is not supported"),
        ("a\nb", "not printable"),
        ("a\0b", "not printable"),
    ],
)
def test_a_pattern_that_can_match_nothing(pattern: str, why: str) -> None:
    said = problem(f'project = "p"\n[changes]\na = ["x", {json.dumps(pattern)}]')
    assert said.startswith("c/relgate.toml:3: changes.a[1]: expected a gitignore-style pattern, found ")
    assert why in said


@pytest.mark.parametrize(
    "pattern", ["**", "*", "src/", "/src", "a/**/b", "[a-z].rs", "\\!x", "x\\ ", "!#x", "été"]
)
def test_a_pattern_that_git_would_take(pattern: str) -> None:
    text = f'project = "p"\n[changes]\na = ["x", {json.dumps(pattern, ensure_ascii=False)}]'
    assert parse_profile(text.encode(), "relgate.toml").changes == {"a": ("x", pattern)}


@given(st.text() | st.text("ab/*?[]!-^\\\\# .:&|~") | st.sampled_from([[], None, 5, {}]))
def test_no_pattern_at_all_raises_anything_else(pattern: object) -> None:
    said = ""
    try:
        assert checked_pattern(pattern) == pattern
    except RelgateError as error:
        said = str(error)
    assert said.isprintable()
