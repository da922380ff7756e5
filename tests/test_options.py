"""Bad input: every one is one line that says what was expected, and nothing was judged. Exit status 4."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.request import _where_it_is

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Outcome, Project

QUICK = [word for name in ("randomly", "asyncio", "html") for word in ("-p", f"no:{name}")]
RUN = ["-m", "prerelease", "--release-target", "v0.2.0"]
LIVE = ["--release-mode", "live", "--release-agent", "ada@laptop"]


def refused(done: Outcome) -> str:
    """The one line of a refusal."""
    assert done.status == 4, done.out
    assert "Traceback" not in done.out
    said = [line for line in done.out.splitlines() if "ERROR" in line or "error:" in line]
    lines = [line for line in said if not line.startswith("ERROR: usage:")]  # argparse begins so
    assert len(lines) == 1, done.out
    return lines[0]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["-m", "prerelease and not slow"], "a release run asks for exactly one phase, type -m prerelease"),
        (["-m", "not weekly"], "a release run asks for exactly one phase, type -m weekly"),
        (["--release-target", "v0.2.0"], "--release-target needs a phase: type -m prerelease"),
        (["--release-rerun"], "--release-rerun needs a phase"),
        (["--release-evidence=there"], "--release-evidence needs a phase"),
        (["--release-mode=live", "-m", "slow"], "--release-mode needs a phase"),
        (["-m", "prerelease"], "type `--release-target vX.Y.Z`"),
        (["-m", "prerelease", "--release-target", "banana"], "banana"),
        (["-m", "prerelease", "--release-target", "0.2.0"], "0.2.0"),
        (["-m", "prerelease", "--release-target", "v0.2"], "v0.2"),
        (["-m", "prerelease", "--release-target", ""], "--release-target"),
        (["-m", "postrelease", "--release-target", "v9.0.0"], "git fetch --tags"),
        (["-m", "rehearsal"], "takes its target from the command line only"),
        ([*RUN, "--release-base", "v0.3.0"], "v0.3.0"),
        ([*RUN, "--release-base", "nothing"], "nothing"),
        ([*RUN, "--release-mode", "maybe"], "invalid choice: 'maybe'"),
        ([*RUN, "--release-mode", "live"], "type --release-agent NAME@HOST"),
        (["-m", "publish", "--release-target", "v0.2.0"], "publish needs --release-mode live"),
        ([*RUN, "--release-wait", "a while"], "--release-wait: expected a duration"),
        ([*RUN, "-o", "release_wait=soon"], "ini value release_wait: expected a duration"),
        ([*RUN, "--release-plan=xml"], "invalid choice: 'xml'"),
        ([*RUN, "README.md"], "README.md is outside release_checks/"),
        ([*RUN, "src", "release_checks"], "src is outside release_checks/"),
        ([*RUN, "--release-repo", ""], "--release-repo is empty"),
        ([*RUN, "--release-repo", "nowhere"], "expected a folder of a git repository, found none at"),
        ([*RUN, "--release-repo", "sandbox:nope"], "nope"),
        ([*RUN, "--release-config", "nowhere.toml"], "nowhere.toml"),
        ([*RUN, "--release-evidence", "README.md/there"], "evidence cannot be written to"),
        ([*RUN, "-o", "release_checks=elsewhere"], "no relgate.toml was found in elsewhere/"),
        (["--release-lock", "-k", "one"], "a lock is of all gates"),
        (["--release-lock", "release_checks/test_gates.py"], "a lock is of all gates"),
    ],
)
def test_a_wish_that_cannot_be_meant(project: Project, args: list[str], told: str) -> None:
    assert told in refused(project.pytest(*QUICK, *args))
    assert not (project.path / "release-evidence").exists()


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"RELEASE_TARGET": "banana"}, "RELEASE_TARGET"),
        ({"RELEASE_TARGET": ""}, "RELEASE_TARGET"),
        ({"PYTEST_ADDOPTS": "--release-mode=live"}, "--release-mode comes from addopts or PYTEST_ADDOPTS"),
        ({"PYTEST_ADDOPTS": "--release-agent=ada"}, "--release-agent comes from addopts or PYTEST_ADDOPTS"),
        ({"PYTEST_ADDOPTS": "--release-base=v0.1.0"}, "--release-base comes from addopts or PYTEST_ADDOPTS"),
        ({"PYTEST_ADDOPTS": "--release-rerun"}, "--release-rerun comes from addopts or PYTEST_ADDOPTS"),
        ({"PYTEST_ADDOPTS": "--release-config=x"}, "--release-config comes from addopts or PYTEST_ADDOPTS"),
    ],
)
def test_an_environment_that_cannot_be_meant(project: Project, environ: dict[str, str], told: str) -> None:
    assert told in refused(project.pytest(*QUICK, "-m", "prerelease", environ=environ))


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("release_checks/relgate.toml", "project = 1\n", "release_checks/relgate.toml"),
        ("release_checks/relgate.toml", "project = \n", "release_checks/relgate.toml"),
        ("release_checks/relgate.toml", 'project = "demo"\nunknown = 1\n', "unknown"),
        ("release_checks/gates.lock", "gates", "release_checks/gates.lock is not a lock"),
    ],
)
def test_a_file_beside_the_gates_that_cannot_be_read(
    project: Project, name: str, text: str, told: str
) -> None:
    project.write(name, text)
    assert told in refused(project.pytest(*QUICK, *RUN))


def test_a_phase_without_checks_anywhere(bare_project: Project) -> None:
    bare_project.git("rm", "-rq", "release_checks")
    told = refused(bare_project.pytest(*QUICK, "-m", "prerelease"))
    assert "no relgate.toml was found in release_checks/" in told
    assert "type relgate init" in told


def test_a_run_typed_below_the_checks_is_told_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "release_checks").mkdir()
    (tmp_path / "release_checks" / "relgate.toml").write_text('project = "demo"\n')
    told = _where_it_is("release_checks", tmp_path / "packages" / "a")
    assert told == "it is in ../../release_checks: type pytest ../../release_checks -m prerelease"
    assert "relgate init" in _where_it_is("gates", tmp_path / "packages" / "a")


def test_a_folder_after_a_space_that_moves_the_root(project: Project, tmp_path: Path) -> None:
    """Pytest settles its root before it knows our options, so that it takes the folder for one of tests."""
    elsewhere = tmp_path / "elsewhere" / "evidence"
    elsewhere.mkdir(parents=True)
    told = refused(project.pytest(*QUICK, *RUN, "--release-evidence", str(elsewhere)))
    assert told.endswith("write --release-evidence=PATH"), told
    assert project.pytest(*QUICK, *RUN, f"--release-evidence={elsewhere}").status == 0


def test_a_live_run_needs_a_lock(bare_project: Project) -> None:
    told = refused(bare_project.pytest(*QUICK, *RUN, *LIVE))
    assert "type pytest --release-lock" in told


def test_a_gate_that_is_not_there_blocks(project: Project) -> None:
    """Pytest's own refusal, once the run has begun: the evidence says so."""
    done = project.release(*QUICK, "release_checks/test_nothing.py")
    assert done.status == 4, done.out
    assert "Traceback" not in done.out
    assert "file or directory not found: release_checks/test_nothing.py" in done.out
    assert "USAGE" in project.codes()


