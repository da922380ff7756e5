"""``relgate waive``: the draft of a waiver, from what the newest evidence says of a gate (SPEC B5)."""

from __future__ import annotations

import difflib
import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from pytest_relgate.cli.places import checkout_of, places_of
from pytest_relgate.errors import RelgateError
from pytest_relgate.evidence import seal
from pytest_relgate.evidence.folder import SEAL
from pytest_relgate.evidence.printable import first_line, printable
from pytest_relgate.judge.settle import weigh
from pytest_relgate.judge.waivers import LONGEST_DAYS
from pytest_relgate.lockfile import read_lock
from pytest_relgate.model import Attempt, State
from pytest_relgate.profile import load_profile
from pytest_relgate.request import PROFILE
from pytest_relgate.source.git import Repository
from pytest_relgate.source.versions import WITH_V, names_a_release, parse_target
from pytest_relgate.waiverfile import WAIVERS, parse_waivers

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_relgate.model import Gate

DRAFT: Final = "..."
"""What stands in a draft where somebody has to write; it counts as nobody's name and as no reason."""


@dataclass(frozen=True)
class Found:
    """What the evidence of ``release`` says of a gate: the ``states`` that a waiver must cover, and words."""

    release: str
    states: tuple[State, ...]
    words: str


def waive(options: argparse.Namespace) -> int:
    """Print the entry, and append it where that was asked for; return the exit status.

    Raises RelgateError, one line, for a gate that there is not, and for what can never be waived.
    """
    checkout = checkout_of(options.repo)
    places = places_of(checkout, checks=options.checks, evidence=options.evidence)
    places.refuse_without_profile()
    gate = _gate(options.gate, read_lock(places.checks) or (), places.checks.name)
    if options.release:
        like = options.release if names_a_release(options.release) else WITH_V
        parse_target(options.release, "--release", "--release", like=like)
    found = _found(gate, _evidence(places.evidence, gate.phase, options.release or ""))
    owner = options.owner or _identity(checkout)
    approver = _approver(options.approver, load_profile(places.checks / PROFILE).approvers.people, owner)
    file = places.checks / WAIVERS
    text = _text_without(file, gate, found)
    reason, days, now = options.reason or DRAFT, _days(options.days), datetime.now(UTC)
    entry = _entry(gate.id, found, owner, approver, reason, days, now)
    # What could not be read again, once somebody has filled it in, is not drafted.
    who, why = ("somebody" if one == DRAFT else one for one in (owner, reason))
    parse_waivers(_entry(gate.id, found, who, approver, why, days, now).encode(), "the entry")
    print(entry, end="")
    if options.write:
        gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
        file.write_text(f"{text}{gap}{entry}", encoding="utf-8")
    lead = "" if options.reason else "say why, "
    rest = f"have {approver} review it, and commit it"
    where = f"appended to {file.name}" if options.write else f"nothing was written: add it to {file.name}"
    print(f"relgate: {where}; {lead}{rest}", file=sys.stderr)
    return 0


def _gate(asked: str, lock: Sequence[Gate], folder: str) -> Gate:
    """The gate of this id in the plan; pytest's own id, with the checks folder before it, is understood."""
    if not lock:
        message = f"{folder} has no gates.lock, so no gate is planned: type pytest --release-lock"
        raise RelgateError(message)
    wanted = asked.removeprefix(f"{folder}/")
    gates = {gate.id: gate for gate in lock}
    if wanted in gates:
        return gates[wanted]
    ends = {gate_id.rpartition("::")[2]: gate_id for gate_id in gates}
    near = difflib.get_close_matches(wanted, gates, 1) or [
        ends[name] for name in difflib.get_close_matches(wanted.rpartition("::")[2], ends, 1)
    ]
    guess = f"did you mean {near[0]!r}?" if near else "pytest -m PHASE --release-plan shows all"
    message = f"no gate of gates.lock has the id {asked!r}: {guess}"
    raise RelgateError(message)


# -- what the evidence says -----------------------------------------------------------------------------


def _evidence(root: Path, phase: str, release: str) -> seal.Evidence:
    """The evidence of the phase: of the release, else the newest there is."""
    found = []
    for path in sorted(root.glob(f"{release or '*'}/{phase}/{SEAL}")):
        try:
            sealed = seal.decode(path.read_bytes())
            found.append((sealed.finished or sealed.started, path.stat().st_mtime, sealed))
        except (OSError, ValueError) as error:
            message = f"{path} is not what a run wrote: {error}"
            raise RelgateError(message) from None
    if not found:
        of = f" of {release}" if release else ""
        target = release or "vX.Y.Z"
        message = (
            f"no evidence{of} for {phase} in {root}, so nothing is known to waive: "
            f"type pytest -m {phase} --release-target {target}"
        )
        raise RelgateError(message)
    return max(found, key=lambda one: one[:2])[2]


