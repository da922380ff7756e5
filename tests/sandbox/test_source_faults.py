"""The core gates, with the machine's tools and with PATH cut down to Python and git. SPEC S16-S24, B10."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.exec.redact import Redactor
from pytest_relgate.exec.runner import CommandFailed, Runner
from pytest_relgate.outcome import finding_of
from pytest_relgate.sandbox.faults import find
from pytest_relgate.sandbox.repository import build_repository, ensure_repository
from pytest_relgate.sandbox.stand_ins import missing_tools

if TYPE_CHECKING:
    from conftest import Project

CHECKS = Path(__file__).parents[2] / "release_checks"
CORE = ("test_4_core.py", "relgate.toml")
QUICK = [word for name in ("randomly", "asyncio", "html") for word in ("-p", f"no:{name}")]


def path_of(tools: str, folder: Path) -> str:
    if tools == "real":
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        missing = set(missing_tools({"PATH": path})) - {"cargo-audit"}
        assert not missing, f"the tests need {missing}"
        return path
    folder.mkdir()
    git = shutil.which("git")
    assert git
    (folder / "git").symlink_to(git)
    (folder / "python3").symlink_to(sys.executable)
    return str(folder)


@pytest.fixture(params=["real", "stand-ins"])
def released(bare_project: Project, tmp_path: Path, request: pytest.FixtureRequest) -> Project:
    """A checkout with the core gates and a sandbox of its own, on a machine with all tools or with none."""
    for name in CORE:
        shutil.copy(CHECKS / name, bare_project.path / "release_checks" / name)
    bare_project.lock()
    bare_project.environ["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    bare_project.environ["PATH"] = path_of(request.param, tmp_path / "bin")
    bare_project.environ["GOCACHE"] = str(Path.home() / ".cache" / "go-build")
    return bare_project


def logs(project: Project) -> dict[str, str]:
    folder = project.folder(target="v0.1.10") / "logs"
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_the_main_job_passes(released: Project, request: pytest.FixtureRequest) -> None:
    done = released.release(*QUICK, "-n2", target="v0.1.10", timeout=240)
    evidence = released.evidence(target="v0.1.10")
    assert (done.status, evidence["verdict"], evidence["sandbox"]) == (0, "PASSED", True), done.out
    states = {gate["id"].partition("::")[2]: gate["state"] for gate in evidence["gates"]}
    assert states.pop("test_licensing_and_notices") == "NOT_TRIGGERED"  # nothing was built yet
    assert (len(states), set(states.values())) == (8, {"PASSED"}), done.out
    stood_in = "stand-ins" in request.node.name
    assert {name: "a stand-in" in text for name, text in logs(released).items()} == dict.fromkeys(
        logs(released), stood_in
    )


@pytest.mark.parametrize("released", ["stand-ins"], indirect=True)
def test_core_gates_are_proved_able_to_fail(released: Project) -> None:
    """The bindings' gates, which take longest, are held one fault at a time by the main command's tests."""
    words = ("--release-drill", "-k", "not TestBindings")
    done = released.release(*QUICK, *words, target="v0.1.10", timeout=240)
    path = released.path / "release-evidence" / "v0.1.10" / "drill-prerelease" / "drill.json"
    drill = json.loads(path.read_text())
    assert (len(drill["proved"]), drill["unproved"]) == (5, {}), done.out


COMMANDS = {
    "formatting": "cargo fmt --all -- --check",
    "lint": "cargo clippy --all-targets -- -D warnings",
    "test-failure": "cargo test",
    "python-binding-failure": "just bindings-test",
    "node-binding-failure": "just bindings-test",
    "go-binding-failure": "just bindings-test",
    "eager-addon": "bash scripts/node_remote_only_smoke.sh",
    "pack-without-addon": "bash scripts/node_pack_smoke.sh",
    "pack-without-notices": "bash scripts/node_pack_smoke.sh",
    "wheel-without-library": "bash scripts/python_wheel_smoke.sh",
    "publish-without-homebrew": "bash scripts/check_release_workflow_topology.sh",
    "publish-without-preflight": "bash scripts/check_release_workflow_topology.sh",
    "unlicensed-archive": "bash scripts/verify_licensing_notices.sh",
}


@pytest.mark.parametrize(("name", "command"), COMMANDS.items(), ids=list(COMMANDS))
def test_the_real_tools_find_the_same_faults(name: str, command: str, tmp_path: Path) -> None:
    fault = find(name)
    logs = tmp_path / "logs"
    logs.mkdir()
    run = Runner(
        cwd=ensure_repository(tmp_path / "plasmite", fault.files),
        logs=logs,
        slug="gate",
        redactor=Redactor(()),
        environ={**os.environ, "PATH": path_of("real", tmp_path)},
    )
    with pytest.raises(CommandFailed) as caught:
        run(command)
    found = finding_of(caught.value, "call", place="", xfail=None)
    assert found.state is fault.expect
    assert re.search(fault.says, found.message), found.message
    assert "a stand-in" not in (logs / "gate.txt").read_text()


def test_the_gates_judge_any_repository_that_has_what_they_run(released: Project, tmp_path: Path) -> None:
    other = build_repository(tmp_path / "other")
    released.release(*QUICK, "-k", "topology", f"--release-repo={other}", target="v0.1.10")
    evidence = released.evidence(target="v0.1.10")
    states = {gate["id"].partition("::")[2]: gate["state"] for gate in evidence["gates"]}
    with_bash = shutil.which("bash", path=released.environ["PATH"])
    assert evidence["sandbox"] is False
    # nothing stands in for a tool outside of the sandbox
    assert states["test_workflow_topology"] == ("PASSED" if with_bash else "ERRORED")


def test_a_licence_that_is_only_below_another_folder_does_not_count(tmp_path: Path) -> None:
    folder = build_repository(tmp_path / "plasmite")
    packed = folder / "dist" / "plasmite_0.1.10_linux_amd64.tar.gz"
    packed.parent.mkdir()
    for arguments, status in (
        (["LICENSE", "THIRD_PARTY_NOTICES.md"], 0),
        (["bindings/node/LICENSE", "THIRD_PARTY_NOTICES.md"], 1),
        (["LICENSE"], 1),
    ):
        subprocess.run(["tar", "-czf", packed, *arguments], cwd=folder, check=True)
        script = ["bash", "scripts/verify_licensing_notices.sh"]
        done = subprocess.run(script, cwd=folder, capture_output=True, text=True, check=False)
        assert (done.returncode, "lacks" in done.stdout) == (status, bool(status)), done.stdout
    packed.unlink()
    done = subprocess.run(script, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 2
