"""Release tags as versions: SemVer 2.0 precedence through ``semver``. Pure. SPEC S1, S5, U8."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Literal

import msgspec
from semver import Version

from pytest_relgate.errors import RelgateError

if TYPE_CHECKING:
    from collections.abc import Iterable

Policy = Literal["auto", "any", "stable"]

WITH_V = "v{version}"
PLAIN = "{version}"
"""How release tags are spelled, as ``tag`` of the profile says it."""

LONGEST_TAG = 255
"""Longer names cannot be files in a git repository; the cap keeps numbers in them cheap."""

# The grammar of semver.org, item 9 to 11 and the FAQ, behind the v of a release tag. It is stricter than
# some versions of the semver package, which let a final newline or digits of other scripts through.
# A project whose tags have no v says so in its profile; one run reads tags of one spelling only.
_NUMBER = r"0|[1-9][0-9]*"
_PART = rf"(?:{_NUMBER}|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
_TAG = re.compile(
    rf"(?P<v>v?)(?P<major>{_NUMBER})\.(?P<minor>{_NUMBER})\.(?P<patch>{_NUMBER})"
    rf"(?P<pre>-{_PART}(?:\.{_PART})*)?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)
_NEARLY = re.compile(r"v?\s*([0-9]+)\.([0-9]+)(?:\.([0-9]+))?([-+].*)?", re.IGNORECASE)


class Base(msgspec.Struct, frozen=True):
    """The tag that a release is compared with. ``tag`` is empty for a first release.

    ``why`` is for people; ``ignored`` names the tags that are no version spelled like the target, sorted.
    """

    tag: str
    why: str
    ignored: tuple[str, ...] = ()


def parse_target(
    text: str, source: str = "--release-target", option: str = "--release-target", *, like: str = WITH_V
) -> Version:
    """Read a release tag ``vX.Y.Z[-pre][+build]`` (SemVer 2.0 behind a ``v``), or one without the v.

    ``source`` says where the text came from and ``option`` what would overrule it; ``like`` is ``tag`` of
    the profile, or a tag that is spelled as this one must be. Raises RelgateError for anything else, with
    what to type where that can be guessed.
    """
    version = version_of_tag(text, like=like)
    if version is None:
        v = like[:1] if like[:1] == "v" else ""
        guess = _nearest(text, v)
        advice = f"type `{option} {guess}`" if guess else f"name one with `{option} {v}X.Y.Z`"
        if v and version_of_tag(text, like=PLAIN):
            advice += f', or say tag = "{PLAIN}" in relgate.toml if the project\'s tags have no v'
        shown = ascii(text if len(text) <= LONGEST_TAG else text[:40] + "...")
        message = (
            f"{source}: expected {v}X.Y.Z, {v}X.Y.Z-pre or {v}X.Y.Z+build (SemVer 2.0), found {shown}: "
            f"{advice}"
        )
        raise RelgateError(message)
    return version


def version_of_tag(name: str, *, like: str = WITH_V) -> Version | None:
    """Version of a tag that has a ``v`` if and only if ``like`` has one, None if it is no SemVer version."""
    return Version.parse(name.removeprefix("v")) if _shape(name, like) else None


def tag_like(target: str, version: str) -> str:
    """Spell the tag of a version (SemVer, without a v) as another tag is spelled."""
    return f"v{version}" if target[:1] == "v" else version


def names_a_release(name: str) -> bool:
    """Whether a word is a release tag in either spelling."""
    return len(name) <= LONGEST_TAG and _TAG.fullmatch(name) is not None


def base_of(target: str, tag_names: Iterable[str], policy: Policy = "auto", *, like: str = WITH_V) -> Base:
    """Choose the base among tags: the highest one below the target in SemVer precedence (SPEC S5).

    ``auto`` takes stable tags for a stable target and all tags for a prerelease, ``stable`` and
    ``any`` always the one or the other. Build metadata has no precedence: a tag that differs from
    the target in nothing else is not lower, and among tags of equal precedence the first by name
    (so the one without build metadata) is taken. Tags with and without a v are two series, and ``like``
    says which counts. Raises RelgateError if the target is no version of that.
    """
    wanted = parse_target(target, like=like)
    stable_only = policy == "stable" or (policy == "auto" and wanted.prerelease is None)
    ceiling = (wanted.major, wanted.minor, wanted.patch)
    ignored = set()
    # Sorted by X.Y.Z alone first, so that of thousands of tags only a few are parsed and compared.
    below: dict[tuple[int, int, int], list[str]] = {}
    for name in tag_names:
        shape = _shape(name, like)
        if shape is None:
            ignored.add(name)
        elif not (stable_only and shape["pre"]):
            core = (int(shape["major"]), int(shape["minor"]), int(shape["patch"]))
            if core <= ceiling:
                below.setdefault(core, []).append(name)
    kind = "stable" if stable_only else "tag"
    for core in sorted(below, reverse=True):
        tag = _highest(name for name in below[core] if Version.parse(name.removeprefix("v")) < wanted)
        if tag:
            return Base(tag, f"last {kind} below {target}", tuple(sorted(ignored)))
    lacking = "stable tag" if stable_only else "tag"
    return Base("", f"first release: no lower {lacking}", tuple(sorted(ignored)))


def newest_of(tag_names: Iterable[str], *, like: str = WITH_V) -> str | None:
    """Choose the highest stable tag spelled like ``like``, else the highest prerelease, else None."""
    shapes = [shape for name in tag_names if (shape := _shape(name, like))]
    stable = [shape.string for shape in shapes if not shape["pre"]]
    return _highest(stable or (shape.string for shape in shapes)) or None


def _highest(tag_names: Iterable[str]) -> str:
    """First by name of the tags of highest precedence, empty if there are none."""
    versions = [(Version.parse(name.removeprefix("v")), name) for name in tag_names]
    if not versions:
        return ""
    top = max(version for version, _ in versions)
    return min(name for version, name in versions if version == top)


def _shape(name: str, like: str) -> re.Match[str] | None:
    found = _TAG.fullmatch(name) if len(name) <= LONGEST_TAG else None
    return found if found and (found["v"] == "v") == (like[:1] == "v") else None


def _nearest(text: str, v: str) -> str:
    """Guess which tag was meant by a text that is none, empty where that is anybody's guess."""
    if len(text) > LONGEST_TAG:
        return ""
    plain = unicodedata.normalize("NFKC", text).strip().removeprefix("refs/tags/")
    parts = _NEARLY.fullmatch(plain)
    if not parts:
        return ""
    major, minor, patch = (str(int(part or "0")) for part in parts.groups()[:3])
    guess = f"{v}{major}.{minor}.{patch}{parts[4] or ''}"
    return guess if _shape(guess, v) else ""
