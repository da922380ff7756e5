"""Evidence of a sandbox that is no more: it is moved aside, so that a walk from the start finds none of it.

Nothing is deleted, and nothing of a real release is touched: evidence says of itself what it judges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from pytest_relgate.evidence.folder import FAULTY, SEAL
from pytest_relgate.source.versions import names_a_release

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DISPATCHES: Final = "dispatches-sandbox"
_SHELF: Final = "before-reset"


class _Sealed(msgspec.Struct):
    sandbox: bool = False


def of_the_sandbox(root: Path) -> Iterator[Path]:
    """Folders below the evidence folder that speak of the sandbox: phases, what was set aside, dispatches."""
    for target in sorted(root.glob("*")):
        if not names_a_release(target.name) or not target.is_dir():
            continue
        for seal in sorted((*target.glob(f"*/{SEAL}"), *target.glob(f"superseded/*/*/{SEAL}"))):
            if _is_of_the_sandbox(seal):
                yield seal.parent
        if (target / DISPATCHES).is_dir():
            yield target / DISPATCHES
    if (root / FAULTY).is_dir():  # faults are the sandbox's
        yield root / FAULTY


def _is_of_the_sandbox(seal: Path) -> bool:
    try:
        return msgspec.json.decode(seal.read_bytes(), type=_Sealed).sandbox
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return False


def move_aside(root: Path) -> tuple[Path, tuple[Path, ...]]:
    """Move it below ``before-reset-N``; return that folder, and what was moved, relative to ``root``.

    OSError passes through; what was moved until then stays moved.
    """
    found = tuple(of_the_sandbox(root))
    number = 1
    while (shelf := root / f"{_SHELF}-{number}").exists():
        number += 1
    moved = []
    for folder in found:
        inside = folder.relative_to(root)
        place = shelf / inside
        place.parent.mkdir(parents=True, exist_ok=True)
        folder.replace(place)
        moved.append(inside)
    return shelf, tuple(moved)
