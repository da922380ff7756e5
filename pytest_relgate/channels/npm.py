"""The npm registry: the document of a version, the dist-tags, and the tarball.

docs.npmjs.com/cli, "package-metadata". The document of the whole package is cached for minutes, an absence
too, so the version's own document is asked. A mirror may have no dist-tags.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec
from semver import Version

from pytest_relgate.channels.look import highest, usable
from pytest_relgate.channels.observation import File, Observation, Presence
from pytest_relgate.decoding import read_json
from pytest_relgate.net.exchange import origin_of
from pytest_relgate.net.facts import Absent, Known, Short, Unknown, json_of

if TYPE_CHECKING:
    from pytest_relgate.channels.look import Look


_NULL: Final = msgspec.Raw(b"null")
_NO_ATTESTATIONS = (b"null", b"false", b"{}", b"[]", b'""')


class Dist(msgspec.Struct, frozen=True):
    """Where a version's tarball is, and its digests: Subresource Integrity, and SHA-1 of old."""

    tarball: Short
    integrity: str = ""
    shasum: str = ""
    attestations: msgspec.Raw = _NULL


class Repository(msgspec.Struct, frozen=True):
    """Where a package says that it is from."""

    url: str = ""


class NotRead(msgspec.Struct, frozen=True, gc=False):
    """An object of which nothing is read: whatever stands in it takes no memory."""


class Versions(msgspec.Struct, frozen=True):
    """Every version of a package."""

    versions: dict[str, NotRead] = {}


class Document(msgspec.Struct, frozen=True):
    """A version of a package."""

    name: Short
    version: Short
    dist: Dist
    deprecated: str | bool | None = None
    optional_dependencies: dict[str, str] = msgspec.field(default={}, name="optionalDependencies")
    repository: msgspec.Raw = _NULL


def companions(look: Look) -> tuple[tuple[str, ...], str]:
    """The packages that a version names for single platforms, and the repository that it says it is of.

    They are optional ones of exactly the same version: npm installs the one that fits, and leaves out in
    silence what it does not find. Empty where the registry does not say.
    """
    base = look.channel.base or look.origins.npm
    where = f"{base}/{quote(look.package, safe='@')}/{quote(look.expected.spelled, safe='')}"
    fact = json_of(look.http.get(where, accept="application/json"), Document, look.package, each=b":")
    if not isinstance(fact, Known):
        return (), ""
    named = fact.value.optional_dependencies
    names = tuple(sorted(name for name, version in named.items() if version == look.expected.spelled))
    return names, _address(fact.value.repository)


def _address(repository: msgspec.Raw) -> str:
    """What a package says of its repository: an address, or a table with one. Anybody may write anything."""
    try:
        said = read_json(bytes(repository), str | Repository)  # type: ignore[arg-type]  # mypy takes a union for no type
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return said.url if isinstance(said, Repository) else str(said)


def observe(look: Look) -> Observation:
    """Look at the version and at the dist-tag, and read the tarball."""
    base = look.channel.base or look.origins.npm
    name = quote(look.package, safe="@")
    where = f"{base}/{name}/{quote(look.expected.spelled, safe='')}"
    tags = json_of(
        look.http.get(look.url(f"{base}/-/package/{name}/dist-tags"), fresh=look.fresh),
        dict[str, Short],
        f"the dist-tags of {look.package}",
        each=b":",
    )
    look.exchanges += tags.exchanges
    if isinstance(tags, Unknown):
        return look.unknown(tags, where)
    resolved = tags.value.get(look.channel.tag or "latest", "") if isinstance(tags, Known) else ""
    fact = json_of(
        look.http.get(look.url(where), accept="application/json", fresh=look.fresh),
        Document,
        f"{look.package} {look.expected.spelled}",
        each=b":",
    )
    match fact:
        case Unknown() as unknown:
            return look.unknown(unknown, where)
        case Absent() as absent:
            return look.absent(absent, where, resolved)
        case Known(value=document, exchanges=exchanges):
            look.exchanges += exchanges
    if (document.name, document.version) != (look.package, look.expected.spelled):
        words = f"{where} speaks of {document.name} {document.version}"
        return look.unknown(Unknown(words, "see which registry answers there", (), final=True), where)
    if resolved == document.version and look.expected.prerelease:
        first = _nothing_stable(look, base)
        if isinstance(first, Unknown):
            return look.unknown(first, where)
        resolved = "" if first else resolved
    file = _tarball(look, base, document)
    return Observation(
        look.name,
        look.channel.kind,
        Presence.COMPLETE,
        where=where,
        version=document.version,
        resolved=resolved,
        files=(file,),
        flags=frozenset({"deprecated"}) if document.deprecated not in (None, False, "") else frozenset(),
        whole=True,
        provenance=bytes(document.dist.attestations) not in _NO_ATTESTATIONS
        or (None if look.channel.mirror else False),
        mirror=look.channel.mirror,
        exchanges=tuple(look.exchanges),
    )


def _nothing_stable(look: Look, base: str) -> bool | Unknown:
    """Whether the package has no stable version that its latest could be: a first publish always takes it.

    docs.npmjs.com, "Adding dist-tags to packages". Only a prerelease that is the latest is asked about so.
    """
    fact = json_of(
        look.http.get(
            look.url(f"{base}/{quote(look.package, safe='@')}"),
            accept="application/vnd.npm.install-v1+json",
            fresh=look.fresh,
        ),
        Versions,
        f"the package {look.package}",
        each=b"{",
    )
    look.exchanges += fact.exchanges
    match fact:
        case Unknown():
            return fact
        case Known(value=package) if top := highest(package.versions):
            return Version.parse(top).prerelease is not None
        case _:
            return False


def _tarball(look: Look, base: str, document: Document) -> File:
    url = document.dist.tarball
    name = url.partition("?")[0].rpartition("/")[2]
    stated = integrity(document.dist.integrity)
    if not stated and document.dist.shasum:
        stated = usable({"sha1": document.dist.shasum})
    file = File(name, None, stated)
    try:
        place = origin_of(url)
    except ValueError as error:
        return msgspec.structs.replace(file, unread=f"the tarball of {document.name}: {error}")
    if place != origin_of(base):
        return msgspec.structs.replace(file, unread=f"its tarball is at {place}, another host than {base}")
    return look.with_bytes(file, url, frozenset())


def integrity(text: str) -> dict[str, str]:
    """Digests of a Subresource Integrity string, in hex by algorithm; what is none is left out."""
    found = {}
    for part in text.split():
        algorithm, sign, value = part.partition("?")[0].partition("-")
        try:
            digest = b64decode(value, validate=True).hex()
        except (binascii.Error, ValueError):
            continue
        if sign:
            found[algorithm] = digest
    return usable(found)
