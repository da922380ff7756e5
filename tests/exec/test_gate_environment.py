from __future__ import annotations

import subprocess

import pytest

from pytest_relgate.exec.environment import MARKER, carries, gate_environment, marked

LEFT_BY_OTHERS = (
    "PYTEST_CURRENT_TEST",
    "PYTEST_XDIST_WORKER",
    "PYTEST_XDIST_TESTRUNUID",
    "PYTEST_ADDOPTS",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD",
    "PYTEST_VERSION",
    "COV_CORE_SOURCE",
    "COV_CORE_DATAFILE",
    "COVERAGE_PROCESS_START",
    "COVERAGE_PROCESS_CONFIG",
    "COVERAGE_RUN",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
)
THE_USERS = (
    "PATH",
    "HOME",
    "MY_PYTEST_SETTING",
    "COVERAGE_FILE",
    "GIT_SSH_COMMAND",
    "GIT_AUTHOR_NAME",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_KEY_0",
    "GITHUB_TOKEN",
    "PYTHONDONTWRITEBYTECODE",
    "RELEASE_TARGET",
)


def test_what_this_run_left_is_not_handed_on() -> None:
    environ = dict.fromkeys((*LEFT_BY_OTHERS, *THE_USERS), "1")
    assert set(gate_environment(environ)) == set(THE_USERS)


def test_every_variable_that_git_binds_to_a_repository_is_left_out() -> None:
    listed = subprocess.run(
        ["git", "rev-parse", "--local-env-vars"], capture_output=True, text=True, check=True
    )
    left = gate_environment(dict.fromkeys(listed.stdout.split(), "1"))
    assert set(left) <= {"GIT_CONFIG_COUNT"}


@pytest.mark.parametrize("own", [True, False])
def test_the_bytecode_switch_is_taken_out_only_if_it_is_ours(*, own: bool) -> None:
    environ = gate_environment({"PYTHONDONTWRITEBYTECODE": "1"}, own_bytecode_switch=own)
    assert environ == ({} if own else {"PYTHONDONTWRITEBYTECODE": "1"})


def test_what_is_added_wins() -> None:
    environ = {"A": "1", "GIT_DIR": "x"}
    assert gate_environment(environ, {"A": "2", "GIT_DIR": "y"}) == {"A": "2", "GIT_DIR": "y"}
    assert environ == {"A": "1", "GIT_DIR": "x"}


def test_a_command_inside_a_command_carries_both_marks() -> None:
    inner = marked(marked({"A": "1"}, "outer"), "inner")
    assert inner == {"A": "1", MARKER: "outer:inner"}
    assert carries(inner, "outer")
    assert carries(inner, "inner")
    assert not carries(inner, "out")
    assert not carries({}, "outer")
