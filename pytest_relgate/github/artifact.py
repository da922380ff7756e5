"""The archive of a build's artifact: on disk while it is looked at, its files one at a time and never all.

Four of them are read at once, each as large as native libraries make it, so that no bytes of them are kept.
"""

from __future__ import annotations

import zipfile
import zlib
from contextlib import contextmanager
from shutil import copyfileobj
from tempfile import SpooledTemporaryFile, TemporaryFile
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from pytest_relgate.errors import CannotJudge, Finding
from pytest_relgate.net.facts import Absent, Known, Unknown
from pytest_relgate.source.bounded import open_zip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_relgate.github.answers import ArtifactFacts
    from pytest_relgate.github.api import Api

LARGEST_MEMBER: Final = 1 << 30
"""Bytes of one file of an artifact."""

_LARGEST: Final = 8 << 30
"""Bytes of all of them, unpacked."""

_IN_MEMORY: Final = 1 << 20
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError, OSError)


def files_of(
    api: Api, artifact: ArtifactFacts, *, what: str, where: str, do: str, largest: int = LARGEST_MEMBER
) -> Iterator[tuple[str, BinaryIO]]:
    """Every file of an artifact with its path, open until the next is asked for.

    ``what`` names the artifact, ``where`` is its run's page, ``do`` how it is built again. Raises Finding for
    one that has expired, is not what was uploaded, or is no archive, and CannotJudge where nobody can say.
    """
    with _downloaded(api, artifact, what, where, do) as file:
        members = _members(file, largest)
        while True:
            try:
                found = next(members, None)
            except _BROKEN as error:
                if isinstance(error, OSError) and error.errno is not None:  # the disk's, not the archive's
                    message = f"{what} could not be laid out on disk: {error.strerror}"
                    raise CannotJudge(message, do="make room, or set TMPDIR to where there is some") from None
                words = f"{what} is no zip archive: {error or type(error).__name__}"
                raise Finding(words, where=where, do=do) from None
            if found is None:
                return
            yield found


@contextmanager
def _downloaded(api: Api, artifact: ArtifactFacts, what: str, where: str, do: str) -> Iterator[BinaryIO]:
    with TemporaryFile(prefix="relgate-artifact-") as kept:
        file = cast("BinaryIO", kept)
        match api.archive(artifact, into=file):
            case Known(value=digest):
                pass
            case Absent() as absent:
                words = f"{what} has expired: {absent.words}"
                raise Finding(words, where=where, do=do)
            case Unknown() as unknown:
                raise unknown.error()
        if artifact.digest and artifact.digest != digest:
            words = f"{what} is not what was uploaded: expected {artifact.digest[:19]}, found {digest[:19]}"
            raise Finding(words, where=where, do="download it again; if it stays, build again")
        yield file


def _members(packed: BinaryIO, largest: int) -> Iterator[tuple[str, BinaryIO]]:
    """The files of a zip archive in their order, each copied out of it."""
    seen: set[str] = set()
    left = _LARGEST
    with open_zip(packed) as archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            path = member.filename
            left -= member.file_size  # zipfile unpacks no more than this
            if problem := _problem(path, member.file_size, left, largest, seen):
                raise ValueError(problem)
            seen.add(path)
            with SpooledTemporaryFile(_IN_MEMORY) as copy:
                with archive.open(member) as file:
                    copyfileobj(file, copy, _IN_MEMORY)
                copy.seek(0)
                yield path, cast("BinaryIO", copy)


def _problem(path: str, size: int, left: int, largest: int, seen: set[str]) -> str:
    if path in seen:
        return f"it holds {path} twice"
    if size > largest:
        return f"{path} is larger than {largest} bytes"
    return f"it unpacks to more than {_LARGEST} bytes" if left < 0 else ""
