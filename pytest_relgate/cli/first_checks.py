"""The text of a first profile and of the first gates, from what is known of a project. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from pytest_relgate.audit.tagged import read_tag
from pytest_relgate.profile import parse_profile
from pytest_relgate.source.manifests import LOCKFILES
from pytest_relgate.source.versions import WITH_V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_relgate.cli.first_facts import First

WIDTH: Final = 80
PROFILE: Final = "relgate.toml"
SOURCE: Final = "test_1_source.py"
RELEASED: Final = "test_5_released.py"
RELEASE_KINDS: Final = ("pypi", "npm", "crates", "github-release", "homebrew")


def first_checks(first: First) -> dict[str, str]:
    """The files of the checks folder by their names; none where nothing is known that a gate could judge.

    Raises RelgateError where the profile that was drafted would not be one: a fault of this program.
    """
    gates = list(_source_gates(first))
    if not gates:
        return {}
    profile = "".join(_profile(first))
    parse_profile(profile.encode(), PROFILE)
    files = {PROFILE: profile, SOURCE: _SOURCE + "".join(gates)}
    if first.channels:
        files[RELEASED] = _RELEASED
    return files


def _profile(first: First) -> Iterator[str]:
    yield "# Drafted by relgate init; every key: docs/profile.md of pytest-relgate.\n"
    yield f"schema = 1\nproject = {_toml(first.project.value)}\n"
    if first.repository.value:
        yield f"repository = {_toml(first.repository.value)}\n"
    if first.spelling != WITH_V:
        yield f"tag = {_toml(first.spelling)}\n"
    if first.manifests:
        paths = [_toml(one.path) for one in first.manifests]
        on_one = f"manifests = [{', '.join(paths)}]\n"
        yield (
            on_one
            if len(on_one) <= WIDTH
            else "manifests = [\n" + "".join(f"    {one},\n" for one in paths) + "]\n"
        )
    yield f"changelog = {_toml(first.changelog.value if first.changelog else '')}\n"
    taken: set[str] = set()
    for one in first.channels:
        name = one.kind if one.kind not in taken else f"{one.kind}-{_word(one.name)}"
        if name in taken:
            continue
        taken.add(name)
        yield f"\n[channels.{name}]  # assumed, from {one.why}\nkind = {_toml(one.kind)}\n"
        yield f"package = {_toml(one.name)}\n"
        if one.tap:
            yield f"tap = {_toml(one.tap)}\n"


def _source_gates(first: First) -> Iterator[str]:
    for one in first.commands:
        yield _TESTS.format(name=one.name, words=one.line, line=json.dumps(one.line))
    if first.manifests:
        yield _CARRIES
    if any(one.path.rpartition("/")[2] in LOCKFILES for one in first.manifests):
        yield _LOCKFILES
    if first.changelog:
        yield _CHANGELOG


_SOURCE: Final = '''"""What must hold of the source before a release."""

import pytest

pytestmark = pytest.mark.prerelease
'''
_TESTS: Final = '''

def test_{name}(run):
    """The project's own tests pass: {words}."""
    run({line})
'''
_CARRIES: Final = '''

def test_every_manifest_carries_the_version(source, release):
    """Every manifest and lockfile carries the version."""
    assert source.carries(release.version)
'''
_LOCKFILES: Final = '''

def test_lockfiles_are_fresh(source):
    """Every lockfile was written from the manifest beside it."""
    assert source.has_fresh_lockfiles()
'''
_CHANGELOG: Final = '''

def test_the_changelog_is_final(source, release):
    """The changelog has a section for the version, and nothing is left as unreleased."""
    assert source.has_final_changelog(release.version)
'''
_RELEASED: Final = '''"""What must hold once the release is out."""

import pytest

pytestmark = pytest.mark.postrelease


def test_version(channel, release):
    """The channel serves the release, to whoever names no version too."""
    assert channel.version == release.version
'''


def _toml(text: str) -> str:
    """Text as a TOML string: JSON's escapes are TOML's too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _word(name: str) -> str:
    """A name of letters, digits, - and _, as a channel has."""
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")


def next_target(first: First) -> str:
    """The tag to type in the first run, ``X.Y.Z`` where nobody knows it."""
    return first.target or first.spelling.replace("{version}", "X.Y.Z")


def is_out(first: First) -> bool:
    """Whether the version that the manifests carry is that of the newest tag."""
    return bool(first.tagged and first.version) and read_tag(first.tagged).agrees(first.version)
