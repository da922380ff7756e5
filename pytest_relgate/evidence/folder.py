"""One evidence folder: ``<root>/<target>/<phase>``. Who may write it, and what happens to what was there."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_relgate.errors import RelgateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pytest_relgate.model import Phase

SEAL = "evidence.json"
DIGEST = "evidence.json.sha256"
JOURNAL = "journal.jsonl"
LOGS = "logs"
REPORTS = ("report.html", "report.md", "junit.xml")


@dataclass
class Folder:
    """An evidence folder held by this process until ``release``."""

    path: Path
    _lock: int = field(default=-1, repr=False)

    @classmethod
    def hold(cls, root: Path, target: str, phase: Phase) -> Folder:
        """Make the folder and take its lock.

        Raises RelgateError when it cannot be written, or when another run holds it.
        """
        path = root / target / phase
        try:
            path.mkdir(parents=True, exist_ok=True)
            _ignore_in_git(root)
            lock = os.open(path.parent / f".{phase}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise _cannot_write(path, error) from None
        _take(lock, path)
        try:
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
            _probe(path)
        except OSError as error:
            os.close(lock)
            raise _cannot_write(path, error) from None
        return cls(path, lock)

    def write(self, name: str, chunks: Iterable[str | bytes], *, durable: bool = False) -> None:
        """Write a file whole or not at all: to a temporary file beside it, then renamed.

        OSError (disk full) passes through and leaves what was there.
        """
        self.write_together({name: chunks}, durable=durable)

    def write_together(self, files: Mapping[str, Iterable[str | bytes]], *, durable: bool = False) -> None:
        """Write files that belong together: all take their room on the disk before the first is renamed."""
        fresh = {name: self.path / f".{name}.new" for name in files}
        try:
            for name, chunks in files.items():
                _write_file(fresh[name], chunks, durable=durable)
            for name, path in fresh.items():
                path.replace(self.path / name)
        except OSError:
            for path in fresh.values():
                path.unlink(missing_ok=True)
            raise
        if durable:
            sync_folder(self.path)

    def clear_reports(self) -> None:
        """Remove what an earlier run concluded, so that nothing stale stands beside a new verdict."""
        for name in (DIGEST, *REPORTS):
            (self.path / name).unlink(missing_ok=True)
        for left in self.path.glob(".*.new"):
            left.unlink(missing_ok=True)

    def set_aside(self, commit: str) -> Path:
        """Move everything to ``superseded/<commit>/<phase>``, numbered when that is taken."""
        shelf = self.path.parent / "superseded" / (commit or "unknown")
        shelf.mkdir(parents=True, exist_ok=True)
        number = 1
        place = shelf / self.path.name
        while place.exists():
            number += 1
            place = shelf / f"{self.path.name}-{number}"
        self.path.rename(place)
        self.path.mkdir()
        return place

    def restore(self, place: Path) -> None:
        """Put evidence that had been set aside back in its place, which must be empty."""
        shutil.rmtree(self.path)
        place.rename(self.path)

    def shelved(self) -> tuple[Path, ...]:
        """The evidence of other subjects for the same target and phase, newest first."""
        found = (self.path.parent / "superseded").glob(f"*/{self.path.name}*")
        journals = [place for place in found if (place / JOURNAL).is_file()]
        return tuple(sorted(journals, key=lambda place: (place / JOURNAL).stat().st_mtime, reverse=True))

    def release(self) -> None:
        """Let another run have the folder; calling it twice is fine."""
        if self._lock >= 0:
            lock, self._lock = self._lock, -1
            os.close(lock)


def _write_file(path: Path, chunks: Iterable[str | bytes], *, durable: bool) -> None:
    with path.open("wb") as out:
        for chunk in chunks:
            out.write(chunk.encode("utf-8", "backslashreplace") if isinstance(chunk, str) else chunk)
        if durable:
            out.flush()
            os.fsync(out.fileno())


def _take(lock: int, path: Path) -> None:
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(lock, 32, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        message = f"another run (process {holder}) is writing {path}: wait for its end, then type this again"
        raise RelgateError(message) from None


def _probe(path: Path) -> None:
    """See that the folder takes a file, before anything is judged into it."""
    probe = path / ".probe.new"
    probe.write_bytes(b".")
    probe.unlink()


def _ignore_in_git(root: Path) -> None:
    """Evidence is not part of the tree that it judges."""
    ignore = root / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="ascii")


def _cannot_write(path: Path, error: OSError) -> RelgateError:
    return RelgateError(
        f"evidence cannot be written to {path}: {error.strerror or error}: "
        "make room or make it writable, or name another folder with --release-evidence"
    )


def sync_folder(path: Path) -> None:
    """Make renames in a folder durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
