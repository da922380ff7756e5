"""The channel table as reports and terminal show it: which channels serve the release, and since when.

What was seen lies beside the evidence as ``attached/channel-table.json``, one for each look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from pytest_relgate.evidence import wording
from pytest_relgate.evidence.printable import printable
from pytest_relgate.model import ChannelTable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_relgate.model import ChannelLine

NAME: Final = "channel-table"
HEADINGS: Final = ("channel", "state", "version", "files", "digests", "since or overdue")

_WIDTH: Final = 80
_GAP: Final = 2


def newest(folder: Path) -> ChannelTable | None:
    """The newest table in an evidence folder; None where channels were not looked at.

    A file that cannot be read is none: the gates themselves say what they saw.
    """
    found = [table for path in (folder / "attached").glob(f"{NAME}*.json") if (table := _read(path))]
    return max(found, key=lambda one: one.at, default=None)


def _read(path: Path) -> ChannelTable | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=ChannelTable)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def asked(table: ChannelTable) -> str:
    """When the channels were looked at, and what their bytes were held against."""
    when = f"looked at {printable(wording.time_in_words(table.at))}"
    return f"{when}; expected digests: {printable(table.measured_by)}" if table.measured_by else when


def rows(table: ChannelTable) -> Iterator[tuple[str, ...]]:
    """A row for each channel, in the order of HEADINGS."""
    yield from (tuple(map(printable, _cells(line))) for line in table.lines)


def _cells(line: ChannelLine) -> tuple[str, ...]:
    return (line.channel, line.state, line.version, line.files, line.digests, line.since)


def lines(table: ChannelTable) -> Iterator[str]:
    """The table as lines of at most 80 columns: what does not fit is cut with an ellipsis."""
    whole = [HEADINGS, *rows(table)]
    widths = [max(len(row[n]) for row in whole) for n in range(len(HEADINGS))]
    over = sum(widths) + _GAP * (len(widths) - 1) - _WIDTH
    for n in sorted(range(len(widths)), key=lambda n: -widths[n]):  # the widest gives way first
        given = max(0, min(over, widths[n] - 8))
        widths[n] -= given
        over -= given
    for row in whole:
        cells = (_fit(cell, width) for cell, width in zip(row, widths, strict=True))
        yield (" " * _GAP).join(cells).rstrip()


def _fit(text: str, width: int) -> str:
    return text.ljust(width) if len(text) <= width else f"{text[: width - 1]}…"
