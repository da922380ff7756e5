"""What the attempts at one gate come to (SPEC B3): a failure is remembered, a retry is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.model import Attempt, Mode, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_relgate.model import Signoff

_SHOWN = 5

# Looking a member up on its enum costs more than all else that is done for a gate that passed once.
_PASSED = State.PASSED
_FLAKY = State.FLAKY
_REMEMBERED = frozenset(state for state in State if state.remembered) | {_FLAKY}
_NO_RUNS: frozenset[int] = frozenset()
_NO_REVIEWS: frozenset[str] = frozenset()

SIGNED = "; signed off by "
"""What stands in the reason of a gate that passed by a person's word, before the person."""

_SAID = {
    State.PASSED: "passed",
    State.FAILED: "failed",
    State.ERRORED: "could not judge",
    State.TIMED_OUT: "timed out",
    State.CRASHED: "crashed",
    State.SKIPPED: "was skipped",
    State.FLAKY: "was retried",
    State.PENDING: "found the world not ready",
    State.BLOCKED_BY: "was held back",
    State.INVALID: "was invalid",
}
"""What an execution can come to. An attempt that says anything else was not written by a run."""


class Settlement(msgspec.Struct, frozen=True):
    """What the attempts at a gate come to for one subject.

    ``counted`` are the attempts of this subject, ``newest`` the one that decides; ``against`` is every
    outcome that speaks against the gate: a waiver must cover all of them. ``stands`` is whether no
    condition hides the state: a failure is remembered, or the record cannot be.
    """

    state: State
    why: str
    counted: tuple[Attempt, ...] = ()
    newest: Attempt | None = None
    against: frozenset[State] = frozenset()
    stands: bool = False


def settle(
    attempts: Sequence[Attempt],
    *,
    tree: str,
    checks: str,
    base: str,
    reads_world: bool,
    signoff: Signoff | None,
    reviews: frozenset[str] = _NO_REVIEWS,
    mode: str = Mode.DRY_RUN,
) -> tuple[State, str]:
    """Settle one gate: its state, and why in one sentence for people. See :func:`weigh`."""
    weighed = weigh(
        attempts,
        tree=tree,
        checks=checks,
        base=base,
        reads_world=reads_world,
        signoff=signoff,
        reviews=reviews,
        mode=mode,
    )
    return weighed.state, weighed.why


def weigh(
    attempts: Sequence[Attempt],
    *,
    tree: str,
    checks: str,
    base: str,
    reads_world: bool,
    signoff: Signoff | None,
    reviews: frozenset[str] = _NO_REVIEWS,
    mode: str = Mode.DRY_RUN,
) -> Settlement:
    """Weigh the attempts at one gate, oldest first. DESIGN section 3.5 is the rule.

    ``attempts`` is all that the journal has of the gate. Those of another tree or of other checks do
    not count. ``base`` is a commit, or empty in a first release: a pass under another base is not kept,
    nor one of a dry run when ``mode`` is live.
    ``signoff`` clears FLAKY if it is for this gate and tree and the newest attempt passed. ``reviews``
    are the digests of the diffs that were reviewed for this gate: a pass by a review that is not there
    (any more) is not kept, and a failure for want of those that are there is not remembered. Raises
    nothing: attempts that cannot be are INVALID.
    """
    if len(attempts) == 1:
        only = attempts[0]
        if (
            only.outcome is _PASSED
            and only.number == 1
            and only.tree == tree
            and only.checks == checks
            and only.base == base
            and (mode != Mode.LIVE or only.mode == mode)
            and (not only.signed or reviews.issuperset(only.signed))
        ):
            return Settlement(_PASSED, f"{only.started[11:16]} passed", (only,), only)
    elif not attempts:
        return Settlement(State.MISSING, "never judged")
    if problem := _malformed(attempts):
        return Settlement(State.INVALID, problem, stands=True)
    counted = tuple([one for one in attempts if one.tree == tree and one.checks == checks])
    if not counted:
        other = "by other checks" if any(one.tree == tree for one in attempts) else "on another tree"
        return Settlement(State.STALE, f"{_story(attempts)}, {other}")
    # A pass under another base says nothing of this one: conditions and comparisons were different.
    # Nor does one in a dry run of a live one: a gate may ask for the mode.
    # Nor one by the word of a person who has taken it back.
    heard = [
        one
        for one in counted
        if one.outcome is not _PASSED
        or (one.base == base and (mode != Mode.LIVE or one.mode == mode) and reviews.issuperset(one.signed))
    ]
    if not heard:
        other = "in a dry run" if any(one.base == base for one in counted) else "against another base"
        if not all(reviews.issuperset(one.signed) for one in counted):
            other = "by a review that is not on record"
        return Settlement(State.STALE, f"{_story(counted)}, {other}", counted)
    return _hear(counted, heard[-1], base=base, reads_world=reads_world, signoff=signoff, reviews=reviews)


