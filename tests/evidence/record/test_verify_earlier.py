"""Evidence that rests on the evidence of earlier phases (SPEC S10, S37), and none on the sandbox."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate import prepare
from pytest_relgate.evidence import seal
from pytest_relgate.evidence.verify import earlier_evidence
from pytest_relgate.model import Condition, Phase, State
from pytest_relgate.sandbox.box import Box
from tests.evidence.record.conftest import Forge

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Bench
    from pytest_relgate.evidence.verify import Verification
    from pytest_relgate.model import Gate
    from pytest_relgate.source.git import Repository

ONE, TWO = "test_gates.py::test_one", "test_gates.py::test_two"


def said(found: Verification) -> str:
    return f"{found.finding} {found.finding.exit_status}: {'; '.join(found.reasons)}"


# -- earlier phases ---------------------------------------------------------------------------------------


@pytest.fixture
def staged(bench: Bench, a_gate: Callable[..., Gate]) -> Bench:
    """A project with a gate in each phase, prerelease and build passed."""
    phases = ("prerelease", "build", "rehearsal", "publish")
    bench.lock(*(a_gate(f"test_gates.py::test_{phase}", phase=phase) for phase in phases))
    for phase in phases[:2]:
        bench.phase = phase
        bench.run()
    bench.phase = "rehearsal"
    return bench


def test_a_phase_that_rests_on_others_names_them_and_passes(staged: Bench) -> None:
    staged.run()
    assert set(staged.evidence().previous) == {"prerelease", "build"}
    assert staged.verify().finding == "PASSED"
    staged.phase = "publish"
    staged.run(release_mode="live")
    assert staged.verify().finding == "PASSED"


def test_a_phase_without_the_ones_before_it_is_blocked(staged: Bench) -> None:
    shutil.rmtree(staged.folder("build"))
    run = staged.run()
    assert staged.codes() == ["EARLIER"]
    assert any("build has not passed" in words for words in run.rules_out())
    assert staged.verify().finding == "BLOCKED"


def test_evidence_of_an_earlier_phase_on_another_commit_is_stale(staged: Bench) -> None:
    staged.commit("later")
    run = staged.run()
    assert [words.split(":")[:2] for words in run.rules_out()] == [
        ["prerelease has not passed", " STALE"],
        ["build has not passed", " STALE"],
    ]
    assert staged.codes() == ["EARLIER", "EARLIER"]
    assert "STALE: it judges commit" in staged.evidence().reasons[0].message


def test_one_phase_cannot_stand_for_another(staged: Bench) -> None:
    shutil.rmtree(staged.folder("build"))
    shutil.copytree(staged.folder("prerelease"), staged.folder("build"))
    staged.run()
    assert staged.codes() == ["EARLIER"]
    assert "STALE: it judges v0.2.0 prerelease, expected v0.2.0 build" in staged.evidence().reasons[0].message


def test_one_release_cannot_stand_for_another(staged: Bench) -> None:
    for phase in ("prerelease", "build"):
        shutil.copytree(staged.folder(phase), staged.path / "release-evidence/v0.3.0" / phase)
    staged.target = "v0.3.0"
    staged.run()
    assert staged.codes() == ["EARLIER", "EARLIER"]


def test_one_release_cannot_stand_for_another_in_a_folder_of_any_name(staged: Bench, tmp_path: Path) -> None:
    staged.run()
    whole = tmp_path / "downloaded"
    shutil.copytree(staged.folder().parent, whole)
    assert staged.verify(whole / "rehearsal").finding == "PASSED"
    staged.target, staged.phase = "v0.3.0", "build"
    staged.run()
    shutil.rmtree(whole / "build")
    shutil.copytree(staged.folder(), whole / "build")
    assert staged.verify(whole / "rehearsal").finding == "STALE"
    evidence = seal.decode((whole / "rehearsal/evidence.json").read_bytes())
    earlier = earlier_evidence(
        whole / "build",
        Phase.BUILD,
        context=evidence.context,
        subject=evidence.subject,
        repository=staged.repository,
        checks=staged.repository,
    )
    assert earlier.problem == "STALE: it judges v0.3.0 build, expected v0.2.0 build"


def judge_in_a_sandbox(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Let runs take the repository that they find for that of a sandbox."""
    real = prepare._under_release

    def found(*args: Any) -> tuple[Repository, Box]:
        repository, _ = real(*args)
        exclude = repository.path / ".git/info/exclude"  # as the miniature does, for the advisories in it
        exclude.parent.mkdir(exist_ok=True)
        exclude.write_text(".scratch/\n")
        return repository, Box(home, (), dict(os.environ), repository.path)

    monkeypatch.setattr(prepare, "_under_release", found)


