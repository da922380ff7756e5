"""One card for each thing that blocks: what was found, where, and what to do. Every text is safe to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.evidence import tally
from pytest_relgate.evidence.printable import BLOCK, first_line, output, printable
from pytest_relgate.evidence.wording import NAMES_SHOWN, TIME, state_in_words
from pytest_relgate.model import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_relgate.model import Attempt, Judged, Reason, Record


_WAITING = frozenset({State.PENDING, State.BLOCKED_BY})


class Card(msgspec.Struct, frozen=True):
    """One blocking gate, or one fact about the run that blocks. Every text is safe to show.

    ``found`` may have several lines, the others have one; any but ``state`` and ``title`` may be empty.
    ``where`` is the gate's own place (test file and line), ``place`` where the fault is.
    """

    state: str
    title: str
    gate: str = ""
    where: str = ""
    found: str = ""
    place: str = ""
    do: str = ""
    history: str = ""
    log: str = ""


def each_card(record: Record) -> Iterator[Card]:
    """Yield a card per reason, then one per blocking gate that no reason names.

    What only waits, for the world or for another gate, stands behind what is wrong.
    """
    names = tally.named(record)
    gates = {judged.gate.id: judged for judged in record.verdict.gates if judged.gate.id in names}
    for reason in sorted(record.verdict.reasons, key=lambda reason: reason.code in _WAITING):
        yield card(reason.code, gates.get(reason.gate), reason)
    silent = not record.verdict.passed and not record.verdict.reasons
    passed = State.PASSED
    for judged in record.verdict.gates:
        if judged.state is passed or judged.gate.id in names:
            continue
        if tally.standing(judged, names) is tally.Standing.BLOCKS:
            silent = False
            yield card(judged.state, judged, None)
    if silent:
        yield Card(state="INVALID", title="The verdict is BLOCKED and its record does not say why")


def cards(record: Record) -> tuple[Card, ...]:
    """Return a card per blocking gate and per fact about the run that blocks, what only waits behind."""
    return tuple(each_card(record))


def card(code: str, judged: Judged | None, reason: Reason | None) -> Card:
    """Return the card of a reason, of a blocking gate, or of a gate for a reason."""
    message, gate_id = (reason.message, reason.gate) if reason else ("", "")
    remedy, place = (reason.remedy, reason.where) if reason else ("", "")
    if judged is None:
        # A fact about the run, or a gate of which nothing is known but the reason itself.
        title = printable(gate_id) or first_line(message) or state_in_words(code)
        return Card(
            state=printable(code),
            title=title,
            gate=printable(gate_id),
            found="" if title == message else output(message),
            place=printable(place),
            do=printable(remedy, limit=BLOCK),
        )
    gate = judged.gate
    last = judged.attempts[-1] if judged.attempts else None
    seen = history(judged.attempts)
    if code == State.FLAKY and seen:  # the history says that it is; found is what it failed with
        message = next((one.message for one in reversed(judged.attempts) if not one.outcome.passing), "")
    else:
        message = message or judged.why or (last.message if last else "")
    fault = (last.where if last else "") or (place if place != gate.where else "")
    return Card(
        state=printable(code),
        title=printable(gate.title) or printable(gate.id),
        gate=printable(gate.id),
        where=printable(gate.where),
        found=output(message),
        place=printable(fault) if fault != gate.where else "",
        do=printable(remedy or (last.do if last else "") or gate.remedy, limit=BLOCK),
        history=seen,
        log=printable(last.log) if last else "",
    )


def history(attempts: tuple[Attempt, ...]) -> str:
    """Return what was seen of a gate that had more than one attempt: ``15:41 failed, 15:58 passed``."""
    if len(attempts) < 2:  # noqa: PLR2004  (one attempt has no history)
        return ""
    newest = attempts[-1]
    days = {attempt.started[:10] for attempt in attempts}
    seen = [f"{_clock(each.started, len(days) > 1)} {state_in_words(each.outcome)}" for each in attempts]
    left_out = len(seen) - NAMES_SHOWN
    if left_out > 0:
        seen = [seen[0], f"{left_out} more", *seen[1 - NAMES_SHOWN :]]
    same = all(each.tree == newest.tree for each in attempts)
    return printable(", ".join(seen)) + (", same tree" if same else "")


def _clock(time: str, with_day: bool) -> str:  # noqa: FBT001  (private, one caller)
    if not TIME.fullmatch(time):
        return printable(time, limit=20)
    return f"{time[:10]} {time[11:16]}" if with_day else time[11:16]
