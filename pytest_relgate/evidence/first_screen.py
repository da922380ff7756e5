"""The first screen of the HTML report: what a release manager reads before anything else.

Plain HTML without script: the verdict in a sentence, what it is about, a card per blocking gate with
its remedy, the channels, waivers in words, what was not checked, and the command that verifies it.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from pytest_relgate.evidence import blocking, channel_table, tally, wording
from pytest_relgate.evidence.html_rows import esc, linked, log_link
from pytest_relgate.evidence.printable import printable
from pytest_relgate.evidence.tally import Standing
from pytest_relgate.model import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_relgate.evidence.blocking import Card
    from pytest_relgate.evidence.tally import Counts
    from pytest_relgate.model import ChannelTable, Record

CARDS = 50
"""Blocking gates that get a card; the rest stand in the table of all gates."""

_ITEMS = 20
_FIRST = ("release", "commit", "mode", "agent", "base", "tree", "lock")


def first_screen(record: Record) -> str:
    """Return the first screen as an HTML fragment."""
    count = tally.counts(record)
    names = tally.named(record)
    word = record.verdict.word
    rest = wording.sentence(record, count).removeprefix(word)
    return (
        f'<main class="relgate relgate-{_mood(record)}" data-verdict="{word}">\n'
        f'<header>\n<h1><strong class="relgate-word">{word}</strong>{esc(rest)}</h1>\n'
        f'<p class="relgate-tally">{_tally(count)}</p>\n{_sandbox(record)}</header>\n'
        f"{_subject(record)}"
        f"{_cards(record, count)}"
        f"{_channels(record.channels)}"
        '<div class="relgate-notes">\n'
        f"{_list('Waivers', _waivers(record))}"
        f"{_list('Signed off', _signed(record))}"
        f"{_list('Not due', _not_due(record, names))}"
        f"{_list('Not proved able to fail', map(esc, wording.unproved(record)))}"
        f"{_list('Not checked', map(esc, wording.not_checked(record)))}"
        f"{_list('Set aside', map(esc, record.set_aside))}"
        f"{_list('Notes', map(esc, record.verdict.notes))}"
        "</div>\n"
        '<section class="relgate-check"><h2>Check it yourself</h2>\n'
        f"<pre><code>{esc(wording.verify_command(record))}</code></pre></section>\n"
        "</main>\n"
    )


def _mood(record: Record) -> str:
    if record.verdict.passed:
        return "passed"
    waits = record.verdict.only_pending and record.verdict.reasons
    return "pending" if waits and not tally.counts(record).run else "blocked"


def _tally(count: Counts) -> str:
    parts = (
        (count.passed, "passed"),
        (count.not_due, "not due"),
        (count.waived, "waived"),
        (count.advisory, "advisory did not pass"),
        (count.blocking, "blocking"),
        (count.kept, "kept from earlier runs"),
    )
    return " ".join(f"<span>{number:,} {words}</span>" for number, words in parts if number)


def _sandbox(record: Record) -> str:
    if not record.context.sandbox:
        return ""
    faults = f" with {esc(', '.join(record.context.faults))}" if record.context.faults else ""
    return f'<p class="relgate-sandbox">Sandbox{faults}: this is evidence of no release.</p>\n'


def _subject(record: Record) -> str:
    facts = wording.subject_in_words(record)
    first = [fact for fact in facts if fact[0] in _FIRST]
    more = [fact for fact in facts if fact[0] not in _FIRST]
    return (
        f'<dl class="relgate-subject">{_facts(first)}</dl>\n'
        f'<details class="relgate-more"><summary>More about this run</summary>'
        f'<dl class="relgate-subject">{_facts(more)}</dl></details>\n'
    )


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    return "".join(
        f'<div class="fact-{label}"><dt>{label}</dt><dd>{esc(words)}</dd></div>' for label, words in facts
    )


def _cards(record: Record, count: Counts) -> str:
    shown = list(islice(blocking.each_card(record), CARDS))
    if not shown:
        return ""
    total = count.blocking + count.run
    left = total - len(shown) if len(shown) == CARDS else 0
    heading = "What it waits for" if _mood(record) == "pending" else "What blocks"
    more = f"<p>{wording.many(left, 'more blocking gate')} in the table below.</p>\n" if left > 0 else ""
    return (
        f'<section class="relgate-blocks"><h2>{heading}</h2>\n{"".join(map(_card, shown))}{more}</section>\n'
    )


def _card(card: Card) -> str:
    pending = " relgate-waits" if card.state == State.PENDING else ""
    found = f"<pre>{esc(card.found, lines=True)}</pre>" if "\n" in card.found else esc(card.found)
    facts = (
        ("found", found),
        ("saw", esc(card.history)),
        ("at", linked(card.place)),
        ("do", esc(card.do)),
    )
    gate = f"<code>{esc(card.gate)}</code>" if card.gate and card.gate != card.title else ""
    test = f"<code>{esc(card.where)}</code>" if card.where else ""
    source = " ".join(f"<span>{part}</span>" for part in (gate, test, log_link(card.log)) if part)
    lines = "".join(
        f'<div class="card-{label}"><dt>{label}</dt><dd>{words}</dd></div>' for label, words in facts if words
    )
    return (
        f'<article class="relgate-card{pending}" data-state="{esc(card.state)}">'
        f'<h3><span class="relgate-state">{esc(card.state)}</span> {esc(card.title)}</h3>'
        f'<dl>{lines}</dl><p class="relgate-source">{source}</p></article>\n'
    )


def _channels(table: ChannelTable | None) -> str:
    if table is None:
        return ""
    head = "".join(f"<th>{words}</th>" for words in channel_table.HEADINGS)
    body = "".join(
        f"<tr><th>{esc(first)}</th>{''.join(f'<td>{esc(cell)}</td>' for cell in rest)}</tr>\n"
        for first, *rest in channel_table.rows(table)
    )
    return (
        '<section class="relgate-channels"><h2>Channels</h2>\n'
        f"<p>{esc(channel_table.asked(table))}</p>\n"
        '<div class="relgate-wide">'
        f"<table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div></section>\n"
        f"{_list('Incidents', map(esc, table.incidents))}"
    )


def _waivers(record: Record) -> Iterator[str]:
    yield from (f"<b>{esc(title)}</b> {esc(words)}" for title, words in wording.waived(record))
    yield from map(esc, wording.unused_waivers(record))


def _signed(record: Record) -> Iterator[str]:
    return (f"<b>{esc(title)}</b> {esc(words)}" for title, words in wording.signed_off(record))


def _not_due(record: Record, names: frozenset[str]) -> Iterator[str]:
    for judged in record.verdict.gates:
        if judged.state is State.NOT_TRIGGERED and tally.standing(judged, names) is Standing.NOT_DUE:
            title = esc(printable(judged.gate.title or judged.gate.id))
            yield f"<b>{title}</b> {esc(wording.not_due_in_words(judged))}"


def _list(title: str, items: Iterable[str]) -> str:
    every = list(items)
    if not every:
        return ""
    lines = "".join(f"<li>{item}</li>\n" for item in every[:_ITEMS])
    if len(every) > _ITEMS:
        lines += f"<li>{len(every) - _ITEMS} more, in the table below</li>\n"
    return f"<section><h2>{title}</h2>\n<ul>{lines}</ul></section>\n"
