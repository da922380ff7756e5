"""Zip and tar archives whose tables of contents cannot fill the memory: what a stranger packed is read here.

Python's zipfile reads the whole list of members at once, as long as the archive says that it is, and its
tarfile a member's long name or its extended header likewise, and keeps every header that it has read.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from typing import TYPE_CHECKING, BinaryIO, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST_LIST: Final = 4 << 20
"""Bytes of a zip archive's list of members: some 40,000 of them; each takes ten times as much in memory."""

LARGEST_HEADER: Final = 1 << 20
"""Bytes of a tar archive's long name or extended header (pax)."""


def digest_of(file: BinaryIO) -> str:
    """The SHA-256 of an open file in hex, in constant memory."""
    from hashlib import file_digest

    return file_digest(cast("io.BytesIO", file), "sha256").hexdigest()


class _Bounded(io.RawIOBase):
    """A file that gives no more than the bound at once: zipfile reads a list of members in one piece."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        if size > LARGEST_LIST:
            message = f"its list of members is larger than {LARGEST_LIST >> 20} MiB"
            raise zipfile.BadZipFile(message)
        return self._file.read(size if size >= 0 else LARGEST_LIST)


def open_zip(file: BinaryIO) -> zipfile.ZipFile:
    """Open a zip archive for reading. Raises zipfile.BadZipFile, and what else zipfile raises."""
    archive = zipfile.ZipFile(cast("BinaryIO", _Bounded(file)))
    if not all(member.filename for member in archive.infolist()):  # zipfile looks at the last sign of each
        message = "it has a member without a name"
        raise zipfile.BadZipFile(message)
    return archive


class _Header(tarfile.TarInfo):
    """A header that is refused before what it announces is read."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if not (self.isreg() or self.isdir() or self.size <= LARGEST_HEADER):
            message = f"a header of {self.size} bytes"
            raise tarfile.ReadError(message)
        return cast("tarfile.TarInfo", super()._proc_member(archive))  # type: ignore[misc]  # tarfile's own hook, which typeshed leaves out


def open_tar(file: BinaryIO, mode: str = "r|*") -> tarfile.TarFile:
    """Open a tar archive for reading it through once, by one of tarfile's modes for that.

    Raises tarfile.TarError, and what else tarfile raises.
    """
    try:
        return _opened(file, mode)
    except TypeError:  # CPython's tarfile takes the length of nothing where gzip's header breaks off
        message = "its header breaks off"
        raise tarfile.ReadError(message) from None


def _opened(file: BinaryIO, mode: str) -> tarfile.TarFile:
    return tarfile.open(fileobj=file, mode=mode, tarinfo=_Header)  # type: ignore[call-overload,no-any-return]  # a mode that is no literal


def members_of(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Every member of a tar archive that is read through, one at a time: none is kept."""
    while (member := archive.next()) is not None:
        archive.members.clear()  # type: ignore[attr-defined]  # typeshed leaves it out
        yield member
