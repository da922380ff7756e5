"""PASSED needs everything; each thing that is lacking has its reason, and a remedy for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from pytest_relgate.model import (
    Earlier,
    Judged,
    Mode,
    Phase,
    Reason,
    State,
    Verdict,
)
from tests.judge.conftest import (
    COMMIT,
    RELOCK,
    RUN,
    SUBJECT,
    WAIVER,
    A,
    B,
    Case,
    attempt,
    attempts,
    beside_a,
    gate,
    only,
    planned,
)


def test_every_gate_passed() -> None:
    verdict = Case().verdict()
    assert verdict == Verdict(
        passed=True,
        reasons=(),
        gates=(
            Judged(A, State.PASSED, "15:41 passed", attempts("a", State.PASSED)),
            Judged(B, State.PASSED, "15:41 passed", attempts("b", State.PASSED)),
        ),
    )


# -- what the run itself must be -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "code", "message", "remedy"),
    [
        (
            Case(plan=planned(A, B, locked=False)),
            "UNLOCKED",
            "expected a committed gates.lock, found none: nothing says that these are all the gates",
            RELOCK,
        ),
        (
            Case(plan=planned()),
            "EMPTY_PLAN",
            "expected gates of phase prerelease, found none planned",
            f"mark gates with pytest.mark.prerelease, then {RELOCK}",
        ),
        (
            Case(subject=msgspec.structs.replace(SUBJECT, dirty=True, dirt=("Cargo.toml", "x y"))),
            "DIRTY",
            "expected a clean tree, found changes that are not committed: Cargo.toml, x y",
            f"commit or remove them, then run {RUN}",
        ),
        (
            Case(subject=msgspec.structs.replace(SUBJECT, checks_dirty=True)),
            "DIRTY_CHECKS",
            "expected the checks as committed, found changes in the checks folder or what decides about it",
            f"commit or remove them, then run {RUN}",
        ),
        (
            Case(subject=msgspec.structs.replace(SUBJECT, commit="")),
            "SUBJECT",
            "expected a subject with commit, tree and checks, found no commit",
            f"commit what is to be released, then run {RUN}",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isupper() else "",
)
def test_what_a_run_lacks_blocks(case: Case, code: str, message: str, remedy: str) -> None:
    if code == "EMPTY_PLAN":
        case = replace(case, attempts={})
    assert only(case) == Reason(code, message, remedy=remedy)


@pytest.mark.parametrize("field", ["tree", "checks"])
def test_a_subject_without_tree_or_checks_blocks(field: str) -> None:
    tried = {name: (attempt(name, **{field: ""}),) for name in "ab"}
    case = Case(subject=msgspec.structs.replace(SUBJECT, **{field: ""}), attempts=tried)
    assert only(case).code == "SUBJECT"


def test_dirt_that_git_does_not_name_blocks_all_the_same() -> None:
    assert "git does not say" in only(Case(subject=msgspec.structs.replace(SUBJECT, dirty=True))).message


@pytest.mark.parametrize("phase", [Phase.POSTRELEASE, Phase.WEEKLY])
def test_a_dirty_tree_is_nothing_to_a_phase_that_judges_what_was_released(phase: Phase) -> None:
    dirty = msgspec.structs.replace(SUBJECT, dirty=True)
    assert Case(plan=planned(A, B, phase=phase), subject=dirty).verdict().passed


def test_what_a_run_found_about_itself_blocks_and_stands_first() -> None:
    fact = Reason("INTERRUPTED", "the run was interrupted", remedy="run it again")
    assert only(Case(facts=(fact,))) == fact
    both = Case(facts=(fact,), plan=planned(A, B, locked=False)).verdict()
    assert [reason.code for reason in both.reasons] == ["INTERRUPTED", "UNLOCKED"]


# -- earlier phases ------------------------------------------------------------------------------


def earlier(phase: Phase, **facts: object) -> Earlier:
    made = Earlier(phase, "PASSED", COMMIT, "sha256:seal")
    return msgspec.structs.replace(made, **facts)


EARLIER = tuple(map(earlier, Phase.PUBLISH.requires))


@pytest.mark.parametrize("phase", [Phase.REHEARSAL, Phase.PUBLISH])
def test_all_earlier_phases_passed(phase: Phase) -> None:
    for mode in Mode:
        assert Case(plan=planned(A, B, phase=phase, mode=mode), earlier=EARLIER).verdict().passed


@pytest.mark.parametrize("phase", [Phase.REHEARSAL, Phase.PUBLISH])
def test_each_earlier_phase_is_needed(phase: Phase) -> None:
    for lacking in phase.requires:
        rest = tuple(one for one in EARLIER if one.phase is not lacking)
        reason = only(Case(plan=planned(A, B, phase=phase), earlier=rest))
        assert reason == Reason(
            "EARLIER",
            f"expected PASSED evidence of phase {lacking} on commit cccccccccccc, found none",
            remedy=f"run `pytest -m {lacking} --release-target v1.0.0`",
        )


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ({"verdict": "BLOCKED"}, "found BLOCKED"),
        ({"commit": "d" * 40}, "found that of commit dddddddddddd"),
        ({"problem": "its seal is broken"}, "found its seal is broken"),
    ],
)
def test_earlier_evidence_that_does_not_carry_blocks(facts: dict[str, Any], found: str) -> None:
    bad = (earlier(Phase.BUILD, **facts), *(one for one in EARLIER if one.phase is not Phase.BUILD))
    reason = only(Case(plan=planned(A, B, phase=Phase.PUBLISH), earlier=bad))
    assert reason.code == "EARLIER"
    assert "phase build" in reason.message
    assert reason.message.endswith(found)


def test_a_live_run_needs_earlier_evidence_in_which_no_live_only_gate_was_left_out() -> None:
    dry = (earlier(Phase.PRERELEASE, live_only_left_out=True), *EARLIER[1:])
    assert Case(plan=planned(A, B, phase=Phase.PUBLISH), earlier=dry).verdict().passed
    reason = only(Case(plan=planned(A, B, phase=Phase.PUBLISH, mode=Mode.LIVE), earlier=dry))
    assert reason.message.endswith("that of a dry run, which left out gates that judge live runs only")
    assert reason.remedy == (
        "run `pytest -m prerelease --release-target v1.0.0 --release-mode live --release-agent YOU`"
    )


def test_one_good_piece_of_earlier_evidence_is_enough() -> None:
    two = (earlier(Phase.BUILD, verdict="BLOCKED"), *EARLIER)
    assert Case(plan=planned(A, B, phase=Phase.PUBLISH), earlier=two).verdict().passed


# -- the reasons as a whole ----------------------------------------------------------------------


def test_reasons_about_the_run_come_first_then_the_gates_in_their_order() -> None:
    names = "gfedcba"
    tried = {name: attempts(name, State.FAILED) for name in reversed(names)}
    verdict = Case(
        plan=planned(*map(gate, names), locked=False, unplanned={"z": "why", "y": "why"}),
        attempts=tried,
        subject=msgspec.structs.replace(SUBJECT, dirty=True),
        waivers=(msgspec.structs.replace(WAIVER, gate="q"),),
    ).verdict()
    assert [reason.gate or reason.code for reason in verdict.reasons] == [
        "DIRTY",
        "UNLOCKED",
        "WAIVER",
        *names,
        "y",
        "z",
    ]


def test_gates_that_all_wait_for_the_world_are_only_pending() -> None:
    plan = planned(A, B, phase=Phase.POSTRELEASE)
    tried = {name: attempts(name, State.PENDING) for name in "ab"}
    verdict = Case(plan=plan, attempts=tried).verdict()
    assert not verdict.passed
    assert verdict.only_pending


def test_what_the_plan_notes_is_noted() -> None:
    assert Case(plan=planned(A, B, notes=("a is stricter",))).verdict().notes == ("a is stricter",)


def test_advice_for_a_live_run_is_to_run_live() -> None:
    plan = planned(A, B, mode=Mode.LIVE)
    assert only(beside_a(plan=plan)).remedy == (
        "run `pytest -m prerelease --release-target v1.0.0 --release-mode live --release-agent YOU`"
    )
