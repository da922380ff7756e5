"""A run under faults is named so everywhere, and its evidence settles nothing else. SPEC B10, U12."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Outcome, Project

GATES = '''\
import pytest

pytestmark = pytest.mark.prerelease


@pytest.mark.gate(faults=("version-drift",))
def test_versions(run):
    """The Python package carries the version."""
    run("grep 0.1.10 bindings/python/pyproject.toml")


def test_two():
    """Two holds."""
    assert 1 == 1
'''
DRIFT = "sandbox:version-drift"


@pytest.fixture(scope="session")
def sandbox_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def sandboxed(bare_project: Project, sandbox_cache: Path) -> Project:
    """A project whose gates judge the sandbox; it is locked once and copied."""
    project, template = bare_project, sandbox_cache.with_name("template")
    project.environ["XDG_CACHE_HOME"] = str(sandbox_cache)
    if not template.exists():
        profile = 'schema = 1\nproject = "demo"\nunder_release = "sandbox"\n'
        project.write("release_checks/relgate.toml", profile)
        project.write("release_checks/test_gates.py", GATES)
        project.lock()
        shutil.copytree(project.path, template)
    shutil.rmtree(project.path)
    shutil.copytree(template, project.path)
    return project


def judged(project: Project, *arguments: str, **more: Any) -> Outcome:
    return project.release(*arguments, target="v0.1.10", **more)


def evidence_at(project: Project, place: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (project.path / place / "v0.1.10/prerelease/evidence.json").read_text()
    )
    return found


FAULTY = "release-evidence/faults/version-drift"


def test_a_fault_is_named_wherever_the_run_speaks(sandboxed: Project) -> None:
    done = judged(sandboxed, "--release-repo", DRIFT)
    assert done.status == 1
    assert done.line("faults:") == "faults: version-drift"
    assert "prerelease in the sandbox with version-drift @" in done.out
    assert "Next      without the fault:" in done.out
    assert done.line("          pytest ").strip().endswith("-m prerelease --release-target v0.1.10")
    evidence = evidence_at(sandboxed, FAULTY)
    assert (evidence["verdict"], evidence["sandbox"], evidence["context"]["faults"]) == (
        "BLOCKED",
        True,
        ["version-drift"],
    )
    folder = sandboxed.path / FAULTY / "v0.1.10/prerelease"
    for report in ("report.md", "report.html", "junit.xml"):
        assert "in the sandbox with version-drift" in (folder / report).read_text()


def test_a_run_under_a_fault_leaves_the_healthy_evidence_alone(sandboxed: Project) -> None:
    assert judged(sandboxed).status == 0
    place = sandboxed.path / "release-evidence/v0.1.10/prerelease"
    before = {path.name: path.read_bytes() for path in place.glob("*.json*")}
    assert judged(sandboxed, "-n2", "--release-repo", DRIFT).status == 1
    assert {path.name: path.read_bytes() for path in place.glob("*.json*")} == before
    again = judged(sandboxed)
    assert again.status == 0
    assert "2 kept from" in again.out
    states = {gate["id"]: gate["state"] for gate in evidence_at(sandboxed, FAULTY)["gates"]}
    assert states == {"test_gates.py::test_versions": "FAILED", "test_gates.py::test_two": "PASSED"}


def test_a_run_under_a_fault_is_never_gone_on_with(sandboxed: Project) -> None:
    for _ in range(2):
        judged(sandboxed, "--release-repo", DRIFT)
        gates = evidence_at(sandboxed, FAULTY)["gates"]
        assert [len(gate["attempts"]) for gate in gates] == [1, 1]
    kept = list((sandboxed.path / FAULTY / "v0.1.10/superseded").glob("*/prerelease"))
    assert len(kept) == 1  # nothing is overwritten


def test_evidence_under_a_fault_in_the_healthy_place_settles_nothing(sandboxed: Project) -> None:
    root = ("--release-evidence", "release-evidence")
    assert judged(sandboxed, *root, "--release-repo", "sandbox:ci-red").status == 0  # no gate looks at CI
    healthy = judged(sandboxed, *root)
    assert healthy.status == 0
    assert "kept" not in healthy.out
    assert evidence_at(sandboxed, "release-evidence")["context"]["faults"] == []


def test_verification_refuses_it_unless_it_is_told_otherwise(sandboxed: Project) -> None:
    judged(sandboxed, "--release-repo", "sandbox:ci-red")
    folder = "release-evidence/faults/ci-red/v0.1.10/prerelease"
    assert evidence_at(sandboxed, "release-evidence/faults/ci-red")["verdict"] == "PASSED"
    refused = sandboxed.relgate("verify", folder)
    assert refused.status == 1
    assert "it judges the sandbox with ci-red and no release" in refused.out
    assert sandboxed.relgate("verify", folder, "--allow-sandbox").status == 0
    judged(sandboxed, "--release-repo", DRIFT)
    drifted = sandboxed.relgate("verify", f"{FAULTY}/v0.1.10/prerelease", "--allow-sandbox")
    assert (drifted.status, drifted.out.split()[0]) == (1, "BLOCKED")  # judged again, on the faulty commit


def test_an_unknown_fault_is_one_line_and_writes_nothing(sandboxed: Project) -> None:
    done = judged(sandboxed, "--release-repo", "sandbox:verison-drift")
    assert done.status == 4
    assert done.out.strip() == (
        "ERROR: the sandbox knows no fault named 'verison-drift': did you mean version-drift? "
        "relgate sandbox --list-faults names all"
    )
    assert not (sandboxed.path / "release-evidence").exists()


def test_stand_ins_are_shown_in_terminal_evidence_and_reports(sandboxed: Project, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("git", "grep", "sh"):
        (tools / name).symlink_to(shutil.which(name) or "")
    done = judged(sandboxed, environ={"PATH": str(tools)})
    assert done.status == 0
    shown = " ".join(done.out.split())
    assert "stood in for, as this machine lacks them: bash, cargo," in shown
    evidence = evidence_at(sandboxed, "release-evidence")
    names = evidence["environment"]["stand-ins"].split(", ")
    assert {"cargo", "just", "node", "npm"} <= set(names)
    for name in names:
        assert f"what the real {name} says: the sandbox stood in for it" in evidence["not_checked"]
    page = (sandboxed.path / "release-evidence/v0.1.10/prerelease/report.md").read_text()
    assert "what the real cargo says" in page
    assert os.pathsep not in evidence["environment"]["stand-ins"]


def test_a_plan_or_a_lock_starts_nothing(sandboxed: Project, sandbox_cache: Path) -> None:
    shutil.rmtree(sandbox_cache)
    for arguments in (
        ("--release-plan", "-m", "prerelease", "--release-target", "v0.1.10"),
        ("--release-lock",),
    ):
        assert sandboxed.pytest(*arguments).status == 0
    (home,) = sandbox_cache.glob("pytest-relgate/sandbox/*")
    assert not (home / "world.json").exists()
