"""The words that reports and terminal share, so that they cannot say different things.

Everything here projects a record into text that is safe to show (see :func:`printable`), one line of
it unless a docstring says otherwise.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.evidence.printable import BLOCK, first_line, output, printable
from pytest_relgate.judge.waivers import POLICY_EXCEPTION, self_approved
from pytest_relgate.model import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_relgate.model import (
        Attempt,
        Condition,
        Context,
        Drill,
        Judged,
        Proof,
        Reason,
        Record,
        Waiver,
    )

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", re.ASCII)
_PATTERNS_SHOWN = 4
_NAMES_SHOWN = 6
_DIGEST_SHOWN = 19
_COMMIT_SHOWN = 7
_STATES = {str(state): state.replace("_", " ").lower() for state in State}


class Standing(Enum):
    """What a gate does to the verdict, which is all that colours and counts tell apart."""

    BLOCKS = "blocks"
    TOLERATED = "tolerated"
    NOT_DUE = "not due"
    PASSED = "passed"


class Counts(msgspec.Struct, frozen=True):
    """How many gates stand how. ``gates`` is all of them, ``kept`` those not run again.

    ``blocking`` counts gates alone, ``run`` the reasons that are about no single gate.
    """

    gates: int
    passed: int
    not_due: int
    waived: int
    advisory: int
    blocking: int
    run: int
    kept: int


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


def named(record: Record) -> frozenset[str]:
    """Return the ids of the gates that a reason of the verdict names."""
    return frozenset(reason.gate for reason in record.verdict.reasons if reason.gate)


def standing(judged: Judged, names: frozenset[str]) -> Standing:
    """Return what the gate does to the verdict; ``names`` is :func:`named`.

    A gate that is neither passing nor advisory blocks even where no reason names it: a report is
    never greener than its record.
    """
    state = judged.state
    if judged.gate.id in names:
        return Standing.BLOCKS
    if state is State.PASSED:
        return Standing.PASSED
    if state is State.NOT_TRIGGERED:
        return Standing.NOT_DUE
    if state is State.WAIVED or judged.gate.advisory:
        return Standing.TOLERATED
    return Standing.BLOCKS


def counts(record: Record) -> Counts:
    """Return how many gates stand how."""
    names = named(record)
    passed, others = State.PASSED, list[Standing]()
    waived = 0
    for judged in record.verdict.gates:
        # Most gates of most runs pass: they are counted by what is left.
        if judged.state is not passed or judged.gate.id in names:
            others.append(standing(judged, names))
            waived += judged.state is State.WAIVED and others[-1] is Standing.TOLERATED
    known = {judged.gate.id for judged in record.verdict.gates} if names else set()
    return Counts(
        gates=len(record.verdict.gates),
        passed=len(record.verdict.gates) - len(others),
        not_due=others.count(Standing.NOT_DUE),
        waived=waived,
        advisory=others.count(Standing.TOLERATED) - waived,
        blocking=others.count(Standing.BLOCKS) + len(names - known),
        run=sum(not reason.gate for reason in record.verdict.reasons),
        kept=len(record.kept),
    )


def sentence(record: Record, count: Counts | None = None) -> str:
    """Return the verdict in one sentence that starts with its word. ``count`` saves counting twice."""
    count = count or counts(record)
    target = printable(record.context.target) or "no target"
    about = f"{target} in {record.context.phase}"
    word = record.verdict.word + where_in_words(record.context)
    if record.verdict.passed:
        judged = f"{count.gates - count.not_due} of {many(count.gates, 'gate')} judged {about}"
        beside = [
            f"{count.not_due} not due" if count.not_due else "",
            f"{count.waived} waived" if count.waived else "",
            f"{count.advisory} advisory did not pass" if count.advisory else "",
        ]
        return ", ".join(part for part in (f"{word}: {judged}", *beside) if part)
    gates = f"{count.blocking} of {many(max(count.gates, count.blocking), 'gate')}"
    if record.verdict.only_pending and record.verdict.reasons and not count.run:
        verb = "waits" if count.blocking == 1 else "wait"
        return f"{word}: {gates} still {verb} for {about}, nothing else blocks"
    facts = many(count.run, "fact") + " about the run"
    who = " and ".join(part for part in (gates * bool(count.blocking), facts * bool(count.run)) if part)
    verb = "blocks" if count.blocking + count.run == 1 else "block"
    return f"{word}: {who or 'no recorded fact'} {verb} {about}"


def many(number: int, noun: str) -> str:
    """Return number and noun: ``1 gate``, ``2 gates``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def state_in_words(state: str) -> str:
    """Return a state as running text has it: ``timed out``."""
    return _STATES.get(state, printable(state).replace("_", " ").lower())


