"""A Homebrew tap: the formula at a commit of its default branch, read by its structure, never evaluated.

A tap has one version at a time. The archives are elsewhere, mostly in the GitHub release, so what is judged
here is what the formula says of them: which file, which checksum, for which platform.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from pytest_relgate.channels.look import usable
from pytest_relgate.channels.observation import File, Observation, Presence
from pytest_relgate.errors import Finding
from pytest_relgate.net.facts import Absent, Known, Unknown
from pytest_relgate.net.origins import PUBLIC
from pytest_relgate.source.formula import PLATFORMS, Formula, Stated, read_formula
from pytest_relgate.source.formula_rules import contradictions

if TYPE_CHECKING:
    from pytest_relgate.channels.look import Look
    from pytest_relgate.net.facts import Fact

_HEX: Final = re.compile(r"[0-9a-f]{64}")
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
    doubts = _elsewhere(formula, look) if mine else ()
    return Observation(
        look.name,
        look.channel.kind,
        Presence.COMPLETE if mine else Presence.ABSENT,
        where=where,
        version=formula.version if mine else "",
        resolved=formula.version,
        files=_archives(formula) if mine else (),
        flags=_withdrawn(formula, datetime.now(UTC).date()) if mine else frozenset(),
        odd=(*_odd(formula), *_of_another_release(formula, look)) if mine else (),
        doubts=doubts,
        do=f"say where they lie: channels.{look.name}.download in relgate.toml" if doubts else "",
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


def _urls(formula: Formula) -> list[Stated]:
    return [one for one in formula.stated if one.kind == "url" and one.value and one.platforms]


def _of_another_release(formula: Formula, look: Look) -> tuple[str, ...]:
    """Archives in the folder of another release, or not all of them in one place."""
    urls = _urls(formula)
    words = []
    for one in urls:
        found = _DOWNLOAD.search(urlsplit(one.value or "").path)
        if found and found[1] != look.tag:
            words.append(f"{formula.at(one.line)} points at the release {found[1]}, expected {look.tag}")
    places = sorted({(one.value or "").rpartition("/")[0] for one in urls})
    if len(places) > 1 and not words:
        words.append(f"{formula.path} has its archives in {len(places)} places: {', '.join(places)}")
    return tuple(words)


def _elsewhere(formula: Formula, look: Look) -> tuple[str, ...]:
    """Archives that lie where nothing says that the project's archives lie.

    Their checksums hold anywhere, so this is no divergence; but whose host or repository it is, nobody knows.
    """
    if look.channel.download:
        bases = [look.channel.download]
    elif look.repository:
        hosts = (PUBLIC.github_web, look.origins.github_web)
        bases = [f"{host}/{look.repository}/releases/download".lower() for host in hosts]
    else:
        return ()
    words = []
    for one in _urls(formula):
        url = one.value or ""
        if not any((url if look.channel.download else url.lower()).startswith(f"{base}/") for base in bases):
            words.append(f"{formula.at(one.line)} has its archive at {url}, expected below {bases[0]}")
    return tuple(words)


def _withdrawn(formula: Formula, today: date) -> frozenset[str]:
    """Whether Homebrew warns of the formula, or refuses to install it, where it has an archive.

    https://docs.brew.sh/Deprecating-Disabling-and-Removing-Formulae: a date in the future has not come yet; a
    formula that will be disabled is deprecated until then. A date that only Ruby could tell may have come.
    """
    shipped = frozenset(platform for one in _urls(formula) for platform in one.platforms)
    flags = set()
    for one in formula.stated:
        if one.kind in ("deprecate!", "disable!") and one.platforms & shipped:
            come = _day(one.value) <= today
            flags |= {"disabled"} if come and one.kind == "disable!" else set()
            flags |= {"deprecated"} if come or one.kind == "disable!" else set()
    return frozenset(flags)


def _day(text: str | None) -> date:
    """A date as a formula writes it; what is none has been since ever."""
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return date.min


def _archives(formula: Formula) -> tuple[File, ...]:
    """The archives that are installed from, each once, with the checksum that stands under its branch."""
    found: dict[tuple[str, str], None] = {}
    for platform in PLATFORMS:
        for url, digest in zip(formula.of("url", platform), formula.of("sha256", platform), strict=False):
            found[urlsplit(url.value or "").path.rpartition("/")[2], digest.value or ""] = None
    return tuple(File(name, None, usable({"sha256": digest})) for name, digest in found)


def _formula(look: Look, path: str) -> Fact[bytes]:
    """Resolve the branch to a commit first: hosts of files cache branches for minutes."""
    tap = look.api.facts(fresh=look.fresh)
    if not isinstance(tap, Known):
        return tap
    look.exchanges += tap.exchanges
    head = look.api.branch_head(tap.value.default_branch, fresh=look.fresh)
    if not isinstance(head, Known):
        return head
    look.exchanges += head.exchanges
    return look.api.contents(path, head.value, fresh=look.fresh)
