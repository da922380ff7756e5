"""Every version that a channel serves, and what it says against one: the whole list, for one look a week.

npm: the package's document (it may be minutes old); crates.io: the sparse index; PyPI: the project's page;
GitHub: the list of releases. A Homebrew tap has one version at a time, and no list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec

from pytest_relgate.channels import crates, pypi
from pytest_relgate.net.facts import Absent, Known, Unknown, json_of
from pytest_relgate.source.versions import version_of_tag

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_relgate.channels.look import Look
    from pytest_relgate.net.facts import Fact

_SHORT: Final = "application/vnd.npm.install-v1+json"


class Ledger(msgspec.Struct, frozen=True):
    """The versions of a channel as it spells them, each with what it says against it: ``yanked``, or nothing.

    Pairs, so that a ledger can be a key. ``mirror``: it is a copy, and what it lacks the origin may have.
    """

    channel: str
    kind: str
    where: str
    listed: tuple[tuple[str, str], ...]
    mirror: bool = False

    @property
    def versions(self) -> dict[str, str]:
        """What is said against each version, by version."""
        return dict(self.listed)


class _Version(msgspec.Struct, frozen=True, gc=False):
    deprecated: str | bool | None = None


class _Packument(msgspec.Struct, frozen=True):
    versions: dict[str, _Version] = {}


def ledger_of(look: Look) -> Ledger | Unknown | None:
    """Read the list of a channel; None for a channel that has none. What is absent serves nothing."""
    reader = _READERS.get(look.channel.kind)
    if reader is None:
        return None
    fact = reader(look)
    match fact:
        case Unknown():
            return fact
        case Absent(url=url):
            return Ledger(look.name, look.channel.kind, url, (), look.channel.mirror)
        case Known(value=ledger):
            return msgspec.structs.replace(ledger, mirror=look.channel.mirror)


def _npm(look: Look) -> Fact[Ledger]:
    where = f"{look.channel.base or look.origins.npm}/{quote(look.package, safe='@')}"
    answer = look.http.get(where, accept=_SHORT)
    fact = json_of(answer, _Packument, f"the package {look.package}", each=b"{")
    if not isinstance(fact, Known):
        return fact
    versions = {
        number: "deprecated" if one.deprecated not in (None, False, "") else ""
        for number, one in fact.value.versions.items()
    }
    return Known(Ledger(look.name, "npm", where, tuple(versions.items())), fact.exchanges)


def _crates(look: Look) -> Fact[Ledger]:
    where = f"{look.channel.base or look.origins.crates_index}/{crates.index_path(look.package)}"
    fact = crates.lines_of(look, where)
    if not isinstance(fact, Known):
        return fact
    versions = {line.vers: "yanked" if line.yanked else "" for line in fact.value}
    return Known(Ledger(look.name, "crates", where, tuple(versions.items())), fact.exchanges)


def _pypi(look: Look) -> Fact[Ledger]:
    base = look.channel.base or f"{look.origins.pypi}/simple"
    where, by_version = pypi.versions_of(look, base)
    if not isinstance(by_version, Known):
        return by_version
    versions = {
        str(number): "yanked" if any(map(pypi.is_yanked, files)) else ""
        for number, files in by_version.value.items()
    }
    return Known(Ledger(look.name, "pypi", where, tuple(versions.items())), by_version.exchanges)


def _github(look: Look) -> Fact[Ledger]:
    where = f"{look.origins.github_web}/{look.api.repository}/releases"
    fact = look.api.releases()
    if not isinstance(fact, Known):
        return fact
    named = [one.tag_name for one in fact.value if not one.draft]
    tags = [tag for tag in named if version_of_tag(tag, like=look.tag)]
    versions = dict.fromkeys((tag.removeprefix("v") for tag in tags), "")
    return Known(Ledger(look.name, "github-release", where, tuple(versions.items())), fact.exchanges)


_READERS: Final[Mapping[str, Callable[[Look], Fact[Ledger]]]] = {
    "crates": _crates,
    "github-release": _github,
    "npm": _npm,
    "pypi": _pypi,
}
