"""A project whose tags have no v (flask, black, build, orjson) is judged like one whose tags have one.

The two spellings are two series: which one counts the profile says, and nothing guesses it.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pytest_relgate.errors import RelgateError
from pytest_relgate.evidence.verify import Expectation, _expected_at
from pytest_relgate.github.dispatch import names_a_tag
from pytest_relgate.model import Phase
from pytest_relgate.profile import parse_profile
from pytest_relgate.source.artifact_facts import expected_names
from pytest_relgate.source.git import Repository
from pytest_relgate.source.target import newest_tag, resolve_base, resolve_target
from pytest_relgate.source.versions import (
    PLAIN,
    WITH_V,
    base_of,
    names_a_release,
    newest_of,
    parse_target,
    tag_like,
    version_of_tag,
)

BOTH = ("0.9.0", "1.0.0", "1.1.0", "v0.8.0", "v1.0.5", "2.0.0rc1", "1.2")


def test_the_base_is_a_tag_spelled_like_the_target() -> None:
    assert base_of("1.1.0", BOTH, like=PLAIN).tag == "1.0.0"
    assert base_of("v1.1.0", BOTH).tag == "v1.0.5"
    assert base_of("1.1.0", BOTH, like=PLAIN).ignored == ("1.2", "2.0.0rc1", "v0.8.0", "v1.0.5")
    assert base_of("2.0.0-rc.1", BOTH, like=PLAIN).tag == "1.1.0"


def test_the_newest_tag_is_one_of_the_profiles_spelling() -> None:
    assert newest_of(BOTH) == "v1.0.5"
    assert newest_of(BOTH, like=PLAIN) == "1.1.0"


@pytest.mark.parametrize(
    ("text", "like", "says"),
    [
        ("1.1.0", WITH_V, 'type `--release-target v1.1.0`, or say tag = "{version}" in relgate.toml'),
        ("v1.1.0", PLAIN, "expected X.Y.Z, .*type `--release-target 1.1.0`$"),
        ("1.1", PLAIN, "type `--release-target 1.1.0`$"),
        ("banana", PLAIN, "name one with `--release-target X.Y.Z`$"),
        ("01.1.0", PLAIN, "type `--release-target 1.1.0`$"),
    ],
)
def test_the_other_spelling_is_refused_with_what_to_type(text: str, like: str, says: str) -> None:
    with pytest.raises(RelgateError, match=says.replace("{version}", r"\{version\}")):
        parse_target(text, like=like)


def test_the_spelling_of_the_profile_is_one_of_two() -> None:
    assert parse_profile(b'project = "demo"', "relgate.toml").tag == WITH_V
    assert parse_profile(b'project = "demo"\ntag = "{version}"', "relgate.toml").tag == PLAIN
    with pytest.raises(RelgateError, match=r"relgate\.toml:2"):
        parse_profile(b'project = "demo"\ntag = "release-{version}"', "relgate.toml")


def test_a_tag_in_the_profile_is_spelled_as_the_profile_says() -> None:
    text = 'project = "demo"\ntag = "{version}"\n[history]\nsince = "%s"\n'
    assert parse_profile((text % "1.0.0").encode(), "relgate.toml").history.since == "1.0.0"
    with pytest.raises(RelgateError, match=r"relgate\.toml:4: .*expected a release tag X\.Y\.Z, found"):
        parse_profile((text % "v1.0.0").encode(), "relgate.toml")


def test_what_is_named_by_a_tag_is_spelled_as_it_is() -> None:
    assert (tag_like("1.0.0", "1.1.0"), tag_like("v1.0.0", "1.1.0")) == ("1.1.0", "v1.1.0")
    assert expected_names(["demo-{tag}.zip"], "1.1.0", "1.1.0") == ("demo-1.1.0.zip",)
    assert names_a_release("1.1.0")
    assert names_a_release("v1.1.0")
    assert not names_a_release("1.1")
    assert version_of_tag("1.1.0") is None
    assert version_of_tag("v1.1.0", like=PLAIN) is None
    assert names_a_tag("Publish 1.1.0", "1.2.0")
    assert not names_a_tag("Publish 1.1.0", "v1.2.0")


def test_a_repository_with_plain_tags_has_target_base_and_newest(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        config = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        subprocess.run(["git", *config, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q")
    for tag in ("3.1.2", "3.1.3"):
        git("commit", "-q", "--allow-empty", "-m", tag)
        git("tag", tag)
    repo = Repository.at(tmp_path)

    def at_head(like: str) -> tuple[str, str]:
        return resolve_target(
            option=None, environ={}, repo=repo, phase=Phase.PRERELEASE, newest=lambda: None, like=like
        )

    assert at_head(PLAIN) == ("3.1.3", "tag at HEAD")
    with pytest.raises(RelgateError, match=r'tag = "\{version\}" in relgate\.toml if 3\.1\.3 is a release$'):
        at_head(WITH_V)
    assert newest_tag(repo, like=PLAIN) == "3.1.3"
    assert resolve_base(override=None, target="3.1.3", repo=repo)[0] == "3.1.2"
    # Without the key nothing is compared with; the header says which key is missing.
    tag, _, why = resolve_base(override=None, target="v3.1.3", repo=repo)
    assert (tag, why.partition("if these")[2]) == (
        "",
        ' are the releases, say tag = "{version}" in relgate.toml)',
    )


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("release-evidence/3.1.2/prerelease", ("prerelease", "3.1.2")),
        ("release-evidence/v3.1.2/prerelease", ("prerelease", "v3.1.2")),
        ("somewhere/prerelease", ("prerelease", "")),
    ],
)
def test_evidence_in_the_folder_of_another_plain_tag_is_of_another_release(
    folder: str, expected: tuple[str, str]
) -> None:
    """A copy of 3.1.3 below 3.1.2 was verified as PASSED."""
    anything = Expectation(now="", repository=None, under_release=None)
    assert _expected_at(Path(folder), anything) == expected