def test_a_keyword_that_cannot_be_read_blocks(project: Project) -> None:
    done = project.release(*QUICK, "-k", "(")
    assert done.status == 4, done.out
    assert "Traceback" not in done.out
    assert "USAGE" in project.codes()


def test_two_runs_at_once_are_one_too_many(project: Project) -> None:
    project.write(
        "release_checks/test_gates.py",
        "import os\nimport pathlib\nimport time\n\nimport pytest\n\n\n@pytest.mark.prerelease\n"
        "def test_waits():\n    here = pathlib.Path(os.environ['HERE'])\n    here.write_text('')\n"
        "    while here.exists():\n        time.sleep(0.01)\n",
    )
    project.lock()
    here = project.path.with_name("here")
    words = [sys.executable, "-m", "pytest", *QUICK, "-p", "no:cacheprovider", *RUN]
    environ = project._environment() | {"HERE": str(here)}
    with subprocess.Popen(words, cwd=project.path, env=environ, stdout=subprocess.DEVNULL) as first:
        while not here.exists():
            assert first.poll() is None
            time.sleep(0.01)
        second = refused(project.pytest(*QUICK, *RUN))
        here.unlink()
        assert first.wait(60) == 0
    assert "another run (process " in second
    assert project.evidence()["verdict"] == "PASSED"


def test_a_plan_may_be_the_last_word(project: Project) -> None:
    done = project.pytest(*QUICK, *RUN, "--release-plan")
    assert done.status == 0, done.out
    assert "relgate plan  v0.2.0  prerelease: 2 to run" in done.out
    assert not (project.path / "release-evidence").exists()
