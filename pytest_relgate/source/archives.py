"""What is in a built archive: its members, read without unpacking anything. Pure but for what it is given.

Wheels and zip files, sdists, npm tarballs, crates and release archives. What is broken, cut short, points
out of itself or grows beyond reason is a finding, never a traceback.
"""

from __future__ import annotations

import io
import lzma
import posixpath
import re
import stat
import tarfile
import zipfile
import zlib
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, BinaryIO, cast

from pytest_relgate.errors import Finding
from pytest_relgate.source.bounded import LARGEST_HEADER, members_of, open_tar, open_zip
from pytest_relgate.source.native import HEAD, native_of
from pytest_relgate.source.unpacking import Unpacked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MOST_MEMBERS = 50_000
MOST_BYTES = 4 << 30
"""Of everything in one archive, unpacked."""
MOST_HEADS = 16 << 20
"""Bytes of the beginnings of members that are kept."""
SHORT = 512
"""Bytes of the beginning of a member that is no native file: a linker script says it there."""
MOST_GROWTH = 500
"""How many times its own size an archive may unpack to, once it unpacks to more than FREE_BYTES."""
FREE_BYTES = 256 << 20
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What zipfile unpacks no further than it is asked to; the other methods it unpacks as far as they go."""


class Kind(StrEnum):
    """What an archive is, told by its name."""

    SDIST = "sdist"
    WHEEL = "wheel"
    NPM = "npm tarball"
    CRATE = "crate"
    RELEASE = "release archive"
    OTHER = "file"

    @property
    def archive(self) -> bool:
        """Whether there is anything in it to look at."""
        return self is not Kind.OTHER


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive. ``link`` is what a symbolic or hard link names, ``head`` its first bytes."""

    path: str
    size: int
    mode: int = 0o644
    link: str | None = None
    head: bytes = b""


@dataclass(frozen=True)
class Archive:
    """An archive: its file name, its own size in bytes, its files in their order (folders left out)."""

    name: str
    kind: Kind
    size: int
    members: tuple[Member, ...] = ()

    def resolved(self, path: str) -> Member | None:
        """The file that a path leads to, links followed; None where that ends at nothing."""
        by_path = {member.path: member for member in self.members}
        seen: set[str] = set()
        while path not in seen:
            seen.add(path)
            member = by_path.get(path)
            if member is None or member.link is None:
                return member
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), member.link))
        return None


def kind_of(name: str) -> Kind:
    """Tell by its name what an archive is: ``name-1.2.tar.gz`` an sdist, ``name_1.2_os.tar.gz`` a release."""
    if name.endswith(".whl"):
        return Kind.WHEEL
    if name.endswith(".tgz"):
        return Kind.NPM
    if name.endswith(".crate"):
        return Kind.CRATE
    if re.fullmatch(r"[A-Za-z0-9._]+-[0-9][A-Za-z0-9.!+]*\.tar\.gz", name):
        return Kind.SDIST
    return Kind.RELEASE if name.endswith((".tar.gz", ".tar.xz", ".tar.bz2", ".zip")) else Kind.OTHER


def read_archive(
    name: str,
    raw: bytes | BinaryIO,
    kind: Kind | None = None,
    whole: Callable[[str], bool] = lambda _: True,
) -> Archive:
    """Read what is in an archive, given as bytes or as a file; what is no archive has no members.

    ``whole`` says of which files of a zip archive every byte is read and its sum checked; of the others it
    is the index and the first bytes. A tar archive has no index, and is always read to its end.
    Raises Finding for one that is broken, cut short, leads out of itself or unpacks beyond reason.
    """
    known = kind or kind_of(name)
    file = io.BytesIO(raw) if isinstance(raw, bytes) else raw
    length = file.seek(0, io.SEEK_END)
    if not known.archive:
        return Archive(name, known, length)
    if not length:
        message = f"{name} is empty: expected a {known}, found 0 bytes"
        raise Finding(message, where=name, do="build it again")
    allowed = min(MOST_BYTES, max(FREE_BYTES, MOST_GROWTH * length))
    try:
        zipped = name.endswith((".whl", ".zip"))
        found = _zip_members(name, file, allowed, whole) if zipped else _tar_members(name, file, allowed)
        members = tuple(_kept(name, found))
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        lzma.LZMAError,
        zlib.error,
        EOFError,
        OSError,
        ValueError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        message = f"{name} is broken or cut short: {error or type(error).__name__}"
        raise Finding(message, where=name, do="build it again") from None
    if not members:
        message = f"{name} holds no files"
        raise Finding(message, where=name, do="build it again")
    _check_names(name, members)
    return Archive(name, known, length, members)


