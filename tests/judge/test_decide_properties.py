"""The property of DESIGN 3.6: having less to show, or more against one, never turns BLOCKED into PASSED."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_relgate.judge import decide, decide_conditions, reconcile
from pytest_relgate.model import (
    Attempt,
    Condition,
    Decision,
    Earlier,
    Gate,
    Mode,
    Phase,
    Plan,
    Reason,
    Signoff,
    State,
    Subject,
    Verdict,
    Waiver,
)
from pytest_relgate.unrehearsed import ChecksThen, Credentials, Machinery, Unrehearsed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

BASE, COMMIT, TREE, CHECKS = "b" * 40, "c" * 40, "tree", "sha256:checks"
NOW = "2026-03-10T12:00:00Z"
CONDITIONS = ((), (Condition("changed", "x", ("x",)),), (Condition("live", "live"),))
EXECUTIONS = (
    State.PASSED,
    State.FAILED,
    State.CRASHED,
    State.TIMED_OUT,
    State.ERRORED,
    State.PENDING,
    State.SKIPPED,
    State.BLOCKED_BY,
    State.INVALID,
    State.FLAKY,
)
BLOCKING = EXECUTIONS[1:]
SPARED = Unrehearsed(
    "v1.0.0",
    "v0.9.0",
    Machinery(BASE, COMMIT, files=("publish.yml",), patterns=("setup.py",)),
    Credentials(7, "", BASE, NOW),
    ChecksThen(BASE, ""),
)
NOT_SPARED = msgspec.structs.replace(SPARED, credentials=Credentials())


@dataclass(frozen=True)
class Case:
    """Everything that a verdict depends on."""

    phase: Phase
    mode: Mode
    lock: tuple[Gate, ...] | None
    collected: tuple[Gate, ...]
    decisions: dict[str, Decision]
    attempts: dict[str, tuple[Attempt, ...]]
    subject: Subject
    waivers: tuple[Waiver, ...] = ()
    earlier: tuple[Earlier, ...] = ()
    signoffs: tuple[Signoff, ...] = ()
    facts: tuple[Reason, ...] = ()
    unrehearsed: Unrehearsed | None = None

    def plan(self) -> Plan:
        return reconcile(
            phase=self.phase, target="v1.0.0", mode=self.mode, lock=self.lock, collected=self.collected
        )

    def verdict(self) -> Verdict:
        return decide(
            self.plan(),
            self.decisions,
            self.attempts,
            self.waivers,
            self.subject,
            self.earlier,
            NOW,
            base=BASE,
            signoffs=self.signoffs,
            approvers=("grace", "linus"),
            facts=self.facts,
            unrehearsed=self.unrehearsed,
        )


def attempt(gate_id: str, number: int, run: int, outcome: State, **facts: object) -> Attempt:
    started = f"2026-03-10T10:{number:02}:00Z"
    made = Attempt(gate_id, number, outcome, run, started, 1.0, "main", TREE, CHECKS, BASE, "live")
    return msgspec.structs.replace(made, **facts)


@dataclass(frozen=True)
class Story:
    """One gate and what is on record of it: mostly what a gate of a good release has."""

    gate: dict[str, Any]
    history: tuple[tuple[int, State], ...] = ((1, State.PASSED),)
    waived: tuple[State, ...] = ()
    signed: bool = False
    changed: tuple[str, ...] | None = ()


CHANGED = {"conditions": CONDITIONS[1]}
LIVE_ONLY = {"conditions": CONDITIONS[2]}
FAILED_ONCE = ((1, State.FAILED),)
FLAKED = ((1, State.FAILED), (2, State.PASSED))
RETRIED = ((1, State.ERRORED), (1, State.PASSED))
GOOD = (
    Story({}),
    Story({"sequence": "s"}),
    Story({"reads_world": True}, ((1, State.FAILED), (2, State.PASSED))),
    Story({}, ((1, State.ERRORED), (2, State.PASSED))),
    Story(CHANGED, ()),
    Story(LIVE_ONLY, ()),
    Story(CHANGED, changed=("x",)),
    Story(CHANGED, ((1, State.ERRORED),)),
    Story(LIVE_ONLY, RETRIED),
    Story(CHANGED),
    Story({}, FAILED_ONCE, waived=(State.FAILED,)),
    Story({"sequence": "s"}, FAILED_ONCE, waived=(State.FAILED, State.ERRORED)),
    Story({}, FLAKED, waived=(State.FLAKY,)),
    Story({}, FLAKED, waived=(State.FAILED,)),
    Story({}, RETRIED, waived=(State.ERRORED,)),
    Story({}, FLAKED, signed=True),
    Story({}, RETRIED, signed=True),
    Story({"advisory": True}, FAILED_ONCE),
    Story({"advisory": True}, ()),
)
NEARLY = (
    Story({}, ()),
    Story({}, FAILED_ONCE),
    Story({}, FLAKED),
    Story({}, RETRIED),
    Story({}, ((1, State.PENDING),)),
    Story({"waivable": False}, FAILED_ONCE, waived=(State.FAILED,)),
    Story({}, ((1, State.FAILED), (2, State.ERRORED)), waived=(State.ERRORED,)),
    Story({}, ((1, State.PASSED), (2, State.FAILED)), signed=True),
    Story(CHANGED, (), changed=None),
    Story(CHANGED, FAILED_ONCE),
    Story({**CHANGED, "reads_world": True}, FAILED_ONCE),
    Story({**CHANGED, "reads_world": True}, ((1, State.FAILED), (2, State.ERRORED))),
    Story(LIVE_ONLY, FLAKED, waived=(State.FLAKY,)),
    Story(LIVE_ONLY, FLAKED),
    Story(CHANGED, ((1, State.FLAKY),)),
    Story({"advisory": True}, ((1, State.INVALID),)),
)
OTHERS: tuple[dict[str, str], ...] = ({}, {}, {}, {"base": "other"}, {"tree": "other"}, {"checks": "other"})
WAIVABLE = tuple(state for state in State if state.waivable)


@st.composite
def anything(draw: st.DrawFn) -> Story:
    runs = draw(
        st.lists(st.tuples(st.integers(0, 1), st.sampled_from((State.PASSED, *EXECUTIONS))), max_size=4)
    )
    return Story(
        gate={
            "conditions": draw(st.sampled_from(CONDITIONS)),
            "advisory": draw(st.booleans()),
            "waivable": draw(st.booleans()),
            "reads_world": draw(st.booleans()),
            "sequence": draw(st.sampled_from(("", "s"))),
        },
        history=tuple((1 + sum(step for step, _ in runs[: i + 1]), one[1]) for i, one in enumerate(runs)),
        waived=tuple(draw(st.lists(st.sampled_from(WAIVABLE), max_size=7, unique=True))),
        signed=draw(st.booleans()),
        changed=draw(st.sampled_from(((), ("x",), None))),
    )


STORIES = st.sampled_from(GOOD * 2 + NEARLY).flatmap(
    lambda story: st.just(story) if story is not NEARLY[0] else st.one_of(st.just(story), anything())
)


def waiver(gate_id: str, states: tuple[State, ...]) -> Waiver:
    return Waiver(
        gate=gate_id,
        release="v1.0.0",
        states=states,
        reason="known",
        owner="ada",
        approver="grace",
        created="2026-03-01T00:00:00Z",
        expires="2026-03-20T00:00:00Z",
    )


def recorded(gate_id: str, story: Story, others: tuple[dict[str, str], ...]) -> tuple[Attempt, ...]:
    return tuple(
        attempt(gate_id, number, run, outcome, **others[number - 1 :][0] if number <= len(others) else {})
        for number, (run, outcome) in enumerate(story.history, start=1)
    )


def told(phase: Phase, mode: Mode, stories: list[Story], others: tuple[dict[str, str], ...]) -> Case:
    """The release in which these stories happened; ``others`` are of the first attempts at its last gate."""
    planned = tuple(Gate(f"g{i}", phase, **story.gate) for i, story in enumerate(stories))
    attempts = {
        gate.id: recorded(gate.id, story, others if gate is planned[-1] else ())
        for gate, story in zip(planned, stories, strict=True)
        if story.history
    }
    return Case(
        phase=phase,
        mode=mode,
        lock=planned,
        collected=planned,
        decisions={
            gate.id: decide_conditions(
                gate,
                changed=story.changed,
                base=BASE,
                commit=COMMIT,
                files=(),
                mode=mode,
                first_release=False,
            )
            for gate, story in zip(planned, stories, strict=True)
            if gate.conditions
        },
        attempts=attempts,
        subject=Subject("r", COMMIT, TREE, dirty=False, checks=CHECKS),
        waivers=tuple(waiver(f"g{i}", story.waived) for i, story in enumerate(stories) if story.waived),
        earlier=tuple(Earlier(one, "PASSED", COMMIT, "sha256:seal") for one in phase.requires),
        signoffs=tuple(
            Signoff(f"g{i}", TREE, "ada", "why") for i, story in enumerate(stories) if story.signed
        ),
    )


def subject_but(**changes: object) -> Callable[[Case], Case]:
    return lambda case: replace(case, subject=msgspec.structs.replace(case.subject, **changes))


def earlier_but(**changes: object) -> Callable[[Case], Case]:
    """The last earlier evidence is another; a second one that is beside the point stands with the first."""

    def change(case: Case) -> Case:
        if not case.earlier:
            return case
        first = msgspec.structs.replace(case.earlier[0], verdict="BLOCKED")
        last = msgspec.structs.replace(case.earlier[-1], **changes)
        return replace(case, earlier=(first, *case.earlier[:-1], last))

    return change


def decisions_but(**changes: object) -> Callable[[Case], Case]:
    def change(case: Case) -> Case:
        decisions = {
            gate_id: Decision(
                gate_id, tuple(msgspec.structs.replace(proof, **changes) for proof in decision.proofs)
            )
            for gate_id, decision in case.decisions.items()
        }
        return replace(case, decisions=decisions)

    return change


WRONGS: tuple[Callable[[Case], Case], ...] = (
    subject_but(dirty=True),
    subject_but(checks_dirty=True),
    subject_but(tree="another"),
    subject_but(commit=""),
    earlier_but(live_only_left_out=True),
    earlier_but(commit="d"),
    earlier_but(problem="it is broken"),
    decisions_but(base="another"),
    decisions_but(commit="another"),
    decisions_but(held=False),
    lambda case: replace(case, earlier=case.earlier[:2], unrehearsed=NOT_SPARED),
    lambda case: replace(case, unrehearsed=NOT_SPARED),
    lambda case: replace(case, lock=None),
    lambda case: replace(case, lock=case.collected[1:]),
    lambda case: replace(case, collected=case.collected[1:]),
    lambda case: replace(case, collected=(*case.collected, case.collected[0])),
    lambda case: replace(case, facts=(Reason("INTERRUPTED", "it was"),)),
    lambda case: replace(case, waivers=(*case.waivers, waiver("unknown", (State.FAILED,)))),
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A good release, or one with a thing or two wrong: those near the edge are what a property is for."""
    case = told(
        draw(st.sampled_from((Phase.PRERELEASE, Phase.POSTRELEASE, Phase.PUBLISH))),
        draw(st.sampled_from(tuple(Mode))),
        draw(st.lists(STORIES, min_size=1, max_size=3)),
        tuple(draw(st.lists(st.sampled_from(OTHERS), max_size=2))),
    )
    if case.phase is Phase.PUBLISH and draw(st.booleans()):  # without a rehearsal, and the proof for that
        case = replace(case, earlier=case.earlier[:2], unrehearsed=SPARED)
    for wrong in draw(st.lists(st.sampled_from(WRONGS), max_size=1)):
        case = wrong(case)
    return case


