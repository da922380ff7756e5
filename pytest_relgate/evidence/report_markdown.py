"""The record as GitHub Markdown: ``report.md`` and the job summary of GitHub Actions.

Nothing that a gate, a tool or a file name says may become markup. Backslashes would not do: GitHub
links mentions, issue numbers, commits and bare URLs after Markdown is done, and leaves only code
alone. So words of plain letters stay as they are and every other word goes into a code span.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from pytest_relgate.evidence import blocking, channel_table, tally, wording
from pytest_relgate.evidence.printable import BLOCK, LINE, printable
from pytest_relgate.model import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_relgate.evidence.blocking import Card
    from pytest_relgate.model import Record

CARDS = 50
"""Blocking gates that get a card; the rest stand in the table of all gates."""

ROWS = 200
"""Rows of the table of all gates in one chunk."""

# Letters and digits of any script, joined and followed by what starts nothing inside a line.
_PLAIN = re.compile(
    r"[(\"']*[^\W_]+(?:[-.,'/=+%][^\W_]+)*%?[,.;:?!)\"']*|[A-Z]+(?:_[A-Z]+)*[,:]?|[…⏎]",
)
# What would be linked all the same (www.x, tickets such as GH-1, commits), or start a numbered list.
_NOT_PLAIN = re.compile(r"www\.|[a-z]-\d|[0-9a-f]{7}|^\d+[.)]$", re.IGNORECASE)
# The two that decide for most titles, cheaper than reading them word by word.
_PLAIN_TEXT = re.compile(r"[A-Za-z0-9 ,;]*")
_COMMIT = re.compile(r"[0-9A-Fa-f]{7}")
# The same of a test with parameters: what is in brackets is always code.
_PLAIN_TITLE = re.compile(r"([A-Za-z0-9 ,;]+) (\[[!-_a-{}~]*\])")


def markdown(record: Record) -> Iterator[str]:
    """Yield the report in chunks, each whole in itself, so that a cut between two breaks nothing."""
    count = tally.counts(record)
    yield f"## {prose(wording.sentence(record, count))}\n\n"
    yield _tally(count)
    yield from table(("", ""), [(label, prose(words)) for label, words in wording.subject_in_words(record)])
    yield from _cards(record, count.blocking + count.run)
    yield from _channels(record)
    yield from _list("Waivers", _waivers(record))
    yield from _list("Signed off", (f"{title}: {words}" for title, words in wording.signed_off(record)))
    yield from _list("Not proved able to fail", wording.unproved(record))
    yield from _list("Not checked", wording.not_checked(record))
    yield from _list("Set aside", record.set_aside)
    yield from _list("Notes", record.verdict.notes)
    yield "### Check it yourself\n\n"
    yield f"{fence(wording.verify_command(record), 'sh')}\n"
    yield from _gates(record)


def _tally(count: tally.Counts) -> str:
    parts = (
        f"{count.passed} passed",
        f"{count.not_due} not due",
        f"{count.waived} waived",
        f"{count.advisory} advisory did not pass",
        f"{count.blocking} blocking",
        f"{count.kept} kept from earlier runs",
    )
    return ", ".join(part for part in parts if not part.startswith("0 ")) + "\n\n"


def _cards(record: Record, total: int) -> Iterator[str]:
    heading = "### What blocks\n\n"
    shown = 0
    for card in islice(blocking.each_card(record), CARDS):
        yield heading + _card(card)
        heading = ""
        shown += 1
    if total > shown == CARDS:
        yield f"{wording.many(total - shown, 'more blocking gate')} in the table below.\n\n"


def _card(card: Card) -> str:
    lines = [f"#### {prose(card.state)}: {prose(card.title)}\n\n"]
    found = card.found if "\n" not in card.found else ""
    rows = (
        ("found", prose(found)),
        ("saw", prose(card.history)),
        ("at", code(card.place)),
        ("do", prose(card.do)),
        ("gate", code(card.gate)),
        ("test", code(card.where)),
        ("log", code(card.log)),
    )
    lines += [f"- {label}: {words}\n" for label, words in rows if words]
    if found != card.found:
        lines.append(f"\n{fence(card.found)}")
    return "".join(lines) + "\n"


def _channels(record: Record) -> Iterator[str]:
    if record.channels is None:
        return
    yield "### Channels\n\n"
    yield f"{prose(channel_table.asked(record.channels))}\n\n"
    yield from table(
        channel_table.HEADINGS, [tuple(map(prose, row)) for row in channel_table.rows(record.channels)]
    )
    yield from _list("Incidents", record.channels.incidents)


def _waivers(record: Record) -> Iterator[str]:
    yield from (f"{title}: {words}" for title, words in wording.waived(record))
    yield from wording.unused_waivers(record)


def _list(title: str, items: Iterable[str]) -> Iterator[str]:
    heading = f"### {title}\n\n"
    for item in items:
        yield f"{heading}- {prose(printable(item, limit=BLOCK))}\n"
        heading = ""
    if not heading:
        yield "\n"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield a table; its cells are Markdown already."""
    lines = [f"| {' | '.join(headings)} |", f"|{' --- |' * len(headings)}"]
    lines += [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    yield "\n".join(lines) + "\n\n"


def _gates(record: Record) -> Iterator[str]:
    names, kept = tally.named(record), record.kept
    passed = State.PASSED
    head = "### All gates\n\n| state | gate | title | seconds | why |\n| --- | --- | --- | ---: | --- |\n"
    gates = record.verdict.gates
    for start in range(0, len(gates), ROWS):
        rows = []
        for judged in gates[start : start + ROWS]:
            gate = judged.gate
            silent = judged.state is passed and gate.id not in kept and gate.id not in names
            silent = silent and len(judged.attempts) == 1
            why = "" if silent else _cell(prose(wording.why_in_words(judged, record, names)))
            seconds = f"{judged.attempts[-1].seconds:.1f}" if judged.attempts else ""
            rows.append(f"| {judged.state} | {_id(gate.id)} | {_title(gate.title)} | {seconds} | {why} |\n")
        yield head + "".join(rows)
        head = ""
    if head:
        yield head


def _id(gate: str) -> str:
    plain = gate.isprintable() and "`" not in gate and "|" not in gate and " " not in gate[:1]
    return f"`{gate}`" if plain and 0 < len(gate) <= LINE else _cell(code(printable(gate)))


def _title(title: str) -> str:
    if len(title) > LINE:
        return _cell(prose(printable(title)))
    if _PLAIN_TEXT.fullmatch(title) and not _COMMIT.search(title):
        return title
    found = _PLAIN_TITLE.fullmatch(title)
    if found and not _COMMIT.search(found[1]):
        return f"{found[1]} `{found[2]}`"
    return _cell(prose(printable(title)))


def _cell(markup: str) -> str:
    # A table is cut at its pipes before anything else is read, code spans included.
    return markup.replace("|", "\\|")


def code(text: str) -> str:
    """Return one line of text as a code span that shows exactly it."""
    if not text:
        return ""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    ticks = "`" * (longest + 1)
    if longest or (text[0] == text[-1] == " " and text.strip()):
        # One space at each end is dropped by the reader of the span.
        return f"{ticks} {text} {ticks}"
    return f"{ticks}{text}{ticks}"


def fence(text: str, language: str = "") -> str:
    """Return lines of text as a code block that shows exactly them."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{language}\n{text}\n{ticks}\n"


def prose(text: str) -> str:
    """Return one line of words as Markdown that shows them and nothing else."""
    return " ".join(_spans(text)) if text else ""


def _spans(text: str) -> Iterator[str]:
    odd: list[str] = []
    words = text.split()
    for word in words:
        # At the start of a line the three would be a list or a heading's rule.
        sign = word in ("-", "+", "=") and word is not words[0]
        if sign or (_PLAIN.fullmatch(word) and not _NOT_PLAIN.search(word)):
            if odd:
                yield code(" ".join(odd))
                odd.clear()
            yield word
        else:
            odd.append(word)
    if odd:
        yield code(" ".join(odd))
