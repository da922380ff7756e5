"""Files of a commit against the bytes in the working tree, with no word of git's about them believed.

What git says of a working tree depends on the index, on filters and on settings of one machine; what a
process reads are the bytes. So they are hashed here. What a checkout may change and nothing else is let
pass: line ends (``text``, ``eol``), ``$Id$`` (``ident``), and the file that a Git LFS pointer stands for.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from pytest_relgate.errors import RelgateError
from pytest_relgate.source.command import git
from pytest_relgate.source.tree import object_format

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LINK = "link"
"""What stands for the bytes of a symbolic link in ``Sight.seen``."""

_CHUNK = 1 << 20
_TEXT = 1 << 24  # bytes; no text file that a checkout converts is larger
# https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
_LFS = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\n")


class Row(NamedTuple):
    """One entry of a commit: its path, its mode as git writes it, its object id."""

    path: str
    mode: str
    blob: str

    @property
    def is_submodule(self) -> bool:
        """Whether a submodule stands there."""
        return self.mode == "160000"

    @property
    def is_link(self) -> bool:
        """Whether a symbolic link stands there."""
        return self.mode == "120000"


@dataclass
class Sight:
    """What was seen of some files of a commit.

    ``seen`` maps the path of each to the sha256 of its bytes in the working tree, or ``LINK``; ``dirt``
    names those that are not as committed.
    """

    seen: dict[str, str] = field(default_factory=dict)
    dirt: list[str] = field(default_factory=list)


def rows_of(top: Path, commit: str, places: Iterable[str]) -> list[Row]:
    """Every entry of a commit below some places (``.`` is all of it), submodules as one each."""
    asked = list(places)
    spec = [] if "." in asked else asked
    if not asked:
        return []
    listing = ("ls-tree", "-r", "-z", "--full-tree", commit, "--", *spec)
    out = git(top, "--literal-pathspecs", *listing).stdout
    found = {}
    for head, _, path in (row.partition(b"\t") for row in out.split(b"\0") if row):
        mode, _, blob = head.decode().split()
        found[path] = Row(os.fsdecode(path), mode, blob)
    return list(found.values())


def look(top: Path, commit: str, places: Iterable[str]) -> Sight:
    """Compare the files of a commit below some places with the working tree at ``top``.

    A submodule's files are those of the commit that is recorded for it; of one that is not checked out
    there are none.
    """
    sight = Sight()
    _look(sight, top, commit, places, "")
    return sight


def _look(sight: Sight, top: Path, commit: str, places: Iterable[str], above: str) -> None:
    odd: dict[str, tuple[Row, str]] = {}
    for row in rows_of(top, commit, places):
        name = f"{above}{row.path}"
        path = os.path.join(top, row.path)
        if row.is_submodule:
            try:
                if os.path.lexists(os.path.join(path, ".git")):
                    _look(sight, top / row.path, row.blob, ["."], f"{name}/")
            except RelgateError:  # it has not the commit that is recorded for it
                sight.dirt.append(name)
            continue
        try:
            blob, sha256 = _hashes(path, link=row.is_link, form=object_format(row.blob))
        except OSError:
            sight.dirt.append(name)
            continue
        sight.seen[name] = sha256
        if blob != row.blob:
            odd[name] = (row, path)
    for name, (row, path) in odd.items():
        if row.is_link or not _is_checked_out(top, row, path, sight.seen[name]):
            sight.dirt.append(name)


def _hashes(path: str, *, link: bool, form: str) -> tuple[str, str]:
    """The object id that git would give the bytes of a file, without any filter, and their sha256.

    OSError for what is no file, or no link where one is expected.
    """
    now = os.lstat(path)
    blob = hashlib.new(form, usedforsecurity=False)
    if link:
        target = os.readlink(os.fsencode(path))
        blob.update(b"blob %d\0" % len(target) + target)
        return blob.hexdigest(), LINK
    if not stat.S_ISREG(now.st_mode):
        raise IsADirectoryError(path)
    blob.update(b"blob %d\0" % now.st_size)
    sha256 = hashlib.sha256()
    with open(path, "rb", buffering=0) as handle:
        while chunk := handle.read(_CHUNK):
            blob.update(chunk)
            sha256.update(chunk)
    return blob.hexdigest(), sha256.hexdigest()


def _is_checked_out(top: Path, row: Row, path: str, sha256: str) -> bool:
    """Whether a file differs from its blob by what a checkout does, and by nothing else."""
    committed = git(top, "cat-file", "blob", row.blob).stdout
    pointer = _LFS.match(committed)
    if pointer:
        return pointer[1].decode() == sha256
    with open(path, "rb") as handle:
        found = handle.read(_TEXT)
    if len(found) == _TEXT:
        return False
    found = found.replace(f"$Id: {row.blob} $".encode(), b"$Id$")
    return found.replace(b"\r\n", b"\n") == committed.replace(b"\r\n", b"\n")
