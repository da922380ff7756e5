"""What `relgate verify` comes to: sealed evidence judged again, with what git has."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.evidence.finding import Finding
from pytest_relgate.model import State

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Bench
    from pytest_relgate.evidence.verify import Verification

ONE, TWO = "test_gates.py::test_one", "test_gates.py::test_two"


def said(found: Verification) -> str:
    return f"{found.finding} {found.finding.exit_status}: {'; '.join(found.reasons)}"


def test_what_passed_is_passed(bench: Bench) -> None:
    run = bench.run()
    found = bench.verify(commit=bench.git("rev-parse", "HEAD"), head=run.digest)
    assert (found.finding, found.reasons, found.notes, found.digest) == ("PASSED", (), (), run.digest)


def test_exit_statuses_are_fixed() -> None:
    assert {str(one): one.exit_status for one in Finding} == {
        "PASSED": 0,
        "BLOCKED": 1,
        "PENDING": 3,
        "INCOMPLETE": 1,
        "STALE": 1,
        "TAMPERED": 1,
        "REPLAYED": 1,
        "SANDBOX": 1,
        "UNLOCKED": 2,
        "UNDECIDED": 2,
    }


@pytest.mark.parametrize("outcome", [one for one in State if one.waivable and one is not State.FLAKY])
def test_what_blocked_is_blocked_and_only_waiting_is_pending(bench: Bench, outcome: State) -> None:
    bench.run({ONE: outcome})
    found = bench.verify()
    assert found.finding == ("PENDING" if outcome is State.PENDING else "BLOCKED")
    assert found.reasons == (f"{ONE}: {ONE} found something",)
    assert found.do


def test_waiting_beside_a_failure_is_blocked(bench: Bench) -> None:
    bench.run({ONE: State.PENDING, TWO: State.FAILED})
    assert bench.verify().finding == "BLOCKED"


def test_a_run_that_did_not_reach_its_end_is_incomplete(bench: Bench) -> None:
    bench.run(finish=False)
    assert said(bench.verify()) == "INCOMPLETE 1: the run did not reach its end"
    bench.run()
    assert bench.verify().finding == "PASSED"


def test_no_folder_and_no_evidence_cannot_be_decided(bench: Bench, tmp_path: Path) -> None:
    for place in (tmp_path / "nowhere", tmp_path, bench.write("README.md", "")):
        found = bench.verify(place)
        assert found.finding == "UNDECIDED"
        assert "there is no evidence.json in" in found.reasons[0]
        assert "release-evidence/v0.1.10/prerelease" in found.do


# -- another subject --------------------------------------------------------------------------------------


def test_evidence_of_another_commit_is_stale(bench: Bench) -> None:
    bench.run()
    assert said(bench.verify(commit=bench.commit("later"))).startswith("STALE 1: it judges commit")


def test_a_commit_may_be_shortened(bench: Bench) -> None:
    bench.run()
    head = bench.git("rev-parse", "HEAD")
    assert bench.verify(commit=head[:7]).finding == "PASSED"


def test_an_older_seal_is_a_replay(bench: Bench, tmp_path: Path) -> None:
    bench.run({ONE: State.ERRORED})
    bench.run()
    older = shutil.copytree(bench.folder(), tmp_path / "older")
    assert bench.verify(older).finding == "PASSED"
    run = bench.run(release_rerun=True)
    assert said(bench.verify(older, head=run.digest)).startswith("REPLAYED 1: its head is sha256:")
    assert bench.verify(head=run.digest.removeprefix("sha256:")).finding == "PASSED"


@pytest.mark.parametrize("place", ["v0.2.0/build", "v0.3.0/prerelease"])
def test_evidence_in_the_place_of_another_phase_or_release_is_stale(bench: Bench, place: str) -> None:
    bench.run()
    moved = shutil.copytree(bench.folder(), bench.path / "release-evidence" / place)
    expected = " ".join(place.split("/"))
    assert said(bench.verify(moved)) == f"STALE 1: it judges v0.2.0 prerelease, expected {expected}"


def test_evidence_in_a_folder_of_any_name_is_told_apart_when_asked(bench: Bench, tmp_path: Path) -> None:
    bench.run()
    moved = shutil.copytree(bench.folder(), tmp_path / "downloaded")
    assert bench.verify(moved).finding == "PASSED"
    assert bench.verify(moved, phase="prerelease", target="v0.2.0").finding == "PASSED"
    assert bench.verify(moved, phase="build").finding == "STALE"
    assert bench.verify(moved, target="v0.2.1").finding == "STALE"
