"""One evidence folder: ``<root>/<target>/<phase>``. Who may write it, and what happens to what was there."""

from __future__ import annotations

import contextlib
import errno
import os
import re
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
FAULTY = "faults"
SUPERSEDED = "superseded"
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
            ignore_in_git(root)
            lock = os.open(path.parent / f".{phase}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise _cannot_write(path, error) from None
        try:
            _take(lock, path)
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
            _probe(path)
            for place in (root, path.parent):
                sync_folder(place)
        except OSError as error:
            os.close(lock)
            raise _cannot_write(path, error) from None
        except RelgateError:
            os.close(lock)
            raise
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

    def unseal(self) -> None:
        """Take away the seal's digest, without which no verdict counts. Raises nothing."""
        with contextlib.suppress(OSError):
            (self.path / DIGEST).unlink(missing_ok=True)

    def reopen(self, chunks: Iterable[bytes]) -> None:
        """Write the seal of a run that begins, and take away what an earlier run concluded.

        The room is taken first: OSError (disk full) passes through and leaves the old evidence whole.
        """
        for left in self.path.glob(".*.new"):  # by a run that was killed
            left.unlink()
        fresh = self.path / f".{SEAL}.new"
        try:
            _write_file(fresh, chunks, durable=True)
            for name in (DIGEST, *REPORTS):
                (self.path / name).unlink(missing_ok=True)
            fresh.replace(self.path / SEAL)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
        sync_folder(self.path)

    def set_aside(self, commit: str) -> Path:
        """Move everything to ``superseded/<commit>/<phase>``, numbered when that is taken."""
        place = self._room(commit)
        self.path.rename(place)
        self.path.mkdir()
        sync_folder(place.parent)
        sync_folder(self.path.parent)
        return place

    def keep_copy(self, commit: str) -> Path:
        """Leave a whole copy in ``superseded/<commit>/<phase>`` and go on with what is here."""
        place = self._room(commit)
        fresh = place.with_name(f".{place.name}.new")
        _copy(self.path, fresh, without=())
        fresh.rename(place)
        sync_folder(place.parent)
        return place

    def go_on_from(self, place: Path) -> None:
        """Take up the journal, logs and attached files of evidence that had been set aside.

        What stands here must be nothing that was judged; what stands there stays. Its verdict and reports
        are not taken along: they were those of another run.
        """
        fresh = self.path.with_name(f".{self.path.name}.new")
        _copy(place, fresh, without=(SEAL, DIGEST, *REPORTS))
        shutil.rmtree(self.path)
        fresh.rename(self.path)
        sync_folder(self.path.parent)

    def shelved(self) -> tuple[Path, ...]:
        """The evidence that was set aside for the same target and phase, in no order."""
        name = re.compile(rf"{re.escape(self.path.name)}(-[0-9]+)?")
        found = (self.path.parent / SUPERSEDED).glob("*/*")
        return tuple(place for place in found if name.fullmatch(place.name) and (place / JOURNAL).is_file())

    def _room(self, commit: str) -> Path:
        """The first name on the shelf that is free: nothing there is ever overwritten."""
        shelf = self.path.parent / SUPERSEDED / (commit or "unknown")
        shelf.mkdir(parents=True, exist_ok=True)
        sync_folder(shelf.parent)
        number = 1
        place = shelf / self.path.name
        while os.path.lexists(place):
            number += 1
            place = shelf / f"{self.path.name}-{number}"
        return place

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


def _copy(source: Path, place: Path, *, without: tuple[str, ...]) -> None:
    """Copy a folder whole. Files that nobody writes to again are linked; the journal is written again."""

    def copy(one: str, other: str) -> None:
        if os.path.basename(one) != JOURNAL:  # noqa: PTH119  (shutil gives strings)
            try:
                os.link(one, other, follow_symlinks=False)
            except OSError:  # a file system without links, or one too many
                pass
            else:
                return
        shutil.copy2(one, other, follow_symlinks=False)

    def ignore(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if name in without] if folder == str(source) else []

    if os.path.lexists(place):  # left by a crash
        shutil.rmtree(place)
    try:
        shutil.copytree(source, place, symlinks=True, copy_function=copy, ignore=ignore)
    except shutil.Error as errors:  # several at once; the first says it
        raise OSError(errno.EIO, str(errors.args[0][0][2])) from None
    _sync_file(place / JOURNAL)
    sync_folder(place)


def _take(lock: int, path: Path) -> None:
    """Take the lock without waiting. OSError (a file system without locks) passes through."""
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 32, 0).decode("ascii", "replace").strip() or "unknown"
        message = f"another run (process {holder}) is writing {path}: wait for its end, then type this again"
        raise RelgateError(message) from None


def _probe(path: Path) -> None:
    """See that the folder takes a file, before anything is judged into it."""
    probe = path / ".probe.new"
    try:
        probe.write_bytes(b".")
    finally:
        probe.unlink(missing_ok=True)


def ignore_in_git(root: Path) -> None:
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
    """Make renames in a folder durable, where the file system has a way to."""
    try:
        _sync(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # network file systems have none
            raise


def _sync_file(path: Path) -> None:
    if path.exists():
        _sync(path, os.O_RDONLY | os.O_CLOEXEC)


def _sync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
