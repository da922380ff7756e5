"""A sequence stops at the first gate that does not pass, and holds back the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project

QUICK = [word for name in ("randomly", "asyncio", "html") for word in ("-p", f"no:{name}")]
both = pytest.mark.parametrize("workers", ["-n0", "-n2"])

STEPS = """\
import os

import pytest

pytestmark = pytest.mark.prerelease


@pytest.mark.sequence
class TestSteps:
    def test_a(self):
        pass

    def test_b(self):
        {second}

    def test_c(self):
        pass

    def test_d(self):
        pass


def test_beside():
    pass
"""
GREEN = {f"TestSteps::test_{step}": "PASSED" for step in "abcd"} | {"test_beside": "PASSED"}


def steps(project: Project, second: str, marks: str = "") -> None:
    """Four steps in a sequence and a gate beside it, locked."""
    text = STEPS.format(second=second)
    if marks:
        text = text.replace("    def test_b(self)", f"    {marks}\n    def test_b(self)")
    project.write("release_checks/test_gates.py", text)
    project.lock()


@both
def test_every_step_that_passes_lets_the_next_one_run(project: Project, workers: str) -> None:
    steps(project, "pass")
    done = project.release(*QUICK, workers)
    assert (done.status, project.states()) == (0, GREEN), done.out


@both
@pytest.mark.parametrize(
    ("second", "state"),
    [
        ("assert False", "FAILED"),
        ("raise OSError", "FAILED"),
        ("raise ConnectionError", "ERRORED"),
        ("pytest.skip('later')", "SKIPPED"),
        ("return False", "INVALID"),
    ],
)
def test_the_first_that_does_not_pass_holds_back_the_rest(
    project: Project, workers: str, second: str, state: str
) -> None:
    steps(project, second)
    done = project.release(*QUICK, workers)
    assert done.status == 1
    held = {"TestSteps::test_b": state, "TestSteps::test_c": "BLOCKED_BY", "TestSteps::test_d": "BLOCKED_BY"}
    assert project.states() == GREEN | held, done.out
    reasons = {reason.get("gate"): reason["message"] for reason in project.evidence()["reasons"]}
    blocker = "test_gates.py::TestSteps::test_b"
    assert reasons["test_gates.py::TestSteps::test_c"] == f"blocked by {blocker}"
    assert reasons["test_gates.py::TestSteps::test_d"] == f"blocked by {blocker}"


@both
def test_a_step_that_only_advises_holds_nothing_back(project: Project, workers: str) -> None:
    steps(project, "assert False", "@pytest.mark.gate(advisory=True)")
    done = project.release(*QUICK, workers)
    assert (done.status, project.states()) == (0, GREEN | {"TestSteps::test_b": "FAILED"}), done.out


@both
def test_a_step_that_is_not_due_holds_nothing_back(project: Project, workers: str) -> None:
    steps(project, "assert False", "@pytest.mark.when_changed('README.md')")
    done = project.release(*QUICK, workers)
    assert (done.status, project.states()) == (0, GREEN | {"TestSteps::test_b": "NOT_TRIGGERED"}), done.out


@both
def test_a_worker_that_dies_in_a_step_stops_the_sequence(project: Project, workers: str) -> None:
    steps(project, "os._exit(0)")
    done = project.release(*QUICK, workers)
    if workers == "-n0":  # the one process is gone, and the evidence says no more than that
        assert (done.status, project.codes()) == (0, {"INCOMPLETE"})
        return
    assert done.status == 1
    held = {"TestSteps::test_c": "BLOCKED_BY", "TestSteps::test_d": "BLOCKED_BY"}
    assert project.states() == GREEN | {"TestSteps::test_b": "CRASHED"} | held, done.out
    assert project.codes() == {"CRASHED", "BLOCKED_BY"}


def test_a_worker_that_dies_in_a_step_that_only_advises_stops_nothing(project: Project) -> None:
    steps(project, "os._exit(0)", "@pytest.mark.gate(advisory=True)")
    done = project.release(*QUICK, "-n2")
    assert (done.status, project.states()) == (0, GREEN | {"TestSteps::test_b": "CRASHED"}), done.out


@both
def test_a_keyword_that_leaves_a_step_out_holds_back_what_comes_after(project: Project, workers: str) -> None:
    steps(project, "pass")
    done = project.release(*QUICK, workers, "-k", "test_a or test_c or test_d")
    assert done.status == 1
    held = {"TestSteps::test_c": "BLOCKED_BY", "TestSteps::test_d": "BLOCKED_BY"}
    missing = {"TestSteps::test_b": "MISSING", "test_beside": "MISSING"}
    assert project.states() == GREEN | held | missing, done.out


@both
def test_a_resumed_run_goes_on_where_the_sequence_stopped(project: Project, workers: str) -> None:
    steps(project, "assert True")
    done = project.release(*QUICK, workers, "-k", "test_a")
    assert done.status == 1
    assert project.states() == dict.fromkeys(GREEN, "MISSING") | {"TestSteps::test_a": "PASSED"}, done.out
    done = project.release(*QUICK, workers)
    assert (done.status, project.states()) == (0, GREEN), done.out
    attempts = {gate["id"]: len(gate["attempts"]) for gate in project.evidence()["gates"]}
    assert set(attempts.values()) == {1}


@both
def test_a_step_that_failed_before_still_holds_back_what_comes_after(project: Project, workers: str) -> None:
    """It passes now, and is FLAKY: what passed behind it was built on that."""
    steps(project, "assert not os.environ.get('RED')")
    held = {"TestSteps::test_c": "BLOCKED_BY", "TestSteps::test_d": "BLOCKED_BY"}
    red = project.release(*QUICK, workers, environ={"RED": "1"})
    assert project.states() == GREEN | held | {"TestSteps::test_b": "FAILED"}, red.out
    done = project.release(*QUICK, workers)
    assert done.status == 1
    assert project.states() == GREEN | held | {"TestSteps::test_b": "FLAKY"}, done.out


def test_a_class_that_is_no_sequence_judges_every_gate(project: Project) -> None:
    project.write(
        "release_checks/test_gates.py",
        STEPS.format(second="assert False").replace("@pytest.mark.sequence\n", ""),
    )
    project.lock()
    done = project.release(*QUICK, "-n2")
    assert project.states() == GREEN | {"TestSteps::test_b": "FAILED"}, done.out


def test_what_is_left_of_a_class_on_a_dead_worker_is_dealt_out_anew(project: Project) -> None:
    project.write(
        "release_checks/test_gates.py",
        STEPS.format(second="os._exit(0)").replace("@pytest.mark.sequence\n", ""),
    )
    project.lock()
    done = project.release(*QUICK, "-n2")
    assert project.states() == GREEN | {"TestSteps::test_b": "CRASHED"}, done.out
    assert project.codes() == {"CRASHED"}
