"""crates.io and registries like it: the sparse index, one line of JSON a version, and the .crate file.

doc.rust-lang.org/cargo/reference/registry-index.html. ``cargo info`` picks the highest version and calls a
yanked one missing, so the index itself is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from pytest_relgate.channels.look import Look, highest
from pytest_relgate.channels.observation import File, Observation, Presence
from pytest_relgate.decoding import decoder
from pytest_relgate.net.exchange import Answer, origin_of
from pytest_relgate.net.facts import Absent, Known, Short, Unknown, found_in, json_of, text_of

if TYPE_CHECKING:
    from pytest_relgate.net.facts import Fact


class Line(msgspec.Struct, frozen=True):
    """One version in the index."""

    name: Short
    vers: Short
    cksum: Short
    yanked: bool = False


class Config(msgspec.Struct, frozen=True):
    """The index's config.json. ``dl`` is where crates are downloaded."""

    dl: Short


def observe(look: Look) -> Observation:
    """Look at the index, and read the crate's bytes if the version is there."""
    base = look.channel.base or look.origins.crates_index
    name = look.package
    where = f"{base}/{index_path(name)}"
    fact = lines_of(look, where)
    match fact:
        case Unknown() as unknown:
            return look.unknown(unknown, where)
        case Absent() as absent:
            return look.absent(absent, where)
        case Known(value=lines, exchanges=exchanges):
            look.exchanges += exchanges
    resolved = highest(line.vers for line in lines if not line.yanked)
    mine = next((line for line in lines if line.vers == look.expected.spelled), None)
    found = Observation(
        look.name,
        look.channel.kind,
        Presence.COMPLETE if mine else Presence.ABSENT,
        where=where,
        version=mine.vers if mine else "",
        resolved=resolved,
        flags=frozenset({"yanked"}) if mine and mine.yanked else frozenset(),
        whole=True,
        mirror=look.channel.mirror,
        exchanges=tuple(look.exchanges),
    )
    if mine is None:
        return found
    file = _crate(look, base, File(f"{name}-{mine.vers}.crate", None, {"sha256": mine.cksum.lower()}), mine)
    return msgspec.structs.replace(found, files=(file,), exchanges=tuple(look.exchanges))


def index_path(name: str) -> str:
    """The path of a crate in a sparse index."""
    lower = name.lower()
    match len(lower):
        case 1 | 2:
            place = str(len(lower))
        case 3:
            place = f"3/{lower[0]}"
        case _:
            place = f"{lower[:2]}/{lower[2:4]}"
    return f"{place}/{quote(lower, safe='')}"


def lines_of(look: Look, where: str) -> Fact[tuple[Line, ...]]:
    """Every line of the index file at ``where``."""
    what = f"the index of the crate {look.package}"
    outcome = look.http.get(look.url(where), accept="text/plain, */*", fresh=look.fresh)
    fact = text_of(outcome, what)
    if not isinstance(fact, Known):
        return fact
    try:
        lines = decoder(Line).decode_lines(fact.value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        found = found_in(outcome, error) if isinstance(outcome, Answer) else "nothing"
        words = f"{what}: expected a line of JSON for each version, found {found} at {where}"
        return Unknown(words, "look again; if it stays, this is no index or a proxy answers", fact.exchanges)
    if any(line.name.lower() != look.package.lower() for line in lines):
        words = f"{what}: {where} speaks of another crate, {lines[0].name}"
        return Unknown(words, "see which registry answers there", fact.exchanges, final=True)
    return Known(tuple(lines), fact.exchanges)


def _crate(look: Look, base: str, file: File, line: Line) -> File:
    """Read the crate from where the index says that crates are."""
    config = json_of(look.http.get(f"{base}/config.json", accept="application/json"), Config, "config.json")
    if isinstance(config, Known):
        look.exchanges += config.exchanges
    else:
        return msgspec.structs.replace(file, unread=config.words)
    origins = look.origins
    allowed = {
        origin_of(one) for one in (base, origins.crates_index, origins.crates_api, origins.crates_files)
    }
    url = download(config.value.dl, look.package, line)
    try:
        place = origin_of(url)
    except ValueError as error:
        return msgspec.structs.replace(file, unread=f"config.json at {base}: {error}")
    if place not in allowed and not look.channel.base:
        return msgspec.structs.replace(file, unread=f"{base} sends downloads to {place}, another host")
    return look.with_bytes(file, url, frozenset(allowed))


def download(template: str, name: str, line: Line) -> str:
    """The address of a crate by the index's ``dl``: with markers, or with the default path behind it."""
    markers = {
        "{crate}": quote(name, safe=""),
        "{version}": quote(line.vers, safe=""),
        "{prefix}": index_path(name).rpartition("/")[0],
        "{lowerprefix}": index_path(name).rpartition("/")[0],
        "{sha256-checksum}": line.cksum,
    }
    if not any(marker in template for marker in markers):
        return f"{template.rstrip('/')}/{quote(name, safe='')}/{quote(line.vers, safe='')}/download"
    for marker, value in markers.items():
        template = template.replace(marker, value)
    return template