def test_the_sandbox_does_not_rest_on_a_release(
    staged: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    judge_in_a_sandbox(monkeypatch, tmp_path)
    staged.run()
    assert [reason.message.rpartition("found ")[2] for reason in staged.evidence().reasons] == [
        "that of no sandbox",
        "that of no sandbox",
    ]


def test_what_was_judged_with_other_evidence_than_lies_beside_it_is_stale(staged: Bench) -> None:
    staged.run()
    staged.phase = "build"
    staged.run(release_rerun=True)
    staged.phase = "rehearsal"
    assert said(staged.verify()).startswith("STALE 1: the evidence of build beside it is not the one")
    staged.run()
    assert staged.verify().finding == "PASSED"


def test_an_earlier_phase_that_was_only_sealed_anew_is_still_what_it_rests_on(staged: Bench) -> None:
    staged.run()
    before = staged.folder("build") / "evidence.json"
    judged_with = before.read_bytes()
    staged.phase = "build"
    for _ in range(2):  # nothing is left to run
        staged.run()
    assert before.read_bytes() != judged_with
    staged.phase = "rehearsal"
    assert staged.verify().finding == "PASSED"
    carried = sorted((staged.folder("build") / "sealed").iterdir())
    assert len(carried) == 2
    for path in carried:  # without it nothing says that the two are one
        text = path.read_bytes()
        path.unlink()
        assert staged.verify().finding == "STALE"
        path.write_bytes(text)
    staged.phase = "build"
    staged.run(release_rerun=True)
    assert not (staged.folder("build") / "sealed").exists()
    staged.phase = "rehearsal"
    assert said(staged.verify()).startswith("STALE 1: the evidence of build beside it is not the one")


@pytest.mark.parametrize("how", ["a file", "a link", "sealed"])
def test_a_seal_that_something_was_judged_after_is_not_carried_however_it_came_there(
    staged: Bench, tmp_path: Path, how: str
) -> None:
    staged.run()
    judged_with = (staged.folder("build") / "evidence.json").read_bytes()
    staged.phase = "build"
    staged.run(release_rerun=True)
    shelf = staged.folder("build") / "sealed"
    place = tmp_path if how == "a link" else shelf
    place.mkdir(exist_ok=True)
    (place / f"{hashlib.sha256(judged_with).hexdigest()}.json").write_bytes(judged_with)
    if how == "a link":
        shelf.symlink_to(place)
    if how == "sealed":
        forge = Forge(staged)
        forge.write()
    else:
        staged.run()
        assert (len(staged.reading().runs[-1].gates), shelf.is_symlink()) == (0, False)
    assert staged.verify().finding == "PASSED"
    staged.phase = "rehearsal"
    assert said(staged.verify()).startswith("STALE 1: the evidence of build beside it is not the one")


@pytest.mark.parametrize("broken_off", [{"finish": False}, {"status": 2}], ids=["killed", "interrupted"])
def test_a_run_that_broke_off_before_it_judged_anything_takes_nothing_away(
    staged: Bench, broken_off: dict[str, Any]
) -> None:
    staged.run()
    staged.phase = "build"
    staged.run(**broken_off)
    staged.phase = "rehearsal"
    assert staged.verify().finding != "PASSED", "build has not passed as it stands"
    staged.phase = "build"
    staged.run()
    assert staged.evidence().verdict == "PASSED"
    staged.phase = "rehearsal"
    assert staged.verify().finding == "PASSED"


def test_what_one_build_run_showed_settles_nothing_for_another(staged: Bench) -> None:
    staged.phase = "build"
    for named, judged in ((None, 0), ("7", 1), ("7", 0), ("8", 1), (None, 0)):
        staged.run(release_build_run=named)
        assert (staged.evidence().verdict, staged.evidence().context.build_run) == ("PASSED", int(named or 0))
        assert len(staged.reading().runs[-1].gates) == judged, named


def test_what_rests_on_a_build_rests_on_the_build_run_that_it_takes(staged: Bench) -> None:
    def after_build(named: str | None) -> None:
        staged.phase = "build"
        staged.run(release_build_run=named)
        staged.phase = "rehearsal"

    after_build("7")
    staged.run()
    assert staged.codes() == ["EARLIER"]
    (reason,) = staged.evidence().reasons
    assert reason.message.endswith(
        "that of another build: it judged run 7, this is about the tag's run (--release-build-run)"
    )
    staged.run(release_build_run="7")
    assert (staged.evidence().verdict, staged.verify().finding) == ("PASSED", "PASSED")
    after_build(None)
    assert staged.verify().finding != "PASSED"
    staged.run(release_build_run="7")
    assert "it judged the tag's run, this is about run 7" in staged.evidence().reasons[0].message


def test_what_it_rests_on_has_to_be_beside_it(staged: Bench) -> None:
    staged.run()
    shutil.rmtree(staged.folder("build"))
    found = staged.verify()
    assert said(found) == "UNDECIDED 2: the evidence of build is not beside it"
    assert str(staged.folder("build")) in found.do


def test_an_earlier_phase_that_was_altered_since_blocks(staged: Bench) -> None:
    staged.run()
    (staged.folder("build") / "report.md").write_text("all is well\n")
    found = staged.verify()
    assert found.finding == "BLOCKED"
    assert "TAMPERED: report.md was changed" in found.reasons[0]


def test_what_was_blocked_by_an_earlier_phase_stays_blocked_when_that_has_passed(staged: Bench) -> None:
    staged.phase = "build"
    build = staged.folder()
    aside = build.rename(build.with_name("aside"))
    staged.phase = "rehearsal"
    staged.run()
    aside.rename(build)
    found = staged.verify()
    assert said(found).startswith("BLOCKED 1: EARLIER, when it was judged:")
    assert found.do == "run the phase again: gates that passed are kept"


def test_a_live_run_does_not_rest_on_a_dry_one_that_left_gates_out(
    bench: Bench, a_gate: Callable[..., Gate]
) -> None:
    live = (Condition("live", "live"),)
    gates = [
        a_gate(f"test_gates.py::test_{phase}", phase=phase) for phase in ("prerelease", "build", "rehearsal")
    ]
    bench.lock(*gates, a_gate("test_gates.py::test_tap", phase="build", conditions=live))
    for phase in ("prerelease", "build"):
        bench.phase = phase
        bench.run()
    bench.phase = "rehearsal"
    bench.run()
    assert bench.evidence().verdict == "PASSED"
    bench.run(release_mode="live")
    assert bench.codes() == ["EARLIER"]
    bench.phase = "build"
    bench.run(release_mode="live")
    bench.phase = "rehearsal"
    bench.run(release_mode="live")
    assert bench.evidence().verdict == "PASSED"


# -- the sandbox ------------------------------------------------------------------------------------------


def test_the_sandbox_is_refused_unless_asked_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, elsewhere: Repository, tmp_path: Path
) -> None:
    judge_in_a_sandbox(monkeypatch, tmp_path)
    bench.run()
    assert bench.evidence().sandbox is True
    assert said(bench.verify()) == "SANDBOX 1: it judges the sandbox and no release"
    assert bench.verify(allow_sandbox=True).finding == "PASSED"
    assert bench.verify(allow_sandbox=True, under_release=elsewhere).finding == "UNDECIDED"
    monkeypatch.undo()
    bench.run({ONE: State.FAILED})
    assert bench.states() == {"one": "FAILED", "two": "PASSED"}
    assert bench.reading().runs[-1].gates == (ONE, TWO), "what passed in the sandbox passed there alone"
