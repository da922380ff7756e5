"""What says where a release comes from is never let go: the plan of the example project holds it."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from pytest_relgate.lockfile import read_lock
from pytest_relgate.model import State
from tests.judge.conftest import WAIVER, A, B, Case, attempts, beside_a, gate, judged, only, planned

LOCK = {one.id: one for one in read_lock(Path(__file__).parents[2] / "release_checks") or ()}


def test_no_gate_of_the_example_project_about_provenance_can_be_waived() -> None:
    about = [name for name in LOCK if "provenance" in name]
    about += [f"test_6_build.py::TestBuild::test_{name}" for name in ("the_run_succeeded",)]
    about += ["test_3_github.py::test_the_tag_is_free_or_ours"]
    assert len(about) >= 4
    assert [name for name in about if LOCK[name].waivable] == []


def test_a_waiver_for_a_gate_that_can_never_be_waived_does_nothing_and_is_noted() -> None:
    case = beside_a(State.FAILED, one=gate("b", waivable=False), waivers=(WAIVER,))
    assert only(case).code == "FAILED"
    assert judged(case).waiver is None
    assert case.verdict().notes == ("waiver for b: not used, this gate can never be waived (waivable=False)",)


@pytest.mark.parametrize("field", ["missing", "invalid", "unplanned"])
def test_no_waiver_stands_for_a_judgement(field: str) -> None:
    waiver = replace(WAIVER, states=tuple(state for state in State if state.waivable))
    tried = {"a": attempts("a", State.PASSED), "b": attempts("b", State.FAILED)}
    case = Case(plan=planned(A, B, **{field: {"b": "why"}}), waivers=(waiver,), attempts=tried)
    assert only(case).code == field.upper()
    assert judged(case).waiver is None