def _found(gate: Gate, evidence: seal.Evidence) -> Found:
    """What a waiver of the gate must cover. Raises RelgateError for a state that none may cover."""
    about = f"{gate.id} in {evidence.target}"
    if not gate.waivable:
        message = f"{gate.id} can never be waived (waivable=False in its plan): mend what it finds"
        raise RelgateError(message)
    sealed = next((one for one in evidence.gates if one.id == gate.id), None)
    if sealed is None:
        message = f"{about} was not judged: type pytest -m {gate.phase} --release-target {evidence.target}"
        raise RelgateError(message)
    if sealed.state.passing:
        message = f"{about} is {sealed.state}: there is nothing to waive"
        raise RelgateError(message)
    against = _against(gate, sealed, evidence)
    never = sorted(state for state in {sealed.state, *against} if not state.waivable)
    if never:
        do = next((reason.remedy for reason in evidence.reasons if reason.gate == gate.id), "")
        message = f"{about} is {never[0]}, which can never be waived{f': {do}' if do else ''}"
        raise RelgateError(message)
    red = [attempt for attempt in sealed.attempts if attempt.outcome is not State.PASSED]
    words = first_line(red[-1].message) if red else ""
    return Found(evidence.target, tuple(sorted({sealed.state, *against})), words or sealed.why)


def _against(gate: Gate, sealed: seal.SealedGate, evidence: seal.Evidence) -> frozenset[State]:
    """All that speaks against the gate: a waiver must cover that, not the last word alone."""
    subject, context = evidence.subject, evidence.context
    attempts = [
        Attempt(
            gate=gate.id,
            number=one.number,
            outcome=one.outcome,
            run=one.run,
            started=one.started,
            seconds=one.seconds,
            worker=one.worker,
            tree=subject.tree,
            checks=subject.checks,
            base=context.base_commit,
            mode=context.mode,
        )
        for one in sealed.attempts
    ]
    return weigh(
        attempts,
        tree=subject.tree,
        checks=subject.checks,
        base=context.base_commit,
        reads_world=gate.reads_world,
        signoff=None,
        mode=context.mode,
    ).against


# -- who, and how long ----------------------------------------------------------------------------------


def _identity(checkout: Path) -> str:
    try:
        name = Repository.at(checkout).identity().partition(" <")[0].strip()
    except RelgateError:
        name = ""
    return name or DRAFT


def _approver(asked: str | None, people: Sequence[str], owner: str) -> str:
    """Who is to approve: another person than the owner, where there is one."""
    if not people:
        message = (
            f"nobody may approve a waiver: name people in [approvers] of {PROFILE}, and have that reviewed"
        )
        raise RelgateError(message)
    if asked is not None:
        if asked not in people:
            message = (
                f"--approver: expected one of {', '.join(people)} ([approvers] of {PROFILE}), found {asked!r}"
            )
            raise RelgateError(message)
        return asked
    others = [name for name in people if name.casefold() != owner.strip().casefold()]
    return (others or list(people))[0]


def _days(days: int) -> int:
    if 1 <= days <= LONGEST_DAYS:
        return days
    message = f"--days: expected 1 to {LONGEST_DAYS}, found {days}"
    raise RelgateError(message)


# -- the entry ------------------------------------------------------------------------------------------


def _text_without(file: Path, gate: Gate, found: Found) -> str:
    """The file's text as it lies there; empty without one.

    Raises RelgateError where it is malformed, or waives one of these states already.
    """
    try:
        raw = file.read_bytes()
    except FileNotFoundError:
        return ""
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror or error}"
        raise RelgateError(message) from None
    for waiver in parse_waivers(raw, file.name):
        twice = [state for state in waiver.states if state in found.states]
        if (waiver.gate, waiver.release) == (gate.id, found.release) and twice:
            message = (
                f"{file.name} has a waiver for {twice[0]} of {gate.id} in {found.release} already: "
                f"commit it, or change its times and states"
            )
            raise RelgateError(message)
    return raw.decode("utf-8-sig")


def _entry(gate: str, found: Found, owner: str, approver: str, reason: str, days: int, now: datetime) -> str:
    """The entry in TOML, with what was found as a comment."""
    created = now.replace(microsecond=0)
    rows = {
        "gate": json.dumps(gate, ensure_ascii=False),
        "release": json.dumps(found.release),
        "states": json.dumps([str(state) for state in found.states]),
        "reason": json.dumps(reason, ensure_ascii=False),
        "owner": json.dumps(owner, ensure_ascii=False),
        "approver": json.dumps(approver, ensure_ascii=False),
        "created": _instant(created),
        "expires": _instant(created + timedelta(days=days)),
    }
    lines = [f"# it found: {printable(found.words)}", "[[waiver]]"]
    lines += [f"{key} = {value}" for key, value in rows.items()]
    return "\n".join(lines) + "\n"


def _instant(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
