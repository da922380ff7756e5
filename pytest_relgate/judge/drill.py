"""Whether gates are able to fail: what a drill saw, judged. Pure. SPEC B10.

A gate is proved able to fail when it passes without a fault, and under every fault that it names it is
red, in the state that the fault leads to and for the reason that the fault states.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.model import Drill, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Expected(msgspec.Struct, frozen=True):
    """What a gate must show under a fault: its state, and words (a regular expression) of its message."""

    fault: str
    state: State
    says: str


class Seen(msgspec.Struct, frozen=True):
    """What a gate showed in one run: its state and every word about it. No state: it was not judged."""

    state: State | None
    words: str = ""


class Answer(StrEnum):
    """What one gate's answer to one fault comes to."""

    PROVED = "proved"
    NOT_RED = "not red"
    OTHER_STATE = "red as another state"
    OTHER_REASON = "red for another reason"
    NOT_JUDGED = "not judged"
    RED_ANYWAY = "red without it too"


class Trial(msgspec.Struct, frozen=True):
    """One gate under one fault."""

    gate: str
    fault: str
    answer: Answer
    seen: Seen
    expected: Expected


def answer_of(expected: Expected, seen: Seen) -> Answer:
    """Judge what a gate showed under a fault."""
    if seen.state is None or seen.state in (State.MISSING, State.BLOCKED_BY):
        return Answer.NOT_JUDGED
    if seen.state.passing:
        return Answer.NOT_RED
    if seen.state is not expected.state:
        return Answer.OTHER_STATE
    if not re.search(expected.says, seen.words, re.IGNORECASE):
        return Answer.OTHER_REASON
    return Answer.PROVED


def trials_of(
    faults: Mapping[str, Sequence[str]],
    expected: Mapping[str, Expected],
    shown: Mapping[str, Mapping[str, Seen]],
    healthy: Mapping[str, Seen],
) -> tuple[Trial, ...]:
    """Judge every gate under every fault that it names.

    ``faults`` maps a gate to the faults that it names, ``shown`` a fault to what each gate showed under it,
    ``healthy`` what each showed without any.
    """
    nothing = Seen(None)
    trials = []
    for gate, names in faults.items():
        without = healthy.get(gate, nothing).state
        for name in names:
            seen = shown.get(name, {}).get(gate, nothing)
            answer = answer_of(expected[name], seen)
            if without is None or not without.passing:
                answer = Answer.NOT_JUDGED if without is None else Answer.RED_ANYWAY
            trials.append(Trial(gate, name, answer, seen, expected[name]))
    return tuple(trials)


def conclude(
    gates: Iterable[str],
    healthy: Mapping[str, Seen],
    trials: Iterable[Trial],
    *,
    when: str,
    checks: str,
    sandbox: bool,
) -> Drill:
    """Say which gates are proved able to fail, and of the others why they are not.

    ``when`` is RFC 3339; ``checks`` the digest of the checks that were drilled: the answer is theirs only.
    """
    by_gate: dict[str, list[Trial]] = {}
    for trial in trials:
        by_gate.setdefault(trial.gate, []).append(trial)
    proved, unproved = [], {}
    for gate in gates:
        problem = _problem(healthy.get(gate, Seen(None)), by_gate.get(gate, []))
        if problem:
            unproved[gate] = problem
        else:
            proved.append(gate)
    return Drill(when=when, checks=checks, proved=tuple(proved), unproved=unproved, sandbox=sandbox)


NAMES_NONE = "names no fault"
"""Why a gate is unproved that nobody tried."""


def _problem(healthy: Seen, trials: Sequence[Trial]) -> str:
    """Why a gate is not proved able to fail; empty when it is."""
    if not trials:
        return NAMES_NONE
    if healthy.state is None or not healthy.state.passing:
        state = healthy.state or "not judged"
        return f"without a fault it is {state}" + (f": {healthy.words}" if healthy.words else "")
    bad = [trial for trial in trials if trial.answer is not Answer.PROVED]
    return "; ".join(f"under {trial.fault} it is {_words(trial)}" for trial in bad)


def _words(trial: Trial) -> str:
    match trial.answer:
        case Answer.NOT_RED:
            return f"{trial.seen.state}: it did not see the fault"
        case Answer.OTHER_STATE:
            return f"{trial.seen.state} and not {trial.expected.state}: {trial.seen.words}"
        case Answer.OTHER_REASON:
            return f"{trial.seen.state}, but says nothing of {trial.expected.says!r}: {trial.seen.words}"
        case Answer.NOT_JUDGED | Answer.RED_ANYWAY:
            return str(trial.answer)
        case Answer.PROVED:
            return "proved"