def _kept(name: str, members: Iterable[Member]) -> Iterator[Member]:
    """The members with as much of their beginnings as rules ask for: all of it for a native file."""
    left = MOST_HEADS
    for member in members:
        head = member.head if native_of(member.head) else member.head[:SHORT]
        left -= len(head)
        if left < 0:
            message = f"{name} holds more native files than anybody can look at"
            raise Finding(message, where=name, do="do not unpack it; find out who built it")
        yield replace(member, head=head)


def _check_names(name: str, members: tuple[Member, ...]) -> None:
    seen: set[str] = set()
    for member in members:
        parts = member.path.split("/")
        if (
            ".." in parts
            or member.path.startswith("/")
            or "\\" in member.path
            or re.match(r"[A-Za-z]:", member.path)
        ):
            message = f"{name} holds {member.path!a}, which leads out of the folder that it is unpacked in"
            raise Finding(message, where=name, do="do not unpack it; find out who built it")
        if member.path in seen:
            message = f"{name} holds {member.path} twice, so one of the two is lost"
            raise Finding(message, where=name, do="build it again")
        seen.add(member.path)


def _too_large(name: str, allowed: int) -> Finding:
    message = f"{name} unpacks to more than {allowed >> 20} MiB, or to more than {MOST_MEMBERS} files"
    return Finding(message, where=name, do="do not unpack it; find out who built it")


@dataclass
class _Allowance:
    """The bytes that one archive may unpack to, and how many of them it has."""

    name: str
    allowed: int
    spent: int = 0

    def spend(self, size: int) -> None:
        self.spent += size
        if self.spent > self.allowed:
            raise _too_large(self.name, self.allowed)


class _TarStream(Unpacked):
    """An unpacked tar archive as tarfile reads it, with an end to what the headers of one file may be."""

    header = 0
    last = b""

    def read(self, size: int) -> bytes:
        self.header += size
        if self.header > 2 * LARGEST_HEADER:  # a sparse file's map goes on for as long as it likes
            message = f"headers of more than {2 * LARGEST_HEADER >> 20} MiB for one file"
            raise ValueError(message)
        self.last = super().read(size)
        return self.last


def _tar_members(name: str, packed: BinaryIO, allowed: int) -> Iterator[Member]:
    """Go through a tar archive to its very end, so that one that was cut short is known."""
    stream = _TarStream(packed, _Allowance(name, allowed).spend)
    with open_tar(cast("BinaryIO", stream), "r:") as archive:
        for n, member in enumerate(members_of(archive)):
            stream.header = 0
            if n > MOST_MEMBERS:
                raise _too_large(name, allowed)
            if member.isdir():
                continue
            file = archive.extractfile(member) if member.isreg() else None
            head = file.read(HEAD) if file else b""
            link = plain(member.linkname) if member.issym() or member.islnk() else None
            if member.islnk():  # a hard link names its target from the top, a symbolic one from its folder
                link = posixpath.relpath(link or "", posixpath.dirname(plain(member.name)) or ".")
            yield Member(plain(member.name), member.size, member.mode, link, head)
    if stream.last.strip(b"\0"):  # tarfile takes a header that it cannot read for the end
        message = f"what stands at byte {stream.tell() - len(stream.last)} of its tar is no header"
        raise ValueError(message)
    stream.to_the_end()


def _zip_members(name: str, packed: BinaryIO, allowed: int, whole: Callable[[str], bool]) -> Iterator[Member]:
    allowance = _Allowance(name, allowed)
    with open_zip(packed) as archive:
        for n, member in enumerate(archive.infolist()):
            if n > MOST_MEMBERS:
                raise _too_large(name, allowed)
            if member.is_dir():
                continue
            allowance.spend(member.file_size)  # zipfile gives no more than that
            mode, path, size = member.external_attr >> 16, plain(member.filename), member.file_size
            at_once = 1 << 18 if member.compress_type in _BOUNDED else HEAD
            with archive.open(member) as file:
                head = file.read(HEAD)
                if whole(path):  # read to the end: that checks the sum of each member
                    size = len(head)
                    while got := file.read(at_once):
                        size += len(got)
            link = plain(head.decode("utf-8", "replace")) if stat.S_ISLNK(mode) else None
            yield Member(path, size, stat.S_IMODE(mode) or 0o644, link, head)


def plain(path: str) -> str:
    """A path without the ``./`` in front of it, which tar writes as often as not, and fit to be shown.

    Control characters, and bytes that are no UTF-8, stand as ``%1b``.
    """
    while path.startswith("./"):
        path = path[2:]
    return _UNSHOWN.sub(lambda one: f"%{ord(one[0]) & 0xFF:02x}", path)
