"""What a person reads of a red gate, in the terminal at 80 columns and in the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Project

GATES = '''
import pytest

pytestmark = pytest.mark.prerelease


def test_build(run):
    """The build passes."""
    run(["bash", "-c", "seq 9; echo error: no -lplasmite; exit 3"])


def test_time(run):
    """It is quick."""
    run("sleep 30")
'''


def test_a_failed_command_shows_the_end_of_its_output(bare_project: Project) -> None:
    bare_project.write("release_checks/test_gates.py", GATES)
    bare_project.write("release_checks/relgate.toml", 'project = "demo"\n[limits]\ngate = "2s"\n')
    bare_project.lock()
    done = bare_project.release()
    assert done.status == 1, done.out
    card = done.out[done.out.index("FAILED    The build passes") :]
    assert "exited with 3" in card
    assert "error: no -lplasmite" in card
    assert "log     logs/test_gates.py-test_build-" in card
    message = bare_project.evidence()["gates"][0]["attempts"][0]["message"]
    assert message.splitlines()[-1] == "error: no -lplasmite"
    assert bare_project.states()["test_time"] == "TIMED_OUT"
    closing = done.out[done.out.index("= BLOCKED v0.2.0 =") :]
    wide = [line for line in closing.splitlines() if len(line) > 80 and "release-evidence" not in line]
    assert not wide