def _hear(
    counted: tuple[Attempt, ...],
    newest: Attempt,
    *,
    base: str,
    reads_world: bool,
    signoff: Signoff | None,
    reviews: frozenset[str],
) -> Settlement:
    outcome = newest.outcome
    # The world moves, so a gate that reads it is judged by its newest look; but a retry is no look.
    # What was missing was a person's word alone, and it is there now: nothing about the tree had failed.
    remembered = [
        one.outcome
        for one in counted
        if one.outcome in _REMEMBERED
        and (
            one is newest
            or one.outcome is _FLAKY
            or not (reads_world or (one.unsigned and reviews.issuperset(one.unsigned)))
        )
    ]
    retried = _retried(counted)
    passed = outcome is _PASSED
    state = outcome
    if passed and (remembered or retried):
        state = _PASSED if _clears(signoff, newest) else _FLAKY
    elif newest.run in retried:
        state = _FLAKY
    elif not passed and outcome not in remembered:
        if remembered:
            # The failure on record stands: not having been able to judge since takes nothing of it back.
            state = remembered[-1]
        elif newest.base != base:
            state = State.STALE
        elif retried:
            state = _FLAKY
    why = _story(counted)
    if state is State.STALE:
        why += ", against another base"
    elif state is _PASSED and signoff is not None and (remembered or retried):
        why += f"{SIGNED}{signoff.person}: {signoff.cause}"
    against = {*remembered, *_of_retries(counted, retried)}
    if not passed:
        against.add(outcome)
    stands = not _REMEMBERED.isdisjoint([one.outcome for one in counted])
    return Settlement(state, why, counted, newest, frozenset(against), stands)


def _retried(counted: Sequence[Attempt]) -> frozenset[int]:
    """The runs that tried the gate more than once, other than to one and the same blocking outcome."""
    if len({one.run for one in counted}) == len(counted):
        return _NO_RUNS
    outcomes: dict[int, list[State]] = {}
    for one in counted:
        outcomes.setdefault(one.run, []).append(one.outcome)
    return frozenset(
        run for run, tries in outcomes.items() if len(tries) > 1 and (_PASSED in tries or len(set(tries)) > 1)
    )


def _of_retries(counted: Iterable[Attempt], retried: frozenset[int]) -> set[State]:
    """What spoke against the gate within retried runs; FLAKY itself where every try passed."""
    against: set[State] = set()
    for run in retried:
        blocking = {one.outcome for one in counted if one.run == run} - {_PASSED}
        against |= blocking or {_FLAKY}
    return against


def _clears(signoff: Signoff | None, newest: Attempt) -> bool:
    return (
        signoff is not None
        and signoff.gate == newest.gate
        and signoff.tree == newest.tree
        and bool(signoff.person.strip())
        and bool(signoff.cause.strip())
    )


def _malformed(attempts: Sequence[Attempt]) -> str:
    for expected, attempt in enumerate(attempts, start=1):
        if attempt.number != expected:
            found = ", ".join(str(one.number) for one in attempts[: expected + _SHOWN])
            return f"expected attempts numbered from 1 without gaps, found {found}"
        if attempt.gate != attempts[0].gate:
            return f"expected attempts at {attempts[0].gate}, found one at {attempt.gate}"
        if attempt.outcome not in _SAID:
            return f"expected the outcome of an execution, found {attempt.outcome}"
    return ""


def _story(attempts: Sequence[Attempt]) -> str:
    """Say "15:41 failed, 15:58 passed, same tree", with dates where there is more than one day."""
    if len(attempts) == 1:
        return f"{attempts[0].started[11:16]} {_SAID[attempts[0].outcome]}"
    shown = attempts[-_SHOWN:]
    one_day = len({one.started[:10] for one in shown}) == 1
    told = [f"{_when(one, one_day=one_day)} {_SAID[one.outcome]}" for one in shown]
    if len(attempts) > len(shown):
        told.insert(0, f"{len(attempts) - len(shown)} earlier")
    if len({one.tree for one in attempts}) == 1:
        told.append("same run" if len({one.run for one in attempts}) == 1 else "same tree")
    return ", ".join(told)


def _when(attempt: Attempt, *, one_day: bool) -> str:
    return attempt.started[11:16] if one_day else attempt.started[:16].replace("T", " ")
