"""SIGKILL at any moment: nothing passes too early, no failure that was recorded is lost, a run goes on.

Most of it kills a forked copy of this process at one system call after another; some kills real runs.
"""

from __future__ import annotations

import os
import shutil
import signal
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.evidence import journal as journals
from pytest_relgate.evidence import seal
from pytest_relgate.model import State

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Bench, Quick

ONE, TWO = "test_gates.py::test_one", "test_gates.py::test_two"
CALLS = ("write", "fsync", "rename", "replace", "unlink", "mkdir", "link", "ftruncate", "rmdir", "pwrite")


def killed_at(point: int, work: Callable[[], None]) -> bool:
    """Do some work in a forked process, killed before one of its system calls; say whether it was."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside xdist's threads
        child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
        return os.WIFSIGNALED(status)
    try:
        left = [point]

        def watched(real: Callable[..., Any]) -> Callable[..., Any]:
            def call(*args: Any, **kwargs: Any) -> Any:
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left[0] -= 1
                return real(*args, **kwargs)

            return call

        for name in CALLS:
            setattr(os, name, watched(getattr(os, name)))
        work()
        os._exit(0)
    except BaseException:
        os._exit(1)


def points(bench: Bench, tmp_path: Path, work: Callable[[Bench], None]) -> list[Bench]:
    """The project as each kill left it, from the first system call of a run to its end."""
    left = []
    for point in range(400):
        copy = type(bench)(tmp_path / str(point) / "demo", bench.phase, bench.target)
        shutil.copytree(bench.path, copy.path, symlinks=True)
        if not killed_at(point, partial(work, copy)):
            shutil.rmtree(copy.path)
            return left
        left.append(copy)
    pytest.fail("the run has more system calls than were expected")


def whole_evidence(bench: Bench) -> seal.Evidence | None:
    """What stands on disk: whole or not there at all."""
    try:
        return bench.evidence()
    except FileNotFoundError:
        return None


def test_a_run_killed_at_any_moment_passes_only_when_it_is_sealed(bench: Bench, tmp_path: Path) -> None:
    left = points(bench, tmp_path, lambda copy: copy.run() and None)
    assert len(left) > 30
    passed = [number for number, copy in enumerate(left) if copy.verify().finding == "PASSED"]
    assert passed == list(range(min(passed), len(left))), "once sealed, it stays sealed"
    for number, copy in enumerate(left):
        evidence = whole_evidence(copy)
        if number not in passed:
            assert copy.verify().finding in ("INCOMPLETE", "UNDECIDED")
        if evidence is not None and evidence.verdict == "PASSED":
            assert {one.state for one in evidence.gates} == {State.PASSED}
        copy.run()
        assert copy.verify().finding == "PASSED"
        assert [one.number for one in copy.reading().attempts()[ONE]] in ([1], [1, 2])
        assert not list(copy.folder().glob(".*.new"))


def test_a_failure_that_was_recorded_is_never_lost(bench: Bench, tmp_path: Path) -> None:
    left = points(bench, tmp_path, lambda copy: copy.run({ONE: State.FAILED}) and None)
    remembered = []
    for copy in left:
        assert copy.verify().finding != "PASSED"
        recorded = State.FAILED in [one.outcome for one in copy.reading().attempts().get(ONE, [])]
        remembered.append(recorded)
        copy.run()
        assert copy.states()["one"] == ("FLAKY" if recorded else "PASSED")
    first = remembered.index(True)
    assert remembered == [number >= first for number in range(len(left))], "once recorded, it stays recorded"
    assert 10 < first < len(left) - 5


def test_a_failure_survives_a_kill_while_its_evidence_is_set_aside_or_taken_up_again(
    bench: Bench, tmp_path: Path
) -> None:
    first = bench.git("rev-parse", "HEAD")
    bench.run({ONE: State.FAILED})
    bench.write("src/demo.txt", "later\n")
    later = bench.commit()
    for copy in points(bench, tmp_path / "aside", lambda copy: copy.run(finish=False) and None)[1::2]:
        copy.git("checkout", "-q", first)
        copy.run()
        assert copy.states()["one"] == "FLAKY"
    bench.run()
    bench.git("checkout", "-q", first)
    for copy in points(bench, tmp_path / "again", lambda copy: copy.run(finish=False) and None)[::2]:
        assert copy.verify(commit=first).finding != "PASSED"
        copy.run()
        assert copy.states()["one"] == "FLAKY"
        copy.git("checkout", "-q", later)
        copy.run()
        assert copy.verify().finding == "PASSED"


def test_a_kill_while_a_commit_with_the_same_tree_is_taken_up(bench: Bench, tmp_path: Path) -> None:
    first = bench.git("rev-parse", "HEAD")
    run = bench.run({ONE: State.ERRORED})
    run = bench.run()
    head = bench.commit("nothing")
    for copy in points(bench, tmp_path, lambda copy: copy.run(finish=False) and None):
        assert copy.verify(commit=head).finding != "PASSED"
        copy.run()
        assert copy.verify(commit=head).finding == "PASSED"
        places = [copy.folder(), *(copy.folder().parent / "superseded" / first).glob("prerelease*")]
        heads = [copy.verify(place, commit=first, head=run.digest).finding for place in places]
        assert "PASSED" in heads, "the seal of the first commit is somewhere"


# -- real runs ----------------------------------------------------------------------------------------------

KILLER = """
import os, signal
from pathlib import Path

