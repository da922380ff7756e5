"""PyPI and indexes like it: the Simple API in JSON (PEP 691, 700, 740), and the files.

``/pypi/NAME/json`` gives the newest stable version as the version of the project, and may lag: it is not
asked. Files are told apart by their names (packaging), because not every index lists versions.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final
from urllib.parse import urldefrag, urljoin

import msgspec
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

from pytest_relgate.channels.look import highest_python, usable
from pytest_relgate.channels.observation import File, Observation, Presence
from pytest_relgate.net.exchange import shown
from pytest_relgate.net.facts import Absent, Known, Short, Unknown, json_of

if TYPE_CHECKING:
    from pytest_relgate.channels.look import Look
    from pytest_relgate.net.facts import Fact

_AT_ONCE: Final = 4
"""Files that are read at once: a release may have more than a hundred of them."""

_MOST: Final = 20_000
"""Files of a project. The largest projects have some thousands."""

ACCEPT = "application/vnd.pypi.simple.v1+json"


class Hashes(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Digests of a file in hex, of those that can be worked out; a dict for each row would take much more."""

    sha256: str = ""
    sha384: str = ""
    sha512: str = ""
    sha1: str = ""
    md5: str = ""
    blake2b: str = ""


class Listed(msgspec.Struct, frozen=True, rename="kebab", gc=False):
    """A file of a project. ``yanked`` is false, true, or the reason."""

    filename: Short
    url: Short
    hashes: Hashes
    size: int | None = None
    yanked: bool | str = False
    upload_time: str | None = None
    provenance: str | None = None


class Project(msgspec.Struct, frozen=True):
    """A project's page."""

    name: str
    files: tuple[Listed, ...]


def observe(look: Look) -> Observation:
    """Look at the project's page, and read the bytes of the release's files."""
    base = look.channel.base or f"{look.origins.pypi}/simple"
    where = f"{base}/{canonicalize_name(look.package)}/"
    if not look.expected.spelled:
        words = f"{look.expected.version} has no spelling in PEP 440, and cannot be on a Python index"
        return look.unknown(
            Unknown(words, "name prereleases -alpha.N, -beta.N or -rc.N", (), final=True), where
        )
    where, fact = versions_of(look, base)
    match fact:
        case Unknown() as unknown:
            return look.unknown(unknown, where)
        case Absent() as absent:
            return look.absent(absent, where)
        case Known(value=by_version, exchanges=exchanges):
            look.exchanges += exchanges
    mine = by_version.get(Version(look.expected.spelled), [])
    offered = [one for one, files in by_version.items() if not all(is_yanked(file) for file in files)]
    names = Counter(listed.filename for listed in mine)
    with ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="wheel") as threads:
        files = tuple(threads.map(lambda listed: _read(look, where, listed, names), mine))
    return Observation(
        look.name,
        look.channel.kind,
        Presence.COMPLETE if mine else Presence.ABSENT,
        where=where,
        version=look.expected.spelled if mine else "",
        resolved=highest_python(offered),
        files=files,
        flags=frozenset({"yanked"}) if any(map(is_yanked, mine)) else frozenset(),
        provenance=(all(file.provenance for file in mine) or (None if look.channel.mirror else False))
        if mine
        else None,  # a mirror drops it
        published=max((file.upload_time or "" for file in mine), default=""),
        mirror=look.channel.mirror,
        exchanges=tuple(look.exchanges),
    )


def versions_of(look: Look, base: str) -> tuple[str, Fact[dict[Version, list[Listed]]]]:
    """The address of the project's page, and its files by version."""
    where = f"{base}/{canonicalize_name(look.package)}/"
    outcome = look.http.get(look.url(where), accept=ACCEPT, fresh=look.fresh)
    fact = json_of(outcome, Project, f"{look.package} on the index")
    if not isinstance(fact, Known):
        return where, fact
    if len(fact.value.files) > _MOST:
        words = f"{where} lists {len(fact.value.files)} files, more than the {_MOST} that are looked at"
        return where, Unknown(words, "see which registry answers there", fact.exchanges, final=True)
    by_version: dict[Version, list[Listed]] = {}
    for listed in fact.value.files:
        version = version_of(listed.filename, look.package)
        if version is not None:
            by_version.setdefault(version, []).append(listed)
    return where, Known(by_version, fact.exchanges)


def is_yanked(file: Listed) -> bool:
    """Whether a file is yanked."""
    return file.yanked is not False  # an empty reason is a reason


def _read(look: Look, where: str, listed: Listed, names: Counter[str]) -> File:
    file = File(listed.filename, listed.size, usable(msgspec.structs.asdict(listed.hashes)))
    # Addresses may be relative; files of PyPI are on a host of their own, and no credential goes there.
    try:
        url = urldefrag(urljoin(where, listed.url)).url
    except ValueError:
        return msgspec.structs.replace(file, unread=f"{shown(listed.url)} is no address")
    if listed.filename not in look.expected.files or names[listed.filename] > 1:
        return file  # it is not expected at all, or wrong already: no need of its bytes
    return look.with_bytes(file, url, frozenset())


def version_of(filename: str, project: str) -> Version | None:
    """The version of a wheel or source distribution of a project, None for any other file."""
    try:
        if filename.endswith(".whl"):
            name, version = parse_wheel_filename(filename)[:2]
        else:
            name, version = parse_sdist_filename(filename)
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None
    return version if name == canonicalize_name(project) else None
