"""A version is found in the tags of any project, and spelled as each channel spells it."""

from __future__ import annotations

import pytest

from pytest_relgate.audit.tagged import read_tag
from pytest_relgate.errors import RelgateError


@pytest.mark.parametrize(
    ("tag", "semver", "python"),
    [
        ("v0.8.0", "0.8.0", "0.8.0"),
        ("0.14.0", "0.14.0", "0.14.0"),
        ("plasmite-v0.8.0-rc.1", "0.8.0-rc.1", "0.8.0rc1"),
        ("@biomejs/biome@2.0.0", "2.0.0", "2.0.0"),
        ("cli/v1.9.4", "1.9.4", "1.9.4"),
        ("release_1.2.3", "1.2.3", "1.2.3"),
        ("1.0.0rc1", "", "1.0.0rc1"),
        ("25.0", "", "25.0"),
        ("2024.01.05", "", "2024.1.5"),
        ("310", "", "310"),
        ("v1.2.0-next.1", "1.2.0-next.1", ""),
        ("python-3.0-v1.2.0", "1.2.0", "1.2.0"),
    ],
)
def test_the_version_of_a_tag(tag: str, semver: str, python: str) -> None:
    found = read_tag(tag)
    assert (found.semver, found.python) == (semver, python)
    assert found.spelled("npm") == found.spelled("crates") == semver
    assert found.spelled("pypi") == python


@pytest.mark.parametrize(
    "tag", ["", "latest", "v", "release-", "v1.x", "1.2.3\n", "v" + "9" * 400, "v\uff11.2.3"]
)
def test_what_is_no_version_is_one_line(tag: str) -> None:
    with pytest.raises(RelgateError, match="expected a tag with a version") as caught:
        read_tag(tag)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("tag", "written", "agrees"),
    [
        ("v0.8.0", "0.8.0", True),
        ("v0.8.0", "0.8.0+build", True),
        ("v0.8.0", "0.8.1", False),
        ("1.0.0rc1", "1.0.0-rc.1", True),
        ("v1.0.0-rc.1", "1.0.0rc1", True),
        ("25.0", "25.0.0", True),
        ("v1.2.0-next.1", "1.2.0", False),
        ("v1.0.0", "banana", False),
    ],
)
def test_a_manifest_agrees_in_any_spelling(tag: str, written: str, agrees: bool) -> None:
    assert read_tag(tag).agrees(written) is agrees
