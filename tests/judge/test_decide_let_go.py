"""What may be let go: the word of an advisory gate, a waived state, a flake that a person signed."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from pytest_relgate.errors import RelgateError
from pytest_relgate.model import (
    Reason,
    Signoff,
    State,
)
from tests.judge.conftest import (
    DEFAULTS,
    WAIVER,
    A,
    B,
    Case,
    attempt,
    attempts,
    beside_a,
    gate,
    judged,
    only,
    planned,
    sequence,
    states,
)

# -- advisory gates ------------------------------------------------------------------------------

ADVISORY = gate("b", advisory=True)


@pytest.mark.parametrize("state", [*DEFAULTS, State.MISSING, State.STALE])
def test_an_advisory_gate_is_recorded_and_never_decides(state: State) -> None:
    case = beside_a(*([state] if state in DEFAULTS else []), one=ADVISORY)
    if state is State.STALE:
        tried = {**(case.attempts or {}), "b": (attempt("b", tree="other"),)}
        case = replace(case, attempts=tried)
    assert judged(case).state is state
    assert case.verdict().passed


@pytest.mark.parametrize("field", ["invalid", "unplanned"])
def test_an_advisory_gate_that_is_malformed_or_outside_the_plan_blocks(field: str) -> None:
    case = beside_a(State.PASSED, plan=planned(A, ADVISORY, **{field: {"b": "for a reason"}}))
    assert only(case).message == "for a reason"


def test_an_advisory_gate_whose_record_cannot_be_blocks() -> None:
    case = beside_a(one=ADVISORY)
    tried = {**(case.attempts or {}), "b": (attempt("b", number=2),)}
    assert only(replace(case, attempts=tried)).code == "INVALID"


def test_an_advisory_pass_proves_nothing() -> None:
    case = Case(plan=planned(ADVISORY), attempts={"b": attempts("b", State.PASSED)})
    assert only(case).code == "NOTHING_PASSED"


# -- waivers and sign-offs -----------------------------------------------------------------------


def test_a_waiver_lets_a_gate_go_and_keeps_what_it_was() -> None:
    case = beside_a(State.FAILED, waivers=(WAIVER,))
    assert case.verdict().passed
    found = judged(case)
    assert (found.state, found.waiver) == (State.WAIVED, WAIVER)
    assert found.why == (
        "FAILED: 15:41 failed; policy exception (an incident): waived by ada until 2026-03-31T00:00:00Z: "
        "the runner has no disk; approved by grace"
    )
    assert case.verdict().notes == ()


def test_a_waived_gate_lets_its_sequence_go_on() -> None:
    case = sequence(State.PASSED, State.FAILED, State.PASSED)
    waived = replace(case, waivers=(msgspec.structs.replace(WAIVER, gate="s1"),))
    assert states(waived) == [State.PASSED, State.WAIVED, State.PASSED]
    assert waived.verdict().passed


@pytest.mark.parametrize(
    "outcomes",
    [
        (State.ERRORED,),
        (State.FAILED, State.ERRORED),
        (State.INVALID,),
        (State.BLOCKED_BY,),
        (),
    ],
)
def test_a_waiver_covers_no_other_state(outcomes: tuple[State, ...]) -> None:
    case = beside_a(*outcomes, waivers=(WAIVER,))
    assert only(case).gate == "b"
    assert case.verdict().notes == ("waiver for b: not used",)


def test_a_gate_that_is_not_waivable_is_not_waived() -> None:
    case = beside_a(State.FAILED, one=gate("b", waivable=False), waivers=(WAIVER,))
    assert only(case).code == "FAILED"


def test_a_malformed_gate_and_one_outside_the_plan_are_not_waived() -> None:
    for field in ("invalid", "unplanned"):
        plan = planned(A, B, **{field: {"b": "for a reason"}})
        assert only(beside_a(State.FAILED, plan=plan, waivers=(WAIVER,))).message.startswith("for a reason")


def test_a_waiver_in_doubt_blocks_even_when_its_gate_passed() -> None:
    expired = msgspec.structs.replace(WAIVER, expires="2026-03-10T15:00:00Z")
    reason = only(Case(waivers=(expired,)))
    assert reason == Reason(
        "WAIVER",
        "waiver for b: expired 2026-03-10T15:00:00Z",
        remedy="correct or remove it in waivers.toml, and have that reviewed",
    )


def test_a_waiver_for_a_gate_that_is_not_planned_blocks() -> None:
    stray = msgspec.structs.replace(WAIVER, gate="x")
    reason = only(Case(waivers=(stray,)))
    assert reason.code == "WAIVER"
    assert (
        reason.message == "waiver for x: expected a planned gate, found none of that id in phase prerelease"
    )


def test_a_waiver_for_a_gate_that_came_after_the_checks_waives_nothing_and_blocks_nothing() -> None:
    stray = msgspec.structs.replace(WAIVER, gate="x")
    verdict = Case(waivers=(stray,), later=True).verdict()
    assert (verdict.passed, verdict.notes) == (
        True,
        ("waiver for x: not used, no phase has a gate of that id",),
    )
    red = beside_a(State.FAILED, waivers=(stray,), later=True)
    assert only(red).code == "FAILED"


def test_a_waiver_for_a_gate_of_another_phase_is_that_phase_to_judge() -> None:
    there = msgspec.structs.replace(WAIVER, gate="x", expires="2026-03-10T15:00:00Z")
    verdict = Case(waivers=(there,), plan=planned(A, B, elsewhere=("x",))).verdict()
    assert verdict.passed
    assert verdict.notes == ()


def test_without_approvers_a_waiver_counts_for_nothing() -> None:
    verdict = beside_a(State.FAILED, waivers=(WAIVER,), approvers=()).verdict()
    assert [reason.code for reason in verdict.reasons] == ["WAIVER", "FAILED"]


def test_a_run_in_which_every_gate_was_waived_proves_nothing() -> None:
    case = Case(plan=planned(B), attempts={"b": attempts("b", State.FAILED)}, waivers=(WAIVER,))
    assert only(case).code == "NOTHING_PASSED"


def test_the_time_matters_to_waivers_alone() -> None:
    assert Case(now="").verdict().passed
    with pytest.raises(RelgateError, match="expected the time of the judgement"):
        Case(now="", waivers=(WAIVER,)).verdict()


def test_two_waivers_together_cover_what_neither_does_alone() -> None:
    second = msgspec.structs.replace(WAIVER, states=(State.ERRORED,))
    case = beside_a(State.FAILED, State.ERRORED, waivers=(second, WAIVER))
    assert judged(case).waiver == WAIVER
    assert case.verdict().passed
    assert case.verdict().notes == ()


SIGNED = Signoff("b", "tree", "ada", "the port was taken")


def test_a_signoff_clears_a_flaky_gate_on_its_tree() -> None:
    case = beside_a(State.FAILED, State.PASSED, signoffs=(SIGNED,))
    assert judged(case).state is State.PASSED
    for other in ({"gate": "a"}, {"tree": "other"}):
        wrong = msgspec.structs.replace(SIGNED, **other)
        assert only(replace(case, signoffs=(wrong,))).code == "FLAKY"
    stale = msgspec.structs.replace(SIGNED, tree="other")
    assert replace(case, signoffs=(SIGNED, stale)).verdict().passed