# -- the ways to have less to show, or more against one --------------------------------------------


def without(items: tuple[Any, ...], index: int) -> tuple[Any, ...]:
    return items[:index] + items[index + 1 :]


def retried(tried: tuple[Attempt, ...]) -> bool:
    """Whether one run passed the gate twice, which makes it FLAKY.

    To take such a pass away is to take away the retry. That nobody cuts the end off a record is for its
    hash chain to prove, not for a rule about what the record says.
    """
    passes = [one.run for one in tried if one.outcome is State.PASSED]
    return len(set(passes)) < len(passes)


def less_passing_attempts(case: Case) -> Iterator[Case]:
    """Each passing attempt in turn is gone from the record, with the hole that it leaves."""
    for gate_id, tried in case.attempts.items():
        for index, one in enumerate(tried):
            if one.outcome is State.PASSED and not retried(tried):
                yield replace(case, attempts={**case.attempts, gate_id: without(tried, index)})


def no_attempts_at_a_gate(case: Case) -> Iterator[Case]:
    for gate_id, tried in case.attempts.items():
        if not retried(tried) and all(one.outcome is State.PASSED for one in tried):
            yield replace(case, attempts={key: one for key, one in case.attempts.items() if key != gate_id})


def less_proofs(case: Case) -> Iterator[Case]:
    for gate_id, decision in case.decisions.items():
        rest = {key: value for key, value in case.decisions.items() if key != gate_id}
        yield replace(case, decisions=rest)
        for index in range(len(decision.proofs)):
            less = Decision(gate_id, without(decision.proofs, index))
            yield replace(case, decisions={**rest, gate_id: less})


