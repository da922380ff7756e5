"""How PyPI spells a SemVer version, and what it cannot spell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version as Pep440

from pytest_relgate.source.ecosystems import Ecosystem, disagreement, pep440_of


@pytest.mark.parametrize(
    ("version", "spelled"),
    [
        ("1.2.0", "1.2.0"),
        ("1.2.0-rc.1", "1.2.0rc1"),
        ("1.2.0-rc1", "1.2.0rc1"),
        ("1.2.0-alpha.2", "1.2.0a2"),
        ("1.2.0-beta", "1.2.0b0"),
        ("1.2.0-dev.3", "1.2.0.dev3"),
        ("1.2.0+build.7", "1.2.0"),
        ("1.2.0-next.1", None),
        ("1.2.0-rc.1.2", None),
        ("1.2.0-1", None),
    ],
)
def test_pypi_spells_a_version_in_its_own_way(version: str, spelled: str | None) -> None:
    assert pep440_of(version) == spelled


@given(
    st.tuples(*[st.integers(0, 10**6)] * 3),
    st.sampled_from(["", "-alpha", "-beta", "-rc", "-dev"]),
    st.integers(0, 99),
)
def test_what_is_spelled_is_normal_and_sorts_as_its_words_do(
    core: tuple[int, int, int], word: str, number: int
) -> None:
    version = ".".join(map(str, core)) + (f"{word}.{number}" if word else "")
    spelled = pep440_of(version)
    assert spelled is not None
    assert str(Pep440(spelled)) == spelled
    assert Pep440(spelled).release == core
    assert Pep440(spelled).is_prerelease == bool(word)
    assert disagreement(spelled, version, Ecosystem.PYPI) == ""


@pytest.mark.parametrize(
    ("written", "version", "agrees"),
    [
        ("1.0.0", "1.0.0", True),
        ("1.0.0+build.1", "1.0.0+build.1", True),
        ("1.0.0", "1.0.0+build.1", True),  # registries know no build metadata
        ("1.0.0+build.2", "1.0.0+build.1", False),
        ("1.0.0-rc.1", "1.0.0", False),
        ("v1.0.0", "1.0.0", False),
        ("1.0", "1.0.0", False),
        ("01.0.0", "1.0.0", False),
    ],
)
def test_cargo_and_npm_spell_a_version_as_semver_does(written: str, version: str, agrees: bool) -> None:
    for ecosystem in (Ecosystem.CARGO, Ecosystem.NPM):
        assert (disagreement(written, version, ecosystem) == "") == agrees
