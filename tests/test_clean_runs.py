"""A good release is never called bad: whatever plugins and gates it has, it ends PASSED."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Outcome, Project

QUICK = [word for name in ("randomly", "asyncio", "html") for word in ("-p", f"no:{name}")]
HEADER = "import pytest\n\npytestmark = pytest.mark.prerelease\n\n\n"
both = pytest.mark.parametrize("workers", ["-n0", "-n2"])


def passes(project: Project, *args: str, **kwargs: Any) -> Outcome:
    """A release run that passes, and is verified to; nothing is left behind."""
    done = project.release(*args, **kwargs)
    assert done.status == 0, done.out
    assert project.evidence()["verdict"] == "PASSED"
    verified = project.relgate(
        "verify",
        str(project.folder()),
        "--commit",
        project.git("rev-parse", "HEAD"),
        "--repo",
        str(project.path),
    )
    assert (verified.status, verified.out.split()[0]) == (0, "PASSED"), verified.out
    assert project.git("status", "--porcelain") == ""
    return done


def gates(project: Project, text: str) -> None:
    """Write gates below a header with their phase, and lock them."""
    project.write("release_checks/test_gates.py", f"{HEADER}{text}")
    project.lock()


# -- plugins -------------------------------------------------------------------------------------------


@both
def test_with_every_plugin_that_is_installed(project: Project, workers: str) -> None:
    project.every_plugin = True
    gates(
        project,
        """\
import asyncio
import unittest

from hypothesis import given, strategies


def test_plain(release):
    assert release.version == "0.2.0"


@pytest.mark.asyncio
async def test_async(release):
    await asyncio.sleep(0)
    assert release.base == "v0.1.0"


@given(strategies.integers())
def test_property(number):
    assert number + 0 == number


@pytest.mark.flaky
def test_with_the_mark_of_a_retrying_plugin():
    pass


def test_subtests(subtests):
    for part in "ab":
        with subtests.test(part):
            assert part


class TestUnittest(unittest.TestCase):
    def test_plain(self):
        self.assertEqual(1, 1)

    def test_subtests(self):
        for part in "ab":
            with self.subTest(part):
                self.assertTrue(part)


class TestAsync(unittest.IsolatedAsyncioTestCase):
    async def test_async(self):
        await asyncio.sleep(0)
        self.assertEqual(1, 1)
""",
    )
    done = passes(project, workers)
    assert set(project.states().values()) == {"PASSED"}
    assert "Set aside" in done.out  # somebody asked for a retry


def test_what_nobody_asked_for_is_not_named(project: Project) -> None:
    project.every_plugin = True
    passes(project)
    assert "set_aside" not in project.evidence() or not project.evidence()["set_aside"]
    assert "Set aside" not in (project.folder() / "report.md").read_text()


@both
def test_order_is_that_of_the_files_whatever_reorders(project: Project, workers: str) -> None:
    project.every_plugin = True
    gates(project, "import os\n\n\n@pytest.mark.parametrize('n', range(20))\ndef test_x(n):\n    pass\n")
    project.write("conftest.py", "def pytest_collection_modifyitems(items):\n    items.reverse()\n")
    project.commit("reverse")
    passes(project, workers, "-p", "randomly")
    ids = [gate["id"] for gate in project.evidence()["gates"]]
    assert ids == [f"test_gates.py::test_x[{n}]" for n in range(20)]


@both
def test_coverage_measures_no_gates(project: Project, workers: str) -> None:
    project.every_plugin = True
    project.write("pytest.ini", "[pytest]\naddopts = --cov=src --cov-fail-under=100 --cov-report=term\n")
    project.write(".coveragerc", "[report]\nfail_under = 100\n")
    project.commit("coverage")
    done = passes(project, *QUICK, workers)
    assert "pytest-cov: gates are not measured" in done.out


@pytest.mark.parametrize(
    "dist",
    [
        ["-n4"],
        ["-n2", "--dist=loadgroup"],
        ["-n2", "--dist=loadfile"],
        ["-n2", "--dist=worksteal"],
        ["-n0", "--dist=loadfile"],
        ["--dist=load"],
        ["--tx=2*popen", "--dist=load"],
    ],
)
def test_however_work_is_dealt_out(project: Project, dist: list[str]) -> None:
    gates(
        project,
        """\