def less_earlier_phases(case: Case) -> Iterator[Case]:
    for index in range(len(case.earlier)):
        yield replace(case, earlier=without(case.earlier, index))


def less_spared(case: Case) -> Iterator[Case]:
    """What stands in the place of a rehearsal is not there, or says that something could not be seen."""
    if case.unrehearsed is not None:
        yield replace(case, unrehearsed=None)
        doubted = msgspec.structs.replace(case.unrehearsed.credentials, doubt="403")
        yield replace(case, unrehearsed=msgspec.structs.replace(case.unrehearsed, credentials=doubted))


def less_collected_gates(case: Case) -> Iterator[Case]:
    """A planned gate is not collected, with its record and without."""
    for index, gate in enumerate(case.collected):
        if gate in (case.lock or ()) and case.collected.count(gate) == 1:
            less = replace(case, collected=without(case.collected, index))
            yield less
            yield from no_attempts_at_a_gate(less)


def less_matching_waivers(case: Case) -> Iterator[Case]:
    planned = {gate.id for gate in case.plan().gates}
    for index, one in enumerate(case.waivers):
        if one.gate in planned:  # one that matches nothing blocks, until it is removed
            yield replace(case, waivers=without(case.waivers, index))


def less_signoffs(case: Case) -> Iterator[Case]:
    for index in range(len(case.signoffs)):
        yield replace(case, signoffs=without(case.signoffs, index))


