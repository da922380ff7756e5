"""The record as JUnit XML, as CI systems read it: one suite, one case per gate.

A gate that blocks is a failure, or an error where nothing judged it; what does not decide is skipped,
with the reason. A BLOCKED record has at least one failure or error, whatever its gates say.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_relgate.evidence import blocking, tally, wording
from pytest_relgate.evidence.printable import LINE, first_line, printable
from pytest_relgate.evidence.tally import Standing
from pytest_relgate.model import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_relgate.evidence.blocking import Card
    from pytest_relgate.model import Judged, Reason, Record

RUN_CASE = "relgate verdict"
"""The case that carries what blocks and belongs to no gate of the record."""

ROWS = 200
"""Cases in one chunk."""

_ERRORS = frozenset(
    (State.ERRORED, State.CRASHED, State.MISSING, State.INVALID, State.STALE, State.UNPLANNED),
)
# What printable text still holds that XML reads as its own.
_XML = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&quot;"}
_PLAIN = re.compile(r"[\w ./:\[\]()=,+@#%*!?;'|-]*")


def junit(record: Record) -> Iterator[str]:
    """Yield the document in chunks, to be written as UTF-8."""
    names, gates = tally.named(record), record.verdict.gates
    known = {judged.gate.id for judged in gates} if names else set()
    reasons: dict[str, list[Reason]] = {}
    of_run: list[Card] = []
    for reason in record.verdict.reasons:
        if reason.gate in known:
            reasons.setdefault(reason.gate, []).append(reason)
        else:
            of_run.append(blocking.card(reason.code, None, reason))
    if not of_run and not record.verdict.passed and not tally.counts(record).blocking:
        of_run.extend(blocking.each_card(record))
    yield _opening(record, names, bool(of_run))
    for start in range(0, len(gates), ROWS):
        batch = gates[start : start + ROWS]
        yield "".join([_case(judged, record, names, reasons) for judged in batch])
    if of_run:
        fault = _fault("error", of_run)
        yield f'<testcase classname="" name="{RUN_CASE}" time="0.000">\n{fault}</testcase>\n'
    yield "</testsuite>\n</testsuites>\n"


def _opening(record: Record, names: frozenset[str], run_case: bool) -> str:  # noqa: FBT001  (private)
    tests, skipped, failures, errors, seconds = int(run_case), 0, 0, int(run_case), 0.0
    passed = State.PASSED
    for judged in record.verdict.gates:
        tests += 1
        seconds += judged.attempts[-1].seconds if judged.attempts else 0
        if judged.state is passed and judged.gate.id not in names:
            continue
        if tally.standing(judged, names) is not Standing.BLOCKS:
            skipped += 1
        elif judged.state in _ERRORS:
            errors += 1
        else:
            failures += 1
    context = record.context
    facts = (
        ("verdict", record.verdict.word),
        ("sentence", wording.sentence(record)),
        ("target", context.target),
        ("phase", context.phase),
        ("mode", context.mode),
        ("base", context.base),
        ("commit", record.subject.commit),
        ("tree", record.subject.tree),
        ("checks", record.subject.checks),
        ("agent", context.agent),
        ("locked", str(record.locked).lower()),
        ("sandbox", str(context.sandbox).lower()),
        ("faults", ",".join(context.faults)),
    )
    properties = "".join(_property(name, value) for name, value in facts)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<testsuites name="relgate">\n'
        f'<testsuite name="relgate {context.phase}" tests="{tests}" failures="{failures}" '
        f'errors="{errors}" skipped="{skipped}" time="{seconds:.3f}" timestamp="{escaped(record.started)}">\n'
        f"<properties>\n{properties}</properties>\n"
    )


def _case(
    judged: Judged,
    record: Record,
    names: frozenset[str],
    reasons: Mapping[str, list[Reason]],
) -> str:
    gate, state = judged.gate, judged.state
    text = gate.id if len(gate.id) <= LINE and _PLAIN.fullmatch(gate.id) else escaped(gate.id)
    # Group and name, such that joining them with `::` gives the id again.
    test, bracket, parameters = text.partition("[")
    group, _, name = test.rpartition("::")
    if not group:
        name = test
    seconds = judged.attempts[-1].seconds if judged.attempts else 0
    case = (
        f'<testcase classname="{group}" name="{name}{bracket}{parameters}" time="{seconds:.3f}">'
        f'<properties><property name="state" value="{state}"/>'
    )
    if gate.id in record.kept:
        case += _property("kept", record.kept[gate.id]).rstrip()
    if state is State.PASSED and gate.id not in names:
        return case + "</properties></testcase>\n"
    if tally.standing(judged, names) is Standing.BLOCKS:
        cards = [blocking.card(each.code, judged, each) for each in reasons.get(gate.id, ())]
        kind = "error" if state in _ERRORS else "failure"
        outcome = _fault(kind, cards or [blocking.card(state, judged, None)])
    else:
        why = wording.why_in_words(judged, record, names)
        outcome = f'<skipped type="{state}" message="{escaped(f"{state}: {why}")}"/>\n'
    return f"{case}</properties>\n{outcome}</testcase>\n"


def _fault(kind: str, cards: Iterable[Card]) -> str:
    cards = list(cards)
    first = cards[0]
    message = escaped(f"{first.state}: {first_line(first.found) or first.title}")
    body = "\n\n".join(_lines(card) for card in cards).translate(_XML)
    return f'<{kind} type="{escaped(first.state)}" message="{message}">{body}</{kind}>\n'


def _lines(card: Card) -> str:
    rows = (
        ("", f"{card.state}  {card.title}"),
        ("found", card.found.replace("\n", "\n        ")),
        ("saw", card.history),
        ("at", card.place),
        ("do", card.do),
        ("gate", card.gate),
        ("test", card.where),
        ("log", card.log),
    )
    return "\n".join(f"  {label:<6}{words}" if label else words for label, words in rows if words)


def _property(name: str, value: str) -> str:
    return f'<property name="{name}" value="{escaped(value)}"/>\n'


def escaped(text: str) -> str:
    """Return one line of any text as XML 1.0 has it, in element or attribute."""
    return printable(text, limit=3 * LINE).translate(_XML)
