"""The thread from end to end: a run in a repository that is not ours becomes a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_healthy_release_passes_and_is_verified(project: Project, workers: str) -> None:
    done = project.release(workers)
    assert done.status == 0, done.out
    assert project.evidence()["verdict"] == "PASSED"
    assert set(project.states().values()) == {"PASSED"}
    head = project.git("rev-parse", "HEAD")
    verified = project.relgate("verify", "release-evidence/v0.2.0/prerelease", "--commit", head)
    assert (verified.status, verified.out.split()[0]) == (0, "PASSED"), verified.out


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_red_gate_blocks_and_says_what_was_found(project: Project, workers: str) -> None:
    project.write("src/demo.txt", "wrong\n")
    project.write(
        "release_checks/test_gates.py",
        "import pytest\n\npytestmark = pytest.mark.prerelease\n\n\n"
        'def test_one(release):\n    """The source is right."""\n'
        '    text = (release.repository / "src/demo.txt").read_text()\n'
        '    assert text == "new\\n"\n\n\n'
        "def test_two():\n    pass\n",
    )
    project.lock()
    done = project.release(workers)
    assert done.status == 1, done.out
    assert project.states() == {"test_one": "FAILED", "test_two": "PASSED"}
    assert "FAILED" in done.out
    assert "The source is right" in done.out
    assert "release_checks/test_gates.py:6" in done.out
    verified = project.relgate("verify", "release-evidence/v0.2.0/prerelease")
    assert (verified.status, verified.out.split()[0]) == (1, "BLOCKED"), verified.out