from pytest_relgate.evidence.appending import Journal
from pytest_relgate.session import ReleaseRun

when, what, number = os.environ["KILL"].split()
seen = []


def watch(owner, name, label):
    real = getattr(owner, name)

    def call(*args, **kwargs):
        point = label(*args)
        seen.append(point)
        mine = point == what and seen.count(point) == int(number)
        if mine and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args, **kwargs)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, call)


watch(Journal, "append", lambda journal, entry: type(entry).__name__)
watch(Path, "replace", lambda path, to: Path(to).name)
watch(ReleaseRun, "_write_reports", lambda run, record: "reports")
"""
GATES = """
import os

import pytest

pytestmark = pytest.mark.prerelease


def test_one():
    assert "BROKEN" not in os.environ


def test_two():
    pass
"""
KILLS = [
    "before evidence.json 1",
    "after evidence.json 1",
    "before RunOpened 1",
    "after AttemptClosed 1",
    "after AttemptClosed 2",
    "after reports 1",
    "after evidence.json 2",
]


@pytest.fixture(scope="module")
def killable(new_bench: Callable[[], Bench], quick: Quick, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A project with real gates; each test takes a release of its own."""
    bench = new_bench()
    bench.write("release_checks/test_gates.py", GATES)
    done = quick.pytest(bench.path, "--release-lock")
    assert done.returncode == 0, done.stdout
    bench.commit()
    (tmp_path_factory.getbasetemp() / "killer.py").write_text(KILLER)
    return bench


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
@pytest.mark.parametrize("kill", KILLS)
def test_a_real_run_that_is_killed_leaves_blocked_evidence_and_can_go_on(
    killable: Bench, quick: Quick, tmp_path_factory: pytest.TempPathFactory, kill: str, workers: str
) -> None:
    killable.target = f"v0.2.{2 * KILLS.index(kill) + int(workers[-1] == '2')}"
    environ = {"KILL": kill, "PYTHONPATH": str(tmp_path_factory.getbasetemp()), "BROKEN": "1"}
    environ["PYTHONPATH"] += os.pathsep + os.environ.get("PYTHONPATH", "")
    done = quick.release(killable.path, workers, "-p", "killer", target=killable.target, environ=environ)
    assert done.returncode == -signal.SIGKILL, done.stdout
    assert killable.verify().finding in ("INCOMPLETE", "UNDECIDED")
    recorded = [
        str(entry.outcome)
        for entry in killable.reading().entries
        if isinstance(entry, journals.AttemptClosed) and entry.gate == ONE
    ]
    if kill in ("after AttemptClosed 2", "after reports 1", "after evidence.json 2"):
        assert recorded == ["FAILED"]
    killable.run()
    assert killable.states() == {"one": "FLAKY" if recorded else "PASSED", "two": "PASSED"}
    assert killable.verify().finding == ("BLOCKED" if recorded else "PASSED")


def test_a_real_run_goes_on_where_a_killed_one_stopped(
    killable: Bench, quick: Quick, tmp_path_factory: pytest.TempPathFactory
) -> None:
    killable.target = "v0.3.0"
    environ = {"KILL": "after AttemptClosed 1", "PYTHONPATH": str(tmp_path_factory.getbasetemp())}
    environ["PYTHONPATH"] += os.pathsep + os.environ.get("PYTHONPATH", "")
    quick.release(killable.path, "-p", "killer", target="v0.3.0", environ=environ)
    done = quick.release(killable.path, target="v0.3.0")
    assert done.returncode == 0, done.stdout
    assert "1 kept" in done.stdout
    assert [one.gates for one in killable.reading().runs] == [(ONE, TWO), (TWO,)]
    assert killable.verify().finding == "PASSED"


ENDINGS = {
    "os._exit": "import os\nos._exit(0)\n",
    "sys.exit": "import sys\nsys.exit(0)\n",
    "sigkill": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n",
    "raise": "raise RuntimeError('broken')\n",
    "configure": "import os\ndef pytest_configure(config):\n    os._exit(0)\n",
    "collection": "import os\ndef pytest_collection_finish(session):\n    os._exit(0)\n",
    "sessionfinish": "import os\ndef pytest_sessionfinish(session):\n    os._exit(0)\n",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_blocked_is_written_before_any_conftest_is_loaded(bench: Bench, quick: Quick, ending: str) -> None:
    bench.run()
    bench.write("release_checks/conftest.py", ENDINGS[ending])
    bench.write("release_checks/test_gates.py", GATES)
    bench.commit()
    done = quick.release(bench.path)
    assert bench.evidence().verdict == "BLOCKED", done.stdout
    assert bench.verify().finding in ("INCOMPLETE", "BLOCKED")
    assert (
        not (bench.folder() / "report.html").exists()
        or "BLOCKED" in (bench.folder() / "report.md").read_text()
    )
    if ending in ("sys.exit", "raise"):
        assert done.returncode == 4, done.stdout
