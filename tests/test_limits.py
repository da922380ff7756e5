"""A gate's limit is kept whoever keeps it: this package where all is usual, pytest-timeout elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project

QUICK = [word for name in ("randomly", "asyncio", "html") for word in ("-p", f"no:{name}")]
WRAPPERS = """\
import pathlib
import pytest


def pytest_sessionfinish(session):
    hooks = session.config.pluginmanager.hook.pytest_runtest_protocol.get_hookimpls()
    names = sorted({one.plugin_name for one in hooks} & {"timeout", "relgate-limits"})
    pathlib.Path("wrappers.txt").write_text(" ".join(names))
"""
OURS, PYTEST_TIMEOUTS = "relgate-limits", "timeout"
SLOW = """\
import time

import pytest

pytestmark = [pytest.mark.prerelease, pytest.mark.timeout(0.5)]


@pytest.fixture
def slow():
{before}    yield
{after}

def test_slow(slow):
{within}    pass


def test_next():
    pass
"""


def gates(project: Project, marks: str = "", conftest: str = "") -> None:
    """Two gates, one with marks, beside a conftest that writes down who goes round a test; locked."""
    project.write("release_checks/conftest.py", WRAPPERS + conftest)
    project.write(
        "release_checks/test_gates.py",
        f"import pytest\n\npytestmark = pytest.mark.prerelease\n\n\n{marks}\ndef test_a():\n    pass\n\n\n"
        "def test_b():\n    pass\n",
    )
    project.write(".gitignore", "release-evidence/\nwrappers.txt\n")
    project.lock()


@pytest.mark.parametrize(
    ("who", "marks", "conftest", "options"),
    [
        pytest.param(OURS, "", "", [], id="no mark"),
        pytest.param(OURS, "@pytest.mark.timeout(5)", "", [], id="a number"),
        pytest.param(OURS, "@pytest.mark.timeout(timeout=5)", "", [], id="a named number"),
        pytest.param(PYTEST_TIMEOUTS, "@pytest.mark.timeout(5, func_only=True)", "", [], id="the call only"),
        pytest.param(PYTEST_TIMEOUTS, "@pytest.mark.timeout(5, method='thread')", "", [], id="a method"),
        pytest.param(PYTEST_TIMEOUTS, "@pytest.mark.timeout(method='signal')", "", [], id="only a method"),
        pytest.param(PYTEST_TIMEOUTS, "", "", ["-o", "timeout_func_only=true"], id="the ini file"),
        pytest.param(PYTEST_TIMEOUTS, "", "", ["--timeout-method=thread"], id="an option"),
        pytest.param(PYTEST_TIMEOUTS, "", "", ["--session-timeout=60"], id="a limit of the session"),
        pytest.param(
            PYTEST_TIMEOUTS,
            "",
            "\n\ndef pytest_timeout_set_timer():\n    pass\n",
            [],
            id="a conftest's timer",
        ),
        pytest.param(
            PYTEST_TIMEOUTS,
            "",
            "\n\ndef pytest_collection_modifyitems(items):\n"
            "    items[0].add_marker(pytest.mark.timeout(5, method='thread'))\n",
            [],
            id="a conftest's mark",
        ),
    ],
)
def test_what_is_limited_in_an_unusual_way_is_left_to_pytest_timeout(
    project: Project, who: str, marks: str, conftest: str, options: list[str]
) -> None:
    gates(project, marks, conftest)
    done = project.release(*QUICK, *options)
    assert (done.status, project.states()) == (0, {"test_a": "PASSED", "test_b": "PASSED"}), done.out
    assert (project.path / "wrappers.txt").read_text() == who


@pytest.mark.parametrize("workers", ["-n0", "-n1"])
@pytest.mark.parametrize("part", ["before", "within", "after"])
def test_a_limit_holds_in_setup_call_and_teardown(project: Project, part: str, workers: str) -> None:
    sleeps = dict.fromkeys(("before", "within", "after"), "") | {part: "    time.sleep(30)\n"}
    project.write("release_checks/test_gates.py", SLOW.format(**sleeps))
    project.lock()
    done = project.release(*QUICK, workers)
    assert (done.status, project.states()) == (1, {"test_slow": "TIMED_OUT", "test_next": "PASSED"}), done.out


def test_a_mark_that_a_conftest_adds_limits_its_gate(project: Project) -> None:
    text = SLOW.replace("pytest.mark.timeout(0.5)", "pytest.mark.timeout(60)")
    project.write(
        "release_checks/test_gates.py",
        text.format(before="", within="    time.sleep(30)\n", after=""),
    )
    project.write(
        "release_checks/conftest.py",
        "import pytest\n\n\ndef pytest_collection_modifyitems(items):\n"
        "    items[0].own_markers.insert(0, pytest.mark.timeout(0.5).mark)\n",
    )
    project.lock()
    done = project.release(*QUICK)
    assert (done.status, project.states()) == (1, {"test_slow": "TIMED_OUT", "test_next": "PASSED"}), done.out