@pytest.mark.xdist_group("one")
def test_group():
    pass


class TestSteps:
    seen = []

    @pytest.mark.parametrize("n", range(5))
    def test_step(self, n):
        assert self.seen == list(range(n))
        self.seen.append(n)
""",
    )
    passes(project, *QUICK, *dist)


# -- what need not pass ----------------------------------------------------------------------------------


@both
def test_an_advisory_failure_does_not_decide(project: Project, workers: str) -> None:
    gates(
        project,
        """\
def test_good():
    pass


@pytest.mark.gate(advisory=True)
def test_advice(subtests):
    with subtests.test("a"):
        assert False
    assert False


@pytest.mark.gate(advisory=True)
class TestAdvice:
    @pytest.fixture
    def broken(self):
        yield
        assert False

    def test_teardown(self, broken):
        pass

    def test_returns(self):
        return False
""",
    )
    passes(project, *QUICK, workers, "-x")
    assert project.states()["test_advice"] == "FAILED"
    assert project.states()["TestAdvice::test_returns"] == "INVALID"


WAIVER = """\
[[waiver]]
gate = "test_gates.py::test_known"
release = "v0.2.0"
states = ["{state}"]
reason = "mended in the next release"
owner = "ada"
approver = "grace"
created = "{year}-01-01T00:00:00Z"
expires = "{year}-12-31T00:00:00Z"
"""


@both
@pytest.mark.parametrize(
    ("body", "state"),
    [("assert False", "FAILED"), ("pytest.skip('no')", "SKIPPED"), ("os._exit(0)", "CRASHED")],
)
def test_a_waived_state_lets_the_release_go_on(project: Project, workers: str, body: str, state: str) -> None:
    if (workers, state) == ("-n0", "CRASHED"):
        workers = "-n1"  # the one process would be gone
    project.write(
        "release_checks/relgate.toml", 'schema = 1\nproject = "demo"\n[approvers]\npeople = ["grace"]\n'
    )
    project.write("release_checks/waivers.toml", waiver(state))
    gates(project, f"import os\n\n\ndef test_good():\n    pass\n\n\ndef test_known():\n    {body}\n")
    passes(project, *QUICK, workers)
    assert project.states() == {"test_good": "PASSED", "test_known": "WAIVED"}


def waiver(state: str) -> str:
    """A waiver that is in force today and no longer than one may be."""
    import datetime as dt

    today = dt.datetime.now(dt.UTC).replace(microsecond=0)
    created, expires = today - dt.timedelta(days=1), today + dt.timedelta(days=7)
    text = WAIVER.replace("{year}-01-01T00:00:00Z", created.isoformat()).replace(
        "{year}-12-31T00:00:00Z", expires.isoformat()
    )
    return text.replace("{state}", state)


@both
def test_a_gate_that_is_not_due_is_left_out_with_proof(project: Project, workers: str) -> None:
    gates(
        project,
        """\
def test_good():
    pass


@pytest.mark.when_changed("README.md")
def test_docs():
    assert False


@pytest.mark.when_present("dist/*.whl")
def test_wheels():
    assert False


@pytest.mark.live_only
def test_live():
    assert False


@pytest.mark.when_changed("src/")
def test_source():
    pass
