"""Every doubt about a waiver denies, and says so."""

from __future__ import annotations

import msgspec
import pytest

from pytest_relgate.errors import RelgateError
from pytest_relgate.judge import match_waivers
from pytest_relgate.judge.settle import Settlement
from pytest_relgate.judge.waivers import covers, exception, signoff_notes, waiver_notes
from pytest_relgate.model import Attempt, Gate, Judged, Mode, Phase, Plan, Signoff, State, Waiver

NOW = "2026-03-10T12:00:00Z"
TEAM = ("grace", "linus")
WAIVER = Waiver(
    gate="g",
    release="v1.0.0",
    states=(State.FAILED,),
    reason="the runner has no disk",
    owner="ada",
    approver="grace",
    created="2026-03-01T00:00:00Z",
    expires="2026-03-31T00:00:00Z",
)


def but(**changes: object) -> Waiver:
    return msgspec.structs.replace(WAIVER, **changes)


def match(*waivers: Waiver, approvers: tuple[str, ...] = TEAM) -> tuple[dict[str, list[Waiver]], list[str]]:
    usable, problems = match_waivers(waivers, target="v1.0.0", now=NOW, approvers=approvers)
    assert {reason.code for reason in problems} <= {"WAIVER"}
    assert all(reason.remedy and not reason.gate for reason in problems)
    return usable, [reason.message for reason in problems]


PLAN = Plan(
    Phase.PRERELEASE,
    "v1.0.0",
    Mode.DRY_RUN,
    (Gate("g", "prerelease"), Gate("never", "prerelease", waivable=False)),
    locked=True,
)


def notes(*waivers: Waiver, used: set[Waiver], approvers: tuple[str, ...] = TEAM) -> list[str]:
    return waiver_notes(waivers, plan=PLAN, approvers=approvers, used=used)


def test_a_waiver_in_order_counts_for_its_gate() -> None:
    second = but(states=(State.PENDING,))
    other = but(gate="h")
    assert match(WAIVER, other, second) == ({"g": [WAIVER, second], "h": [other]}, [])


@pytest.mark.parametrize(
    ("waiver", "problem"),
    [
        (but(expires="2026-03-10T11:59:59Z"), "expired 2026-03-10T11:59:59Z"),
        (but(expires=NOW), f"expired {NOW}"),
        (but(expires="2026-03-10T13:00:00+02:00"), "expired 2026-03-10T13:00:00+02:00"),
        (but(created="2026-03-10T12:00:01Z"), "created in the future (2026-03-10T12:00:01Z)"),
        (
            but(created="2026-02-28T23:59:59Z"),
            "expected at most 30 days, found 2026-02-28T23:59:59Z to 2026-03-31T00:00:00Z",
        ),
        (but(created="yesterday"), "expected a time as RFC 3339 with an offset, found 'yesterday'"),
        (but(expires="2026-03-31T00:00:00"), "with an offset, found '2026-03-31T00:00:00'"),
        (but(expires="2026-03-31"), "with an offset, found '2026-03-31'"),
        (but(approver="mallory"), "expected an approver of the profile (grace, linus), found mallory"),
        (but(approver="Grace"), "expected an approver of the profile (grace, linus), found Grace"),
        (but(owner="grace"), "grace approved it alone, and another approver exists"),
        (but(owner=" Grace"), "approved it alone, and another approver exists"),
        (but(gate=""), "expected its gate, found none"),
        (but(reason=" "), "expected its reason, found none"),
        (but(owner=""), "expected its owner, found none"),
        (but(approver=""), "expected its approver, found none"),
        (but(states=()), "expected the states that it covers, found none"),
        (but(states=(State.FAILED, State.MISSING)), "expected states that can be waived, found MISSING"),
    ],
)
def test_a_waiver_in_doubt_does_not_count_and_blocks(waiver: Waiver, problem: str) -> None:
    usable, problems = match(waiver, but(gate="h"))
    assert set(usable) == {"h"}
    assert len(problems) == 1
    assert problems[0].startswith(f"waiver for {waiver.gate}: ")
    assert problem in problems[0]


def test_without_approvers_no_waiver_counts() -> None:
    usable, problems = match(WAIVER, approvers=())
    assert usable == {}
    assert problems == ["waiver for g: expected an approver of the profile (none), found grace"]


@pytest.mark.parametrize("approvers", [("grace",), ("grace", "grace"), ("grace", " Grace")])
def test_the_only_approver_may_approve_alone_and_it_is_said(approvers: tuple[str, ...]) -> None:
    alone = but(owner="grace")
    assert match(alone, approvers=approvers) == ({"g": [alone]}, [])
    assert notes(alone, used={alone}, approvers=approvers) == ["waiver for g: self-approved by grace"]


