"""The verdict: a pure function of the plan and of what is on record (DESIGN section 3.6).

It starts from BLOCKED and has no way to PASSED but the absence of every reason.

What an advisory gate may do: no outcome of it decides, and it may stay unjudged. One that the plan calls
malformed, one outside the plan and one whose record cannot be block like any other, because it is then
not known what they are: a marker loosened to advisory makes a gate INVALID, and must not at once take
that INVALID out of the verdict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.judge.conditions import proof_problem
from pytest_relgate.judge.reasons import (
    about_gate,
    about_run,
    nothing_passed,
    signed_unknown,
    waived_unknown,
)
from pytest_relgate.judge.rehearsal import in_words, why_rehearse
from pytest_relgate.judge.settle import SIGNED, Settlement, weigh
from pytest_relgate.judge.waivers import (
    covers,
    exception,
    match_waivers,
    review_notes,
    signoff_notes,
    waiver_notes,
)
from pytest_relgate.model import Gate, Judged, State, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_relgate.model import (
        Attempt,
        Decision,
        Earlier,
        Plan,
        Reason,
        Review,
        Signoff,
        Subject,
        Waiver,
    )
    from pytest_relgate.unrehearsed import Unrehearsed


# Looking a member up on its enum costs more than all else that is done for a gate that passed.
_PASSED = State.PASSED
_PASSING = frozenset(state for state in State if state.passing)
_NONE: frozenset[str] = frozenset()
_SHORT_DIGEST = len("sha256:") + 12


def decide(  # noqa: PLR0913  (the whole of what a verdict depends on, and nothing else)
    plan: Plan,
    decisions: Mapping[str, Decision],
    attempts: Mapping[str, Sequence[Attempt]],
    waivers: Sequence[Waiver],
    subject: Subject,
    earlier: Sequence[Earlier],
    now: str,
    *,
    base: str = "",
    signoffs: Sequence[Signoff] = (),
    reviews: Sequence[Review] = (),
    approvers: Sequence[str] = (),
    facts: Sequence[Reason] = (),
    denied: Sequence[Reason] = (),
    later: bool = False,
    unrehearsed: Unrehearsed | None = None,
) -> Verdict:
    """Judge one phase of a release.

    ``decisions`` and ``attempts`` are by gate id; attempts are all that the journal has, oldest first.
    ``now`` is RFC 3339 and matters to waivers alone; ``base`` is the commit that conditions compared
    with, empty in a first release; ``facts`` are what the run itself found to be wrong, and each blocks, as
    does each of ``denied``: what is malformed in the files of waivers and sign-offs. These are of a commit
    after the checks if ``later``: a waiver or review for a gate that is not here may then have come since.
    ``unrehearsed`` is what a publish without a rehearsal rests on, None where the profile wants one always.
    Reasons about the run come first, then one for each blocking gate in the plan's order.
    Raises RelgateError if there are waivers and ``now`` is no time.
    """
    mine = _waivers_of(plan, waivers)
    usable, problems = (
        match_waivers(mine, target=plan.target, now=now, approvers=approvers) if mine else ({}, [])
    )
    signed, reviewed = _signoffs(signoffs, subject), _by_gate(reviews)
    bench = _Bench(plan, decisions, attempts, usable, subject, base, signed, reviewed)
    gates = tuple(bench.judge_all())

    blocking = [about_gate(one, plan) for one in gates if _blocks(one, plan)]
    known = {gate.id for gate in plan.gates} if usable or signoffs or reviews else set()
    if not later:
        problems += [waived_unknown(gate_id, plan) for gate_id in usable if gate_id not in known]
    elsewhere = known.union(plan.elsewhere) if known else known
    read = () if later else reviews
    named = (*(one.gate for one in signoffs if one.tree == subject.tree), *(one.gate for one in read))
    problems += [signed_unknown(name, plan) for name in dict.fromkeys(named) if name not in elsewhere]
    why = why_rehearse(
        unrehearsed,
        target=plan.target,
        base=base,
        commit=subject.commit,
        checks=subject.checks_commit,
    )
    needed = None if unrehearsed is None else why
    reasons = [*facts, *about_run(plan, subject, earlier, needed), *denied, *problems]
    # A verdict of gates that all wait is "only pending": there nothing_passed would say no more.
    if not blocking and plan.gates and not any(_proves(one) for one in gates):
        reasons.append(nothing_passed(plan))
    used = {waiver for one in gates if one.waiver is not None for waiver in _used(one, usable)}
    return Verdict(
        passed=not reasons and not blocking,
        reasons=(*reasons, *blocking),
        gates=gates,
        notes=(
            *plan.notes,
            *([in_words(unrehearsed)] if unrehearsed and not why else []),
            *waiver_notes(mine, plan=plan, approvers=approvers, used=used),
            *signoff_notes([one for one in signoffs if one.gate not in plan.elsewhere], subject.tree, gates),
            *review_notes(reviews, gates),
        ),
    )


def _unplanned(why: str, settled: Settlement) -> str:
    """Why a gate outside the plan blocks, and what it came to where that is not good either."""
    newest = settled.newest
    if newest is None or settled.state is _PASSED:
        return why
    return f"{why}; it did not pass either: {newest.message.partition(chr(10))[0] or settled.why}"


def _blocks(judged: Judged, plan: Plan) -> bool:
    if not judged.gate.advisory:
        return judged.state not in _PASSING
    if judged.state is State.INVALID:
        # Its own word is INVALID, and decides nothing, where the newest attempt that counts says so.
        return judged.gate.id in plan.invalid or not judged.attempts
    return judged.state is State.UNPLANNED


def _proves(judged: Judged) -> bool:
    return judged.state is _PASSED and not judged.gate.advisory


def _used(judged: Judged, usable: Mapping[str, Sequence[Waiver]]) -> Iterator[Waiver]:
    """The waivers of a waived gate that cover something it came to."""
    states = {State.FLAKY, *(attempt.outcome for attempt in judged.attempts)}
    return (waiver for waiver in usable[judged.gate.id] if not states.isdisjoint(waiver.states))


def _in_sequence(judged: Judged, stopped: dict[str, str]) -> Judged:
    """A gate cannot have passed after one that it builds on did not; ``stopped`` is by sequence."""
    gate = judged.gate
    if judged.state is _PASSED and (before := stopped.get(gate.sequence)):
        why = f"{before} stands before it in its sequence and did not pass"
        judged = msgspec.structs.replace(judged, state=State.BLOCKED_BY, why=why)
    if not gate.advisory and judged.state not in _PASSING:
        stopped.setdefault(gate.sequence, gate.id)
    return judged


def _waivers_of(plan: Plan, waivers: Sequence[Waiver]) -> Sequence[Waiver]:
    """The waivers that are this phase's to judge: one file has those of every phase."""
    elsewhere = frozenset(plan.elsewhere) if waivers else frozenset()
    return [waiver for waiver in waivers if waiver.gate not in elsewhere]


