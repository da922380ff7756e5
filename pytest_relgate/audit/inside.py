"""What is in a package that was read: its native files and what it says of itself. Opened, never unpacked."""

from __future__ import annotations

import gzip
import json
import lzma
import tarfile
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pytest_relgate.audit.platforms import Part
from pytest_relgate.source.bounded import members_of, open_tar, open_zip
from pytest_relgate.source.native import HEAD, native_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

MOST: Final = 50_000
"""Members that are looked at."""

MOST_BYTES: Final = 2 << 30
"""Bytes of a tar archive, unpacked, that are read through."""

_TEXT: Final = 1 << 20
_TELLING: Final = 5  # characters; fewer may stand anywhere
_TEXTS: Final = ("METADATA", "PKG-INFO", "package.json", "Cargo.toml", ".cargo_vcs_info.json")
_SOURCES: Final = (
    ".rs",
    ".c",
    ".cc",
    ".cpp",
    ".cxx",
    ".pyx",
    ".go",
    ".f90",
    ".f",
    ".zig",
    ".swift",
    ".m",
    ".mm",
)
_ZIPS: Final = (".whl", ".zip")
_TARS: Final = (".tgz", ".crate", ".tar.gz", ".tar.bz2", ".tar.xz")


@dataclass
class Inside:
    """What was found. ``paths`` are those of all files, without the folder on top.

    ``texts`` are what a package says of itself, by path; ``sources``: there is code to be compiled in it.
    ``problem`` says why it could not be opened, ``partly`` that it is too large to be looked at whole.
    """

    parts: list[Part] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    paths: set[str] = field(default_factory=set)
    sources: bool = False
    problem: str = ""
    partly: bool = False

    def speaks_of(self, words: str) -> bool:
        """Whether what it says of itself has these words in it: a repository, or a description."""
        return len(words) >= _TELLING and any(words.lower() in text.lower() for text in self.texts.values())

    @property
    def package_json(self) -> dict[str, object]:
        """The package.json of an npm tarball, empty where there is none to be read."""
        try:
            found = json.loads(self.text("package.json") or "{}")
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def has_below(self, place: str) -> bool:
        """Whether there is a file at a path, or below it, in the one folder that a package has on top."""
        return any(one == place or one.startswith(f"{place}/") for one in self.paths)

    def text(self, name: str) -> str:
        """What stands in the uppermost of its files of this name."""
        found = sorted((path.count("/"), path) for path in self.texts if path.rpartition("/")[2] == name)
        return self.texts[found[0][1]] if found else ""


def opened(path: Path, name: str) -> Inside:
    """Look into the file at ``path``, which is called ``name`` where it was read."""
    inside = Inside()
    try:
        if name.endswith(_ZIPS):
            with path.open("rb") as file, open_zip(file) as zipped:
                _look(inside, _zipped(zipped))
        elif name.endswith(_TARS):
            with path.open("rb") as file, open_tar(file) as tarred:
                _look(inside, _tarred(tarred))
        else:
            with path.open("rb") as file:
                _look(inside, iter([(name, path.stat().st_size, file)]))
    except tarfile.TarError as error:
        if inside.paths and _is_whole(path):  # its end is unusual, and other tools do not mind
            inside.partly = True
        else:
            inside.problem = " ".join(str(error).split())
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError) as error:
        inside.problem = " ".join(str(error).split()) or type(error).__name__
    except (NotImplementedError, RuntimeError):  # a packing that this Python has not, or a password
        inside.partly = True
    return inside


def _is_whole(path: Path) -> bool:
    """Whether a file packed by gzip has its own end, and the checksum that stands there."""
    left = MOST_BYTES
    try:
        with gzip.open(path) as packed:
            while left > 0 and (got := len(packed.read(1 << 20))):
                left -= got
    except (OSError, EOFError, zlib.error):
        return False
    return True


def _zipped(archive: zipfile.ZipFile) -> Iterator[tuple[str, int, IO[bytes]]]:
    for member in archive.infolist():
        if not member.is_dir():
            with archive.open(member) as file:
                yield member.filename, member.file_size, file


def _tarred(archive: tarfile.TarFile) -> Iterator[tuple[str, int, IO[bytes]]]:
    for member in members_of(archive):
        if member.isreg() and (file := archive.extractfile(member)):
            yield member.name, member.size, file


def _look(inside: Inside, members: Iterator[tuple[str, int, IO[bytes]]]) -> None:
    total = 0
    for number, (path, size, file) in enumerate(members):
        total += size
        if number >= MOST or total > MOST_BYTES:
            inside.partly = True
            return
        name = path.rpartition("/")[2]
        inside.paths.add(path.partition("/")[2])
        head = file.read(HEAD)
        if native := native_of(head):
            inside.parts.append(Part(path, native))
        elif name in _TEXTS and path.count("/") <= 1 and size <= _TEXT:
            inside.texts[path] = (head + file.read(_TEXT)).decode("utf-8", "replace")
        inside.sources |= name.lower().endswith(_SOURCES)