def test_a_waiver_of_another_release_is_left_aside_whatever_it_says() -> None:
    other = but(release="v0.9.0", approver="mallory", expires="never")
    assert match(other) == ({}, [])
    assert notes(other, used=set()) == ["waiver for g: ignored, it is for v0.9.0"]


def test_a_release_is_the_same_with_and_without_its_v() -> None:
    assert match(but(release="1.0.0"))[0] == {"g": [but(release="1.0.0")]}


def test_an_unused_waiver_is_noted() -> None:
    assert notes(WAIVER, used=set()) == ["waiver for g: not used"]
    assert notes(WAIVER, used={WAIVER}) == []


def test_a_waiver_for_what_can_never_be_waived_says_so() -> None:
    never = but(gate="never")
    assert notes(never, used=set()) == [
        "waiver for never: not used, this gate can never be waived (waivable=False)"
    ]


@pytest.mark.parametrize(("approver", "alone"), [("ada", True), (" Ada", True), ("grace", False)])
def test_a_used_waiver_is_a_policy_exception_and_says_whether_it_is_self_approved(
    approver: str, *, alone: bool
) -> None:
    said = exception(but(approver=approver))
    assert said.startswith("policy exception (an incident): waived by ada until 2026-03-31T00:00:00Z: the ")
    assert said.endswith(", self-approved") is alone
    assert f"; approved by {approver}" in said


def test_a_sign_off_that_does_nothing_is_noted() -> None:
    def judged(*outcomes: State) -> Judged:
        tried = tuple(
            Attempt("g", number, outcome, number, NOW, 1.0, "main", "tree", "checks")
            for number, outcome in enumerate(outcomes, start=1)
        )
        return Judged(PLAN.gates[0], outcomes[-1], attempts=tried)

    signed = Signoff("g", "tree", "ada", "the port was taken")
    assert signoff_notes([signed], "tree", [judged(FAILED, PASSED)]) == []
    assert signoff_notes([signed], "tree", [judged(PASSED)]) == ["the sign-off of g by ada: not used"]
    assert signoff_notes([signed], "tree", [judged(FAILED)]) == ["the sign-off of g by ada: not used"]
    (other,) = signoff_notes([signed], "tree 2", [judged(PASSED)])
    assert other == "the sign-off of g is for tree tree, this one is tree 2"


@pytest.mark.parametrize("now", ["", "noon", "2026-03-10", "2026-03-10T12:00:00"])
def test_a_judgement_without_a_time_is_refused(now: str) -> None:
    with pytest.raises(RelgateError, match="expected the time of the judgement as RFC 3339"):
        match_waivers([WAIVER], target="v1.0.0", now=now, approvers=TEAM)


def settled(state: State, *, against: set[State], newest: State) -> Settlement:
    attempt = Attempt("g", 1, newest, 1, NOW, 1.0, "main", "tree", "checks")
    return Settlement(state, "why", (attempt,), attempt, frozenset(against))


FAILED, ERRORED, FLAKY, PASSED = State.FAILED, State.ERRORED, State.FLAKY, State.PASSED


@pytest.mark.parametrize(
    ("state", "against", "newest", "states", "covered"),
    [
        (FAILED, {FAILED}, FAILED, (FAILED,), True),
        (FAILED, {FAILED}, FAILED, (ERRORED, FLAKY), False),
        (FAILED, {FAILED, ERRORED}, ERRORED, (FAILED,), False),
        (FAILED, {FAILED, ERRORED}, ERRORED, (ERRORED,), False),
        (FAILED, {FAILED, ERRORED}, ERRORED, (ERRORED, FAILED), True),
        (FLAKY, {FAILED}, PASSED, (FLAKY,), True),
        (FLAKY, {FAILED}, PASSED, (FAILED,), True),
        (FLAKY, {FAILED}, PASSED, (ERRORED,), False),
        (FLAKY, {FLAKY}, PASSED, (FAILED,), False),
        (FLAKY, {FAILED, ERRORED}, ERRORED, (FLAKY,), False),
        (State.STALE, {FAILED}, FAILED, (FAILED,), False),
        (State.INVALID, set(), FAILED, (FAILED,), False),
    ],
)
def test_a_waiver_covers_all_that_speaks_against_a_gate(
    state: State, against: set[State], newest: State, states: tuple[State, ...], *, covered: bool
) -> None:
    found = covers([but(states=states)], settled(state, against=against, newest=newest))
    assert found == (but(states=states) if covered else None)
    apart = [but(states=(one,)) for one in states]
    assert (covers(apart, settled(state, against=against, newest=newest)) is not None) is covered
