"""A failure is remembered, a retry is seen, and a pass counts for what it was about."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_relgate.judge import settle
from pytest_relgate.judge.settle import weigh
from pytest_relgate.model import Attempt, Signoff, State

PASSED, FAILED, ERRORED, PENDING = State.PASSED, State.FAILED, State.ERRORED, State.PENDING
FLAKY, STALE, INVALID = State.FLAKY, State.STALE, State.INVALID
SUPERSEDED = [ERRORED, PENDING, State.SKIPPED, INVALID, State.BLOCKED_BY]
REMEMBERED = [FAILED, State.CRASHED, State.TIMED_OUT]
SIGNED = Signoff("g", "tree", "ada", "the port was taken")


def attempts(*outcomes: tuple[int, State] | tuple[int, State, dict[str, Any]]) -> list[Attempt]:
    """One attempt for each (run, outcome, other fields), a minute after the one before it."""
    made = []
    for number, (run, outcome, *fields) in enumerate(outcomes, start=1):
        one = Attempt(
            gate="g",
            number=number,
            outcome=outcome,
            run=run,
            started=f"2026-03-01T15:{40 + number}:00Z",
            seconds=1.0,
            worker="main",
            tree="tree",
            checks="checks",
            base="base",
        )
        made.append(msgspec.structs.replace(one, **fields[0]) if fields else one)
    return made


def state(*outcomes: tuple[Any, ...], reads_world: bool = False, signoff: Signoff | None = None) -> State:
    return told(*outcomes, reads_world=reads_world, signoff=signoff)[0]


def told(
    *outcomes: tuple[Any, ...], reads_world: bool = False, signoff: Signoff | None = None
) -> tuple[State, str]:
    return settle(
        attempts(*outcomes),
        tree="tree",
        checks="checks",
        base="base",
        reads_world=reads_world,
        signoff=signoff,
    )


OTHER_TREE = {"tree": "other"}
OTHER_CHECKS = {"checks": "other"}
OTHER_BASE = {"base": "other"}


def test_a_gate_without_attempts_is_missing() -> None:
    assert told() == (State.MISSING, "never judged")


@pytest.mark.parametrize("outcome", [PASSED, *REMEMBERED, *SUPERSEDED, FLAKY])
def test_one_attempt_says_what_it_says(outcome: State) -> None:
    assert state((1, outcome)) is outcome
    assert state((1, outcome), reads_world=True) is outcome


@pytest.mark.parametrize("failure", REMEMBERED)
def test_a_failure_is_remembered_across_runs(failure: State) -> None:
    assert state((1, failure), (2, PASSED)) is FLAKY
    assert state((1, failure), (2, PASSED), (3, PASSED)) is FLAKY
    assert state((1, failure), (2, ERRORED), (3, PASSED)) is FLAKY
    assert state((1, PASSED), (2, failure)) is failure
    assert state((1, failure), (2, failure)) is failure


@pytest.mark.parametrize("failure", REMEMBERED)
@pytest.mark.parametrize("later", SUPERSEDED)
def test_a_failure_stands_when_the_gate_could_not_judge_since(failure: State, later: State) -> None:
    assert state((1, failure), (2, later)) is failure


@pytest.mark.parametrize("first", SUPERSEDED)
@pytest.mark.parametrize("newest", [PASSED, *REMEMBERED, *SUPERSEDED])
def test_what_was_no_judgement_is_superseded_by_the_newest_attempt(first: State, newest: State) -> None:
    assert state((1, first), (2, newest)) is newest


@pytest.mark.parametrize("first", [PASSED, *REMEMBERED, *SUPERSEDED])
@pytest.mark.parametrize("newest", [PASSED, *REMEMBERED, *SUPERSEDED])
def test_a_gate_that_reads_the_world_is_judged_by_its_newest_attempt(first: State, newest: State) -> None:
    assert state((1, first), (2, newest), reads_world=True) is newest


def test_a_clock_that_went_back_changes_nothing_of_what_came_when() -> None:
    earlier = {"started": "2020-01-01T00:00:00Z"}
    assert state((1, FAILED), (2, PASSED, earlier)) is FLAKY
    assert state((1, PASSED), (2, FAILED, earlier)) is FAILED
    assert state((1, ERRORED), (2, PASSED, earlier)) is PASSED


D, E = "sha256:d", "sha256:e"
WANTING = {"unsigned": (D,)}
SIGNED_D = {"signed": (D,)}


@pytest.mark.parametrize(
    ("outcomes", "reviewed", "expected"),
    [
        pytest.param([(1, FAILED, WANTING)], [], FAILED, id="nobody has signed"),
        pytest.param([(1, FAILED, WANTING)], [D], FAILED, id="signed, and not looked at since"),
        pytest.param([(1, FAILED, WANTING), (2, PASSED, SIGNED_D)], [D], PASSED, id="signed"),
        pytest.param([(1, FAILED, WANTING), (2, PASSED, SIGNED_D)], [], FAILED, id="taken back"),
        pytest.param([(1, FAILED, WANTING), (2, PASSED)], [], FLAKY, id="passed without"),
        pytest.param([(1, FAILED, WANTING), (2, PASSED)], [E], FLAKY, id="another diff was signed"),
        pytest.param([(1, FAILED, {"unsigned": (D, E)}), (2, PASSED)], [D], FLAKY, id="one of two"),
        pytest.param([(1, FAILED, WANTING), (2, ERRORED)], [], FAILED, id="could not judge since"),
        pytest.param([(1, FAILED, WANTING), (2, ERRORED)], [D], ERRORED, id="signed, could not judge"),
        pytest.param([(1, FAILED), (2, FAILED, WANTING), (3, PASSED)], [D], FLAKY, id="a command before"),
        pytest.param([(1, FAILED, WANTING), (2, FAILED), (3, PASSED)], [D], FLAKY, id="a command after"),
        pytest.param([(1, FAILED, WANTING), (2, State.CRASHED), (3, PASSED)], [D], FLAKY, id="a crash"),
        pytest.param([(1, FAILED, WANTING), (1, PASSED, SIGNED_D)], [D], FLAKY, id="a retry is no word"),
    ],
)
def test_what_only_waited_for_a_person_is_forgotten_with_their_word_and_nothing_else_is(
    outcomes: list[Any], reviewed: list[str], expected: State
) -> None:
    found, _ = settle(
        attempts(*outcomes),
        tree="tree",
        checks="checks",
        base="base",
        reads_world=False,
        signoff=None,
        reviews=frozenset(reviewed),
    )
    assert found is expected


@pytest.mark.parametrize("reads_world", [False, True])
@pytest.mark.parametrize("first", [PASSED, *REMEMBERED, *SUPERSEDED])
@pytest.mark.parametrize("second", [PASSED, *REMEMBERED, *SUPERSEDED])
def test_a_second_attempt_within_a_run_is_flaky_unless_both_block_alike(
    first: State, second: State, *, reads_world: bool
) -> None:
    expected = first if first is second and first is not PASSED else FLAKY
    assert state((1, first), (1, second), reads_world=reads_world) is expected


@pytest.mark.parametrize("reads_world", [False, True])
@pytest.mark.parametrize("first", [PASSED, ERRORED])
def test_a_retry_stays_flaky_in_later_runs(first: State, *, reads_world: bool) -> None:
    assert state((1, first), (1, PASSED), (2, PASSED), reads_world=reads_world) is FLAKY
    assert state((1, first), (1, PASSED), (2, ERRORED), reads_world=reads_world) is FLAKY
    assert state((1, FLAKY), (2, PASSED), reads_world=reads_world) is FLAKY


def test_three_attempts_alike_within_a_run_keep_their_state() -> None:
    assert state((1, PENDING), (1, PENDING), (1, PENDING)) is PENDING
    assert state((1, PENDING), (1, PENDING), (2, PASSED)) is PASSED
    assert state((1, PENDING), (1, PENDING), (1, ERRORED)) is FLAKY


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (OTHER_TREE, "15:41 passed, on another tree"),
        (OTHER_CHECKS, "15:41 passed, by other checks"),
        ({**OTHER_TREE, **OTHER_CHECKS}, "15:41 passed, on another tree"),
    ],
)
def test_attempts_of_another_subject_only_are_stale(other: dict[str, Any], why: str) -> None:
    assert told((1, PASSED, other)) == (STALE, why)


@pytest.mark.parametrize("other", [OTHER_TREE, OTHER_CHECKS])
def test_attempts_of_another_subject_do_not_count(other: dict[str, Any]) -> None:
    assert state((1, FAILED, other), (2, PASSED)) is PASSED
    assert state((1, PASSED), (2, FAILED, other)) is PASSED
    assert state((1, FAILED), (2, PASSED, other)) is FAILED


def test_a_pass_under_another_base_is_not_kept() -> None:
    assert told((1, PASSED, OTHER_BASE)) == (STALE, "15:41 passed, against another base")
    assert state((1, PASSED, OTHER_BASE), (2, PASSED)) is PASSED
    assert state((1, PASSED), (2, PASSED, OTHER_BASE)) is PASSED
    assert state((1, ERRORED, OTHER_BASE), (2, PASSED, OTHER_BASE)) is STALE


@pytest.mark.parametrize("failure", REMEMBERED)
def test_a_failure_under_another_base_counts(failure: State) -> None:
    assert state((1, failure, OTHER_BASE)) is failure
    assert state((1, failure, OTHER_BASE), (2, PASSED)) is FLAKY
    assert state((1, failure, OTHER_BASE), (2, PASSED, OTHER_BASE)) is failure
    assert state((1, failure, OTHER_BASE), reads_world=True) is failure


@pytest.mark.parametrize("outcome", SUPERSEDED)
def test_no_judgement_under_another_base_is_stale_and_takes_a_pass_back(outcome: State) -> None:
    assert state((1, outcome, OTHER_BASE)) is STALE
    assert state((1, PASSED), (2, outcome, OTHER_BASE)) is STALE
    assert state((1, PASSED), (2, outcome)) is outcome


def test_a_signoff_clears_flaky() -> None:
    assert told((1, FAILED), (2, PASSED), signoff=SIGNED) == (
        PASSED,
        "15:41 failed, 15:42 passed, same tree; signed off by ada: the port was taken",
    )
    assert state((1, ERRORED), (1, PASSED), signoff=SIGNED) is PASSED
    assert state((1, FLAKY), (2, PASSED), signoff=SIGNED) is PASSED


@pytest.mark.parametrize(
    "signoff",
    [
        msgspec.structs.replace(SIGNED, gate="other"),
        msgspec.structs.replace(SIGNED, tree="other"),
        msgspec.structs.replace(SIGNED, person=" "),
        msgspec.structs.replace(SIGNED, cause=""),
    ],
    ids=["other gate", "other tree", "nobody", "no cause"],
)
def test_a_signoff_that_is_not_for_this_clears_nothing(signoff: Signoff) -> None:
    assert state((1, FAILED), (2, PASSED), signoff=signoff) is FLAKY


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([(1, FAILED)], FAILED),
        ([(1, PASSED), (2, FAILED)], FAILED),
        ([(1, FAILED), (2, PASSED), (3, ERRORED)], FAILED),
        ([(1, PASSED), (1, FAILED)], FLAKY),
        ([(1, FAILED), (1, ERRORED)], FLAKY),
        ([(1, FAILED, OTHER_BASE), (2, PASSED, OTHER_BASE)], FAILED),
        ([(1, FLAKY)], FLAKY),
    ],
)
def test_a_signoff_needs_the_newest_attempt_to_have_passed(outcomes: list[Any], expected: State) -> None:
    assert state(*outcomes, signoff=SIGNED) is expected


@pytest.mark.parametrize("numbers", [(2,), (0,), (1, 3), (2, 1), (1, 1), (1, 2, 4), (1, 2, 2)])
def test_attempts_must_be_numbered_without_gaps(numbers: tuple[int, ...]) -> None:
    made = attempts(*((run, PASSED, {"number": number}) for run, number in enumerate(numbers)))
    found, why = settle(made, tree="tree", checks="checks", base="base", reads_world=False, signoff=None)
    assert found is INVALID
    assert why.startswith("expected attempts numbered from 1 without gaps, found")


def test_a_gap_is_seen_among_attempts_of_another_subject_too() -> None:
    assert state((1, FAILED, {"number": 2, **OTHER_TREE}), (2, PASSED, {"number": 3})) is INVALID


@pytest.mark.parametrize(
    "outcome", [State.WAIVED, State.NOT_TRIGGERED, State.MISSING, State.UNPLANNED, STALE]
)
def test_an_outcome_that_no_execution_has_is_invalid(outcome: State) -> None:
    assert told((1, outcome)) == (INVALID, f"expected the outcome of an execution, found {outcome}")
    assert state((1, outcome), (2, PASSED)) is INVALID


def test_attempts_of_two_gates_are_invalid() -> None:
    assert told((1, PASSED), (2, PASSED, {"gate": "h"})) == (
        INVALID,
        "expected attempts at g, found one at h",
    )


@pytest.mark.parametrize(
    ("outcomes", "why"),
    [
        ([(1, PASSED)], "15:41 passed"),
        ([(1, FAILED), (2, PASSED)], "15:41 failed, 15:42 passed, same tree"),
        ([(1, FAILED), (1, PASSED)], "15:41 failed, 15:42 passed, same run"),
        (
            [(1, FAILED), (2, PASSED, {"started": "2026-03-02T09:00:00Z"})],
            "2026-03-01 15:41 failed, 2026-03-02 09:00 passed, same tree",
        ),
        (
            [(run, PENDING) for run in range(7)],
            (
                "2 earlier, 15:43 found the world not ready, 15:44 found the world not ready, "
                "15:45 found the world not ready, 15:46 found the world not ready, "
                "15:47 found the world not ready, same tree"
            ),
        ),
    ],
)
def test_why_is_a_sentence_for_people(outcomes: list[Any], why: str) -> None:
    assert told(*outcomes)[1] == why


def test_only_what_is_of_this_subject_counts_and_the_newest_decides() -> None:
    made = attempts((1, FAILED, OTHER_TREE), (2, ERRORED), (3, PASSED), (4, PASSED, OTHER_BASE))
    found = weigh(made, tree="tree", checks="checks", base="base", reads_world=False, signoff=None)
    assert found.counted == tuple(made[1:])
    assert found.newest is made[2]


@pytest.mark.parametrize(
    ("outcomes", "against"),
    [
        ([(1, PASSED)], set()),
        ([(1, ERRORED), (2, PASSED)], set()),
        ([(1, ERRORED)], {ERRORED}),
        ([(1, FAILED), (2, PASSED)], {FAILED}),
        ([(1, FAILED), (2, ERRORED), (3, State.CRASHED), (4, PENDING)], {FAILED, State.CRASHED, PENDING}),
        ([(1, ERRORED), (1, PASSED)], {ERRORED}),
        ([(1, ERRORED), (1, PASSED), (2, PASSED)], {ERRORED}),
        ([(1, ERRORED), (1, PENDING), (2, FAILED), (3, PASSED)], {ERRORED, PENDING, FAILED}),
        ([(1, PASSED), (1, PASSED)], {FLAKY}),
        ([(1, FLAKY), (2, PASSED)], {FLAKY}),
        ([(1, FAILED, OTHER_TREE), (2, PASSED)], set()),
    ],
)
def test_what_speaks_against_a_gate_is_all_that_its_state_comes_of(
    outcomes: list[Any], against: set[State]
) -> None:
    made = attempts(*outcomes)
    found = weigh(made, tree="tree", checks="checks", base="base", reads_world=False, signoff=None)
    assert found.against == against


RUNS = st.lists(st.sampled_from([0, 0, 1]), max_size=6).map(
    lambda steps: [1 + sum(steps[: index + 1]) for index in range(len(steps))]
)
OUTCOMES = st.sampled_from([PASSED, PASSED, *REMEMBERED, *SUPERSEDED, FLAKY])


@given(RUNS, st.data(), st.booleans(), st.booleans())
def test_passed_needs_a_pass_of_this_subject_with_nothing_against_it(
    runs: list[int],
    data: st.DataObject,
    reads_world: bool,
    signed: bool,
) -> None:
    others = st.sampled_from([{}, {}, OTHER_TREE, OTHER_CHECKS, OTHER_BASE])
    made = [(run, data.draw(OUTCOMES), data.draw(others)) for run in runs]
    found = state(*made, reads_world=reads_world, signoff=SIGNED if signed else None)
    mine = [one for one in made if one[2] in ({}, OTHER_BASE)]
    passes = [one for one in mine if one[1] is PASSED and not one[2]]
    per_run = {run: sum(one[0] == run for one in mine) for run in runs}
    if found is PASSED:
        assert passes
        blocking = [index for index, one in enumerate(mine) if one[1] is not PASSED]
        newest = max(index for index, one in enumerate(mine) if one[1] is PASSED and not one[2])
        assert newest > max(blocking, default=-1)
        if not signed:
            assert FLAKY not in [one[1] for one in mine]
            assert reads_world or not {one[1] for one in mine} & set(REMEMBERED)
            assert not any(per_run[one[0]] > 1 for one in mine if one[1] is PASSED)
    elif passes and {one[1] for one in mine} == {PASSED}:
        assert max(per_run.values()) > 1
        assert found is FLAKY


REVIEWED, OTHER = "sha256:" + "1" * 64, "sha256:" + "2" * 64


def by_review(*outcomes: State, signed: tuple[str, ...] = (REVIEWED,)) -> list[Attempt]:
    """Attempts at a gate that asks for a review; those that passed were signed off."""
    told = ((run, one, {"signed": signed if one is PASSED else ()}) for run, one in enumerate(outcomes, 1))
    return attempts(*told)


@pytest.mark.parametrize(
    ("tried", "reviews", "state"),
    [
        (by_review(State.PASSED), {REVIEWED}, State.PASSED),
        (by_review(State.PASSED), {REVIEWED, OTHER}, State.PASSED),
        (by_review(State.PASSED), set(), State.STALE),
        (by_review(State.PASSED), {OTHER}, State.STALE),
        (by_review(State.PASSED, signed=(REVIEWED, OTHER)), {REVIEWED}, State.STALE),
        (by_review(State.PASSED, signed=(REVIEWED, OTHER)), {OTHER, REVIEWED}, State.PASSED),
        (by_review(State.FAILED, State.PASSED), {REVIEWED}, State.PASSED),
        (by_review(State.FAILED, State.PASSED), set(), State.FAILED),
        (by_review(State.PASSED, State.FAILED), set(), State.FAILED),
        (by_review(State.PASSED, State.PASSED), set(), State.STALE),
    ],
)
def test_a_pass_stands_as_long_as_the_review_that_it_rests_on(
    tried: list[Attempt], reviews: set[str], state: State
) -> None:
    found, why = settle(
        tried,
        tree="tree",
        checks="checks",
        base="base",
        reads_world=True,
        signoff=None,
        reviews=frozenset(reviews),
    )
    assert found is state
    assert ("by a review that is not on record" in why) is (state is State.STALE)
