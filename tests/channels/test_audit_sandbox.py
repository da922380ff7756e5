"""The sandbox's release audited from outside, as a stranger would: good, and with each channel's faults."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.audit.keeping import Keeping
from pytest_relgate.audit.run import audited
from pytest_relgate.audit.tagged import read_tag
from pytest_relgate.sandbox.box import open_box

if TYPE_CHECKING:
    from pytest_relgate.audit.answer import Answer

ROOT = Path(__file__).parents[2]


def look(cache: Path, *faults: str, tag: str = "v0.1.9") -> Answer:
    box = open_box(ROOT, faults, {**os.environ, "XDG_CACHE_HOME": str(cache)})
    try:
        box.aim(tag)
        with Keeping() as http:
            return audited(
                http,
                box.origins,
                read_tag(tag),
                slug="sandover/plasmite",
                checkout=Path(),
                named=(),
                mirrors={},
            )
    finally:
        box.close()


def test_a_good_release_passes_on_every_channel(cache: Path) -> None:
    verdict = look(cache)
    assert verdict.word == "PASSED", verdict.findings
    assert verdict.findings == ()
    assert {
        row.channel: (row.version, row.read == row.files or row.channel == "homebrew") for row in verdict.rows
    } == dict.fromkeys(("github-release", "crates", "npm", "pypi", "homebrew"), ("0.1.9", True))
    assert len(verdict.commit) == 40
    assert any("bindings/node/native/Cargo.toml" in one for one in verdict.left_out)


def test_an_old_release_is_judged_where_it_still_can_be(cache: Path) -> None:
    verdict = look(cache, tag="v0.1.5")
    assert verdict.word == "UNDECIDED"
    assert [one.channel for one in verdict.findings] == ["homebrew sandover/homebrew-tap"]
    assert "has one version at a time" in verdict.findings[0].words


@pytest.mark.parametrize(
    ("fault", "word", "channel", "words"),
    [
        ("github-absent", "UNDECIDED", "github-release", "shows no release of the tag"),
        ("github-draft", "UNDECIDED", "github-release", "or a draft"),
        ("github-missing", "PENDING", "github-release", "lacks plasmite_0.1.9_linux_amd64.tar.gz"),
        ("github-truncated", "FAILED", "github-release", "differs from the checksum that is stated"),
        ("crates-absent", "PENDING", "crates", "serves 0.1.8 and not yet 0.1.9"),
        ("crates-truncated", "FAILED", "crates", "cannot be opened"),
        ("crates-yanked", "FAILED", "crates", "is yanked"),
        ("npm-truncated", "FAILED", "npm", "cannot be opened"),
        ("npm-missing", "PASSED", "npm", "holds nothing at native/linux-x64/index.node"),
        ("npm-wrong-dist-tag", "PENDING", "npm", "gets still 0.1.8"),
        ("npm-deprecated", "FAILED", "npm", "is deprecated"),
        ("pypi-absent", "PENDING", "pypi", "serves 0.1.8 and not yet 0.1.9"),
        ("pypi-missing", "PASSED", "pypi", "no wheel for linux on amd64"),
        ("pypi-truncated", "FAILED", "pypi", "cannot be opened"),
        ("pypi-yanked", "FAILED", "pypi", "is yanked"),
        ("homebrew-missing", "PASSED", "homebrew", "has nothing for linux_arm64"),
        ("homebrew-wrong-digest", "FAILED", "homebrew", "differs from the checksum that is stated"),
        ("homebrew-swapped-branches", "FAILED", "homebrew", "the archive under this branch"),
        ("addon-of-another-architecture", "FAILED", "npm", "its folder for linux on amd64"),
        ("wheel-says-another-version", "FAILED", "pypi", "it says that it is version 0.0.9"),
        ("html-instead-of-json", "UNDECIDED", "github-release", "found HTML"),
        ("redirect-elsewhere", "UNDECIDED", "github-release", "redirected to"),
    ],
)
def test_a_fault_is_told_where_it_is(cache: Path, fault: str, word: str, channel: str, words: str) -> None:
    verdict = look(cache, fault)
    assert verdict.word == word, verdict.findings
    assert any(words in one.words for one in verdict.findings if one.channel.startswith(channel)), (
        verdict.findings
    )
