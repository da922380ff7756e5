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
    assert done.line("Logs ") == "Logs      release-evidence/v0.2.0/prerelease/logs/"  # where that is
    message = bare_project.evidence()["gates"][0]["attempts"][0]["message"]
    assert message.splitlines()[-1] == "error: no -lplasmite"
    assert bare_project.states()["test_time"] == "TIMED_OUT"
    closing = done.out[done.out.index("= BLOCKED v0.2.0 =") :]
    wide = [line for line in closing.splitlines() if len(line) > 80 and "release-evidence" not in line]
    assert not wide


def test_a_mistyped_option_is_named(project: Project) -> None:
    done = project.pytest("-m", "prerelease", "--release-taget", "v0.2.0")
    assert done.status == 4
    assert "ERROR: --release-taget is no option: did you mean --release-target?" in done.out


def test_a_gate_that_is_gone_says_how_to_bring_it_back_or_plan_without_it(project: Project) -> None:
    gates = project.path / "release_checks/test_gates.py"
    gates.write_text(gates.read_text().replace("test_two", "test_other"), encoding="utf-8")
    project.commit("rename")
    done = project.release()
    assert done.status == 1
    (missing,) = [reason for reason in project.evidence()["reasons"] if reason["code"] == "MISSING"]
    assert missing["remedy"].startswith(
        "bring the gate back; if it is gone on purpose, `pytest --release-lock`"
    )


def test_a_sign_off_is_copied_from_the_screen_and_stays_visible(bare_project: Project) -> None:
    bare_project.write(
        "release_checks/test_gates.py",
        "import pytest\n\npytestmark = pytest.mark.prerelease\n\n\n"
        "def test_one(release):\n    assert (release.repository.parent / 'up').exists()\n",
    )
    bare_project.lock()
    assert bare_project.release().status == 1
    (bare_project.path.parent / "up").write_text("yes", encoding="utf-8")
    flaky = bare_project.release()
    assert flaky.status == 1
    (reason,) = bare_project.evidence()["reasons"]
    ready = reason["remedy"].partition("[[signoff]] ")[2]
    for word in ("tree =", "person =", "cause ="):
        ready = ready.replace(word, f"\n{word}")
    bare_project.write("release_checks/signoffs.toml", "[[signoff]]\n" + ready.replace('"..."', '"staging"'))
    bare_project.commit("sign off")
    done = bare_project.release()
    assert done.status == 0, done.out
    assert "Signed    " in done.out
    bare_project.write("src/demo.txt", "another tree\n")
    bare_project.commit("go on")
    done = bare_project.release()
    assert "Note      the sign-off of test_gates.py::test_one is for tree" in done.out


def test_a_finding_is_shown_at_the_gates_own_line(bare_project: Project) -> None:
    bare_project.write("package.json", '{"name": "demo", "version": "0.1.9"}\n')
    bare_project.write("release_checks/relgate.toml", 'project = "demo"\nmanifests = ["package.json"]\n')
    bare_project.write(
        "release_checks/test_gates.py",
        "import pytest\n\n\n@pytest.mark.prerelease\ndef test_versions(source, release):\n"
        "    assert source.carries(release.version)\n",
    )
    bare_project.lock()
    done = bare_project.release()
    assert "release_checks/test_gates.py:6: Finding" in done.out, done.out
    assert "raise Finding" not in done.out


def test_what_a_faulty_sandbox_came_to_fits_into_80_columns(bare_project: Project) -> None:
    bare_project.write("release_checks/test_gates.py", GATES.replace("sleep 30", "true"))
    bare_project.lock()
    bare_project.environ["XDG_CACHE_HOME"] = str(bare_project.path.parent / "cache")
    done = bare_project.release("--release-repo", "sandbox:version-drift,unfinished-changelog")
    closing = done.out[done.out.index("= BLOCKED v0.2.0 =") :].splitlines()
    assert "in the sandbox with version-drift" in closing[1]
    assert all(len(line) <= 80 for line in closing[:3]), closing[:3]


def test_what_nobody_can_judge_is_shown_without_the_way_there(bare_project: Project) -> None:
    bare_project.write(
        "release_checks/test_gates.py",
        "import pytest\n\n\n@pytest.mark.prerelease\ndef test_ci(github):\n    assert github.answers()\n",
    )
    bare_project.lock()
    done = bare_project.release()
    said = done.out[done.out.index("ERROR at setup of test_ci") : done.out.index("short test summary")]
    assert "CannotJudge" in said
    assert "functools.py" not in said
    assert "site-packages" not in said
    assert len(said.splitlines()) < 40, said
