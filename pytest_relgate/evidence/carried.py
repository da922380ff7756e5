"""Seals that a newer seal of the same evidence carries: nothing was judged between them.

A phase that is typed again with nothing left to run is sealed anew, and what later phases were judged with is
the older seal. It is kept inside the folder, under its digest, and the newer seal covers it like any other
file. Whether the two say the same is never believed: the older seal must name a beginning of the journal that
the newer one has, and behind that no gate may have been judged.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING, Final

from pytest_relgate.evidence import journal as journals
from pytest_relgate.evidence import seal
from pytest_relgate.evidence.build_run import without_artifacts
from pytest_relgate.evidence.folder import DIGEST, JOURNAL, SEAL, SUPERSEDED
from pytest_relgate.evidence.journal import digest
from pytest_relgate.evidence.memory import release_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_relgate.model import Context, Subject

SHELF: Final = "sealed"
KEPT: Final = 16
"""How many seals are kept that no evidence beside the folder names; those that one names are all kept."""


def read_passed(folder: Path) -> bytes:
    """The seal in a folder if it is whole and says PASSED; else nothing."""
    try:
        text = (folder / SEAL).read_bytes()
        line = (folder / DIGEST).read_text(encoding="ascii")
        sealed = seal.decode(text)
    except (OSError, ValueError):
        return b""
    return text if line == f"{_name(text)}  {SEAL}\n" and sealed.verdict == "PASSED" else b""


def put_by(folder: Path, text: bytes) -> None:
    """Keep the seal that a run is about to replace; what comes of it is seen at the run's end.

    Raises nothing: without it later evidence is to be judged again, and no more than that.
    """
    shelf = folder / SHELF
    fresh = shelf / f".{_name(text)}.new"
    with contextlib.suppress(OSError):
        if shelf.is_symlink():  # what lies elsewhere the newer seal would not cover
            shelf.unlink()
        shelf.mkdir(exist_ok=True)
        with fresh.open("wb") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(shelf / f"{_name(text)}.json")


def sift(folder: Path, context: Context, subject: Subject) -> None:
    """Drop what later evidence cannot rest on any more, before the folder is sealed. Raises nothing.

    What stays although it should not is refused by ``carries``.
    """
    shelf = folder / SHELF
    if not os.path.lexists(shelf):
        return
    with contextlib.suppress(OSError):
        if shelf.is_symlink() or not shelf.is_dir():
            shelf.unlink()
            return
        reading = journals.read(folder / JOURNAL)
        good: dict[Path, int] = {}
        for path in sorted(shelf.iterdir()):
            if sealed := _as_good(path, reading, context, subject):
                good[path] = sealed.run
            elif path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
        for path in _too_many(folder, good):
            path.unlink()
        if not good:
            shelf.rmdir()


def _too_many(folder: Path, good: Mapping[Path, int]) -> list[Path]:
    """The oldest of too many seals, by their runs, that no evidence of the same target rests on.

    Where such evidence lies elsewhere and rests on one of them, its phase is to be run again.
    """
    if len(good) <= KEPT:
        return []
    found = (*folder.parent.glob(f"*/{SEAL}"), *folder.parent.glob(f"{SUPERSEDED}/*/*/{SEAL}"))
    named = b"".join(path.read_bytes() for path in found)
    unnamed = [path for path in sorted(good, key=lambda path: good[path]) if path.stem.encode() not in named]
    return unnamed[: max(0, len(unnamed) - KEPT)]


def carries(folder: Path, head: str) -> bool:
    """Whether evidence that was verified carries the seal with this digest as one that says the same."""
    name = f"{SHELF}/{head.removeprefix('sha256:')}.json"
    try:
        newer = seal.decode((folder / SEAL).read_bytes())
        reading = journals.read(folder / JOURNAL)
    except (OSError, ValueError):
        return False
    covered = newer.files.get(name) == head
    return covered and _as_good(folder / name, reading, newer.context, newer.subject) is not None


def _as_good(
    path: Path, reading: journals.Reading, context: Context, subject: Subject
) -> seal.Evidence | None:
    """The seal in a file, if it was asked the same of the same and nothing was judged since."""
    try:
        if not seal.is_plain_file(path):
            return None
        text = path.read_bytes()
        sealed = seal.decode(text)
    except (OSError, ValueError):
        return None
    is_as_good = (
        path.name == f"{_name(text)}.json"
        and sealed.verdict == "PASSED"
        and without_artifacts(sealed.subject) == without_artifacts(subject)
        and _asked(sealed.context, sealed.subject) == _asked(context, subject)
        and _nothing_judged_since(sealed.journal, reading)
    )
    return sealed if is_as_good else None


def _asked(context: Context, subject: Subject) -> tuple[object, ...]:
    return (*release_of(context, subject), context.mode, context.base, context.base_commit)


def _nothing_judged_since(at: seal.JournalHead, reading: journals.Reading) -> bool:
    begun = 0 < at.lines <= reading.lines and reading.heads[at.lines - 1] == at.head
    since = reading.entries[at.lines :]
    return begun and not any(isinstance(entry, journals.AttemptClosed | journals.NotKnown) for entry in since)


def _name(text: bytes) -> str:
    return digest(text).removeprefix("sha256:")