def each_card(record: Record) -> Iterator[Card]:
    """Yield a card per reason, then one per blocking gate that no reason names."""
    names = named(record)
    gates = {judged.gate.id: judged for judged in record.verdict.gates if judged.gate.id in names}
    for reason in record.verdict.reasons:
        yield card(reason.code, gates.get(reason.gate), reason)
    silent = not record.verdict.passed and not record.verdict.reasons
    passed = State.PASSED
    for judged in record.verdict.gates:
        if judged.state is passed or judged.gate.id in names:
            continue
        if standing(judged, names) is Standing.BLOCKS:
            silent = False
            yield card(judged.state, judged, None)
    if silent:
        yield Card(state="INVALID", title="The verdict is BLOCKED and its record does not say why")


def cards(record: Record) -> tuple[Card, ...]:
    """Return a card per blocking gate and per fact about the run that blocks, in the record's order."""
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
    left_out = len(seen) - _NAMES_SHOWN
    if left_out > 0:
        seen = [seen[0], f"{left_out} more", *seen[1 - _NAMES_SHOWN :]]
    same = all(each.tree == newest.tree for each in attempts)
    return printable(", ".join(seen)) + (", same tree" if same else "")


def _clock(time: str, with_day: bool) -> str:  # noqa: FBT001  (private, one caller)
    if not _TIME.fullmatch(time):
        return printable(time, limit=20)
    return f"{time[:10]} {time[11:16]}" if with_day else time[11:16]


def kept_in_words(since: str) -> str:
    """Return that a gate was not run again, with the minute of the attempt that stands."""
    return f"kept from {printable(time_in_words(since))}"


def time_in_words(time: str) -> str:
    """Return an RFC 3339 time in UTC to the minute; anything else as it is."""
    return f"{time[:10]} {time[11:16]} UTC" if _TIME.fullmatch(time) else time


def condition_in_words(condition: Condition) -> str:
    """Return one condition as the end of "due ...": ``when dependencies changed (Cargo.lock)``."""
    every = [pattern for patterns in condition.lists for pattern in patterns]
    shown = ", ".join(every[:_PATTERNS_SHOWN])
    if len(every) > _PATTERNS_SHOWN:
        shown += f", {len(every) - _PATTERNS_SHOWN} more"
    patterns = f" ({shown})" if shown and shown != condition.name else ""
    match condition.kind:
        case "changed":
            words = f"when {condition.name} changed{patterns}"
        case "present":
            words = f"when {condition.name} is there{patterns}"
        case "live":
            words = "in live runs only"
    return printable(words)


def conditions_in_words(conditions: tuple[Condition, ...]) -> str:
    """Return when a gate is due: ``always``, or every condition of it."""
    return " and ".join(map(condition_in_words, conditions)) or "always"


def proof_in_words(proof: Proof) -> str:
    """Return why a condition holds or not, with what was compared."""
    verdict = {None: "could not be decided", True: "holds", False: "does not hold"}[proof.held]
    words = f"due {condition_in_words(proof.condition)}: {verdict}"
    if proof.reason:
        words += f", {printable(proof.reason)}"
    if proof.commit and proof.base:
        span = f"{short_commit(proof.base)}..{short_commit(proof.commit)}"
        words += f" ({span}, {many(proof.looked_at, 'file')} looked at)"
    return words


