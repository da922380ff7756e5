"""A gate that is not due is drilled too, however the command line is narrowed: a fault may make it due."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Project

QUICK = [word for name in ("randomly", "asyncio", "html") for word in ("-p", f"no:{name}")]
PROFILE = """\
project = "demo"
[changes]
words = ["words.txt"]
[faults.bad-word]
line = "a word that is not there"
file = "words.txt"
replace = "bad"
says = "bad word"
"""
GATES = """\
import pytest

pytestmark = pytest.mark.prerelease


@pytest.mark.when_changed("words")
@pytest.mark.gate(faults=("bad-word",))
def test_words(release):
    assert (release.repository / "words.txt").read_text() != "bad", "bad word"


def test_other():
    assert True
"""


def test_a_gate_that_is_not_due_is_proved_able_to_fail(bare_project: Project) -> None:
    bare_project.write("release_checks/relgate.toml", PROFILE)
    bare_project.write("release_checks/test_gates.py", GATES)
    bare_project.write("words.txt", "good")
    bare_project.commit()
    bare_project.git("tag", "-f", "v0.1.0")
    bare_project.lock()
    done = bare_project.release(*QUICK, "--release-drill", "-k", "words")
    drilled = next((bare_project.path / "release-evidence").rglob("drill.json"))
    drill = json.loads(drilled.read_text())
    assert (drill["proved"], drill["unproved"]) == (["test_gates.py::test_words"], {}), done.out
