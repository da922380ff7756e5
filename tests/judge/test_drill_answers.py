"""What a gate's answer to a fault comes to, and which gates are proved able to fail. SPEC B10."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_relgate.judge.drill import Answer, Expected, Seen, answer_of, conclude, trials_of
from pytest_relgate.model import State

RED = Expected("drift", State.FAILED, "package.json.*0\\.1\\.9")
LATE = Expected("slow", State.PENDING, "not there yet")


@pytest.mark.parametrize(
    ("expected", "seen", "answer"),
    [
        (RED, Seen(State.FAILED, "bindings/node/package.json says 0.1.9"), Answer.PROVED),
        (RED, Seen(State.FAILED, "PACKAGE.JSON says 0.1.9"), Answer.PROVED),
        (RED, Seen(State.FAILED, "Cargo.toml says 0.1.9"), Answer.OTHER_REASON),
        (RED, Seen(State.FAILED), Answer.OTHER_REASON),
        (RED, Seen(State.ERRORED, "package.json says 0.1.9"), Answer.OTHER_STATE),
        (RED, Seen(State.TIMED_OUT, "package.json says 0.1.9"), Answer.OTHER_STATE),
        (RED, Seen(State.FLAKY, "package.json says 0.1.9"), Answer.OTHER_STATE),
        (RED, Seen(State.PASSED), Answer.NOT_RED),
        (RED, Seen(State.NOT_TRIGGERED), Answer.NOT_RED),
        (RED, Seen(State.WAIVED), Answer.NOT_RED),
        (RED, Seen(State.MISSING), Answer.NOT_JUDGED),
        (RED, Seen(State.BLOCKED_BY), Answer.NOT_JUDGED),
        (RED, Seen(None), Answer.NOT_JUDGED),
        (LATE, Seen(State.PENDING, "npm: 0.1.10 is not there yet"), Answer.PROVED),
        (LATE, Seen(State.FAILED, "npm: 0.1.10 is not there yet"), Answer.OTHER_STATE),
    ],
)
def test_an_answer(expected: Expected, seen: Seen, answer: Answer) -> None:
    assert answer_of(expected, seen) is answer


GREEN = Seen(State.PASSED)
FOUND = Seen(State.FAILED, "package.json says 0.1.9")


@pytest.mark.parametrize(
    ("faults", "healthy", "shown", "problem"),
    [
        (("drift",), GREEN, {"drift": FOUND}, ""),
        (("drift",), Seen(State.NOT_TRIGGERED), {"drift": FOUND}, ""),
        ((), GREEN, {}, "names no fault"),
        (("drift",), FOUND, {"drift": FOUND}, "without a fault it is FAILED: package.json says 0.1.9"),
        (("drift",), Seen(None), {"drift": FOUND}, "without a fault it is not judged"),
        (("drift",), GREEN, {}, "under drift it is not judged"),
        (("drift",), GREEN, {"drift": GREEN}, "under drift it is PASSED: it did not see the fault"),
        (("drift", "slow"), GREEN, {"drift": FOUND}, "under slow it is not judged"),
        (
            ("drift",),
            GREEN,
            {"drift": Seen(State.FAILED, "boom")},
            "under drift it is FAILED, but says nothing of 'package.json.*0\\\\.1\\\\.9': boom",
        ),
        (
            ("drift",),
            GREEN,
            {"drift": Seen(State.ERRORED, "no npm")},
            "under drift it is ERRORED and not FAILED: no npm",
        ),
    ],
)
def test_a_gate_is_proved_by_all_its_faults(
    faults: tuple[str, ...], healthy: Seen, shown: dict[str, Seen], problem: str
) -> None:
    under = {fault: {"gate": seen} for fault, seen in shown.items()}
    trials = trials_of(
        {"gate": faults} if faults else {}, {"drift": RED, "slow": LATE}, under, {"gate": healthy}
    )
    drill = conclude(
        ["gate"], {"gate": healthy}, trials, when="2026-11-22T16:00:00Z", checks="sha256:0", sandbox=False
    )
    assert drill.unproved == ({"gate": problem} if problem else {})
    assert drill.proved == (() if problem else ("gate",))


@given(
    st.sampled_from([*State, None]),
    st.lists(st.tuples(st.sampled_from([*State, None]), st.text(max_size=5)), min_size=1, max_size=3),
)
def test_nothing_but_green_without_and_red_with_each_proves(
    healthy: State | None, answers: list[tuple[State | None, str]]
) -> None:
    names = [f"fault{number}" for number in range(len(answers))]
    expected = {name: Expected(name, State.FAILED, "reason") for name in names}
    shown = {name: {"gate": Seen(*answer)} for name, answer in zip(names, answers, strict=True)}
    trials = trials_of({"gate": names}, expected, shown, {"gate": Seen(healthy)})
    drill = conclude(["gate"], {"gate": Seen(healthy)}, trials, when="", checks="", sandbox=False)
    green = healthy is not None and healthy.passing
    red = all(state is State.FAILED and "reason" in words for state, words in answers)
    assert bool(drill.proved) is (green and red)
