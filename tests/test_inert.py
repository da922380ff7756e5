"""A run that asks for no phase: the project's own tests run as if this plugin were not installed."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project

HEADER = "relgate: gates in release_checks/ are left out; pytest -m prerelease runs them"
QUICK = [word for name in ("randomly", "asyncio", "html") for word in ("-p", f"no:{name}")]


@pytest.fixture
def own_tests(project: Project) -> Project:
    """A project with gates and with tests of its own."""
    project.write("tests/test_own.py", "def test_own():\n    pass\n")
    project.write("pytest.ini", "[pytest]\ntestpaths = tests release_checks\nmarkers = slow\n")
    project.commit("tests")
    return project


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_bare_run_leaves_gates_out_and_says_so_once(own_tests: Project, workers: str) -> None:
    done = own_tests.pytest(*QUICK, workers)
    assert done.status == 0, done.out
    assert "1 passed" in done.out
    assert done.out.splitlines().count(HEADER) == 1
    assert done.out.count("relgate:") == 1


@pytest.mark.parametrize(("body", "status"), [("pass", 0), ("assert False", 1)])
def test_a_bare_run_exits_as_it_would_without_the_plugin(own_tests: Project, body: str, status: int) -> None:
    own_tests.write("tests/test_own.py", f"def test_own():\n    {body}\n")
    without = own_tests.pytest(*QUICK, "-p", "no:relgate", "tests")
    assert (own_tests.pytest(*QUICK).status, without.status) == (status, status)


def test_a_bare_run_writes_nothing(own_tests: Project) -> None:
    own_tests.pytest(*QUICK, environ={"PYTHONDONTWRITEBYTECODE": "1"})
    assert own_tests.git("status", "--porcelain", "--ignored") == ""


def test_other_mark_expressions_are_none_of_ours(own_tests: Project) -> None:
    own_tests.write(
        "tests/test_own.py",
        "import pytest\n\n\n@pytest.mark.slow\ndef test_slow():\n    assert False\n\n\n"
        "def test_own():\n    pass\n",
    )
    done = own_tests.pytest(*QUICK, "-m", "not slow")
    assert (done.status, "1 passed, 3 deselected" in done.out) == (0, True), done.out


@pytest.mark.parametrize(
    "args",
    [
        ["release_checks"],
        ["release_checks/test_gates.py::test_one"],
        ["--rootdir=..", "release_checks"],
        ["-o", "release_checks=elsewhere", "release_checks"],
        ["-o", "release_checks=./release_checks/", "release_checks"],
    ],
)
def test_a_gate_that_is_named_is_left_out_too(own_tests: Project, args: list[str]) -> None:
    done = own_tests.pytest(*QUICK, *args)
    assert done.status == 5, done.out
    assert "passed" not in done.out
    assert "are left out; pytest -m prerelease runs them" in done.out


def test_the_gates_of_a_project_inside_are_left_out(own_tests: Project) -> None:
    own_tests.write("service/checks/relgate.toml", 'schema = 1\nproject = "service"\n')
    own_tests.write("service/checks/deep/test_gates.py", "def test_one(run):\n    run('false')\n")
    done = own_tests.pytest(*QUICK, "tests", "service")
    assert (done.status, "1 passed, 1 deselected" in done.out) == (0, True), done.out


def test_a_project_without_checks_sees_nothing_of_the_plugin(bare_project: Project) -> None:
    bare_project.git("rm", "-rq", "release_checks")
    bare_project.write("test_own.py", "def test_own():\n    pass\n")
    done = bare_project.pytest(*QUICK)
    assert (done.status, "relgate:" in done.out) == (0, False), done.out


def test_a_marker_that_a_project_without_checks_registers_is_its_own(bare_project: Project) -> None:
    bare_project.git("rm", "-rq", "release_checks")
    bare_project.write("pytest.ini", "[pytest]\nmarkers =\n    build: takes a compiler\n")
    bare_project.write("test_own.py", "import pytest\n\n\n@pytest.mark.build\ndef test_own():\n    pass\n")
    done = bare_project.pytest(*QUICK, "-m", "build")
    assert (done.status, "1 passed" in done.out) == (0, True), done.out


def test_nothing_but_our_own_modules_is_imported() -> None:
    script = (
        "import sys, pytest, _pytest.config\n"
        "before = set(sys.modules)\n"
        "import pytest_relgate.plugin, pytest_relgate.fixtures\n"
        "print(*sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    own = ["pytest_relgate", "pytest_relgate.fixtures", "pytest_relgate.keys", "pytest_relgate.plugin"]
    assert done.stdout.split() == own


def test_help_markers_and_fixtures_read_like_documentation(own_tests: Project) -> None:
    helped = own_tests.pytest(*QUICK, "--help").out
    assert "release gates (pytest-relgate); a release run is one of -m PHASE:" in helped
    assert "the release to judge, as its tag" in helped
    markers = own_tests.pytest(*QUICK, "--markers").out
    for name in (
        "prerelease",
        "build",
        "rehearsal",
        "publish",
        "postrelease",
        "weekly",
        "live_only",
        "sequence",
    ):
        assert f"@pytest.mark.{name}: " in markers
    assert "@pytest.mark.gate(remedy='', advisory=False, " in markers
    shown = own_tests.pytest(*QUICK, "--fixtures", "tests").out
    assert "The release that is judged: target, version, base, mode," in shown
    assert "Run a command in the repository under release; red when it" in shown
