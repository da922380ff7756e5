"""Which waivers count (SPEC B5): every doubt denies, and says so."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pytest_relgate.errors import RelgateError
from pytest_relgate.model import Reason, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from pytest_relgate.judge.settle import Settlement
    from pytest_relgate.model import Judged, Plan, Review, Signoff, Waiver

POLICY_EXCEPTION = "policy exception"
"""What a waived failure is as an incident (SPEC S30)."""

LONGEST_DAYS = 30
"""How long a waiver may hold."""

_LONGEST = timedelta(days=LONGEST_DAYS)
_REMEDY = "correct or remove it in waivers.toml, and have that reviewed"


def match_waivers(
    waivers: Iterable[Waiver], *, target: str, now: str, approvers: Sequence[str]
) -> tuple[dict[str, list[Waiver]], list[Reason]]:
    """Sort out the waivers for release ``target``: those that count, by gate id, and what is wrong.

    A waiver of another release is left aside (see :func:`waiver_notes`). One of this release that is
    malformed, expired at ``now`` (RFC 3339), longer than 30 days, or not approved by one of
    ``approvers`` does not count, and its reason (code ``WAIVER``) blocks. Raises RelgateError if
    ``now`` is no time.
    """
    usable: dict[str, list[Waiver]] = {}
    problems: list[Reason] = []
    judged_at = _instant(now)
    if judged_at is None:
        message = f"expected the time of the judgement as RFC 3339 with an offset, found {now!r}"
        raise RelgateError(message)
    for waiver in waivers:
        if not _of_release(waiver, target):
            continue
        if problem := _problem(waiver, judged_at, approvers):
            problems.append(Reason("WAIVER", f"waiver for {waiver.gate}: {problem}", remedy=_REMEDY))
        else:
            usable.setdefault(waiver.gate, []).append(waiver)
    return usable, problems


def waiver_notes(
    waivers: Iterable[Waiver], *, plan: Plan, approvers: Sequence[str], used: AbstractSet[Waiver]
) -> list[str]:
    """What is worth saying of waivers and blocks nothing: another release, self-approved, not used."""
    never = {gate.id for gate in plan.gates if not gate.waivable}
    known = {gate.id for gate in plan.gates}
    notes = []
    for waiver in waivers:
        name = f"waiver for {waiver.gate}"
        if not _of_release(waiver, plan.target):
            notes.append(f"{name}: ignored, it is for {waiver.release or 'no release'}")
            continue
        if waiver.gate in never:
            notes.append(f"{name}: not used, this gate can never be waived (waivable=False)")
        elif waiver not in used:
            notes.append(
                f"{name}: not used{'' if waiver.gate in known else ', no phase has a gate of that id'}"
            )
        if _alone(approvers) and _same(waiver.owner, waiver.approver):
            notes.append(f"{name}: self-approved by {waiver.owner}")
    return notes


def signoff_notes(signoffs: Iterable[Signoff], tree: str, gates: Iterable[Judged]) -> list[str]:
    """What is worth saying of sign-offs of flaky gates: for another tree than ``tree``, or not used."""
    used = {one.gate.id for one in gates if one.state is State.PASSED and len(one.attempts) > 1}
    notes = []
    for one in signoffs:
        if one.tree != tree:
            notes.append(f"the sign-off of {one.gate} is for tree {one.tree[:12]}, this one is {tree}")
        elif one.gate not in used:
            notes.append(f"the sign-off of {one.gate} by {one.person}: not used")
    return notes


def review_notes(reviews: Iterable[Review], gates: Iterable[Judged]) -> list[str]:
    """One line about the reviews that no gate of this phase passed by: they pile up, release by release."""
    signed = {one.gate.id: one.attempts[-1].signed if one.attempts else () for one in gates}
    idle = [one for one in reviews if one.gate in signed and one.diff not in signed[one.gate]]
    if not idle:
        return []
    people = ", ".join(dict.fromkeys(one.person for one in idle))
    many = f"{len(idle)} reviews" if len(idle) > 1 else "1 review"
    return [f"{many} by {people}: not used, of another diff than this release's"]


def exception(waiver: Waiver) -> str:
    """In words by whom, until when and why a failure is waived, and that this is an incident."""
    who = ", self-approved" if self_approved(waiver) else ""
    return (
        f"{POLICY_EXCEPTION} (an incident): waived by {waiver.owner} until {waiver.expires}: "
        f"{waiver.reason}; approved by {waiver.approver}{who}"
    )


def self_approved(waiver: Waiver) -> bool:
    """Whether the one who owns a waiver approved it too."""
    return _same(waiver.owner, waiver.approver)


def covers(waivers: Sequence[Waiver], settled: Settlement) -> Waiver | None:
    """The waiver by which a gate's state is let go, or None.

    All that speaks against the gate must be covered, not its last word alone: a waiver for ERRORED
    does not let a failure go that is on record. FLAKY is covered by name, if the newest attempt passed,
    or by what it failed with: whoever accepts that a gate fails accepts that it fails sometimes.
    """
    if not settled.state.waivable:
        return None
    covered = {state for waiver in waivers for state in waiver.states}
    passed = settled.newest is not None and settled.newest.outcome is State.PASSED
    by_name = passed and State.FLAKY in covered
    if not by_name and not (settled.against and settled.against <= covered):
        return None
    wanted = (settled.state, *sorted(settled.against))
    return next(waiver for state in wanted for waiver in waivers if state in waiver.states)


def _problem(waiver: Waiver, now: datetime, approvers: Sequence[str]) -> str:
    return _malformed(waiver) or _out_of_time(waiver, now) or _not_approved(waiver, approvers)


def _malformed(waiver: Waiver) -> str:
    for name in ("gate", "reason", "owner", "approver"):
        if not getattr(waiver, name).strip():
            return f"expected its {name}, found none"
    if not waiver.states:
        return "expected the states that it covers, found none"
    for state in waiver.states:
        if not state.waivable:
            return f"expected states that can be waived, found {state}"
    return ""


def _out_of_time(waiver: Waiver, now: datetime) -> str:
    created, expires = _instant(waiver.created), _instant(waiver.expires)
    if created is None or expires is None:
        wrong = waiver.created if created is None else waiver.expires
        return f"expected a time as RFC 3339 with an offset, found {wrong!r}"
    if created > now:
        return f"created in the future ({waiver.created})"
    if expires <= now:
        return f"expired {waiver.expires}"
    if expires - created > _LONGEST:
        return f"expected at most {_LONGEST.days} days, found {waiver.created} to {waiver.expires}"
    return ""


def _not_approved(waiver: Waiver, approvers: Sequence[str]) -> str:
    if waiver.approver not in approvers:
        return (
            f"expected an approver of the profile ({', '.join(approvers) or 'none'}), found {waiver.approver}"
        )
    if _same(waiver.owner, waiver.approver) and not _alone(approvers):
        return f"{waiver.owner} approved it alone, and another approver exists"
    return ""


def _of_release(waiver: Waiver, target: str) -> bool:
    return waiver.release.removeprefix("v") == target.removeprefix("v")


def _alone(approvers: Sequence[str]) -> bool:
    return len({name.strip().casefold() for name in approvers}) == 1


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _instant(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