""",
    )
    passes(project, *QUICK, workers)
    left_out = dict.fromkeys(("test_docs", "test_wheels", "test_live"), "NOT_TRIGGERED")
    assert project.states() == {"test_good": "PASSED", "test_source": "PASSED"} | left_out


# -- runs ------------------------------------------------------------------------------------------------


@both
def test_a_second_run_keeps_what_passed(project: Project, workers: str) -> None:
    passes(project, *QUICK, workers)
    done = passes(project, *QUICK, workers)
    assert "2 gates: 2 kept from" in done.out


@both
def test_a_narrow_run_and_then_the_rest(project: Project, workers: str) -> None:
    narrow = project.release(*QUICK, workers, "-k", "one")
    assert (narrow.status, project.states()) == (1, {"test_one": "PASSED", "test_two": "MISSING"})
    done = passes(project, *QUICK, workers)
    assert "2 gates: 1 kept from" in done.out


@both
def test_a_path_and_then_the_rest(project: Project, workers: str) -> None:
    project.write("release_checks/test_more.py", f"{HEADER}def test_more():\n    pass\n")
    project.lock()
    narrow = project.release(*QUICK, workers, "release_checks/test_more.py::test_more")
    missing = {"test_one": "MISSING", "test_two": "MISSING"}
    assert (narrow.status, project.states()) == (1, {"test_more": "PASSED"} | missing)
    passes(project, *QUICK, workers)


@both
def test_commands_as_parameters(project: Project, workers: str) -> None:
    gates(
        project,
        """\
from pytest_relgate.fixtures import command


@pytest.mark.parametrize("argv", [
    command("git --version", id="git", limit="1m"),
    command("cat README.md", id="readme", limit=30),
])
def test_command(argv, run):
    run(argv)


@pytest.fixture
def built(run):
    return run("git rev-parse HEAD").tail


def test_a_fixture_that_runs(built, release):
    assert built.strip() == release.commit
""",
    )
    passes(project, *QUICK, workers)
    assert {gate["title"] for gate in project.evidence()["gates"]} >= {"git --version", "cat README.md"}


@both
def test_limits_that_are_kept(project: Project, workers: str) -> None:
    """A limit for the function alone does not count its fixtures; a mark may be about the method only."""
    gates(
        project,
        """\
import time


@pytest.fixture
def slow():
    time.sleep(0.6)


@pytest.mark.timeout(0.5, func_only=True)
def test_call_only(slow):
    pass


@pytest.mark.timeout(method="thread")
def test_method_only():
    pass
""",
    )
    passes(project, *QUICK, workers)


@both
def test_a_gate_that_leaves_its_process_untidy(project: Project, workers: str) -> None:
    gates(
        project,
        """\
import os
import sys
import threading
import time


def test_a_moves():
    os.chdir("/")


def test_b_environment():
    os.environ["GIT_DIR"] = "/nowhere"
    os.environ["PYTHONOPTIMIZE"] = "1"


def test_c_stops_the_clock():
    time.time = time.monotonic = time.perf_counter = lambda: 0.0


def test_d_threads():
    threading.excepthook = print
    threading.Thread(target=sys.exit).start()


def test_e_prints(capsys):
    print("to nobody")
    sys.stdout.flush()
""",
    )
    passes(project, *QUICK, workers)


def test_secrets_are_written_nowhere(project: Project) -> None:
    gates(
        project,
        """\
import os


def test_prints(run, attach):
    print("token is", os.environ["DEPLOY_TOKEN"])
    run(["sh", "-c", "echo $DEPLOY_TOKEN"])
    attach("table.md", os.environ["DEPLOY_TOKEN"])


@pytest.mark.gate(advisory=True)
def test_fails():
    assert os.environ["DEPLOY_TOKEN"] == "other"
""",
    )
    secret = "hunter2-and-then-some"
    done = passes(project, *QUICK, "-rA", environ={"DEPLOY_TOKEN": secret})
    assert secret not in done.out
    written = [path for path in (project.path / "release-evidence").rglob("*") if path.is_file()]
    assert len(written) > 5
    assert [path for path in written if secret.encode() in path.read_bytes()] == []
