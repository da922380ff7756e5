"""A release that passes, to be made worse one thing at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgspec

from pytest_relgate.judge import decide, decide_conditions
from pytest_relgate.model import (
    Attempt,
    Condition,
    Decision,
    Earlier,
    Gate,
    Judged,
    Mode,
    Phase,
    Plan,
    Reason,
    Review,
    Signoff,
    State,
    Subject,
    Verdict,
    Waiver,
)

BASE, COMMIT = "b" * 40, "c" * 40
LOCKFILES = Condition("changed", "dependencies", ("Cargo.lock",))
LIVE_ONLY = Condition("live", "live")
SUBJECT = Subject("r", COMMIT, "tree", dirty=False, checks="sha256:checks")
RUN = "`pytest -m prerelease --release-target v1.0.0`"
RELOCK = "run `pytest --release-lock`, review what changes and commit gates.lock"


def gate(name: str, **facts: object) -> Gate:
    return Gate(name, "prerelease", **facts)


def attempt(name: str, outcome: State = State.PASSED, number: int = 1, **facts: object) -> Attempt:
    made = Attempt(
        name,
        number,
        outcome,
        run=number,
        started=f"2026-03-10T15:{40 + number}:00Z",
        seconds=1.0,
        worker="main",
        tree="tree",
        checks="sha256:checks",
        base=BASE,
        mode="live",  # what counts in a live run counts in a dry one too
    )
    return msgspec.structs.replace(made, **facts)


def attempts(name: str, *outcomes: State) -> tuple[Attempt, ...]:
    return tuple(attempt(name, outcome, number) for number, outcome in enumerate(outcomes, start=1))


def left_out(one: Gate, **facts: object) -> Decision:
    given: dict[str, Any] = {
        "changed": ("README.md",),
        "base": BASE,
        "commit": COMMIT,
        "files": (),
        "mode": Mode.DRY_RUN,
        "first_release": False,
    }
    return decide_conditions(one, **{**given, **facts})


A, B = gate("a"), gate("b")
CONDITIONAL = gate("b", conditions=(LOCKFILES,))


PLAN = Plan(Phase.PRERELEASE, "v1.0.0", Mode.DRY_RUN, (A, B), locked=True)


@dataclass(frozen=True)
class Case:
    """A run that passes: two gates that passed, under a lock, on a clean tree."""

    plan: Plan = PLAN
    decisions: dict[str, Decision] | None = None
    attempts: dict[str, tuple[Attempt, ...]] | None = None
    waivers: tuple[Waiver, ...] = ()
    subject: Subject = SUBJECT
    earlier: tuple[Earlier, ...] = ()
    signoffs: tuple[Signoff, ...] = ()
    reviews: tuple[Review, ...] = ()
    denied: tuple[Reason, ...] = ()
    later: bool = False
    approvers: tuple[str, ...] = ("grace", "linus")
    facts: tuple[Reason, ...] = ()
    now: str = "2026-03-10T16:00:00Z"
    base: str = BASE

    def verdict(self) -> Verdict:
        passed = {"a": attempts("a", State.PASSED), "b": attempts("b", State.PASSED)}
        return decide(
            self.plan,
            self.decisions or {},
            passed if self.attempts is None else self.attempts,
            self.waivers,
            self.subject,
            self.earlier,
            self.now,
            base=self.base,
            signoffs=self.signoffs,
            reviews=self.reviews,
            denied=self.denied,
            later=self.later,
            approvers=self.approvers,
            facts=self.facts,
        )


def planned(*gates: Gate, **facts: object) -> Plan:
    return msgspec.structs.replace(PLAN, gates=gates, **facts)


def beside_a(*outcomes: State, one: Gate = B, **facts: object) -> Case:
    """A gate that passed, and beside it one that came to these outcomes."""
    tried = {"a": attempts("a", State.PASSED), one.id: attempts(one.id, *outcomes)}
    return replace(Case(plan=planned(A, one), attempts=tried), **facts)


def only(case: Case) -> Reason:
    verdict = case.verdict()
    assert not verdict.passed
    assert verdict.word == "BLOCKED"
    (reason,) = verdict.reasons
    assert reason.message
    assert reason.remedy
    return reason


def judged(case: Case, name: str = "b") -> Judged:
    (found,) = [one for one in case.verdict().gates if one.gate.id == name]
    return found


DEFAULTS = {
    State.FAILED: (
        f"correct what it found and commit (a pass on the same tree would be FLAKY), then run {RUN}"
    ),
    State.ERRORED: f"give it what it needs to judge (tool, network, credentials), then run {RUN}",
    State.TIMED_OUT: (
        "make it faster and commit, or raise its limit on purpose: "
        "`pytest --release-lock`, review what changes and commit gates.lock"
    ),
    State.CRASHED: f"read its log for what ended the process, correct that and commit, then run {RUN}",
    State.SKIPPED: "let it judge, or declare when it applies: when_changed, when_present, live_only",
    State.PENDING: f"wait for the world to catch up, then run {RUN}",
    State.BLOCKED_BY: f"get the gates before it in its sequence to pass, then run {RUN}",
    State.INVALID: f"correct the gate and commit, then run {RUN}",
    State.FLAKY: (
        "correct the cause and commit; or, the cause understood, commit in signoffs.toml: "
        '[[signoff]] gate = "b" tree = "tree" person = "..." cause = "..."'
    ),
}


def sequence(*outcomes: State, advisory: bool = False) -> Case:
    gates = [gate(f"s{i}", sequence="s", advisory=advisory and i == 0) for i in range(len(outcomes))]
    tried = {one.id: attempts(one.id, outcome) for one, outcome in zip(gates, outcomes, strict=True)}
    return Case(plan=planned(*gates), attempts=tried)


def states(case: Case) -> list[State]:
    return [one.state for one in case.verdict().gates]


WAIVER = Waiver(
    gate="b",
    release="v1.0.0",
    states=(State.FAILED,),
    reason="the runner has no disk",
    owner="ada",
    approver="grace",
    created="2026-03-01T00:00:00Z",
    expires="2026-03-31T00:00:00Z",
)
