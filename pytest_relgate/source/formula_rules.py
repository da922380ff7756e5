"""Whether a Homebrew formula is aligned with the archives of a release, or contradicts itself. Pure.

SPEC S11, S52. Every platform is judged by what stands under its own branch.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from pytest_relgate.source.formula import PLATFORMS
from pytest_relgate.source.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_relgate.source.formula import Formula

EMPTY_FILE = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""SHA-256 of nothing at all."""

_HEX = re.compile(r"[0-9a-f]{64}")
_NONE_YET = re.compile(r"(?![0-9A-F]{64}$)[A-Z][A-Z0-9_]*")
_PLACEHOLDER = re.compile(rf"@\w+@|{_NONE_YET.pattern}")
_GNU = re.compile(r"\\?(?P<digest>[0-9A-Fa-f]{64})[ \t]+[*]?(?P<name>\S.*?)[ \t]*")
_BSD = re.compile(r"SHA2?-?256 ?\((?P<name>.+)\) ?= ?(?P<digest>[0-9A-Fa-f]{64})[ \t]*", re.IGNORECASE)
_WORDS = {
    "darwin": ("darwin", "macos", "apple", "osx"),
    "linux": ("linux",),
    "arm64": ("arm64", "aarch64"),
    "amd64": ("amd64", "x86_64", "x64", "intel"),
}


def read_checksums(text: str) -> dict[str, frozenset[str]]:
    """Read the SHA-256 sums of files, by their names without folders, in lower case.

    In the form of ``sha256sum`` (text or binary) or of BSD; what is neither is no checksum. A name with two
    sums has both.
    """
    found: dict[str, frozenset[str]] = {}
    for line in text.splitlines():
        match = _GNU.fullmatch(line) or _BSD.fullmatch(line)
        if match:
            name = posixpath.basename(match["name"])
            found[name] = found.get(name, frozenset()) | {match["digest"].lower()}
    return found


def misaligned(
    formula: Formula,
    version: str,
    archives: Mapping[str, str],
    checksums: Mapping[str, frozenset[str]],
    download: str,
) -> tuple[Problem, ...]:
    """Say in what a formula differs from a release.

    ``archives`` maps a platform (``linux_amd64``) to the name of its archive, ``checksums`` are those of the
    build, ``download`` is the address that the archives lie under.
    """
    problems: list[Problem] = []
    if formula.version != version:
        words = f"{formula.path} says version {formula.version or 'nothing'}, expected {version}"
        problems.append(Problem(words, formula.path, "fill the formula with what was built"))
    for platform, name in archives.items():
        problems += _of_platform(formula, platform, f"{download.rstrip('/')}/{name}", checksums.get(name))
    problems += _suspicious(formula, archives)
    return tuple(dict.fromkeys(problems))


def _of_platform(
    formula: Formula, platform: str, url: str, digests: frozenset[str] | None
) -> Iterator[Problem]:
    name = posixpath.basename(url)
    if not digests:
        yield Problem(f"{platform}: the build has no checksum of {name}", formula.path, "build it again")
    elif len(digests) > 1:
        yield Problem(f"{platform}: the build has two checksums of {name}", formula.path, "build it again")
    digest = next(iter(digests)) if digests and len(digests) == 1 else None
    for kind, wanted in (("url", url), ("sha256", digest)):
        stated = formula.of(kind, platform)
        if not stated:
            yield Problem(f"{platform}: {formula.path} has no {kind}", formula.path, f"add it for {platform}")
        if len(stated) > 1:
            lines = " and ".join(str(one.line) for one in stated)
            words = f"{platform}: {formula.path} has {len(stated)} {kind}s (lines {lines})"
            yield Problem(words, formula.at(stated[-1].line), "leave one of them")
        for one in stated:
            if not one.certain:
                words = f"{platform}: the {kind} stands under a condition that is not about the platform"
                yield Problem(words, formula.at(one.line), "let nothing but the platform decide")
            if wanted is not None and one.value != wanted:
                found = one.value or "what only Ruby could tell"
                yield Problem(f"{platform}: expected {kind} {wanted}, found {found}", formula.at(one.line))


def _suspicious(formula: Formula, platforms: Iterable[str]) -> Iterator[Problem]:
    """Checksums that cannot be right whatever the build says: one for two archives, that of nothing."""
    first = {platform: stated[0] for platform in platforms if (stated := formula.of("sha256", platform))}
    for digest in dict.fromkeys(one.value for one in first.values() if one.value):
        same = {platform: one.line for platform, one in first.items() if one.value == digest}
        names = ", ".join(same)
        # one line under no branch is one archive for all of them
        if len(set(same.values())) > 1 and not _NONE_YET.fullmatch(digest):
            yield Problem(f"{names} have one and the same checksum", formula.path, "build them again")
        if digest == EMPTY_FILE:
            yield Problem(f"{names}: the checksum is that of an empty file", formula.path, "build it again")


def contradictions(formula: Formula) -> tuple[Problem, ...]:
    """Say where a formula contradicts itself, whatever release it is of.

    For a formula that is kept beside the source, whose checksums are those of another release or, as a word
    like ``@LINUX_ARM64@`` or ``REPLACE_ME`` says, none yet: archives under the wrong branch, two versions, an
    archive without a checksum.
    """
    return tuple(_contradictions(formula))


def _contradictions(formula: Formula) -> Iterator[Problem]:
    versions = list(dict.fromkeys(one.value for one in formula.stated if one.kind == "version"))
    if len(versions) != 1:
        words = f"{formula.path} states {len(versions)} versions: {', '.join(map(str, versions)) or 'none'}"
        yield Problem(words, formula.path, "state one")
    for platform in PLATFORMS:
        urls, sums = formula.of("url", platform), formula.of("sha256", platform)
        if len(urls) != len(sums) or len(urls) > 1:
            last = (urls + sums)[-1].line
            words = f"{platform}: {formula.path} has {len(urls)} urls and {len(sums)} checksums"
            yield Problem(words, formula.at(last), "leave one of each")
        for one in urls:
            if wrong := _for_another(platform, one.value or ""):
                words = f"{platform}: the archive under this branch is {wrong}"
                yield Problem(words, formula.at(one.line), "put it under its own branch")
        for one in sums:
            plain = one.value is not None and (_HEX.fullmatch(one.value) or _PLACEHOLDER.fullmatch(one.value))
            if not plain:
                words = f"{platform}: expected 64 lower-case hex digits as sha256, found {one.value}"
                yield Problem(words, formula.at(one.line), "fill the formula with what was built")
    yield from _suspicious(formula, PLATFORMS)


def _for_another(platform: str, url: str) -> str:
    """The archive's name, where it says another platform than the branch that it stands under."""
    name = posixpath.basename(url)
    system, _, machine = platform.partition("_")
    for mine, other in ((system, {"darwin", "linux"}), (machine, {"arm64", "amd64"})):
        foreign = [word for part in other - {mine} for word in _WORDS[part]]
        if _says(name, foreign) and not _says(name, _WORDS[mine]):
            return name
    return ""


def _says(name: str, words: list[str] | tuple[str, ...]) -> bool:
    return any(re.search(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])", name.lower()) for word in words)


def archives_by_platform(names: tuple[str, ...]) -> dict[str, str]:
    """Which of these archives is for which platform, told by their names; the others are left out."""
    return {
        platform: name
        for platform in PLATFORMS
        for name in names
        if name.endswith((".tar.gz", ".tgz", ".tar.xz", ".zip"))
        and all(_says(name, _WORDS[part]) for part in platform.split("_"))
    }
