"""The files of the tree under release: as they lie in the working tree, or as a commit has them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pytest_relgate.errors import RelgateError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_relgate.source.git import Repository

LARGEST = 16 << 20
"""Bytes of the largest source file that is read; workflows, manifests and changelogs are far smaller."""


class Files(Protocol):
    """Bytes by path, relative to the top of the repository with ``/``."""

    def read(self, path: str) -> bytes | None:
        """Return the bytes of a file, None where there is none. Raises RelgateError if it cannot."""

    def names(self, folder: str) -> tuple[str, ...]:
        """Return the paths of the files directly in a folder, sorted; none where there is no such folder."""


@dataclass(frozen=True)
class WorkingFiles:
    """The files of a working tree. Nothing outside it is read, whatever links say."""

    top: Path

    def read(self, path: str) -> bytes | None:
        """Return the bytes of a file, None where there is none.

        Raises RelgateError for what is no regular file, lies outside the tree, or is larger than LARGEST.
        """
        place = self.top / path
        try:
            if not place.exists():
                return None
            resolved = place.resolve()
            if not resolved.is_relative_to(self.top.resolve()):
                problem = "leads out of the repository"
            elif not resolved.is_file():
                problem = "is no regular file"
            elif resolved.stat().st_size > LARGEST:
                problem = f"is larger than {LARGEST >> 20} MiB"
            else:
                return resolved.read_bytes()
        except (OSError, ValueError, RuntimeError) as error:
            problem = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        message = f"{path}: expected a file of the repository, found that it {problem}"
        raise RelgateError(message)

    def names(self, folder: str) -> tuple[str, ...]:
        """Return the paths of the files directly in a folder, sorted."""
        try:
            found = [entry.name for entry in os.scandir(self.top / folder) if entry.is_file()]
        except OSError:
            return ()
        return tuple(sorted(f"{folder}/{name}" for name in found))


@dataclass(frozen=True)
class CommittedFiles:
    """The files of a commit, whatever is checked out."""

    repository: Repository
    commit: str

    def read(self, path: str) -> bytes | None:
        """Return the bytes of a file of the commit, None where there is none."""
        return self.repository.contents(self.commit, [path]).get(path)

    def names(self, folder: str) -> tuple[str, ...]:
        """Return the paths of the files directly in a folder of the commit, sorted."""
        below = self.repository.files(self.commit, folder)
        return tuple(path for path in below if "/" not in path.removeprefix(f"{folder}/"))


@dataclass(frozen=True)
class GivenFiles:
    """Files that are given as bytes."""

    bytes_by_path: dict[str, bytes]

    def read(self, path: str) -> bytes | None:
        """Return the bytes of a file, None where there is none."""
        return self.bytes_by_path.get(path)

    def names(self, folder: str) -> tuple[str, ...]:
        """Return the paths of the files directly in a folder, sorted."""
        inside = (path for path in self.bytes_by_path if path.startswith(f"{folder}/"))
        return tuple(sorted(path for path in inside if "/" not in path.removeprefix(f"{folder}/")))
