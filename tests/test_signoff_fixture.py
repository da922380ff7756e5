"""A review, a waiver: what a person sees from the red gate to the release, and after it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project

QUICK = [word for name in ("randomly", "asyncio", "html") for word in ("-p", f"no:{name}")]
GATE = "test_gates.py::test_review"
GATES = """\
import pytest

pytestmark = pytest.mark.prerelease


def test_good():
    assert 1 == 1


@pytest.mark.when_changed("server")
def test_review(signoff):
    assert signoff.covers("server")
"""
PROFILE = 'project = "demo"\n\n[changes]\nserver = ["src/"]\n'
SIGNOFFS = "release_checks/signoffs.toml"


@pytest.fixture
def reviewed(bare_project: Project) -> Project:
    bare_project.write("release_checks/relgate.toml", PROFILE)
    bare_project.write("release_checks/test_gates.py", GATES)
    bare_project.lock()
    return bare_project


def entry(out: str) -> str:
    """The entry that the terminal prints, as somebody copies it."""
    lines = [line.strip() for line in out.splitlines()]
    start = lines.index("[[review]]")
    return "\n".join(lines[start : start + 5]) + "\n"


def test_a_change_is_read_signed_and_released_until_it_changes_again(reviewed: Project) -> None:
    done = reviewed.release(*QUICK)
    assert (done.status, reviewed.states()["test_review"]) == (1, "FAILED")
    assert re.search(r"found +nobody signed off what changed in server since v0\.1\.0 \(1 file,", done.out)
    pasted = entry(done.out)
    assert pasted.startswith(f'[[review]]\ngate="{GATE}"\ndiff="sha256:')

    signed = pasted.replace('person="..."', 'person="grace"').replace('reason="..."', 'reason="read twice"')
    reviewed.write(SIGNOFFS, signed)
    reviewed.commit("sign off")
    done = reviewed.release(*QUICK, "-n2")
    assert (done.status, reviewed.states()["test_review"]) == (0, "PASSED"), done.out
    told = "signed off by grace: read twice (diff sha256:"
    assert told in " ".join(done.out.split())
    assert told in " ".join((reviewed.folder() / "report.md").read_text().replace("`", "").split())
    (attempt,) = [gate["attempts"][-1] for gate in reviewed.evidence()["gates"] if gate["id"] == GATE]
    assert f'diff="{attempt["signed"][0]}"' in pasted
    verified = reviewed.relgate("verify", str(reviewed.folder()))
    assert (verified.status, told in " ".join(verified.out.split())) == (0, True), verified.out

    reviewed.git("rm", "-q", SIGNOFFS)
    reviewed.commit("take it back")
    done = reviewed.release(*QUICK)
    assert (done.status, reviewed.states()) == (1, {"test_good": "PASSED", "test_review": "FAILED"})

    reviewed.write(SIGNOFFS, signed)
    reviewed.write("src/demo.txt", "one more commit\n")
    reviewed.commit()
    done = reviewed.release(*QUICK)
    assert (done.status, reviewed.states()["test_review"]) == (1, "FAILED")
    assert "what grace reviewed of server is another diff" in " ".join(done.out.split())


WAIVER = """\
[[waiver]]
gate = "test_gates.py::test_known"
release = "v0.2.0"
states = ["FAILED"]
reason = "known upstream"
owner = "Ada"
approver = "ada"
created = "{created}"
expires = "{expires}"
"""


def test_a_waived_failure_still_shows_and_is_an_exception_that_one_person_made(bare_project: Project) -> None:
    project = bare_project
    project.write("release_checks/relgate.toml", 'project = "demo"\n\n[approvers]\npeople = ["ada"]\n')
    project.write(
        "release_checks/test_gates.py",
        "import pytest\n\npytestmark = pytest.mark.prerelease\n\n\ndef test_good():\n    assert 1 == 1\n\n\n"
        'def test_known():\n    """The known one."""\n    assert 0, "the port is taken"\n',
    )
    created = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    times = {"created": created.isoformat(), "expires": (created + timedelta(days=7)).isoformat()}
    project.write("release_checks/waivers.toml", WAIVER.format(**times))
    project.lock()
    done = project.release("-p", "no:randomly", "-p", "no:asyncio")
    assert (done.status, project.states()["test_known"]) == (0, "WAIVED"), done.out
    said = " ".join(done.out.split())
    assert "Waived The known one: waived by Ada for v0.2.0 until " in said
    words = (
        "approved by ada, self-approved; covers FAILED; policy exception, an incident; it lets go "
        "FAILED: the port is taken"
    )
    assert words in said
    for name in ("report.md", "report.html"):
        assert words in " ".join((project.folder() / name).read_text().replace("`", "").split()), name
    (gate,) = [gate for gate in project.evidence()["gates"] if gate["state"] == "WAIVED"]
    assert "policy exception (an incident): waived by Ada" in gate["why"]
    assert gate["attempts"][0]["outcome"] == "FAILED"
    assert [one["gate"] for one in project.evidence()["waivers"]] == ["test_gates.py::test_known"]


BOTH = """

@pytest.mark.when_changed("server")
def test_both(run, signoff):
    run(['sh', '-c', 'test -z $BROKEN'])
    assert signoff.covers("server")


@pytest.mark.when_changed("server")
def test_torn_down(signoff, worn):
    assert signoff.covers("server")


@pytest.fixture
def worn():
    import os

    yield
    assert "BROKEN" not in os.environ
"""


def test_what_fails_in_a_gate_that_asks_for_a_review_is_remembered_and_the_review_alone_is_not(
    bare_project: Project,
) -> None:
    """A flaky command does not hide behind a fixture: only a person's word answers for what waited for it."""
    project = bare_project
    project.write("release_checks/relgate.toml", PROFILE)
    project.write("release_checks/test_gates.py", GATES + BOTH)
    project.lock()
    assert "reads_world" not in (project.path / "release_checks/gates.lock").read_text()
    project.write("src/server.py", "new\n")
    project.commit("change the server")
    done = project.release(*QUICK, environ={"BROKEN": "yes"})
    assert set(project.states().values()) == {"PASSED", "FAILED"}, done.out
    signed = (
        entry(done.out).replace('person="..."', 'person="grace"').replace('reason="..."', 'reason="read"')
    )
    every = [signed.replace(GATE, GATE.replace("review", name)) for name in ("review", "both", "torn_down")]
    project.write(SIGNOFFS, "".join(every))
    project.commit("sign off")
    planned = project.release(*QUICK, "--release-plan").out
    assert planned.count("a pass would be FLAKY") == 2
    project.release(*QUICK)
    assert project.states() == {
        "test_good": "PASSED",
        "test_review": "PASSED",
        "test_both": "FLAKY",
        "test_torn_down": "FLAKY",
    }
