"""A channel of the profile says what it is, and nothing that it is not."""

from __future__ import annotations

import pytest

from pytest_relgate.errors import RelgateError
from pytest_relgate.profile import parse_profile


def parsed(text: str) -> object:
    return parse_profile(f'project = "demo"\n[channels.it]\n{text}'.encode(), "relgate.toml").channels["it"]


@pytest.mark.parametrize(
    "text",
    [
        'kind = "npm"\npackage = "@scope/demo"\ntag = "next"',
        'kind = "pypi"\nbase = "https://mirror.example/root"\nmirror = true',
        'kind = "npm"\nbase = "https://npm.example"',
        'kind = "crates"\njob = "publish-crates"',
        'kind = "github-release"\nchecksums = "SHA256SUMS"',
        'kind = "homebrew"\ntap = "ada/homebrew-tap"\nformula = "Formula/demo.rb"',
    ],
)
def test_channels_that_hold_together(text: str) -> None:
    assert parsed(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('package = "demo"', 'missing key "kind"'),
        ('kind = "nmp"', 'did you mean "npm"'),
        ('kind = "npm"\nfiles = []', 'unknown key "files"'),
        ('kind = "homebrew"', "expected tap"),
        ('kind = "npm"\ntap = "ada/tap"', 'tap is for a channel of the kind "homebrew"'),
        ('kind = "crates"\ntag = "latest"', 'tag is for a channel of the kind "npm"'),
        ('kind = "homebrew"\ntap = "a/b"\nbase = "https://m"', "base is for a registry"),
        ('kind = "npm"\nbase = "https://m/"', "no slash at its end"),
        ('kind = "npm"\nbase = "https://ada:pw@m"', "expected an address"),
        ('kind = "npm"\nmirror = true', "there is none: add base"),
        ('kind = "npm"\nmirror = "https://m"', "expected true or false"),
        ('kind = "npm"\npackage = "a b"', "the name of a package"),
    ],
)
def test_what_does_not_is_one_line_with_its_place(text: str, words: str) -> None:
    with pytest.raises(RelgateError) as caught:
        parsed(text)
    assert words in str(caught.value)
    assert str(caught.value).startswith("relgate.toml:")
    assert "\n" not in str(caught.value)
