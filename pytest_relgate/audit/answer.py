"""What an audit comes to. Pure."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Level(StrEnum):
    """What one finding means for the release."""

    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"
    PENDING = "PENDING"
    NOTE = "note"


class Said(msgspec.Struct, frozen=True):
    """One finding about one channel. ``where`` is an address, ``do`` what to do."""

    level: Level
    channel: str
    words: str
    where: str = ""
    do: str = ""


class Row(msgspec.Struct, frozen=True):
    """One channel in the table. ``version`` is what it serves, or how it stands.

    ``files`` are those that it has, ``read`` those whose bytes were read. ``part_of`` is the package that
    names this one for a platform, empty for any other. ``platforms`` are those that it has native files for.
    """

    channel: str
    name: str
    version: str
    files: int
    read: int
    platforms: tuple[tuple[str, str], ...]
    state: str
    assumed_from: str
    part_of: str
    where: str


class Answer(msgspec.Struct, frozen=True):
    """Everything that an audit says. ``commit`` is the tag's, or empty."""

    repository: str
    tag: str
    version: str
    commit: str
    rows: tuple[Row, ...]
    findings: tuple[Said, ...]
    assumed: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def word(self) -> str:
        """The verdict: nothing passes unless every channel was judged."""
        levels = {one.level for one in self.findings}
        if Level.FAILED in levels:
            return "FAILED"
        if Level.UNKNOWN in levels or not self.rows:
            return "UNDECIDED"
        return "PENDING" if Level.PENDING in levels else "PASSED"

    @property
    def exit_status(self) -> int:
        """As of ``relgate verify``: 0 passed, 1 bad, 2 cannot decide, 3 only pending."""
        return {"PASSED": 0, "FAILED": 1, "UNDECIDED": 2, "PENDING": 3}[self.word]
