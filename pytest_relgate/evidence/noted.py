"""What gates want reports to say although nothing is wrong: the lines of ``attached/note-NAME.txt``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

MOST: Final = 20
"""Lines of one note that reports show; the rest are counted."""

_LONGEST: Final = 300
_NAME: Final = re.compile(r"(?P<stem>note-[A-Za-z0-9_]+)(?:-(?P<number>\d+))?\.txt")


def noted(folder: Path) -> tuple[str, ...]:
    """The lines of the newest note of each name in an evidence folder, by name; none where it cannot be read.

    A name that is attached again gets a number, so the highest number is the newest.
    """
    newest: dict[str, tuple[int, Path]] = {}
    try:
        paths = sorted((folder / "attached").iterdir())
    except OSError:
        return ()
    for path in paths:
        if found := _NAME.fullmatch(path.name):
            number = int(found["number"] or 1)
            newest[found["stem"]] = max(newest.get(found["stem"], (0, path)), (number, path))
    return tuple(line for _, (_, path) in sorted(newest.items()) for line in _lines(path))


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    lines = [line.strip()[:_LONGEST] for line in text.splitlines() if line.strip()]
    left = len(lines) - MOST
    return [*lines[:MOST], *([f"{left} more in {path.parent.name}/{path.name}"] if left > 0 else [])]
