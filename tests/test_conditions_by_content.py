"""A gate on dependencies is left out of a release that moved nothing but its own version, with the proof."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Project

QUICK = [word for name in ("randomly", "asyncio", "html") for word in ("-p", f"no:{name}")]
PROFILE = """\
project = "demo"
[tables]
dependencies = ["**/Cargo.toml"]
"""
GATES = """\
import pytest

pytestmark = pytest.mark.prerelease


def test_always():
    assert True


@pytest.mark.when_changed("dependencies")
def test_audit():
    assert True
"""
CARGO = '[package]\nname = "demo"\nversion = "{}"\n\n[dependencies]\nlibc = "{}"\n'


def test_moving_the_version_leaves_it_out_and_moving_a_dependency_does_not(bare_project: Project) -> None:
    project = bare_project
    project.write("release_checks/relgate.toml", PROFILE)
    project.write("release_checks/test_gates.py", GATES)
    project.write("Cargo.toml", CARGO.format("0.1.0", "0.2"))
    project.commit("gates")
    project.lock()
    project.git("tag", "-f", "v0.1.0")
    project.write("Cargo.toml", CARGO.format("0.2.0", "0.2"))
    project.commit("only the version")
    assert project.release(*QUICK).status == 0
    gate = project.evidence()["gates"][1]
    (proof,) = gate["conditions"]
    assert (gate["state"], proof["held"], proof["alike"]) == ("NOT_TRIGGERED", False, ["Cargo.toml"])
    assert "the dependency tables of Cargo.toml are the same" in proof["reason"]
    folder = str(project.folder())
    assert project.relgate("verify", folder, "--commit", project.git("rev-parse", "HEAD")).status == 0

    project.write("Cargo.toml", CARGO.format("0.2.0", "0.3"))
    project.commit("a dependency")
    assert project.release(*QUICK).status == 0
    assert project.states() == {"test_always": "PASSED", "test_audit": "PASSED"}

    project.write("Cargo.toml", "[package\n")
    project.commit("no manifest any more")
    done = project.release(*QUICK, "--release-plan=json")
    plan = json.loads(next(line for line in done.out.splitlines() if line.startswith("{")))
    assert [gate["will"] for gate in plan["gates"]] == ["run", "run"]


def test_a_set_that_names_no_file_is_refused_in_the_lock(bare_project: Project) -> None:
    bare_project.write("release_checks/relgate.toml", PROFILE)
    bare_project.write("release_checks/test_gates.py", GATES)
    bare_project.commit()
    done = bare_project.pytest("--release-lock")
    assert done.status == 4
    assert "the pattern '**/Cargo.toml' matches no file" in done.out
