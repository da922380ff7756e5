"""Seals that a newer seal of the same evidence carries: nothing was judged between them.

A phase that is typed again with nothing left to run is sealed anew, and what later phases were judged with is
the older seal. It is kept inside the folder, under its digest, and the newer seal covers it like any other
file; so a verification can see that the two say the same. A run that judged anything carries none.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from pytest_relgate.evidence import seal
from pytest_relgate.evidence.folder import DIGEST, SEAL
from pytest_relgate.evidence.journal import digest

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_relgate.model import Context, Subject

SHELF: Final = "sealed"


def read_passed(folder: Path, context: Context, subject: Subject) -> bytes:
    """The seal in a folder if it is whole, says PASSED, and was asked the same of the same; else nothing."""
    try:
        text = (folder / SEAL).read_bytes()
        line = (folder / DIGEST).read_text(encoding="ascii")
        sealed = seal.decode(text)
    except (OSError, ValueError):
        return b""
    whole = line == f"{_name(text)}  {SEAL}\n"
    same = (sealed.subject, sealed.mode, sealed.base, sealed.context.build_run) == (
        subject,
        context.mode,
        context.base,
        context.build_run,
    )
    return text if whole and same and sealed.verdict == "PASSED" else b""


def carry(folder: Path, text: bytes) -> None:
    """Keep an older seal beside those that it carried itself. OSError passes through."""
    (folder / SHELF).mkdir(exist_ok=True)
    (folder / SHELF / f"{_name(text)}.json").write_bytes(text)


def drop(folder: Path) -> None:
    """Carry none any more: something was judged."""
    shutil.rmtree(folder / SHELF, ignore_errors=True)


def carries(folder: Path, head: str, subject: Subject) -> bool:
    """Whether evidence that was verified carries the seal with this digest, of the same subject, PASSED."""
    name = head.removeprefix("sha256:")
    try:
        text = (folder / SHELF / f"{name}.json").read_bytes()
        sealed = seal.decode(text)
    except (OSError, ValueError):
        return False
    return (digest(text), sealed.verdict, sealed.subject) == (f"sha256:{name}", "PASSED", subject)


def _name(text: bytes) -> str:
    return digest(text).removeprefix("sha256:")