def _signoffs(signoffs: Sequence[Signoff], subject: Subject) -> dict[str, Signoff]:
    return {one.gate: one for one in signoffs if one.tree == subject.tree}


def _by_gate(reviews: Sequence[Review]) -> dict[str, list[Review]]:
    found: dict[str, list[Review]] = {}
    for one in reviews:
        found.setdefault(one.gate, []).append(one)
    return found


def _reviewed_by(reviews: Sequence[Review], signed: Sequence[str]) -> str:
    """By whose word a gate passed that asks for a review, for people."""
    words = (
        f"{one.person}: {one.reason} (diff {one.diff[:_SHORT_DIGEST]})"
        for one in reviews
        if one.diff in signed
    )
    return f"{SIGNED}{'; '.join(words)}"


@dataclass(frozen=True)
class _Bench:
    """Everything that one gate is judged by."""

    plan: Plan
    decisions: Mapping[str, Decision]
    attempts: Mapping[str, Sequence[Attempt]]
    waivers: Mapping[str, Sequence[Waiver]]
    subject: Subject
    base: str
    signoffs: Mapping[str, Signoff]
    reviews: Mapping[str, Sequence[Review]]

    def judge_all(self) -> Iterator[Judged]:
        """The planned gates in their order, then what is on record beside the plan, by id."""
        stopped: dict[str, str] = {}
        for gate in self.plan.gates:
            judged = self.judge(gate)
            if gate.sequence:
                judged = _in_sequence(judged, stopped)
            yield judged
        yield from self._beside()

    def judge(self, gate: Gate) -> Judged:
        plan = self.plan
        settled = self._settle(gate)
        state, why = settled.state, settled.why
        decision = self.decisions.get(gate.id)
        waiver = None
        if gate.id in plan.invalid:
            state, why = State.INVALID, plan.invalid[gate.id]
        elif gate.id in plan.unplanned:
            state, why = State.UNPLANNED, _unplanned(plan.unplanned[gate.id], settled)
        elif gate.id in plan.missing:
            # Whatever an earlier run saw of it: a gate that is not there any more judges nothing.
            state, why = State.MISSING, plan.missing[gate.id]
        elif state is _PASSED:
            if settled.newest is not None and settled.newest.signed:
                why += _reviewed_by(self.reviews.get(gate.id, ()), settled.newest.signed)
        elif not settled.stands and (reason := self._left_out(gate, decision)):
            state, why = State.NOT_TRIGGERED, reason
        elif state is State.MISSING or state is State.STALE:
            state, why = self._unjudged(gate, decision, state, why)
        elif gate.waivable and (waiver := covers(self.waivers.get(gate.id, ()), settled)):
            why = f"{state}: {why}; {exception(waiver)}"
            state = State.WAIVED
        return Judged(gate, state, why, settled.counted, decision, waiver)

    def _settle(self, gate: Gate) -> Settlement:
        settled = weigh(
            self.attempts.get(gate.id, ()),
            tree=self.subject.tree,
            checks=self.subject.checks,
            base=self.base,
            reads_world=gate.reads_world,
            signoff=self.signoffs.get(gate.id),
            reviews=frozenset([one.diff for one in mine]) if (mine := self.reviews.get(gate.id)) else _NONE,
            mode=self.plan.mode,
        )
        if settled.newest is not None and settled.newest.gate != gate.id:
            why = f"its attempts are those of {settled.newest.gate}"
            return Settlement(State.INVALID, why, stands=True)
        return settled

    def _left_out(self, gate: Gate, decision: Decision | None) -> str:
        """Why the gate need not judge, if that is proved; else empty.

        What was no judgement (ERRORED, PENDING and the like) does not stand in the way: the gate was
        due then, under another mode or base, and is not due now.
        """
        if decision is None or self._unproved(gate, decision):
            return ""
        return "; ".join(proof.reason or "not due" for proof in decision.proofs if proof.held is False)

    def _unproved(self, gate: Gate, decision: Decision) -> str:
        return proof_problem(decision, gate, commit=self.subject.commit, base=self.base, mode=self.plan.mode)

    def _unjudged(self, gate: Gate, decision: Decision | None, state: State, why: str) -> tuple[State, str]:
        """A gate without a judgement that counts, and whether it was left out without proof."""
        if decision is not None and not decision.due and (problem := self._unproved(gate, decision)):
            why = f"{why}; it was left out without proof: {problem}"
        return state, why

    def _beside(self) -> Iterator[Judged]:
        """What was collected, found malformed or even tried, and is no part of the plan; by id."""
        plan, subject = self.plan, self.subject
        planned = {gate.id for gate in plan.gates}
        named = (plan.invalid.keys() | plan.unplanned.keys()) - planned
        tried = {
            gate_id
            for gate_id in self.attempts.keys() - planned - named - frozenset(plan.elsewhere)
            if any(
                one.tree == subject.tree and one.checks == subject.checks for one in self.attempts[gate_id]
            )
        }
        for gate_id in sorted(named | tried):
            judged = self.judge(Gate(gate_id, plan.phase))
            if gate_id in tried:
                why = _unplanned(
                    "it was tried on this tree, and is not in the plan", self._settle(judged.gate)
                )
                judged = msgspec.structs.replace(judged, state=State.UNPLANNED, why=why, waiver=None)
            yield judged
