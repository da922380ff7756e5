"""What an archive says of itself, and whether it holds what it must: version and files. Pure. SPEC S47-S51.

Where each kind keeps its version: ``METADATA`` of a wheel's ``.dist-info`` (PyPA's binary distribution
format), ``PKG-INFO`` of an sdist (PEP 643), ``package/package.json`` of an npm tarball, ``Cargo.toml`` of a
crate, ``lib/pkgconfig/*.pc`` of a release archive that has any.
"""

from __future__ import annotations

import io
import json
import posixpath
import re
import tomllib
from typing import TYPE_CHECKING, Final

from pytest_relgate.source.archives import Archive, Kind, plain
from pytest_relgate.source.bounded import members_of, open_tar, open_zip
from pytest_relgate.source.ecosystems import Ecosystem, disagreement
from pytest_relgate.source.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_MOST: Final = 4 << 20
"""Bytes of a file that says the version; a larger one is none."""

_PLACES: Final = {
    Kind.WHEEL: r"[^/]+\.dist-info/METADATA",
    Kind.SDIST: r"[^/]+/PKG-INFO",
    Kind.NPM: r"package/package\.json",
    Kind.CRATE: r"[^/]+/Cargo\.toml",
    Kind.RELEASE: r"(?:[^/]+/)?lib/pkgconfig/[^/]+\.pc",
}
_ECOSYSTEMS: Final = {Kind.WHEEL: Ecosystem.PYPI, Kind.SDIST: Ecosystem.PYPI, Kind.CRATE: Ecosystem.CARGO}


def another_version(archive: Archive, raw: bytes, version: str) -> tuple[Problem, ...]:
    """Say where an archive speaks of another version than ``version`` (SemVer without a v).

    ``archive`` was read from ``raw``, so that what is unpacked here is known to be of a sane size. A release
    archive need not say its version; every other kind must, once.
    """
    pattern = _PLACES.get(archive.kind)
    if pattern is None:
        return ()
    places = [one for one in archive.members if re.fullmatch(pattern, one.path) and one.link is None]
    if not places and archive.kind is not Kind.RELEASE:
        words = f"{archive.name} does not say its version: it has no {_named(archive.kind)}"
        return (Problem(words, archive.name, "build it again"),)
    said = [(one.path, _said(archive, raw, one.path) if one.size <= _MOST else None) for one in places]
    return tuple(
        Problem(f"{archive.name}: {path} {words}", archive.name, "build it again, from the release's tag")
        for path, found in said
        if (words := _wrong(archive.kind, found, version))
    )


def _named(kind: Kind) -> str:
    return _PLACES[kind].rpartition("/")[2].replace("\\", "")


def _wrong(kind: Kind, found: str | None, version: str) -> str:
    if found is None:
        return "says no version"
    words = disagreement(found, version, _ECOSYSTEMS.get(kind, Ecosystem.NPM))
    return f"says another version: {words}" if words else ""


def _said(archive: Archive, raw: bytes, path: str) -> str | None:
    text = member_bytes(archive.name, raw, path).decode("utf-8", "replace")
    reader: Callable[[str], str | None]
    match archive.kind:
        case Kind.NPM:
            reader = _of_json
        case Kind.CRATE:
            reader = _of_toml
        case Kind.RELEASE:
            reader = _of_pkgconfig
        case _:
            reader = _of_lines
    return reader(text)


def _of_json(text: str) -> str | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    version = found.get("version") if isinstance(found, dict) else None
    return version if isinstance(version, str) else None


def _of_toml(text: str) -> str | None:
    try:
        version = tomllib.loads(text).get("package", {}).get("version")
    except (tomllib.TOMLDecodeError, AttributeError, RecursionError):
        return None
    return version if isinstance(version, str) else None


def _of_lines(text: str) -> str | None:
    """``Version: 1.2.0`` among the fields of core metadata; what is behind them is prose."""
    found = re.search(r"^Version:[ \t]*(\S+)[ \t]*\r?$", text.partition("\n\n")[0], re.MULTILINE)
    return found[1] if found else None


def _of_pkgconfig(text: str) -> str | None:
    """``Version:`` of a file of pkg-config, which has its variables and an empty line before it (pc(5)).

    It may name one of the variables.
    """
    found = re.search(r"^Version[ \t]*:[ \t]*(\S+)[ \t]*\r?$", text, re.MULTILINE)
    variables = dict(re.findall(r"^([\w.]+)[ \t]*=[ \t]*(\S+)[ \t]*\r?$", text, re.MULTILINE))
    return re.sub(r"\$\{([\w.]+)\}", lambda one: variables.get(one[1], one[0]), found[1]) if found else None


def member_bytes(name: str, raw: bytes, path: str) -> bytes:
    """The bytes of one file of an archive that :func:`read_archive` took."""
    if name.endswith((".whl", ".zip")):
        with open_zip(io.BytesIO(raw)) as zipped:
            by_path = {plain(one.filename): one for one in zipped.infolist()}
            return zipped.read(by_path[path])
    with open_tar(io.BytesIO(raw)) as tarred:
        for member in members_of(tarred):
            if plain(member.name) == path and (file := tarred.extractfile(member)) is not None:
                return file.read()
    return b""


def lacking(archive: Archive, wanted: Sequence[str]) -> tuple[Problem, ...]:
    """Say which of these files an archive lacks, has empty or cannot run.

    Paths are relative to where its kind has its files: ``package/`` of an npm tarball, the one folder of a
    source archive, the top of everything else. What is in ``bin/`` of a release archive must be executable.
    """
    return tuple(
        Problem(f"{archive.name}: {words}", archive.name, f"put {path} in and build it again")
        for path in wanted
        if (words := _lacks(archive, path))
    )


def _lacks(archive: Archive, path: str) -> str:
    found = next((one for top in _tops(archive) if (one := archive.resolved(top + path)) is not None), None)
    if found is None:
        return f"it has no {path}"
    if not found.size:
        return f"{path} is empty"
    if archive.kind is Kind.RELEASE and path.startswith("bin/") and not found.mode & 0o111:
        return f"{path} is not executable"
    return ""


def _tops(archive: Archive) -> Iterator[str]:
    if archive.kind is Kind.NPM:
        yield "package/"
        return
    if archive.kind is Kind.WHEEL:
        yield ""
        return
    yield ""
    folders = {posixpath.normpath(one.path).partition("/")[0] for one in archive.members}
    if len(folders) == 1:
        yield f"{folders.pop()}/"