def not_due_in_words(judged: Judged) -> str:
    """Return why a gate was left out: the proofs of the conditions that do not hold."""
    proofs = judged.decision.proofs if judged.decision else ()
    against = "; ".join(proof_in_words(proof) for proof in proofs if proof.held is False)
    return against or first_line(judged.why) or "no proof recorded"


def waiver_in_words(waiver: Waiver) -> str:
    """Return who let a gate go for which release, until when and why, and who approved it."""
    who = "self-approved" if self_approved(waiver) else "not self-approved"
    until = time_in_words(waiver.expires)
    return printable(
        f"waived by {waiver.owner} for {waiver.release} until {until}: {waiver.reason}; "
        f"approved by {waiver.approver or 'nobody'}, {who}; covers {', '.join(waiver.states)}",
        limit=BLOCK,
    )


def waived(record: Record) -> Iterator[tuple[str, str]]:
    """Yield title and words of each gate that is let go: what it found stays to be read (SPEC S30)."""
    for judged in record.verdict.gates:
        if judged.waiver is None:
            continue
        red = [attempt for attempt in judged.attempts if attempt.outcome is not State.PASSED]
        found = first_line(red[-1].message) if red else ""
        what = ": ".join(filter(None, [red[-1].outcome if red else "", found]))
        lets_go = f"; it lets go {what}" if what else ""
        words = f"{waiver_in_words(judged.waiver)}; {POLICY_EXCEPTION}, an incident{lets_go}"
        yield printable(judged.gate.title or judged.gate.id), words


def signed_in_words(judged: Judged) -> str:
    """Return by whose word a gate passed that had failed or asks for a review; empty if nobody was asked."""
    newest = judged.attempts[-1] if judged.attempts else None
    asked = newest is not None and (len(judged.attempts) > 1 or newest.signed)
    signed = judged.state is State.PASSED and asked and "; signed off by " in judged.why
    return printable(judged.why, limit=BLOCK) if signed else ""


def signed_off(record: Record) -> Iterator[tuple[str, str]]:
    """Yield title and words of each gate that passed by a sign-off."""
    for judged in record.verdict.gates:
        if words := signed_in_words(judged):
            yield printable(judged.gate.title or judged.gate.id), words


def unused_waivers(record: Record) -> Iterator[str]:
    """Yield in words the waivers that this evidence carries and no gate of it used."""
    used = [judged.waiver for judged in record.verdict.gates if judged.waiver is not None]
    for waiver in record.waivers:
        if waiver not in used:
            yield f"{printable(waiver.gate)}: not used: {waiver_in_words(waiver)}"


def why_in_words(judged: Judged, record: Record, names: frozenset[str]) -> str:
    """Return the line that stands beside a gate in a table of all gates; mostly empty."""
    kept = record.kept.get(judged.gate.id)
    match standing(judged, names):
        case Standing.PASSED:
            words = signed_in_words(judged)
            if not words:
                return kept_in_words(kept) if kept else ""
        case Standing.NOT_DUE:
            words = not_due_in_words(judged)
        case Standing.TOLERATED if judged.waiver:
            words = waiver_in_words(judged.waiver)
        case Standing.TOLERATED:
            words = f"advisory, does not decide: {_last_words(judged)}".removesuffix(": ")
        case Standing.BLOCKS:
            words = _last_words(judged)
    return f"{words}; {kept_in_words(kept)}" if kept else words


def _last_words(judged: Judged) -> str:
    return first_line(judged.why or (judged.attempts[-1].message if judged.attempts else ""))


def not_checked(record: Record) -> tuple[str, ...]:
    """Return in words what this evidence does not speak of."""
    said = [printable(each) for each in record.not_checked]
    if record.narrowed:
        said.append(
            f"gates outside of this run ({printable(record.narrowed)}): they stand as they stood before"
        )
    if not record.locked:
        said.append("whether these are all the gates: no committed gates.lock says so")
    if record.channels and record.channels.weak:
        said.append(
            f"whether what {', '.join(map(printable, record.channels.weak))} has is what was built: no build "
            "is at hand, so it was held against the release's own checksum file, which whoever changed the "
            "files could have changed too"
        )
    if record.context.sandbox:
        said.append(f"any real release: this ran{where_in_words(record.context)}")
    return tuple(said)


