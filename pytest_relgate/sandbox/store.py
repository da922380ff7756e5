"""The sandbox's world on disk: one file for what there is, one file for each piece of bytes.

The folder ``home`` belongs to one checkout. Whatever happens to a process that writes, the next one finds
the world as it was before or as it is after: files are written beside their place and renamed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.decoding import read_json
from pytest_relgate.errors import RelgateError
from pytest_relgate.sandbox.locking import alone
from pytest_relgate.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

WORLD = "world.json"
BLOBS = "blobs"
_LOCK = ".world.lock"


class _Kept(msgspec.Struct, frozen=True):
    """What the file holds. ``stamp`` tells the code that made the world from other versions of it."""

    stamp: str
    world: World


class Store:
    """A world on disk. Safe to use from several threads, and from several processes at once.

    ``overlays`` change what is read and never what is kept: faults are made of them. One with an attribute
    ``restless`` gives something else each time. ``make`` gives the
    world where there is none, or one that is damaged or has another ``stamp``; without it that world is
    empty. ``target`` is the version that overlays are about, like ``0.1.10``. ``blobs`` is a folder for the
    bytes that is not the store's own. ``notes`` are lines for a person about what was made anew.
    """

    def __init__(
        self,
        home: Path,
        overlays: Sequence[Callable[[World, Store], World]] = (),
        *,
        make: Callable[[Store], World] | None = None,
        stamp: str = "",
        target: str = "",
        blobs: Path | None = None,
    ) -> None:
        self.home = home
        self._blobs = blobs or home / BLOBS
        self.overlays = tuple(overlays)
        self.target = target
        self.notes: list[str] = []
        self._restless = any(getattr(overlay, "restless", False) for overlay in overlays)
        self._make, self._stamp = make, stamp
        self._seen: tuple[int, int, int] | None = None
        self._true = World()
        self._overlaid: World | None = None
        self._mutex = threading.RLock()

    # -- the world ----------------------------------------------------------------------------------------

    def read(self) -> World:
        """Return the world with the overlays applied, in their order."""
        with self._mutex:
            self._refresh()
            if self._overlaid is None or self._restless:
                world = self._true
                for overlay in self.overlays:
                    world = overlay(world, self)
                self._overlaid = world
            return self._overlaid

    def truth(self) -> World:
        """Return the world without overlays."""
        with self._mutex:
            self._refresh()
            return self._true

    def change(self, step: Callable[[World], World]) -> World:
        """Replace the world by what ``step`` makes of it, without overlays; return the new one.

        No other process or thread changes it meanwhile.
        """
        with self._mutex, self._alone():
            for left_behind in self.home.glob(f".{WORLD[:8]}.*"):  # by a process that was killed
                left_behind.unlink()
            self._refresh(alone=True)
            self._write(step(self._true))
            return self._true

    def reset(self) -> None:
        """Forget the world; the next read makes it anew."""
        with self._mutex, self._alone():
            (self.home / WORLD).unlink(missing_ok=True)
            self._seen = None

    def _refresh(self, *, alone: bool = False) -> None:
        seen = _identity(self.home / WORLD)
        if seen is not None and seen == self._seen:
            return
        kept = self._load()
        if kept is None:
            with contextlib.nullcontext() if alone else self._alone():
                kept = self._load()  # another process may have made it meanwhile
                if kept is None:
                    self._write(self._make(self) if self._make else World())
                    return
        self._true, self._overlaid, self._seen = kept.world, None, seen

    def _load(self) -> _Kept | None:
        """Read the file; None, with a note, where it cannot be used."""
        path = self.home / WORLD
        try:
            kept = read_json(path.read_bytes(), _Kept)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError):
            self._say("the sandbox's world was damaged and is made anew")
            return None
        if self._make is None:  # whoever cannot make it takes it as it is
            self._stamp = kept.stamp
            return kept
        if kept.stamp != self._stamp:
            self._say("the sandbox's world was made by another version and is made anew")
            return None
        if lost := self._lost(kept.world):
            self._say(f"the sandbox's world had lost {lost} of its files and is made anew")
            return None
        return kept

    def _say(self, words: str) -> None:
        if words not in self.notes:
            self.notes.append(words)

    def _lost(self, world: World) -> int:
        return sum(not self.path(blob).is_file() for blob in blobs_of(world))

    def _write(self, world: World) -> None:
        path = self.home / WORLD
        _write_whole(path, msgspec.json.encode(_Kept(self._stamp, world)))
        self._true, self._overlaid, self._seen = world, None, _identity(path)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes, and other stores of this one, from changing the world meanwhile."""
        try:
            with alone(self.home / _LOCK):
                yield
        except OSError as error:
            message = (
                f"the sandbox cannot be written at {self.home}: {error.strerror or error}: "
                "make room, or set XDG_CACHE_HOME to another folder"
            )
            raise RelgateError(message) from None

    # -- bytes --------------------------------------------------------------------------------------------

    def put(self, raw: bytes) -> str:
        """Keep bytes; return their SHA-256 in hex, which is their name."""
        blob = hashlib.sha256(raw).hexdigest()
        path = self.path(blob)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(path, raw)
        return blob

    def get(self, blob: str) -> bytes:
        """Return the bytes of this SHA-256. Raises RelgateError where they are not there."""
        try:
            return self.path(blob).read_bytes()
        except OSError:
            message = f"the sandbox has lost the bytes {blob[:12]}: type relgate sandbox --reset"
            raise RelgateError(message) from None

    def path(self, blob: str) -> Path:
        """Path of the bytes of this SHA-256; there is nothing at it until they are put."""
        return self._blobs / blob[:2] / blob[2:]


def blobs_of(world: World) -> set[str]:
    """Every blob that a world speaks of."""
    found = {asset.blob for release in world.releases for asset in release.assets}
    for run in world.runs:
        found |= {artifact.blob for artifact in run.artifacts}
        found |= {job.log for job in run.jobs}
    found |= {crate.blob for crate in world.crates}
    found |= {version.blob for package in world.npm for version in package.versions.values()}
    for project in world.pypi:
        for file in project.files:
            found |= {file.blob, file.metadata}
    return found - {""}


def _identity(path: Path) -> tuple[int, int, int] | None:
    """Tell one version of a file from the next: each is a file of its own, renamed into its place."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def _write_whole(path: Path, raw: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:8]}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(raw)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
