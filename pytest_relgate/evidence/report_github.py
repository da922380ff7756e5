"""The record as GitHub Actions shows it: ``::error`` lines in the log, Markdown in the job summary.

Limits and escapes are those of GitHub's documentation of workflow commands and of
``packages/core/src/command.ts`` of actions/toolkit.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_relgate.evidence import blocking
from pytest_relgate.evidence.printable import BLOCK, printable
from pytest_relgate.evidence.report_markdown import markdown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_relgate.evidence.blocking import Card
    from pytest_relgate.model import Record

LINES = 10
"""Errors of one step that GitHub shows; it drops the others without a word."""

SUMMARY_BYTES = 1024 * 1024
"""Bytes of one step's summary; GitHub drops a longer one as a whole."""

_CUT = "\n\n**Cut here:** GitHub shows 1 MiB of a summary. The whole report is in the evidence folder.\n"
_PLACE = re.compile(r"(?P<file>[^:\s][^:]*):(?P<line>[1-9]\d{0,8})")


def error_lines(record: Record) -> list[str]:
    """Return an ``::error`` command per card, at most ten; the tenth counts what has none.

    Each is one line whatever a gate wrote, so that no text of a gate can start a command.
    """
    cards = blocking.cards(record)
    if len(cards) <= LINES:
        return [_error(card) for card in cards]
    rest = cards[LINES - 1 :]
    states = sorted({card.state for card in rest})
    message = f"{', '.join(states)}: {', '.join(card.title for card in rest)}"
    title = f"{len(rest)} more of {len(cards)} that block"
    return [
        *(_error(card) for card in cards[: LINES - 1]),
        f"::error title={_property(title)}::{_data(printable(message, limit=BLOCK))}",
    ]


def _error(card: Card) -> str:
    properties = [f"title={_property(f'{card.state}: {card.title}')}"]
    # What is wrong beats the test that says so; a URL or a bare name is no place in a file.
    place = _PLACE.fullmatch(card.place) or _PLACE.fullmatch(card.where)
    if place:
        properties = [f"file={_property(place['file'])}", f"line={place['line']}", *properties]
    parts = (
        card.found,
        f"at {card.place}" if card.place else "",
        f"do: {card.do}" if card.do else "",
        card.gate,
    )
    message = "\n".join(part for part in parts if part) or card.title
    return f"::error {','.join(properties)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def write_summary(record: Record, path: str | Path) -> str:
    """Append the Markdown report to the file of ``$GITHUB_STEP_SUMMARY``.

    What the step wrote there before counts against GitHub's limit. Returns one line that says what
    went wrong, and nothing when all is well: a summary decides nothing, so that it stops nothing.
    """
    try:
        with Path(path).open("ab") as file:
            apart = b"\n\n" if file.tell() else b""
            room = SUMMARY_BYTES - file.tell() - len(apart)
            file.write(apart)
            file.writelines(_fitting(markdown(record), room))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return f"no job summary: {printable(str(path))} cannot be written ({reason})"
    return ""


def _fitting(chunks: Iterable[str], room: int) -> Iterable[bytes]:
    cut = _CUT.encode()
    room -= len(cut)
    for chunk in chunks:
        piece = chunk.encode()
        if len(piece) > room:
            yield cut if room >= 0 else b""
            return
        room -= len(piece)
        yield piece
