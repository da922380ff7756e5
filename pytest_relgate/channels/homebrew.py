"""A Homebrew tap: the formula at a commit of its default branch, read by its structure, never evaluated.

A tap has one version at a time. The archives are elsewhere, mostly in the GitHub release, so what is judged
here is what the formula says of them: which file, which checksum, for which platform.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from pytest_relgate.channels.look import usable
from pytest_relgate.channels.observation import File, Observation, Presence
from pytest_relgate.errors import Finding
from pytest_relgate.net.facts import Absent, Known, Unknown
from pytest_relgate.source.formula import PLATFORMS, Formula, Stated, read_formula
from pytest_relgate.source.formula_rules import contradictions

if TYPE_CHECKING:
    from pytest_relgate.channels.look import Look
    from pytest_relgate.net.facts import Fact

_HEX: Final = re.compile(r"[0-9a-f]{64}")
_DISABLE: Final = re.compile(r"\s*disable!(?:\s|\(|$)")
_DOWNLOAD: Final = re.compile(r"/releases/download/([^/]+)/")
_TAG: Final = re.compile(r"/v?(\d+\.\d+\.\d+[^/]*)/")


def observe(look: Look) -> Observation:
    """Look at the formula: at the commit that the tap's default branch is at now."""
    path = look.channel.formula or f"Formula/{look.package}.rb"
    where = f"{look.origins.github_web}/{look.channel.tap}/blob/HEAD/{path}"
    fact = _formula(look, path)
    match fact:
        case Unknown() as unknown:
            return look.unknown(unknown, where)
        case Absent() as absent:
            return look.absent(absent, where)
        case Known(value=raw, exchanges=exchanges):
            look.exchanges += exchanges
    try:
        formula = _with_version(read_formula(path, raw))
    except Finding as error:
        return look.unknown(Unknown(error.found, error.do, (), final=True), where)
    if not formula.version:
        words = f"{path} of {look.channel.tap} does not say its version"
        return look.unknown(Unknown(words, "state the version in it", (), final=True), where)
    mine = formula.version == look.expected.spelled
    return Observation(
        look.name,
        look.channel.kind,
        Presence.COMPLETE if mine else Presence.ABSENT,
        where=where,
        version=formula.version if mine else "",
        resolved=formula.version,
        files=_archives(formula) if mine else (),
        odd=(*_odd(formula), *_elsewhere(formula, look), *_disabled(path, raw)) if mine else (),
        whole=True,
        exchanges=tuple(look.exchanges),
    )


def _with_version(formula: Formula) -> Formula:
    """Add the version that Homebrew itself works out of the addresses, where none is stated.

    Checksums are put in lower case: they are the same in any.
    """
    stated = tuple(
        Stated(one.kind, one.value.lower(), one.platforms, one.line, one.certain)
        if one.kind == "sha256" and one.value
        else one
        for one in formula.stated
    )
    if formula.version is None:
        urls = (one.value or "" for one in stated if one.kind == "url")
        tags = {found[1] for url in urls if (found := _TAG.search(url))}
        if len(tags) == 1:
            stated += (Stated("version", tags.pop(), frozenset(PLATFORMS), 0),)
    return Formula(formula.path, stated)


def _odd(formula: Formula) -> tuple[str, ...]:
    """What contradicts itself. A word in the place of a checksum is for a template, not for a tap."""
    words = [
        f"{formula.at(one.line)} has no checksum but {one.value or 'what only Ruby could tell'}"
        for one in formula.stated
        if one.kind == "sha256" and not _HEX.fullmatch(one.value or "")
    ]
    return (*(str(one) for one in contradictions(formula)), *words)


def _elsewhere(formula: Formula, look: Look) -> tuple[str, ...]:
    """Archives in the folder of another release, or not all of them in one place.

    The address itself is the project's choice: a tap may point at any host, and its checksums hold anywhere.
    """
    urls = [one for one in formula.stated if one.kind == "url" and one.value and "#{" not in one.value]
    words = []
    for one in urls:
        found = _DOWNLOAD.search(urlsplit(one.value or "").path)
        if found and found[1] != look.tag:
            words.append(f"{formula.at(one.line)} points at the release {found[1]}, expected {look.tag}")
    places = sorted({(one.value or "").rpartition("/")[0] for one in urls})
    if len(places) > 1 and not words:
        words.append(f"{formula.path} has its archives in {len(places)} places: {', '.join(places)}")
    return tuple(words)


def _disabled(path: str, raw: bytes) -> tuple[str, ...]:
    """What Homebrew refuses to install: https://docs.brew.sh/Deprecating-Disabling-and-Removing-Formulae."""
    lines = raw.decode("utf-8", "replace").splitlines()
    return tuple(
        f"{path}:{n} says disable!, so that Homebrew does not install it"
        for n, line in enumerate(lines, 1)
        if _DISABLE.match(line)
    )


def _archives(formula: Formula) -> tuple[File, ...]:
    """The archives that are installed from, each once, with the checksum that stands under its branch."""
    found: dict[tuple[str, str], None] = {}
    for platform in PLATFORMS:
        for url, digest in zip(formula.of("url", platform), formula.of("sha256", platform), strict=False):
            found[urlsplit(url.value or "").path.rpartition("/")[2], digest.value or ""] = None
    return tuple(File(name, None, usable({"sha256": digest})) for name, digest in found)


def _formula(look: Look, path: str) -> Fact[bytes]:
    """Resolve the branch to a commit first: hosts of files cache branches for minutes."""
    tap = look.api.facts()
    if not isinstance(tap, Known):
        return tap
    look.exchanges += tap.exchanges
    head = look.api.branch_head(tap.value.default_branch)
    if not isinstance(head, Known):
        return head
    look.exchanges += head.exchanges
    return look.api.contents(path, head.value)
