"""A release in the sandbox, from the first command to the last, and what must not happen on the way.

PATH is cut down to Python and git, as on a machine that has nothing else.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from pytest_relgate.model import Phase
from pytest_relgate.sandbox.box import open_box
from pytest_relgate.sandbox.faults import FAULTS, Fault
from pytest_relgate.sandbox.runs import PUBLISH

ROOT = Path(__file__).parents[2]
FOREIGN = ("PYTEST_", "GITHUB_", "GH_", "CI", "RELEASE_", "COV_", "RELGATE_")
TARGET = ("--release-target", "v0.1.10")
LIVE = ("--release-mode", "live", "--release-agent", "ada@laptop")
MORE = {"publish": LIVE}
BEFORE = {Phase.REHEARSAL: "build", Phase.PUBLISH: "rehearsal"}
WAYS = {  # what happens to the answer of a dispatch
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "reset": "return Unreachable(url, Why.RESET, 'the connection was reset', ())",
}
MISCHIEF = """\
import os, signal
from pytest_relgate.net.exchange import Unreachable, Why
from pytest_relgate.net.http import Http

true_post = Http.post

def post(self, url, body, **more):
    answer = true_post(self, url, body, **more)
    {way}

Http.post = post
"""


class Walk:
    """A clone of this repository with a sandbox of its own, put back to where it was after any phase."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "checkout"
        subprocess.run(["git", "clone", "-q", ROOT, self.path], check=True)
        tools = folder / "bin"
        tools.mkdir()
        git = shutil.which("git")
        assert git
        (tools / "git").symlink_to(git)
        (tools / "python3").symlink_to(sys.executable)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        self.environ = kept | {"PATH": str(tools), "XDG_CACHE_HOME": str(folder / "cache")}
        self.evidence = self.path / "release-evidence"

    def type(self, phase: str, *args: str, plugin: str = "") -> subprocess.CompletedProcess[str]:
        """Type the command of a phase."""
        plugins = ("no:cacheprovider", "no:html", *filter(None, [plugin]))
        words = [word for name in plugins for word in ("-p", name)]
        return subprocess.run(
            [sys.executable, "-m", "pytest", *words, "release_checks", "-m", phase, *TARGET, *args],
            cwd=self.path,
            env=self.environ | {"PYTHONPATH": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    def status(self, *args: str) -> tuple[int, str]:
        """Ask where the release stands: the exit status, and what is said, in one line."""
        done = subprocess.run(
            [sys.executable, "-m", "pytest_relgate.cli", "status", TARGET[1], *args],
            cwd=self.path,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert not done.stderr
        assert all(len(line) <= 80 or len(line.split()) == 1 for line in done.stdout.splitlines())
        return done.returncode, " ".join(done.stdout.replace("\\\n", "").split())

    def seal(self, phase: str, below: str = ".") -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            (self.evidence / below / TARGET[1] / phase / "evidence.json").read_text()
        )
        return found

    def keep(self, name: str) -> None:
        for what in ("cache", "checkout/release-evidence"):
            shutil.copytree(self.folder / what, self.folder / "kept" / name / what, symlinks=True)

    def back_to(self, name: str) -> None:
        for what in ("cache", "checkout/release-evidence"):
            shutil.rmtree(self.folder / what)
            shutil.copytree(self.folder / "kept" / name / what, self.folder / what, symlinks=True)

    def runs(self) -> list[str]:
        """The titles of all runs of the publish workflow for the target."""
        box = open_box(self.path, (), self.environ)
        try:
            world = box.surroundings.store.truth()
        finally:
            box.close()
        return [run.title for run in world.runs if run.workflow == PUBLISH and TARGET[1] in run.title]


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """A checkout in which all five commands were typed, and each passed."""
    made = Walk(tmp_path_factory.mktemp("walk"))
    for phase in ("prerelease", "build", "rehearsal", "publish", "postrelease"):
        done = made.type(phase, *MORE.get(phase, ()))
        assert (done.returncode, made.seal(phase)["verdict"]) == (0, "PASSED"), f"{phase}: {done.stdout}"
        made.keep(phase)
        if phase in BEFORE:
            assert "publish-npm: success" in done.stdout
            assert len(list((made.evidence / TARGET[1] / phase / "attached").glob("run-*.json"))) == 1
    return made


@pytest.fixture(scope="module")
def naming(walk: Walk) -> dict[str, list[str]]:
    """The gates that name each fault of rehearsal and publish."""
    found: dict[str, list[str]] = {}
    for phase in BEFORE:
        done = walk.type(phase, *MORE.get(phase, ()), "-q", "--release-plan=json")
        line = next(line for line in done.stdout.splitlines() if line.startswith("{"))
        for gate in json.loads(line)["gates"]:
            for fault in gate["faults"]:
                found.setdefault(fault, []).append(gate["id"])
    return found


def _red(seal: dict[str, Any]) -> dict[str, dict[str, Any]]:
    passing = ("PASSED", "NOT_TRIGGERED", "BLOCKED_BY")
    return {gate["id"]: gate for gate in seal["gates"] if gate["state"] not in passing}


def _words(gate: dict[str, Any]) -> str:
    return " ".join(" ".join(attempt["message"] for attempt in gate["attempts"]).split())


def test_five_commands_release_it_on_every_channel(walk: Walk) -> None:
    walk.back_to("postrelease")
    assert walk.runs() == ["Rehearse v0.1.10", "Publish v0.1.10"]
    box = open_box(walk.path, (), walk.environ)
    try:
        at, tap = box.origins, box.surroundings.tap
        for url in (
            f"{at.crates_index}/pl/as/plasmite",
            f"{at.npm}/plasmite/0.1.10",
            f"{at.pypi}/simple/plasmite/",
            f"{at.github_api}/repos/sandover/plasmite/releases/tags/v0.1.10",
        ):
            with urlopen(url) as answer:
                assert b"0.1.10" in answer.read(), url
    finally:
        box.close()
    shown = subprocess.run(
        ["git", "show", "HEAD:Formula/plasmite.rb"], cwd=tap, capture_output=True, check=True
    )
    assert b"v0.1.10" in shown.stdout


@pytest.mark.parametrize("phase", ["prerelease", "build", "rehearsal", "publish", "postrelease"])
def test_another_process_verifies_each_phase(walk: Walk, phase: str) -> None:
    walk.back_to("postrelease")
    commit = walk.seal(phase)["subject"]["commit"]
    folder = walk.evidence / TARGET[1] / phase
    done = subprocess.run(
        [sys.executable, "-m", "pytest_relgate.cli", "verify", folder, "--commit", commit, "--allow-sandbox"],
        cwd=walk.path,
        env=walk.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("after", "says"),
    [
        ("prerelease", r"Build no evidence .* pytest release_checks -m build --release-target v0\.1\.10$"),
        (
            "rehearsal",
            r"Rehearsal run \d+ .* success .* nothing is known to be published .*mode live",
        ),
        ("publish", r"Publish run \d+ .* success .* pypi serves 0\.1\.10 .* -m postrelease --release-target"),
        ("postrelease", r"Postrelease PASSED .* nothing is left to do: v0\.1\.10 is out"),
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
    number, said = walk.status("--offline")
    assert (number, said.startswith("NOT ALL SEEN")) == (2, True)
    assert re.search(r"Publish PASSED .* Not seen GitHub and the channels: not asked", said)
    number, said = walk.status("--release-repo", "sandbox:credentials-revoked")
    assert (number, said.startswith("NOT ALL SEEN")) == (2, True), said


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("partial-publish", r"partial publish: run \d+ failed in publish-pypi; reached before: crates, npm"),
        ("wrong-source-sha", r"provenance mismatch: the metadata of run \d+ is of another build: source_sha"),
        ("npm-wrong-digest", r"other bytes: bytes disagree: npm"),
    ],
)
def test_a_checkpoint_names_what_no_patience_mends(walk: Walk, fault: str, says: str) -> None:
    walk.back_to("publish")
    number, said = walk.status("--release-repo", f"sandbox:{fault}")
    assert (number, said.startswith("ANOMALY")) == (1, True), said
    assert re.search(says, said), said


def test_a_dry_run_publishes_nothing(walk: Walk) -> None:
    walk.back_to("rehearsal")
    done = walk.type("publish")
    assert done.returncode == 4
    assert "a dry run ends after the rehearsal" in done.stdout + done.stderr
    assert walk.runs() == ["Rehearse v0.1.10"]


@pytest.mark.parametrize(
    ("phase", "before", "missing"), [("rehearsal", "prerelease", "build"), ("publish", "build", "rehearsal")]
)
def test_nothing_is_started_before_its_turn(walk: Walk, phase: str, before: str, missing: str) -> None:
    walk.back_to(before)
    done = walk.type(phase, *MORE.get(phase, ()))
    assert (done.returncode, walk.seal(phase)["verdict"]) == (1, "BLOCKED")
    (gate,) = _red(walk.seal(phase)).values()
    assert gate["state"] == "ERRORED"
    assert re.search(f"nothing was started: .*{missing} has not passed", _words(gate))
    assert walk.runs() == []


def test_a_publish_that_is_typed_again_goes_on_with_its_run(walk: Walk) -> None:
    walk.back_to("publish")
    for again in ((), ("--release-rerun",)):
        done = walk.type("publish", *LIVE, *again)
        assert (done.returncode, walk.seal("publish")["verdict"]) == (0, "PASSED"), done.stdout
    assert walk.runs() == ["Rehearse v0.1.10", "Publish v0.1.10"]


def test_a_publish_that_somebody_else_started_is_adopted(walk: Walk) -> None:
    walk.back_to("publish")
    shutil.rmtree(walk.evidence / TARGET[1] / "publish")
    (walk.evidence / TARGET[1] / "dispatches-sandbox" / "publish.json").unlink()
    done = walk.type("publish", *LIVE)
    assert (done.returncode, walk.seal("publish")["verdict"]) == (0, "PASSED"), done.stdout
    assert walk.runs() == ["Rehearse v0.1.10", "Publish v0.1.10"]


def test_a_publish_killed_before_its_answer_goes_on_with_the_run_that_it_made(walk: Walk) -> None:
    walk.back_to("rehearsal")
    (walk.folder / "mischief_killed.py").write_text(MISCHIEF.format(way=WAYS["killed"]))
    killed = walk.type("publish", *LIVE, plugin="mischief_killed")
    assert (killed.returncode, walk.seal("publish")["verdict"]) == (-signal.SIGKILL, "BLOCKED")
    done = walk.type("publish", *LIVE)
    assert (done.returncode, walk.seal("publish")["verdict"]) == (0, "PASSED"), done.stdout
    assert walk.runs() == ["Rehearse v0.1.10", "Publish v0.1.10"]


def test_an_answer_that_is_lost_doubles_nothing(walk: Walk) -> None:
    walk.back_to("rehearsal")
    (walk.folder / "mischief_reset.py").write_text(MISCHIEF.format(way=WAYS["reset"]))
    done = walk.type("publish", *LIVE, plugin="mischief_reset")
    assert (done.returncode, walk.seal("publish")["verdict"]) == (0, "PASSED"), done.stdout
    assert walk.runs() == ["Rehearse v0.1.10", "Publish v0.1.10"]


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS.values() if fault.phase in BEFORE], ids=lambda fault: fault.name
)
def test_each_fault_blocks_at_the_gate_that_names_it(
    walk: Walk, naming: dict[str, list[str]], fault: Fault
) -> None:
    walk.back_to(BEFORE[fault.phase])
    done = walk.type(fault.phase, *MORE.get(fault.phase, ()), "--release-repo", f"sandbox:{fault.name}")
    assert done.returncode == 1, done.stdout
    seal = walk.seal(fault.phase, f"faults/{fault.name}")
    (gate,) = _red(seal).values()
    assert ([gate["id"]], gate["state"]) == (naming[fault.name], fault.expect)
    assert re.search(fault.says, _words(gate), re.IGNORECASE), _words(gate)