def more_blocking_attempts(case: Case) -> Iterator[Case]:
    """A further blocking attempt, at any gate, in the newest run or the next, under any base.

    Not one that a waiver of the gate covers: a first judgement, if it is a failure that was waived, is
    more to show and not less (MISSING becomes WAIVED, as it must).
    """
    for gate in (*(case.lock or ()), Gate("stranger", case.phase)):
        tried = case.attempts.get(gate.id, ())
        covered = {state for one in case.waivers if one.gate == gate.id for state in one.states}
        for outcome in BLOCKING:
            if outcome in covered:
                continue
            for run in (tried[-1].run, tried[-1].run + 1) if tried else (1,):
                for other in ({}, {"base": "other"}):
                    more = attempt(gate.id, len(tried) + 1, run, outcome, **other)
                    yield replace(case, attempts={**case.attempts, gate.id: (*tried, more)})


def more_facts(case: Case) -> Iterator[Case]:
    yield replace(case, facts=(*case.facts, Reason("INTERNAL_ERROR", "it had one")))
    yield replace(case, subject=msgspec.structs.replace(case.subject, checks_dirty=True))
    yield replace(case, lock=None)


LESS = (
    less_passing_attempts,
    no_attempts_at_a_gate,
    less_proofs,
    less_earlier_phases,
    less_spared,
    less_collected_gates,
    less_matching_waivers,
    less_signoffs,
    more_blocking_attempts,
    more_facts,
)
quick = settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("change", LESS)
def test_less_to_show_never_turns_blocked_into_passed(change: Callable[[Case], Iterator[Case]]) -> None:
    @quick
    @given(cases())
    def holds(case: Case) -> None:
        if not case.verdict().passed:
            for worse in change(case):
                assert not worse.verdict().passed, worse

    holds()


