"""Results of one commit, tree or set of checks do not become those of another."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from pytest_relgate.model import Phase, State
from pytest_relgate.subject import checks_digest
from tests.evidence.record.conftest import Forge

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Bench
    from pytest_relgate.model import Gate

ONE, TWO = "test_gates.py::test_one", "test_gates.py::test_two"


def test_results_of_one_commit_are_none_of_another(bench: Bench) -> None:
    bench.run()
    bench.write("src/demo.txt", "later\n")
    later = bench.commit()
    forge = Forge(bench)
    forge.subject(commit=later, checks_commit=later)
    assert forge.verify(commit=later).reasons == ("its tree is not that of the commit",)


def test_checks_of_one_commit_do_not_judge_another(bench: Bench) -> None:
    bench.write("src/demo.txt", "earlier\n")
    earlier = bench.commit()
    bench.write("src/demo.txt", "later\n")
    bench.commit()
    bench.run()
    forge = Forge(bench)
    forge.subject(checks_commit=earlier)
    assert forge.verify().reasons == ("its checks are not those of the commit that it judges",)


@pytest.mark.parametrize("changes", [{"tree": "1" * 40}, {"left_out": ("src",)}, {"left_out": ()}], ids=str)
def test_the_tree_is_that_of_the_commit(bench: Bench, changes: dict[str, Any]) -> None:
    bench.write("release_checks/waivers.toml", "")
    bench.commit()
    bench.run()
    forge = Forge(bench)
    if changes.get("left_out"):
        changes = changes | {"tree": bench.repository.tree_without("HEAD", changes["left_out"])}
    forge.subject(**changes)
    assert forge.verify().finding == "TAMPERED"


def test_a_loose_folder_of_checks_elsewhere_does_not_stand_for_the_projects(
    bench: Bench, a_gate: Callable[..., Gate]
) -> None:
    from pytest_relgate.lockfile import format_lock

    shutil.copytree(bench.path / "release_checks", bench.path / "tests/tiny")
    bench.write("tests/tiny/gates.lock", format_lock([a_gate(ONE, advisory=True), a_gate(TWO)]))
    head = bench.commit()
    bench.run({ONE: State.FAILED})
    forge = Forge(bench)
    digest = checks_digest(bench.repository, head, "tests/tiny", ["pytest.ini"])
    forge.subject(checks_path="tests/tiny", checks=digest, checks_also=("pytest.ini",))
    forge.passed()
    forge.gate(ONE, advisory=True)
    forge.runs(collected=tuple(replace(one, advisory=one.id == ONE) for one in forge.entries[0].collected))
    assert forge.verify().finding == "UNDECIDED"
    assert forge.verify(checks="tests/tiny").finding == "PASSED", "it is what was asked for"


@pytest.mark.parametrize("dropped", ["pytest.ini", "conftest.py"])
def test_the_digest_of_the_checks_covers_what_decides_how_they_run(bench: Bench, dropped: str) -> None:
    bench.write("conftest.py", "")
    bench.commit()
    bench.run()
    forge = Forge(bench)
    subject = forge.evidence.subject
    assert set(subject.checks_also) == {"pytest.ini", "conftest.py"}
    kept = tuple(one for one in subject.checks_also if one != dropped)
    digest = checks_digest(bench.repository, subject.checks_commit, "release_checks", kept)
    forge.subject(checks_also=kept, checks=digest)
    assert forge.verify().reasons == (f"its digest of the checks does not cover {dropped}",)


@pytest.mark.parametrize(("more", "finding"), [("src/demo.txt", "TAMPERED"), ("src/pytest.ini", "PASSED")])
def test_the_digest_of_the_checks_covers_nothing_else(bench: Bench, more: str, finding: str) -> None:
    """Another digest is another memory of failures. A configuration from elsewhere is said, and decides."""
    bench.write("src/pytest.ini", "[pytest]\n")
    bench.commit()
    bench.run()
    forge = Forge(bench)
    also = ("pytest.ini", more)
    digest = checks_digest(bench.repository, forge.evidence.subject.checks_commit, "release_checks", also)
    forge.subject(checks_also=also, checks=digest)
    found = forge.verify()
    said = f"its digest of the checks covers {more}, which does not decide how they run"
    told = f"judged under {more}, which is not above the checks"
    assert (found.finding, found.reasons) == (finding, (said,) if finding == "TAMPERED" else ())
    assert (told in found.notes) is (finding == "PASSED")


@pytest.mark.parametrize(
    "changes",
    [
        {"checks": "sha256:" + "0" * 64},
        {"checks_commit": "HEAD"},
        {"checks_commit": ""},
        {"checks_path": ""},
        {"checks_path": "../elsewhere"},
        {"checks_path": "\0"},
        {"checks_also": ("/etc/passwd", "pytest.ini")},
        {"checks_also": ("pytest.ini", "\0")},
        {"checks_also": ("pytest.ini", "nothing.txt")},
        {"checks_dirty": True},
        {"commit": ""},
        {"commit": "HEAD"},
        {"commit": "-h"},
        {"commit": "0" * 40},
        {"dirty": True},
        {"left_out": ("\0",)},
        {"left_out": ("..",)},
    ],
    ids=str,
)
def test_no_subject_passes_that_git_does_not_have(bench: Bench, changes: dict[str, Any]) -> None:
    bench.run()
    forge = Forge(bench)
    forge.subject(**changes)
    assert forge.verify().finding in ("TAMPERED", "UNDECIDED")


def test_runs_about_different_trees_are_not_one_record(bench: Bench) -> None:
    bench.run({ONE: State.ERRORED})
    bench.run()
    forge = Forge(bench)
    first = forge.entries[0]
    forge.entries[0] = replace(first, subject=replace(first.subject, tree="1" * 40))
    assert forge.verify().reasons == ("its runs were about different releases",)


def test_evidence_of_one_phase_does_not_become_that_of_another(bench: Bench) -> None:
    bench.run()
    forge = Forge(bench)
    forge.context(phase=Phase.WEEKLY)
    assert forge.verify().finding == "STALE"
    assert forge.verify(phase=Phase.WEEKLY).finding != "PASSED"


@pytest.mark.parametrize("previous", [{}, {"build": "sha256:" + "0" * 64}])
def test_earlier_evidence_cannot_be_left_unnamed_or_exchanged(
    bench: Bench, a_gate: Callable[..., Gate], previous: dict[str, str]
) -> None:
    phases = ("prerelease", "build", "rehearsal")
    bench.lock(*(a_gate(f"test_gates.py::test_{phase}", phase=phase) for phase in phases))
    for phase in phases:
        bench.phase = phase
        bench.run()
    forge = Forge(bench)
    kept = {"prerelease": forge.evidence.previous["prerelease"]}
    forge.sealed(previous=kept | previous if previous else {})
    assert forge.verify().finding == ("STALE" if previous else "TAMPERED")


WAIVER = """
[[waiver]]
gate = "test_gates.py::test_one"
release = "v0.2.0"
states = ["FAILED"]
reason = "known"
owner = "ada"
approver = "grace"
created = "2026-01-01T00:00:00Z"
expires = "2026-01-20T00:00:00Z"
"""


def test_setting_the_clock_back_does_not_bring_a_waiver_to_life(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write("release_checks/waivers.toml", WAIVER)
    bench.commit()
    monkeypatch.setattr("pytest_relgate.session.now", lambda: "2026-01-10T00:00:00Z")
    bench.run({ONE: State.FAILED}, status=0)
    forge = Forge(bench)
    used = forge.evidence.waivers
    forge.sealed(waivers=())
    found = forge.verify(now="2026-01-15T00:00:00Z")
    assert found.reasons == ("it names other waivers than those that it used",)
    forge.sealed(waivers=used)
    for finished, wanted in (("2026-01-19T00:00:00Z", "BLOCKED"), ("2999-01-01T00:00:00Z", "TAMPERED")):
        forge.sealed(finished=finished)
        forge.ends(at=finished)
        assert forge.verify(now="2026-01-25T00:00:00Z").finding == wanted
