"""A release that went wrong on its way, seen by ``relgate status`` and recovered. SPEC S31, S32, S40, S41."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from pytest_relgate.sandbox.box import open_box
from tests.sandbox.conftest import LIVE, TARGET, Walk


@pytest.mark.parametrize(
    ("after", "says"),
    [
        (
            "rehearsal",
            r"Rehearsal run \d+ .* success .* nothing is known to be published .*mode live",
        ),
        ("publish", r"Publish run \d+ .* success .* pypi serves 0\.1\.10 .* -m postrelease --release-target"),
    ],
)
def test_a_checkpoint_says_what_comes_next_and_changes_nothing(walk: Walk, after: str, says: str) -> None:
    walk.back_to(after)
    before = {path: path.read_bytes() for path in walk.evidence.rglob("*") if path.is_file()}
    number, said = walk.status()
    assert (number, said.startswith("NOTHING WRONG v0.1.10 of the sandbox")) == (0, True), said
    assert re.search(says, said), said
    assert {path: path.read_bytes() for path in walk.evidence.rglob("*") if path.is_file()} == before


def test_a_checkpoint_without_a_network_says_what_it_could_not_see(walk: Walk) -> None:
    walk.back_to("publish")
    number, said = walk.status("--release-repo", "sandbox:credentials-revoked")
    assert (number, said.startswith("NOT ALL SEEN")) == (2, True), said
    assert "Publish PASSED" in said


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("partial-publish", r"partial publish: run \d+ failed in publish-pypi; reached before: crates, npm"),
        ("wrong-source-sha", r"provenance mismatch: the metadata of run \d+ is of another build: source_sha"),
    ],
)
def test_a_checkpoint_names_what_no_patience_mends(walk: Walk, fault: str, says: str) -> None:
    walk.back_to("publish")
    number, said = walk.status("--release-repo", f"sandbox:{fault}")
    assert (number, said.startswith("ANOMALY")) == (1, True), said
    assert re.search(says, said), said


def _sandbox(walk: Walk, *args: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest_relgate.cli", "sandbox", *args],
        cwd=walk.path,
        env=walk.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_publish_that_a_credential_broke_off_is_recovered(walk: Walk) -> None:
    """SPEC S41: what is out stays out, the rest follows under the same run, and every channel is right."""
    walk.back_to("rehearsal")
    _sandbox(walk, "--expire", "PYPI_API_TOKEN")
    done = walk.type("publish", *LIVE)
    assert (done.returncode, walk.seal("publish")["verdict"]) == (1, "BLOCKED")
    said = " ".join(done.stdout.split())
    assert "reached before: publish-crates-io, publish-npm; the logs say: PyPI did not take" in said
    assert re.search(r"publish-pypi: failure http://\S+/job/\d+ .*publish-pypi: PyPI did not take", said)
    assert "check PYPI_API_TOKEN, or the trusted publisher that PyPI knows" in said
    assert re.search(r"Next mend what is named above, then recover: pytest .* --release-recover$", said)
    number, said = walk.status()
    assert (number, "partial publish: run" in said) == (1, True)
    assert said.endswith("--release-mode live --release-agent NAME@HOST --release-recover")
    _sandbox(walk, "--renew", "PYPI_API_TOKEN")
    done = walk.type("publish", *LIVE, "--release-recover")
    assert (done.returncode, walk.seal("publish")["verdict"]) == (0, "PASSED"), done.stdout
    assert "served already, as it was built: crates, npm" in done.stdout
    assert walk.runs() == ["Rehearse v0.1.10", "Publish v0.1.10"]
    done = walk.type("postrelease")
    assert (done.returncode, walk.seal("postrelease")["verdict"]) == (0, "PASSED"), done.stdout
    assert walk.status()[0] == 0


def test_a_release_is_recovered_from_the_build_run_that_was_named(walk: Walk) -> None:
    """SPEC S40: by the build's run in recovery, and only where the build phase judged that run."""
    walk.back_to("rehearsal")
    box = open_box(walk.path, (), walk.environ)
    try:
        build = str(
            next(run.id for run in reversed(box.surroundings.store.truth().runs) if run.name == "release")
        )
    finally:
        box.close()
    named = ("--release-build-run", build)
    for phase, more in (
        ("build", ()),
        ("rehearsal", ("--release-recover",)),
        ("publish", ("--release-recover",)),
    ):
        done = walk.type(phase, *named, *more, *(LIVE if phase == "publish" else ()))
        assert (done.returncode, walk.seal(phase)["verdict"]) == (0, "PASSED"), done.stdout
        assert walk.seal(phase)["context"]["build_run"] == int(build)
    box = open_box(walk.path, (), walk.environ)
    try:
        world = box.surroundings.store.truth()
    finally:
        box.close()
    assert [run.inputs["build_run_id"] for run in world.runs if run.title == f"Publish {build}"] == [build]


def test_after_a_reset_a_walk_from_the_start_finds_nothing_of_the_old_world(walk: Walk) -> None:
    walk.back_to("postrelease")
    said = _sandbox(walk, "--reset")
    for name in ("prerelease", "build", "rehearsal", "publish", "postrelease", "dispatches-sandbox"):
        assert f"  {TARGET[1]}/{name}\n" in said
    assert (walk.evidence / "before-reset-1" / TARGET[1] / "publish" / "evidence.json").exists()
    number, shown = walk.status()
    assert (number, "Prerelease no evidence" in shown, "none that GitHub lists" in shown) == (0, True, True)
