"""What a refusal, a plan, a verdict or a verification tells somebody to do is true and can be typed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project

WORKERS = pytest.mark.parametrize("workers", ["-n0", "-n2"])
MARK = "import pytest\n\npytestmark = pytest.mark.prerelease\n\n\n"
BAD = "import os\nimport pytest\n\npytestmark = pytest.mark.prerelease\n\n\n"
BAD += "def test_one():\n    assert 'BAD' not in os.environ, 'BAD is set'\n\n\ndef test_two():\n    pass\n"


@pytest.mark.parametrize(
    ("option", "instead"),
    [
        ("--assert=plain", " or type --assert=rewrite"),
        ("--confcutdir=tests", " or type --confcutdir=."),
        ("-p no:timeout", " or type -p timeout"),
        ("--dist each", ""),
        ("--collect-only", ""),
    ],
)
def test_an_option_that_stands_in_addopts_is_found_there(project: Project, option: str, instead: str) -> None:
    project.write("tests/x.txt", "")
    project.write("pytest.ini", f"[pytest]\naddopts = -ra {option}\n")
    project.commit("addopts")
    refused = project.release()
    assert refused.status == 4
    assert f": it stands in addopts of pytest.ini, take it out there{instead}\n" in refused.out
    if instead:
        typed = project.release(*instead.removeprefix(" or type ").split())
        assert typed.status == 0, typed.out


def test_an_option_of_the_environment_is_found_there_and_a_typed_one_is_taken_off(project: Project) -> None:
    told = project.release(environ={"PYTEST_ADDOPTS": "--assert plain"}).out
    assert "--assert=plain hides what a gate found: it stands in PYTEST_ADDOPTS, take it out there" in told
    assert "--assert=plain hides what a gate found: take it off\n" in project.release("--assert=plain").out


def test_a_word_that_is_nearly_a_phase_is_asked_about(project: Project) -> None:
    meant = "did you mean -m prerelease?"
    assert (
        f"relgate: prerelase is no phase and no marker here: {meant}\n"
        in project.pytest("-m", "prerelase").out
    )
    refused = project.release(phase="prerelase")
    assert (refused.status, meant in refused.out) == (4, True)
    project.write("pytest.ini", "[pytest]\nmarkers = prerelase: of this project\n")
    assert meant not in project.pytest("-m", "prerelase").out
    assert meant not in project.release(phase="prerelase").out


@WORKERS
@pytest.mark.parametrize(
    ("conftest", "ignore"),
    [
        ("release_checks/conftest.py", "collect_ignore = ['sub']"),
        ("release_checks/sub/conftest.py", "collect_ignore_glob = ['test_*']"),
    ],
)
def test_a_conftest_that_leaves_gates_out_is_named(
    project: Project, conftest: str, ignore: str, workers: str
) -> None:
    project.write("release_checks/sub/test_more.py", MARK + "def test_three():\n    pass\n")
    project.lock()
    project.write(conftest, f"{ignore}\n")
    project.commit("ignore")
    assert project.release(workers).status == 1
    (reason,) = project.evidence()["reasons"]
    name = ignore.partition(" ")[0]
    assert (reason["code"], reason["message"]) == ("MISSING", f"{name} in {conftest} leaves it out")


def test_a_plan_says_what_rules_passed_out_and_which_pass_would_be_flaky(bare_project: Project) -> None:
    project = bare_project
    project.write("release_checks/test_gates.py", BAD)
    project.lock()
    assert project.release(environ={"BAD": "1"}).status == 1
    plan = project.release("--release-plan").out
    assert (
        "run        test_gates.py::test_one\n           it failed on this tree: a pass would be FLAKY" in plan
    )
    assert "cannot pass" not in plan
    project.write("src/demo.txt", "edited\n")
    plan = project.release("--release-plan").out
    assert "cannot pass: the tree is not as committed: src/demo.txt" in plan
    line = project.release("--release-plan=json").out.splitlines()
    (found,) = [json.loads(one) for one in line if one.startswith("{")]
    assert found["cannot_pass"] == ["the tree is not as committed: src/demo.txt"]


@WORKERS
def test_an_unplanned_gate_that_failed_says_both(project: Project, workers: str) -> None:
    project.write(
        "release_checks/test_more.py", MARK + "def test_more():\n    assert 1 == 2, 'it is wrong'\n"
    )
    project.commit("not in the lock")
    assert project.release(workers).status == 1
    (reason,) = project.evidence()["reasons"]
    assert reason["code"] == "UNPLANNED"
    assert "collected and not in gates.lock" in reason["message"]
    assert "; it did not pass either: it is wrong" in reason["message"]


def test_verification_says_what_to_do_about_each_reason(project: Project) -> None:
    project.write(
        "release_checks/test_gates.py",
        MARK + "@pytest.mark.gate(remedy='mend the first')\ndef test_one():\n    assert 0\n\n\n"
        "def test_two():\n    assert 0\n",
    )
    project.lock()
    project.release()
    told = project.relgate("verify", str(project.folder())).out
    assert told.count("  do: ") == 2
    assert told.index("test_one") < told.index("do: mend the first") < told.index("test_two")
    assert "do: correct what it found and commit" in told
    answer = json.loads(project.relgate("verify", str(project.folder()), "--json").out)
    assert [one.partition(" ")[0] for one in answer["remedies"]] == ["mend", "correct"]


def test_a_commit_that_nobody_knows_is_not_stale(project: Project) -> None:
    project.release()
    unknown = project.relgate("verify", str(project.folder()), "--commit", "1234567")
    assert unknown.status == 2
    assert f"--commit: 1234567 is no commit of {project.path}: type git fetch there" in unknown.out
    stale = project.relgate("verify", str(project.folder()), "--commit", "v0.1.0")
    assert (stale.status, stale.out.split()[0]) == (1, "STALE")


def test_a_sign_off_that_was_used_is_told_wherever_the_gate_is(bare_project: Project) -> None:
    project = bare_project
    project.write("release_checks/test_gates.py", BAD)
    project.lock()
    project.release(environ={"BAD": "1"})
    assert project.release().status == 1
    assert project.states()["test_one"] == "FLAKY"
    page = (project.folder() / "report.html").read_text()
    card = page[page.index('data-state="FLAKY"') :].partition("</article>")[0]
    assert card.count("failed") - card.count("failed before") == 1, "what was seen is told once"
    assert "BAD is set" in card
    tree = project.evidence()["subject"]["tree"]
    project.write(
        "release_checks/signoffs.toml",
        f'[[signoff]]\ngate = "test_gates.py::test_one"\ntree = "{tree}"\nperson = "Grace"\n'
        'cause = "BAD was exported by hand"\n',
    )
    project.commit("sign-off")
    done = project.release()
    assert done.status == 0, done.out
    words = "signed off by Grace: BAD was exported by hand"
    verified = project.relgate("verify", str(project.folder()))
    assert verified.status == 0, verified.out
    folded = " ".join(verified.out.split())
    assert "note: test_gates.py::test_one: " in folded
    for text in (done.out, folded):
        assert words in " ".join(text.split())
    report = (project.folder() / "report.md").read_text()
    assert report.count("Grace") == 2, "in the list and in its row"
    assert (project.folder() / "report.html").read_text().count(words) >= 2
