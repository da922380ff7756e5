"""What somebody found who set out to get a false green, or a healthy project refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project

LIVE = ("--release-mode", "live", "--release-agent", "ada@laptop")


def test_a_pass_of_a_dry_run_is_no_pass_of_a_live_one(bare_project: Project) -> None:
    bare_project.write(
        "release_checks/test_gates.py",
        "import pytest\n\npytestmark = pytest.mark.prerelease\n\n\n"
        "def test_one(release):\n    assert release.mode != 'live'\n",
    )
    bare_project.lock()
    assert bare_project.release().status == 0
    live = bare_project.release(*LIVE)
    assert live.status == 1, live.out
    assert bare_project.states() == {"test_one": "FAILED"}


def test_a_healthy_live_run_after_a_dry_one_passes(project: Project) -> None:
    assert project.release().status == 0
    assert project.release(*LIVE).status == 0
    verified = project.relgate("verify", "release-evidence/v0.2.0/prerelease")
    assert verified.status == 0, verified.out


def test_an_edited_gate_in_a_folder_named_like_a_version_is_dirt(bare_project: Project) -> None:
    head = "import pytest\n\npytestmark = pytest.mark.postrelease\n\n\ndef test_one():\n"
    gate = bare_project.write("release_checks/v1.0.0/test_v1.py", head + "    assert 1 == 2\n")
    bare_project.lock()
    bare_project.git("tag", "v0.2.0")
    gate.write_text(head + "    pass\n", encoding="utf-8")
    assert bare_project.release(phase="postrelease").status == 1
    reasons = bare_project.evidence("postrelease")["reasons"]
    assert {reason["code"] for reason in reasons} == {"DIRTY_CHECKS"}


def test_another_configuration_is_no_way_round_the_memory(project: Project) -> None:
    project.write("tox.ini", "[pytest]\n")
    project.commit("ini")
    done = project.release("-c", "tox.ini")
    assert done.status == 4
    assert "ERROR: -c tox.ini names another configuration" in done.out


@pytest.mark.parametrize(
    "addopts", ["--ignore=tests/e2e", "--deselect tests/test_x.py::test_y", "-k 'not slow'"]
)
def test_what_addopts_leave_out_of_the_projects_tests_does_not_keep_a_lock_from_being_written(
    project: Project, addopts: str
) -> None:
    project.write("pytest.ini", f"[pytest]\naddopts = {addopts}\n")
    project.commit("addopts")
    written = project.pytest("--release-lock")
    assert written.status == 0, written.out
    assert project.release().status == 0
