"""What is kept from an earlier run hangs on the reviews of that gate, and of no other."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_relgate.handed import remembered
from pytest_relgate.model import Attempt, Gate, Review, State, Subject
from pytest_relgate.waiverfile import Reviewed

GATE = Gate("t.py::test_a", "prerelease", reads_world=True)
DIFF = "sha256:" + "1" * 64
SUBJECT = Subject("demo", "c" * 40, "t" * 40, dirty=False, checks="sha256:0")


@pytest.mark.parametrize(
    ("reviews", "kept"),
    [
        ([Review(GATE.id, DIFF, "ada", "read it")], True),
        ([Review("t.py::test_b", DIFF, "ada", "read it")], False),
        ([Review(GATE.id, "sha256:" + "2" * 64, "ada", "read it")], False),
        ([], False),
    ],
)
def test_a_pass_by_a_review_is_kept_while_that_review_stands(reviews: list[Review], *, kept: bool) -> None:
    prepared: Any = SimpleNamespace(
        subject=SUBJECT,
        reviewed=Reviewed(reviews=tuple(reviews)),
        context=SimpleNamespace(base_commit="base", mode="dry-run"),
    )
    passed = Attempt(
        GATE.id,
        1,
        State.PASSED,
        1,
        "2026-03-01T15:41:00Z",
        1.0,
        "main",
        SUBJECT.tree,
        SUBJECT.checks,
        "base",
        signed=(DIFF,),
    )
    settled, failed = remembered(prepared, {GATE.id: [passed]}, [GATE])
    assert (GATE.id in settled, GATE.id in failed) == (kept, False)
