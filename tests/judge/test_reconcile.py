"""The lock is the denominator; a marker may be stricter than it and never looser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from pytest_relgate.judge import reconcile
from pytest_relgate.model import Condition, Gate, Mode, Phase, Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

DEPENDENCIES = Condition("changed", "dependencies", ("Cargo.lock",))
LIVE = Condition("live", "live")
A = Gate("a", "prerelease", limit=60, conditions=(DEPENDENCIES,), sequence="s", advisory=False)
B = Gate("b", "prerelease", limit=60)
BUILD = Gate("c", "build", limit=60)


def plan(lock: Sequence[Gate] | None, collected: Sequence[Gate], phase: Phase = Phase.PRERELEASE) -> Plan:
    return reconcile(phase=phase, target="v1.0.0", mode=Mode.DRY_RUN, lock=lock, collected=collected)


def but(gate: Gate, **changes: object) -> Gate:
    return msgspec.structs.replace(gate, **changes)


def test_lock_and_collection_agree() -> None:
    found = plan([A, B, BUILD], [B, A, BUILD])
    assert found == Plan(Phase.PRERELEASE, "v1.0.0", Mode.DRY_RUN, (A, B), locked=True, elsewhere=("c",))


def test_without_a_lock_the_plan_is_what_was_collected() -> None:
    found = plan(None, [B, A, BUILD])
    assert found.gates == (B, A)
    assert not found.locked
    assert (found.missing, found.unplanned, found.invalid) == ({}, {}, {})
    assert found.elsewhere == ("c",)


def test_a_planned_gate_that_was_not_collected_is_missing() -> None:
    found = plan([A, B], [B])
    assert found.gates == (A, B)
    assert found.missing == {"a": "planned in gates.lock and not collected"}


def test_a_collected_gate_outside_the_lock_is_unplanned() -> None:
    found = plan([A], [A, but(B, where="test_b.py:3")])
    assert found.gates == (A,)
    assert found.unplanned == {"b": "collected and not in gates.lock (test_b.py:3)"}


def test_a_lock_without_gates_of_the_phase_plans_nothing() -> None:
    found = plan([BUILD], [A])
    assert found.gates == ()
    assert found.locked
    assert set(found.unplanned) == {"a"}
    assert set(plan([], [A]).unplanned) == {"a"}


def test_the_plan_says_of_a_gate_what_only_the_marker_knows() -> None:
    marked = but(A, title="Dependencies", remedy="cargo update", where="test_a.py:1", incident=True)
    assert plan([A], [marked]).gates == (marked,)


@pytest.mark.parametrize(
    ("locked", "marked", "told"),
    [
        (A, but(A, advisory=True), "advisory is True, the lock says False"),
        (but(A, waivable=False), A, "waivable is True, the lock says False"),
        (A, but(A, reads_world=True), "reads_world is True, the lock says False"),
        (B, but(B, conditions=(LIVE,)), "conditions is live(live), the lock says none"),
        (
            A,
            but(A, conditions=(DEPENDENCIES, LIVE)),
            "conditions is changed(Cargo.lock), live(live), the lock says changed(Cargo.lock)",
        ),
        (
            A,
            but(A, conditions=(Condition("changed", "dependencies", ("*.lock",)),)),
            "conditions is changed(*.lock), the lock says changed(Cargo.lock)",
        ),
        (
            A,
            but(A, conditions=(Condition("present", "dependencies", ("Cargo.lock",)),)),
            "conditions is present(Cargo.lock), the lock says changed(Cargo.lock)",
        ),
        (A, but(A, sequence=""), "sequence is none, the lock says s"),
        (A, but(A, sequence="t"), "sequence is t, the lock says s"),
        (A, but(A, limit=61), "limit is 61 s, the lock says 60 s"),
        (A, but(A, limit=0), "limit is none, the lock says 60 s"),
        (A, but(A, phase="weekly"), "phase is weekly, the lock says prerelease"),
    ],
)
def test_a_marker_looser_than_the_lock_is_invalid_and_the_lock_stands(
    locked: Gate, marked: Gate, told: str
) -> None:
    found = plan([locked], [but(marked, where="test_a.py:7")])
    assert found.invalid == {
        locked.id: f"looser than gates.lock: {told}; if that is meant, "
        "run `pytest --release-lock` and commit gates.lock (test_a.py:7)"
    }
    assert [but(gate, where="") for gate in found.gates] == [locked]
    assert found.notes == ()


@pytest.mark.parametrize(
    ("locked", "marked", "told"),
    [
        (but(A, advisory=True), A, "advisory is False, the lock says True"),
        (A, but(A, waivable=False), "waivable is False, the lock says True"),
        (but(A, reads_world=True), A, "reads_world is False, the lock says True"),
        (A, but(A, conditions=()), "conditions is none, the lock says changed(Cargo.lock)"),
        (B, but(B, sequence="s"), "sequence is s, the lock says none"),
        (A, but(A, limit=1.5), "limit is 1.5 s, the lock says 60 s"),
        (but(A, limit=0), A, "limit is 60 s, the lock says none"),
    ],
)
def test_a_marker_stricter_than_the_lock_stands_and_is_noted(locked: Gate, marked: Gate, told: str) -> None:
    found = plan([locked], [marked])
    assert found.gates == (marked,)
    assert found.notes == (f"{locked.id} is stricter than gates.lock: {told}",)
    assert found.invalid == {}


def test_looser_in_one_thing_and_stricter_in_another_keeps_the_stricter_of_both() -> None:
    found = plan([A], [but(A, advisory=True, limit=30, waivable=False)])
    assert found.gates == (but(A, limit=30, waivable=False),)
    assert set(found.invalid) == {"a"}
    assert "waivable is False" in found.notes[0]
    assert "limit is 30 s" in found.notes[0]


def test_another_name_for_the_same_patterns_changes_nothing() -> None:
    renamed = but(A, conditions=(Condition("changed", "Cargo.lock", ("Cargo.lock",)),))
    found = plan([A], [renamed])
    assert found.gates == (renamed,)
    assert (found.invalid, found.notes) == ({}, ())


@pytest.mark.parametrize("lock", [None, [A]], ids=["unlocked", "locked"])
def test_a_malformed_gate_is_invalid(lock: list[Gate] | None) -> None:
    found = plan(lock, [but(A, problem="it has 2 phases (prerelease, build): keep one", where="t.py:1")])
    assert found.invalid == {"a": "it has 2 phases (prerelease, build): keep one (t.py:1)"}


@pytest.mark.parametrize("phase", list(Phase))
def test_a_gate_without_a_phase_is_invalid_in_every_phase(phase: Phase) -> None:
    lost = Gate("lost", "", problem="it has no phase")
    found = plan([A, B, BUILD], [A, B, BUILD, lost], phase)
    assert found.invalid == {"lost": "it has no phase (collection)"}
    assert set(found.unplanned) == {"lost"}
    unlocked = plan(None, [but(lost, problem="", phase="prerelaese")], phase)
    assert unlocked.invalid["lost"].startswith("expected one phase of prerelease, build,")
    assert "found prerelaese" in unlocked.invalid["lost"]


def test_a_malformed_gate_of_another_phase_is_that_phase_to_judge() -> None:
    assert plan([A], [A, but(BUILD, problem="bad marker")]).invalid == {}


def test_a_gate_that_moved_to_another_phase_is_invalid_there_and_unplanned_here() -> None:
    moved = but(A, phase="build")
    assert "phase is build" in plan([A], [moved]).invalid["a"]
    there = plan([A], [moved], Phase.BUILD)
    assert there.unplanned == {"a": "gates.lock has it in phase prerelease"}


def test_an_id_collected_twice_is_invalid() -> None:
    for lock in (None, [A]):
        found = plan(lock, [A, A, A])
        assert found.invalid == {"a": "twice in collection, expected each id once"}
        assert found.gates == (A,)


def test_an_id_twice_in_the_lock_is_invalid() -> None:
    found = plan([A, but(A, advisory=True)], [A])
    assert found.invalid == {"a": "twice in gates.lock, expected each id once"}
    assert found.gates == (A,)


def test_a_gate_of_the_lock_without_a_phase_is_invalid() -> None:
    found = plan([A, Gate("x", "prerelaese")], [A])
    assert "found prerelaese (gates.lock)" in found.invalid["x"]
    assert set(found.missing) == {"x"}


def test_gates_of_other_phases_are_known_by_id_once() -> None:
    found = plan([A, BUILD], [A, BUILD, Gate("d", "weekly")])
    assert found.elsewhere == ("c", "d")
