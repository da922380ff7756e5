"""The words that reports and terminal share, so that they cannot say different things.

Everything here projects a record into text that is safe to show (see :func:`printable`), one line of
it unless a docstring says otherwise.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_relgate.evidence import tally
from pytest_relgate.evidence.printable import BLOCK, first_line, printable
from pytest_relgate.judge.waivers import POLICY_EXCEPTION, self_approved
from pytest_relgate.model import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_relgate.model import (
        Condition,
        Context,
        Drill,
        Judged,
        Proof,
        Record,
        Waiver,
    )

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", re.ASCII)
_PATTERNS_SHOWN = 4
NAMES_SHOWN = 6
_DIGEST_SHOWN = 19
_COMMIT_SHOWN = 7
_STATES = {str(state): state.replace("_", " ").lower() for state in State}


def sentence(record: Record, count: tally.Counts | None = None) -> str:
    """Return the verdict in one sentence that starts with its word. ``count`` saves counting twice."""
    count = count or tally.counts(record)
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


def kept_in_words(since: str) -> str:
    """Return that a gate was not run again, with the minute of the attempt that stands."""
    return f"kept from {printable(time_in_words(since))}"


def time_in_words(time: str) -> str:
    """Return an RFC 3339 time in UTC to the minute; anything else as it is."""
    return f"{time[:10]} {time[11:16]} UTC" if TIME.fullmatch(time) else time


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
    match tally.standing(judged, names):
        case tally.Standing.PASSED:
            words = signed_in_words(judged)
            if not words:
                return kept_in_words(kept) if kept else ""
        case tally.Standing.NOT_DUE:
            words = not_due_in_words(judged)
        case tally.Standing.TOLERATED if judged.waiver:
            words = waiver_in_words(judged.waiver)
        case tally.Standing.TOLERATED:
            words = f"advisory, does not decide: {_last_words(judged)}".removesuffix(": ")
        case tally.Standing.BLOCKS:
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


def _reviewed_in_words(record: Record) -> str:
    """Return where waivers and sign-offs were read, if that is a later commit than that of the checks."""
    context = record.context
    if context.reviewed_commit in ("", record.subject.checks_commit):
        return ""
    return f"those of commit {short_commit(context.reviewed_commit)}, {printable(context.reviewed_why)}"


def subject_in_words(record: Record) -> tuple[tuple[str, str], ...]:
    """Return what the verdict is about and under what it was reached, as (label, words)."""
    context, subject = record.context, record.subject
    base = f"{printable(context.base)} ({printable(context.base_why)})"
    tree = "clean" if not subject.dirty else "dirty: " + _names(subject.dirt)
    rows = (
        ("release", _with_reason(context.target, context.target_why)),
        ("commit", printable(subject.commit) or "unknown"),
        ("build", build_in_words(record)),
        ("phase", str(context.phase)),
        ("mode", f"{context.mode}" + (f" ({where_in_words(context).strip()})" if context.sandbox else "")),
        ("agent", _with_reason(context.agent, context.agent_why)),
        ("base", base if context.base else f"none, a first release ({printable(context.base_why)})"),
        ("tree", tree),
        ("checks", _checks(record)),
        ("waivers", _reviewed_in_words(record)),
        ("lock", "committed gates.lock" if record.locked else "none"),
        ("drill", drill_in_words(record.drill) if record.drill else ""),
        ("repository", printable(subject.repository)),
        ("artifacts", _names(tuple(each.name for each in subject.artifacts))),
        ("earlier", "; ".join(_earlier(record))),
        ("run", f"{record.run}, {_span(record.started, record.finished)}"),
    )
    return tuple((label, words) for label, words in rows if words)


def build_in_words(record: Record) -> str:
    """Return which run built it, from what, and where a person sees it; empty where nothing was built yet."""
    build = record.build
    if build is None:
        return ""
    where = f", {printable(build.url)}" if build.url else ""
    return f"run {build.id}, attempt {build.attempt} @ {short_commit(build.commit)}{where}"


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
    shown = ", ".join(names[:NAMES_SHOWN])
    left_out = len(names) - NAMES_SHOWN
    return printable(shown) + (f", {left_out} more" if left_out > 0 else "")


def verify_command(record: Record, *, short: bool = False) -> str:
    """Return the command that verifies this evidence in a process of its own."""
    import shlex

    folder = record.folder or f"release-evidence/{record.context.target}/{record.context.phase}"
    commit = record.subject.commit[:_COMMIT_SHOWN] if short else record.subject.commit
    sandbox = " --allow-sandbox" if record.context.sandbox else ""
    command = f"relgate verify {shlex.quote(folder)} --commit {shlex.quote(commit)}{sandbox}"
    return printable(command, limit=BLOCK)
