"""How the gates of a record stand, and how many stand how: what colours and counts of every report go by."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.model import State

if TYPE_CHECKING:
    from pytest_relgate.model import Judged, Record


class Standing(Enum):
    """What a gate does to the verdict, which is all that colours and counts tell apart."""

    BLOCKS = "blocks"
    TOLERATED = "tolerated"
    NOT_DUE = "not due"
    PASSED = "passed"


class Counts(msgspec.Struct, frozen=True):
    """How many gates stand how. ``gates`` is all of them, ``kept`` those not run again.

    ``blocking`` counts gates alone, ``run`` the reasons that are about no single gate.
    """

    gates: int
    passed: int
    not_due: int
    waived: int
    advisory: int
    blocking: int
    run: int
    kept: int


def named(record: Record) -> frozenset[str]:
    """Return the ids of the gates that a reason of the verdict names."""
    return frozenset(reason.gate for reason in record.verdict.reasons if reason.gate)


def standing(judged: Judged, names: frozenset[str]) -> Standing:
    """Return what the gate does to the verdict; ``names`` is :func:`named`.

    A gate that is neither passing nor advisory blocks even where no reason names it: a report is
    never greener than its record.
    """
    state = judged.state
    if judged.gate.id in names:
        return Standing.BLOCKS
    if state is State.PASSED:
        return Standing.PASSED
    if state is State.NOT_TRIGGERED:
        return Standing.NOT_DUE
    if state is State.WAIVED or judged.gate.advisory:
        return Standing.TOLERATED
    return Standing.BLOCKS


def counts(record: Record) -> Counts:
    """Return how many gates stand how."""
    names = named(record)
    passed, others = State.PASSED, list[Standing]()
    waived = 0
    for judged in record.verdict.gates:
        # Most gates of most runs pass: they are counted by what is left.
        if judged.state is not passed or judged.gate.id in names:
            others.append(standing(judged, names))
            waived += judged.state is State.WAIVED and others[-1] is Standing.TOLERATED
    known = {judged.gate.id for judged in record.verdict.gates} if names else set()
    return Counts(
        gates=len(record.verdict.gates),
        passed=len(record.verdict.gates) - len(others),
        not_due=others.count(Standing.NOT_DUE),
        waived=waived,
        advisory=others.count(Standing.TOLERATED) - waived,
        blocking=others.count(Standing.BLOCKS) + len(names - known),
        run=sum(not reason.gate for reason in record.verdict.reasons),
        kept=len(record.kept),
    )