def where_in_words(context: Context) -> str:
    """Return `` in the sandbox`` and with which faults, nothing for a real release."""
    if not context.sandbox:
        return ""
    faults = f" with {printable(', '.join(context.faults))}" if context.faults else ""
    return f" in the sandbox{faults}"


def drill_in_words(drill: Drill) -> str:
    """Return the sum of a drill: ``9 of 12 gates proved able to fail, 2026-11-22 16:02 UTC``."""
    total = len(drill.proved) + len(drill.unproved)
    return f"{len(drill.proved)} of {many(total, 'gate')} proved able to fail, {time_in_words(drill.when)}"


def unproved(record: Record) -> list[str]:
    """Return the gates that the drill of these checks did not prove able to fail, each with the reason."""
    known = record.drill.unproved if record.drill else {}
    return [f"{gate}: {why}" for gate, why in known.items()]


def short_commit(commit: str) -> str:
    """Return a commit as people write it."""
    return printable(commit[:_COMMIT_SHOWN])


def subject_in_words(record: Record) -> tuple[tuple[str, str], ...]:
    """Return what the verdict is about and under what it was reached, as (label, words)."""
    context, subject = record.context, record.subject
    base = f"{printable(context.base)} ({printable(context.base_why)})"
    tree = "clean" if not subject.dirty else "dirty: " + _names(subject.dirt)
    rows = (
        ("release", _with_reason(context.target, context.target_why)),
        ("commit", printable(subject.commit) or "unknown"),
        ("phase", str(context.phase)),
        ("mode", f"{context.mode}" + (f" ({where_in_words(context).strip()})" if context.sandbox else "")),
        ("agent", _with_reason(context.agent, context.agent_why)),
        ("base", base if context.base else f"none, a first release ({printable(context.base_why)})"),
        ("tree", tree),
        ("checks", _checks(record)),
        ("lock", "committed gates.lock" if record.locked else "none"),
        ("drill", drill_in_words(record.drill) if record.drill else ""),
        ("repository", printable(subject.repository)),
        ("artifacts", _names(tuple(each.name for each in subject.artifacts))),
        ("earlier", "; ".join(_earlier(record))),
        ("run", f"{record.run}, {_span(record.started, record.finished)}"),
    )
    return tuple((label, words) for label, words in rows if words)


def _span(started: str, finished: str) -> str:
    return printable(f"{time_in_words(started)} to {time_in_words(finished)}")


def _checks(record: Record) -> str:
    subject = record.subject
    at = f" @ {short_commit(subject.checks_commit)}" if subject.checks_commit else " (not in git)"
    return printable(subject.checks[:_DIGEST_SHOWN]) + at + (", dirty" if subject.checks_dirty else "")


def _earlier(record: Record) -> Iterator[str]:
    for each in record.earlier:
        problem = f", {printable(each.problem)}" if each.problem else ""
        yield f"{each.phase} {each.verdict} @ {short_commit(each.commit)}{problem}"


def _with_reason(value: str, why: str) -> str:
    return printable(value) + (f" ({printable(why)})" if why else "")


def _names(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:_NAMES_SHOWN])
    left_out = len(names) - _NAMES_SHOWN
    return printable(shown) + (f", {left_out} more" if left_out > 0 else "")


def verify_command(record: Record, *, short: bool = False) -> str:
    """Return the command that verifies this evidence in a process of its own."""
    import shlex

    folder = record.folder or f"release-evidence/{record.context.target}/{record.context.phase}"
    commit = record.subject.commit[:_COMMIT_SHOWN] if short else record.subject.commit
    sandbox = " --allow-sandbox" if record.context.sandbox else ""
    command = f"relgate verify {shlex.quote(folder)} --commit {shlex.quote(commit)}{sandbox}"
    return printable(command, limit=BLOCK)
