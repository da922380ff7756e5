"""A release that its profile lets go without a rehearsal, in the sandbox: when it does, and when not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

import warm
from checkout import FOREIGN, ROOT
from light import LIGHT
from pytest_relgate.evidence import seal
from pytest_relgate.evidence.finding import Finding, Problem
from pytest_relgate.evidence.rejudge_rehearsal import check_unrehearsed
from pytest_relgate.profile import load_profile
from pytest_relgate.rehearsing import foreseen
from pytest_relgate.sandbox.box import open_box, repository_of
from pytest_relgate.sandbox.runs import PUBLISH
from pytest_relgate.source.git import Repository
from tests.sandbox.conftest import LIVE, TARGET

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_relgate.sandbox.world import World

LONG_AGO, AFTER = "2026-01-02T00:00:00Z", "2026-03-10T00:00:00Z"  # v0.1.9 was published on 9 March
GATES = '''\
"""One gate for each phase that a publish rests on."""

import pytest


@pytest.mark.prerelease
def test_the_source(release):
    """The source has a version."""
    assert release.version


@pytest.mark.build
def test_the_build(github):
    """The build succeeded."""
    assert github.build.succeeded()


@pytest.mark.publish
@pytest.mark.sequence
class TestPublish:
    def test_it_is_started(self, github):
        """The publish is started."""
        assert github.publication.dispatched()

    def test_it_succeeded(self, github):
        """The publish succeeded."""
        assert github.publication.succeeded()
'''


@dataclass
class Project:
    """Checks of their own, older than the base's publish, and a sandbox; every secret was set long ago."""

    path: Path
    environ: dict[str, str]

    def git(self, *words: str) -> None:
        subprocess.run(["git", *words], cwd=self.path, env=self.environ, check=True, capture_output=True)

    def type(self, *words: str) -> str:
        """Type a command of pytest: its exit status and what it said, in one line."""
        asked = [*LIGHT, "-p", "no:cacheprovider", "-p", "no:html", "release_checks", *words]
        done = warm.run(asked, cwd=self.path, env=self.environ, timeout=240)
        return f"{done.returncode}: {' '.join(done.stdout.split())}"

    def relgate(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "pytest_relgate.cli", *words],
            cwd=self.path,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        return f"{done.returncode}: {' '.join((done.stdout + done.stderr).split())}"

    def secrets_set(self, when: str) -> None:
        def step(world: World) -> World:
            secrets = tuple(msgspec.structs.replace(one, updated_at=when) for one in world.secrets)
            return msgspec.structs.replace(world, secrets=secrets)

        box = open_box(self.path, (), self.environ)
        try:
            box.surroundings.store.change(step)
        finally:
            box.close()

    def runs(self) -> list[str]:
        box = open_box(self.path, (), self.environ)
        try:
            world = box.surroundings.store.truth()
        finally:
            box.close()
        return [one.title for one in world.runs if one.workflow == PUBLISH and TARGET[1] in one.title]

    @property
    def under(self) -> Repository:
        """The repository under release."""
        return Repository.at(repository_of(self.path, (), self.environ))

    def evidence(self, phase: str) -> seal.Evidence:
        return seal.decode(
            (self.path / "release-evidence" / TARGET[1] / phase / "evidence.json").read_bytes()
        )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("unrehearsed")
    path, tools = folder / "project", folder / "bin"
    checks = path / "release_checks"
    checks.mkdir(parents=True)
    tools.mkdir()
    (tools / "git").symlink_to(shutil.which("git") or "git")
    (tools / "python3").symlink_to(sys.executable)
    facts = (ROOT / "release_checks/relgate.toml").read_text()
    (checks / "relgate.toml").write_text(
        facts.replace("[pins]", '[rehearsal]\nwhen = "changed"\n\n[pins]', 1).replace("NPM_TOKEN = 90", "", 1)
    )
    (checks / "test_gates.py").write_text(GATES)
    (path / "pytest.ini").write_text("[pytest]\n")
    (path / ".gitignore").write_text("release-evidence/\n__pycache__/\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    then = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), LONG_AGO)
    made = Project(path, kept | then | {"PATH": str(tools), "XDG_CACHE_HOME": str(folder / "cache")})
    made.git("init", "-q", "-b", "main")
    made.git("config", "user.name", "ada")
    made.git("config", "user.email", "ada@example.invalid")
    assert made.type("--release-lock").startswith("0: ")
    made.git("add", "-A")
    made.git("commit", "-qm", "Checks")
    return made


@pytest.fixture(scope="module")
def said(project: Project) -> dict[str, str]:
    """What each command said, in the order in which they are typed."""
    found = {"prerelease": project.type("-m", "prerelease", *TARGET)}
    found["build"] = project.type("-m", "build", *TARGET)
    publish = ("-m", "publish", *TARGET, *LIVE)
    project.secrets_set(LONG_AGO)
    found["new workflow"] = project.type(*publish, "--release-base", "v0.1.5")
    found["before"] = " ".join(project.runs())
    found["status"] = project.relgate("status", TARGET[1])
    found["publish"] = project.type(*publish)
    project.secrets_set(AFTER)  # the day after: no secret that the publish went with
    found["again"] = project.type(*publish)
    return found


def test_the_pre_release_phase_says_what_git_has_to_say(said: dict[str, str], project: Project) -> None:
    assert said["prerelease"].startswith("0: ")
    assert (
        "No rehearsal is needed by what git says: no release machinery changed since v0.1.9"
        in (said["prerelease"])
    )
    evidence = project.evidence("prerelease")
    profile = load_profile(project.path / "release_checks/relgate.toml")
    base = project.under.commit_of("v0.1.5")
    context = msgspec.structs.replace(evidence.context, base="v0.1.5", base_commit=base)
    words = foreseen(profile, project.under, context, evidence.subject, Repository.at(project.path))
    assert words.startswith("A rehearsal is needed: .github/workflows/release-publish.yml, ")
    assert words.endswith("changed since v0.1.5")


def test_a_workflow_that_changed_blocks_and_names_the_command(said: dict[str, str]) -> None:
    assert said["new workflow"].startswith("1: ")
    words = "a rehearsal is needed: .github/workflows/release-publish.yml, .github/workflows/release.yml"
    assert words in said["new workflow"]
    assert "pytest -m rehearsal --release-target v0.1.10" in said["new workflow"]
    assert said["before"] == ""  # nothing was started


def test_a_checkpoint_says_that_none_is_needed_and_goes_on(said: dict[str, str]) -> None:
    assert "Rehearsal no evidence not needed: release machinery and credentials are as" in said["status"]
    assert "-m publish --release-target v0.1.10" in said["status"].partition("Next")[2]


def test_it_is_published_without_a_rehearsal_and_the_evidence_says_why(
    said: dict[str, str], project: Project
) -> None:
    assert said["publish"].startswith("0: "), said["publish"]
    assert project.runs() == ["Publish v0.1.10"]
    words = "No rehearsal: release machinery and credentials are as they were at v0.1.9, whose publish"
    report = (project.path / "release-evidence" / TARGET[1] / "publish/report.md").read_text()
    assert words in " ".join(report.split())
    assert words in said["publish"]
    verified = project.relgate("verify", f"release-evidence/{TARGET[1]}/publish", "--allow-sandbox")
    assert verified.startswith("0: PASSED"), verified
    assert words in verified


def test_a_secret_that_is_set_afterwards_takes_nothing_back(said: dict[str, str]) -> None:
    assert said["again"].startswith("0: "), said["again"]


def changed(record: Any, *path: str, **facts: Any) -> Any:
    """A record with facts of one part of it changed."""
    if not path:
        return msgspec.structs.replace(record, **facts)
    return msgspec.structs.replace(record, **{path[0]: changed(getattr(record, path[0]), *path[1:], **facts)})


FORGED = [
    (("unrehearsed",), {"base": "v0.1.8"}, Finding.TAMPERED),
    (("unrehearsed",), {"target": "v0.1.11"}, Finding.TAMPERED),
    (("unrehearsed", "machinery"), {"looked_at": 0}, Finding.TAMPERED),
    (("unrehearsed", "machinery"), {"files": ("README.md",)}, Finding.TAMPERED),
    (("unrehearsed", "machinery"), {"secrets": ()}, Finding.TAMPERED),
    (("unrehearsed", "credentials"), {"wanted": ()}, Finding.TAMPERED),
    (("unrehearsed", "credentials"), {"published": LONG_AGO[:4] + "-01-01T00:00:00Z"}, Finding.UNDECIDED),
    (("unrehearsed", "checks"), {"commit": "a" * 40}, Finding.TAMPERED),
    (("context",), {"recover": True}, Finding.TAMPERED),
    (("context",), {"base_commit": "v0.1.5"}, Finding.TAMPERED),
]


@pytest.mark.parametrize(("path", "facts", "finding"), FORGED)
@pytest.mark.usefixtures("said")
def test_a_verification_works_it_out_again(
    project: Project, path: tuple[str, ...], facts: dict[str, Any], finding: Finding
) -> None:
    evidence, profile = (
        project.evidence("publish"),
        load_profile(project.path / "release_checks/relgate.toml"),
    )
    checks = Repository.at(project.path)
    if facts.get("base_commit"):
        facts = {"base_commit": project.under.commit_of(facts["base_commit"])}
    with pytest.raises(Problem) as problem:
        check_unrehearsed(changed(evidence, *path, **facts), project.under, checks, profile)
    assert problem.value.finding is finding, problem.value.reason


@pytest.mark.usefixtures("said")
def test_a_verification_asks_the_profile_first(project: Project) -> None:
    evidence = project.evidence("publish")
    profile = load_profile(project.path / "release_checks/relgate.toml")
    checks = Repository.at(project.path)
    assert check_unrehearsed(evidence, project.under, checks, profile) == evidence.unrehearsed
    with pytest.raises(Problem, match="the profile wants one always"):
        check_unrehearsed(evidence, project.under, checks, changed(profile, "rehearsal", when="always"))
