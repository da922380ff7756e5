"""What each gate comes to, by its record, its conditions and its sequence."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from pytest_relgate.model import (
    Decision,
    Gate,
    Mode,
    Reason,
    State,
)
from tests.judge.conftest import (
    CONDITIONAL,
    DEFAULTS,
    LIVE_ONLY,
    LOCKFILES,
    RUN,
    WAIVER,
    A,
    B,
    Case,
    attempt,
    attempts,
    beside_a,
    gate,
    judged,
    left_out,
    only,
    planned,
    sequence,
    states,
)

# -- what each gate comes to ---------------------------------------------------------------------


@pytest.mark.parametrize("state", DEFAULTS)
def test_a_blocking_gate_blocks_with_a_reason_of_its_own(state: State) -> None:
    case = beside_a(state)
    assert judged(case).state is state
    reason = only(case)
    assert (reason.code, reason.gate, reason.remedy) == (state, "b", DEFAULTS[state])


def test_a_reason_says_what_the_gate_found_where_and_what_it_says_to_do() -> None:
    found = attempt("b", State.FAILED, message="2 files differ", where="src/a.rs:3", do="cargo fmt --all")
    marked = gate("b", remedy="ask ada", where="test_a.py:9")
    case = beside_a(one=marked)
    tried = {**(case.attempts or {}), "b": (found,)}
    assert only(replace(case, attempts=tried)) == Reason(
        "FAILED", "2 files differ", gate="b", remedy="cargo fmt --all", where="src/a.rs:3"
    )
    tried["b"] = (attempt("b", State.FAILED),)
    assert only(replace(case, attempts=tried)) == Reason(
        "FAILED", "15:41 failed", gate="b", remedy="ask ada", where="test_a.py:9"
    )


def test_what_a_gate_says_to_do_is_no_remedy_where_it_did_not_judge() -> None:
    assert only(beside_a(one=gate("b", remedy="ask ada"))).remedy == f"run {RUN}"


def test_a_flaky_gate_says_what_was_seen() -> None:
    reason = only(beside_a(State.FAILED, State.PASSED))
    assert reason.message == "15:41 failed, 15:42 passed, same tree"


def test_a_failure_that_stands_is_quoted_and_not_what_came_after() -> None:
    case = beside_a()
    tried = (
        attempt("b", State.FAILED, 1, message="it is broken"),
        attempt("b", State.ERRORED, 2, message="no network"),
    )
    reason = only(replace(case, attempts={**(case.attempts or {}), "b": tried}))
    assert (reason.code, reason.message) == ("FAILED", "it is broken")


def test_a_gate_that_never_judged_is_missing() -> None:
    case = beside_a()
    assert only(case) == Reason("MISSING", "never judged", gate="b", remedy=f"run {RUN}")


def test_a_gate_that_was_not_collected_is_missing() -> None:
    plan = planned(A, B, missing={"b": "planned in gates.lock and not collected"})
    assert only(beside_a(plan=plan)).message == "planned in gates.lock and not collected"


def test_a_gate_that_is_not_there_any_more_is_missing_whatever_was_seen_of_it() -> None:
    """A run narrowed by paths hands over the gates that it did not look for as planned, not as missing."""
    gone = {"b": "planned in gates.lock and not collected"}
    assert only(Case(plan=planned(A, B, missing=gone))).code == "MISSING"
    plan = planned(A, CONDITIONAL, missing=gone)
    assert only(beside_a(plan=plan, decisions={"b": left_out(CONDITIONAL)})).code == "MISSING"
    waived = beside_a(State.FAILED, waivers=(WAIVER,), plan=planned(A, B, missing=gone))
    assert only(waived).code == "MISSING"


@pytest.mark.parametrize("field", ["tree", "checks"])
def test_attempts_at_another_subject_are_stale(field: str) -> None:
    case = beside_a()
    old = (attempt("b", **{field: "other"}),)
    reason = only(replace(case, attempts={**(case.attempts or {}), "b": old}))
    assert (reason.code, reason.remedy) == ("STALE", f"run {RUN}")
    assert judged(replace(case, attempts={"b": old})).attempts == ()


def test_a_pass_under_another_base_is_stale() -> None:
    verdict = Case(base="d" * 40).verdict()
    assert [reason.code for reason in verdict.reasons] == ["STALE", "STALE"]


def test_a_malformed_gate_blocks_whatever_it_came_to() -> None:
    plan = planned(A, B, invalid={"b": "it has 2 phases"}, unplanned={"b": "not in gates.lock"})
    case = beside_a(State.PASSED, plan=plan, decisions={"b": left_out(CONDITIONAL)})
    assert only(case) == Reason("INVALID", "it has 2 phases", gate="b", remedy=DEFAULTS[State.INVALID])


def test_a_gate_outside_the_plan_blocks_and_has_a_row() -> None:
    plan = planned(A, unplanned={"z": "collected and not in gates.lock", "b": "likewise"})
    case = replace(Case(), plan=plan)
    assert [(one.gate.id, one.state) for one in case.verdict().gates] == [
        ("a", State.PASSED),
        ("b", State.UNPLANNED),
        ("z", State.UNPLANNED),
    ]
    assert [reason.gate for reason in case.verdict().reasons] == ["b", "z"]
    assert case.verdict().reasons[1].remedy == (
        "if it belongs to the plan run `pytest --release-lock`, review what changes "
        "and commit gates.lock, else remove it"
    )


def test_a_malformed_gate_outside_the_plan_blocks() -> None:
    reason = only(Case(plan=planned(A, B, invalid={"lost": "it has no phase"})))
    assert (reason.code, reason.gate, reason.message) == ("INVALID", "lost", "it has no phase")


def test_a_gate_that_was_tried_and_is_in_no_plan_blocks() -> None:
    tried = {name: attempts(name, State.PASSED) for name in "abx"}
    reason = only(Case(attempts=tried))
    assert (reason.code, reason.gate) == ("UNPLANNED", "x")
    assert reason.message == "it was tried on this tree, and is not in the plan"
    assert Case(attempts=tried, plan=planned(A, B, elsewhere=("x",))).verdict().passed
    tried["x"] = (attempt("x", tree="other"),)
    assert Case(attempts=tried).verdict().passed


def test_attempts_filed_under_another_gate_are_invalid() -> None:
    tried = {"a": attempts("a", State.PASSED), "b": attempts("a", State.PASSED)}
    reason = only(Case(attempts=tried))
    assert (reason.code, reason.message) == ("INVALID", "its attempts are those of a")


# -- conditions ----------------------------------------------------------------------------------


def test_a_gate_whose_condition_provably_does_not_hold_is_not_triggered() -> None:
    decision = left_out(CONDITIONAL)
    case = beside_a(one=CONDITIONAL, decisions={"b": decision})
    assert case.verdict().passed
    found = judged(case)
    assert (found.state, found.decision) == (State.NOT_TRIGGERED, decision)
    assert found.why == decision.proofs[0].reason


@pytest.mark.parametrize(
    ("one", "decision", "why"),
    [
        (CONDITIONAL, left_out(CONDITIONAL, changed=["Cargo.lock"]), "never judged"),
        (CONDITIONAL, left_out(CONDITIONAL, changed=None), "never judged"),
        (B, left_out(CONDITIONAL), "never judged; it was left out without proof: the conditions that were "),
        (CONDITIONAL, left_out(CONDITIONAL, commit="d" * 40), "without proof: decided at commit dddd"),
        (CONDITIONAL, left_out(CONDITIONAL, base="d" * 40), "without proof: compared with dddddddddddd"),
        (CONDITIONAL, left_out(gate("a", conditions=(LOCKFILES,))), "the decision is about a"),
    ],
)
def test_a_decision_that_proves_nothing_leaves_the_gate_missing(
    one: Gate, decision: Decision, why: str
) -> None:
    case = beside_a(one=one, decisions={"b": decision})
    assert only(case).code == "MISSING"
    assert why in judged(case).why


def test_a_live_run_does_not_leave_a_live_only_gate_out() -> None:
    one = gate("b", conditions=(LIVE_ONLY,))
    case = beside_a(one=one, decisions={"b": left_out(one)})
    assert case.verdict().passed
    assert only(replace(case, plan=planned(A, one, mode=Mode.LIVE))).code == "MISSING"


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ((State.FAILED,), State.FAILED),
        ((State.TIMED_OUT, State.ERRORED), State.TIMED_OUT),
        ((State.FAILED, State.PASSED), State.FLAKY),
        ((State.PASSED, State.CRASHED), State.CRASHED),
        ((State.FLAKY,), State.FLAKY),
        ((State.WAIVED,), State.INVALID),
    ],
)
def test_a_condition_never_hides_a_failure_on_record(outcomes: tuple[State, ...], state: State) -> None:
    case = beside_a(*outcomes, one=CONDITIONAL, decisions={"b": left_out(CONDITIONAL)})
    assert only(case).code == state


def test_a_condition_hides_no_failure_that_was_superseded_by_no_pass() -> None:
    one = msgspec.structs.replace(CONDITIONAL, reads_world=True)
    case = beside_a(State.FAILED, State.ERRORED, one=one, decisions={"b": left_out(one)})
    assert only(case).code == "ERRORED"


@pytest.mark.parametrize("outcome", [State.ERRORED, State.PENDING, State.SKIPPED, State.BLOCKED_BY])
def test_a_gate_that_could_not_judge_while_it_was_due_is_let_go_once_it_is_not(outcome: State) -> None:
    case = beside_a(outcome, one=CONDITIONAL, decisions={"b": left_out(CONDITIONAL)})
    assert judged(case).state is State.NOT_TRIGGERED
    assert case.verdict().passed


def test_attempts_filed_under_another_gate_are_hidden_by_no_condition() -> None:
    tried = {"a": attempts("a", State.PASSED), "b": attempts("a", State.PASSED)}
    case = Case(plan=planned(A, CONDITIONAL), attempts=tried, decisions={"b": left_out(CONDITIONAL)})
    assert only(case).code == "INVALID"


def test_a_gate_that_passed_stays_passed_when_it_is_not_due() -> None:
    case = beside_a(State.PASSED, one=CONDITIONAL, decisions={"b": left_out(CONDITIONAL)})
    assert judged(case).state is State.PASSED


def test_stale_attempts_do_not_stand_in_the_way_of_a_proof() -> None:
    case = beside_a(one=CONDITIONAL, decisions={"b": left_out(CONDITIONAL)})
    for old in ({"tree": "other"}, {"base": "other"}, {"base": "other", "outcome": State.ERRORED}):
        tried = {**(case.attempts or {}), "b": (attempt("b", **old),)}
        assert judged(replace(case, attempts=tried)).state is State.NOT_TRIGGERED


def test_a_run_in_which_nothing_was_due_proves_nothing() -> None:
    one = gate("b", conditions=(LOCKFILES,))
    case = Case(plan=planned(one), attempts={}, decisions={"b": left_out(one)})
    assert only(case) == Reason(
        "NOTHING_PASSED",
        "expected a gate that passed, found none: waived, advisory and left out gates prove nothing",
        remedy=f"run {RUN} under conditions in which a gate judges",
    )


# -- sequences -----------------------------------------------------------------------------------


def test_a_gate_cannot_have_passed_after_a_red_one_of_its_sequence() -> None:
    case = sequence(State.PASSED, State.FAILED, State.PASSED, State.PASSED)
    held = State.BLOCKED_BY
    assert states(case) == [State.PASSED, State.FAILED, held, held]
    assert judged(case, "s3").why == "s1 stands before it in its sequence and did not pass"
    assert [reason.gate for reason in case.verdict().reasons] == ["s1", "s2", "s3"]


def test_a_red_advisory_gate_stops_no_sequence() -> None:
    case = sequence(State.FAILED, State.PASSED, advisory=True)
    assert states(case) == [State.FAILED, State.PASSED]
    assert case.verdict().passed


def test_a_red_gate_stops_its_own_sequence_only() -> None:
    case = sequence(State.FAILED, State.PASSED)
    first, second = case.plan.gates
    apart = planned(first, msgspec.structs.replace(second, sequence="t"))
    assert states(replace(case, plan=apart)) == [State.FAILED, State.PASSED]