@quick
@given(cases())
def test_passed_means_that_everything_is_there(case: Case) -> None:
    verdict = case.verdict()
    plan = case.plan()
    assert verdict.passed is not bool(verdict.reasons)
    assert [one.gate for one in verdict.gates][: len(plan.gates)] == list(plan.gates)
    if not verdict.passed:
        assert all(reason.message for reason in verdict.reasons)
        return
    deciding = [one for one in verdict.gates if not one.gate.advisory]
    assert all(one.state.passing for one in deciding)
    assert any(one.state is State.PASSED for one in deciding)
    assert plan.locked
    assert not case.facts
    assert not case.subject.checks_dirty
    assert not (case.subject.dirty and case.phase.source)
    for phase in case.phase.requires:
        if phase is Phase.REHEARSAL and case.unrehearsed == SPARED:
            continue  # what stands in its place is whole
        assert any(
            one.verdict == "PASSED"
            and one.commit == COMMIT
            and not one.problem
            and not (case.mode is Mode.LIVE and one.live_only_left_out)
            for one in case.earlier
            if one.phase is phase
        )
    for one in deciding:
        outcomes = {tried.outcome for tried in one.attempts}
        if one.state is State.PASSED:
            assert State.PASSED in outcomes
        elif one.state is State.NOT_TRIGGERED:
            assert one.decision is not None
            assert not one.decision.due
            assert one.decision == case.decisions[one.gate.id]
        else:
            assert one.state is State.WAIVED
            assert one.gate.waivable
            assert one.waiver in case.waivers


@quick
@given(cases(), st.randoms())
def test_a_verdict_is_a_function_of_what_it_is_given(case: Case, random: Random) -> None:
    def shuffled(mapping: dict[str, Any]) -> dict[str, Any]:
        keys = list(mapping)
        random.shuffle(keys)
        return {key: mapping[key] for key in keys}

    verdict = case.verdict()
    assert case.verdict() == verdict
    other = replace(case, decisions=shuffled(case.decisions), attempts=shuffled(case.attempts))
    assert other.verdict() == verdict
    encoded = msgspec.json.encode(verdict)
    assert msgspec.json.encode(other.verdict()) == encoded


def test_the_order_of_what_is_beside_the_plan_changes_nothing() -> None:
    gate = Gate("a", "prerelease")
    subject = Subject("r", COMMIT, TREE, dirty=False, checks=CHECKS)
    extra = {"y": "why", "x": "why", "z": "why"}
    strange = {name: (attempt(name, 1, 1, State.PASSED),) for name in ("s", "q", "r", "a")}
    verdicts = {
        msgspec.json.encode(
            decide(
                Plan(
                    Phase.PRERELEASE,
                    "v1.0.0",
                    Mode.DRY_RUN,
                    (gate,),
                    locked=True,
                    unplanned={name: extra[name] for name in order},
                    invalid={name: extra[name] for name in order[1:]},
                ),
                {},
                {name: strange[name] for name in sorted(strange, reverse=order[0] == "z")},
                (),
                subject,
                (),
                NOW,
                base=BASE,
            )
        )
        for order in (["x", "y", "z"], ["x", "z", "y"])
    }
    assert len(verdicts) == 1


def test_the_examples_pass_and_block_often_enough_to_mean_something() -> None:
    words: Counter[str] = Counter()
    passing: Counter[State] = Counter()
    bitten: Counter[str] = Counter()
    reasons: Counter[str] = Counter()

    @settings(quick, database=None, derandomize=True, max_examples=300)
    @given(cases())
    def look(case: Case) -> None:
        verdict = case.verdict()
        words[verdict.word] += 1
        if verdict.passed:
            passing.update({one.state for one in verdict.gates if not one.gate.advisory})
            bitten.update(
                change.__name__
                for change in LESS
                if any(not worse.verdict().passed for worse in change(case))
            )
        elif len(verdict.reasons) == 1:
            reasons[verdict.reasons[0].code] += 1

    look()
    assert words["PASSED"] > words.total() / 5, words
    assert words["BLOCKED"] > words.total() / 5, words
    assert set(passing) == {State.PASSED, State.NOT_TRIGGERED, State.WAIVED}, passing
    assert set(bitten) == {change.__name__ for change in LESS}, bitten
    # Cases that one thing alone blocks are those in which a wrong rule shows.
    assert len(reasons) > 12, reasons
