"""A drill shows that gates can fail: green without their faults, red with each, for the right reason."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Outcome, Project

QUICK = [word for name in ("randomly", "asyncio", "html") for word in ("-p", f"no:{name}")]
PROFILE = """\
project = "demo"

[faults.no-section]
line = "the changelog has no section for the version"
file = "CHANGELOG.md"
find = "## 0.2.0"
replace = "## next"
says = "no section for 0.2.0"

[faults.elsewhere]
line = "a file that no gate reads"
file = "elsewhere.txt"
replace = "changed"
says = "elsewhere"
"""
CHANGELOG = '''\
import pytest

pytestmark = pytest.mark.prerelease


@pytest.mark.gate(faults=("{fault}",))
def test_changelog(release):
    """The changelog has the version."""
    text = (release.repository / "CHANGELOG.md").read_text()
    assert f"## {{release.version}}" in text, {words}
'''
SEES = CHANGELOG.format(fault="no-section", words='f"no section for {release.version}"')


@pytest.fixture
def drilled(bare_project: Project) -> Project:
    bare_project.write("CHANGELOG.md", "# Changes\n\n## 0.2.0\n")
    bare_project.write("release_checks/relgate.toml", PROFILE)
    return bare_project


def drill(project: Project, gate: str, *args: str) -> Outcome:
    project.write("release_checks/test_gates.py", gate)
    project.lock()
    return project.release(*QUICK, "--release-drill", *args)


def drill_of(project: Project) -> dict[str, object]:
    path = project.path / "release-evidence" / "v0.2.0" / "drill-prerelease" / "drill.json"
    found: dict[str, object] = json.loads(path.read_text())
    return found


def test_a_gate_that_sees_its_fault_is_proved(drilled: Project) -> None:
    done = drill(drilled, SEES)
    assert done.status == 0, done.out
    assert "1 of 1 gate proved able to fail" in done.out
    assert drill_of(drilled)["proved"] == ["test_gates.py::test_changelog"]
    page = drilled.path / "release-evidence/v0.2.0/drill-prerelease/drill.md"
    assert "the changelog has no section for the version" in page.read_text()


def test_a_gate_that_does_not_see_its_fault_is_named_and_the_drill_fails(drilled: Project) -> None:
    done = drill(drilled, CHANGELOG.format(fault="elsewhere", words="'elsewhere'"))
    assert done.status == 1, done.out
    assert "0 of 1 gate proved able to fail" in done.out
    assert "under elsewhere it is PASSED: it did not see the fault" in " ".join(done.out.split())


def test_a_gate_that_is_red_for_another_reason_is_not_proved(drilled: Project) -> None:
    done = drill(drilled, CHANGELOG.format(fault="no-section", words="'boom'"))
    assert done.status == 1, done.out
    assert "RED FOR ANOTHER REASON" in done.out


def test_a_gate_that_is_red_without_its_fault_is_not_proved(drilled: Project) -> None:
    drilled.write("CHANGELOG.md", "# Changes\n\n## 0.2.0 is next\n")
    gate = SEES.replace('f"## {release.version}" in text', 'f"## {release.version}\\n" in text')
    done = drill(drilled, gate)
    assert done.status == 1, done.out
    assert "without a fault it is FAILED" in " ".join(done.out.split())
    assert "RED WITHOUT IT TOO" in done.out
    assert "PROVED" not in done.out


def test_a_gate_without_faults_is_listed_and_does_not_fail_the_drill(drilled: Project) -> None:
    done = drill(drilled, SEES + "\n\ndef test_other(run):\n    run('git status')\n")
    assert done.status == 0, done.out
    assert "1 of 2 gates proved able to fail" in done.out
    assert drill_of(drilled)["unproved"] == {"test_gates.py::test_other": "names no fault"}


def test_a_drill_leaves_repository_and_evidence_as_they_were(drilled: Project) -> None:
    drilled.write("release_checks/test_gates.py", SEES)
    drilled.lock()
    assert drilled.release(*QUICK).status == 0
    before = drilled.folder().joinpath("evidence.json").read_bytes()
    assert drilled.release(*QUICK, "--release-drill").status == 0
    assert drilled.folder().joinpath("evidence.json").read_bytes() == before
    assert drilled.git("status", "--porcelain") == ""
    assert drilled.git("log", "-1", "--format=%s") == "lock"


def test_a_gate_that_only_misses_what_git_ignores_is_not_proved(drilled: Project) -> None:
    drilled.write(".gitignore", "ignored/\n")
    drilled.write("ignored/changelog.sh", "exit 0\n")
    gate = (
        "import pytest\n\n\n@pytest.mark.prerelease\n@pytest.mark.gate(faults=('no-section',))\n"
        "def test_changelog(run):\n    run('sh ignored/changelog.sh')\n"
    )
    drilled.write("release_checks/relgate.toml", PROFILE.replace("no section for 0.2.0", "changelog"))
    done = drill(drilled, gate)
    assert done.status == 1, done.out
    assert "0 of 1 gate proved able to fail" in done.out


def test_a_drill_leaves_nothing_for_git_to_see(drilled: Project) -> None:
    drill(drilled, SEES)
    assert drilled.git("status", "--porcelain") == ""


def test_a_drill_in_the_sandbox_says_nothing_of_a_release(drilled: Project) -> None:
    drill(drilled, SEES)
    path = drilled.path / "release-evidence/v0.2.0/drill-prerelease/drill.json"
    path.write_text(path.read_text().replace('"sandbox": false', '"sandbox": true'))
    assert drill_of(drilled)["sandbox"] is True
    assert drilled.release(*QUICK).status == 0
    assert drilled.evidence()["drill"] is None


def test_a_phase_that_rests_on_others_is_not_drilled(drilled: Project) -> None:
    drilled.write("release_checks/test_gates.py", SEES.replace("mark.prerelease", "mark.rehearsal"))
    drilled.lock()
    done = drilled.release(*QUICK, "--release-drill", phase="rehearsal")
    assert done.status == 4, done.out
    assert "rehearsal rests on evidence of prerelease, build" in done.out


def test_what_is_settled_is_drilled_all_the_same(drilled: Project) -> None:
    drilled.write("release_checks/test_gates.py", SEES)
    drilled.lock()
    assert drilled.release(*QUICK).status == 0
    assert "1 of 1 gate" in drilled.release(*QUICK, "--release-drill").out


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_the_next_report_of_these_checks_says_what_was_proved(drilled: Project, workers: str) -> None:
    drill(drilled, SEES + "\n\ndef test_other(run):\n    run('git status')\n")
    assert drilled.release("-p", "no:randomly", "-p", "no:asyncio", workers).status == 0
    assert drilled.evidence()["drill"]["proved"] == ["test_gates.py::test_changelog"]
    for name in ("report.md", "report.html"):
        text = (drilled.folder() / name).read_text()
        assert "1 of 2 gates proved able to fail" in text
        assert "test_other" in text.partition("Not proved able to fail")[2][:200]
    assert drilled.relgate("verify", "release-evidence/v0.2.0/prerelease", "--commit", "HEAD").status == 0


def test_a_drill_of_other_checks_says_nothing(drilled: Project) -> None:
    drill(drilled, SEES)
    drilled.write("release_checks/test_gates.py", SEES + "\n# another thought\n")
    drilled.commit("change the checks")
    assert drilled.release(*QUICK).status == 0
    assert drilled.evidence()["drill"] is None


@pytest.mark.parametrize(
    ("gate", "args", "told"),
    [
        (SEES.replace("no-section", "nothing-known"), (), "the fault nothing-known is not in [faults]"),
        (
            "import pytest\n\n\n@pytest.mark.prerelease\ndef test_a():\n    pass\n",
            (),
            "no gate names a fault",
        ),
        (SEES, ("--release-plan",), "two different wishes"),
        (SEES, ("--release-repo", "sandbox:ci-red"), "a drill begins without faults"),
    ],
    ids=["unknown", "none", "plan", "faulty"],
)
def test_what_cannot_be_drilled_is_refused_in_one_line(
    drilled: Project, gate: str, args: tuple[str, ...], told: str
) -> None:
    done = drill(drilled, gate, *args)
    assert done.status == 4, done.out
    assert told in done.out
    assert "Traceback" not in done.out
    assert "INTERNALERROR" not in done.out


def test_a_fault_that_changes_nothing_is_refused(drilled: Project) -> None:
    drilled.write("CHANGELOG.md", "# Changes\n\n## 0.2.0\n")
    drilled.write("release_checks/relgate.toml", PROFILE.replace('find = "## 0.2.0"', 'find = "## 0.9.0"'))
    done = drill(drilled, SEES)
    assert done.status == 4, done.out
    assert "CHANGELOG.md does not hold" in done.out


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('file = "../outside"', "expected a path inside the repository under release"),
        ('file = "/etc/passwd"', "expected a path inside the repository under release"),
        ('file = ".git/config"', "expected a path inside the repository under release"),
        ('says = "("', "expected a regular expression"),
        ('says = " "', "expected words of the gate's message"),
        ('expect = "PASSED"', "FAILED"),
        ('wrong = "x"', "wrong"),
    ],
)
def test_a_malformed_fault_is_refused(drilled: Project, line: str, told: str) -> None:
    key = line.partition(" ")[0]
    kept = [
        one for one in PROFILE.partition("[faults.elsewhere]")[0].splitlines() if key != one.split(" ")[0]
    ]
    drilled.write("release_checks/relgate.toml", "\n".join([*kept, line, ""]))
    done = drilled.release(*QUICK)
    assert done.status == 4, done.out
    assert told in done.out
    assert "relgate.toml:" in done.out
