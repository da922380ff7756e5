"""What somebody found who set out to get a false green, or a healthy project refused."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project

WORKERS = pytest.mark.parametrize("workers", ["-n0", "-n2"])
LIVE = ("--release-mode", "live", "--release-agent", "ada@laptop")


def test_a_pass_of_a_dry_run_is_no_pass_of_a_live_one(bare_project: Project) -> None:
    bare_project.write(
        "release_checks/test_gates.py",
        "import pytest\n\npytestmark = pytest.mark.prerelease\n\n\n"
        "def test_one(release):\n    assert release.mode != 'live'\n",
    )
    bare_project.lock()
    assert bare_project.release().status == 0
    live = bare_project.release(*LIVE)
    assert live.status == 1, live.out
    assert bare_project.states() == {"test_one": "FAILED"}


def test_a_healthy_live_run_after_a_dry_one_passes(project: Project) -> None:
    assert project.release().status == 0
    assert project.release(*LIVE).status == 0
    verified = project.relgate("verify", "release-evidence/v0.2.0/prerelease")
    assert verified.status == 0, verified.out


def test_an_edited_gate_in_a_folder_named_like_a_version_is_dirt(bare_project: Project) -> None:
    head = "import pytest\n\npytestmark = pytest.mark.postrelease\n\n\ndef test_one():\n"
    gate = bare_project.write("release_checks/v1.0.0/test_v1.py", head + "    assert 1 == 2\n")
    bare_project.lock()
    bare_project.git("tag", "v0.2.0")
    gate.write_text(head + "    pass\n", encoding="utf-8")
    assert bare_project.release(phase="postrelease").status == 1
    reasons = bare_project.evidence("postrelease")["reasons"]
    assert {reason["code"] for reason in reasons} == {"DIRTY_CHECKS"}


def test_another_configuration_is_no_way_round_the_memory(project: Project) -> None:
    project.write("tox.ini", "[pytest]\n")
    project.commit("ini")
    done = project.release("-c", "tox.ini")
    assert done.status == 4
    assert "ERROR: -c tox.ini names another configuration" in done.out


@pytest.mark.parametrize(
    "addopts", ["--ignore=tests/e2e", "--deselect tests/test_x.py::test_y", "-k 'not slow'"]
)
def test_what_addopts_leave_out_of_the_projects_tests_does_not_keep_a_lock_from_being_written(
    project: Project, addopts: str
) -> None:
    project.write("pytest.ini", f"[pytest]\naddopts = {addopts}\n")
    project.commit("addopts")
    written = project.pytest("--release-lock")
    assert written.status == 0, written.out
    assert project.release().status == 0


@WORKERS
def test_a_submodule_that_moved_is_a_change_of_what_is_below_it(
    bare_project: Project, tmp_path: Path, workers: str
) -> None:
    project = bare_project
    library = type(project)(tmp_path / "library")
    library.path.mkdir()
    library.git("init", "-q")
    library.write("src/one.c", "")
    library.commit()
    project.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library.path), "vendor/x")
    project.commit("library")
    project.git("tag", "v0.1.1")
    inner = type(project)(project.path / "vendor/x")
    inner.write("src/two.c", "")
    inner.commit()
    below = ("vendor/**", "vendor/x/**", "vendor/x/src/*.c")
    marks = "".join(
        f"@pytest.mark.when_changed({one!r})\ndef test_{i}():\n    pass\n\n\n" for i, one in enumerate(below)
    )
    project.write(
        "release_checks/test_gates.py", f"import pytest\n\npytestmark = pytest.mark.prerelease\n\n\n{marks}"
    )
    project.lock()
    done = project.release(workers)
    assert done.status == 0, done.out
    assert project.states() == {"test_0": "PASSED", "test_1": "PASSED", "test_2": "PASSED"}


REPLACED = """
import functools
def pytest_itemcollected(item):
    item.obj = {}
"""


@WORKERS
def test_a_function_that_a_hook_put_in_a_gates_place_is_not_the_gate(
    bare_project: Project, workers: str
) -> None:
    bare_project.write("release_checks/conftest.py", REPLACED.format("lambda *args, **kwargs: None"))
    bare_project.write(
        "release_checks/test_gates.py",
        "import pytest\n\npytestmark = pytest.mark.prerelease\n\n\n"
        "def test_one():\n    assert 1 == 2\n\n\n"
        "class TestOf:\n    def test_two(self):\n        assert 1 == 2\n\n"
        "    @staticmethod\n    def test_three():\n        assert 1 == 2\n",
    )
    bare_project.lock()
    assert bare_project.release(workers).status == 1
    assert set(bare_project.states().values()) == {"INVALID"}
    assert "a hook put another function in the place of the gate's" in str(bare_project.evidence()["reasons"])


def test_gates_of_every_make_are_themselves(bare_project: Project) -> None:
    """Wrapped, parametrized, inherited, bound, collected by unittest, and wrapped once more by a hook."""
    bare_project.write(
        "release_checks/conftest.py",
        REPLACED.format("functools.wraps(item.obj)(functools.partial(item.obj))"),
    )
    bare_project.write(
        "release_checks/test_gates.py",
        "import functools, unittest\nimport pytest\n\npytestmark = pytest.mark.prerelease\n\n\n"
        "def twice(function):\n    @functools.wraps(function)\n    def both(*args, **kwargs):\n"
        "        function(*args, **kwargs)\n        function(*args, **kwargs)\n    return both\n\n\n"
        "@twice\ndef test_wrapped():\n    pass\n\n\n"
        "@pytest.mark.parametrize('n', [1, 2])\ndef test_parametrized(n):\n    assert n\n\n\n"
        "class Base:\n    p = property(lambda self: 1 / 0)\n    def test_inherited(self):\n        pass\n\n"
        "    @classmethod\n    def test_class(cls):\n        pass\n\n"
        "    @staticmethod\n    def test_static():\n        pass\n\n\n"
        "class TestOf(Base):\n    @twice\n    def test_bound(self):\n        pass\n\n\n"
        "class TestCase(unittest.TestCase):\n    def test_case(self):\n        self.assertTrue(True)\n",
    )
    bare_project.lock()
    done = bare_project.release()
    assert done.status == 0, done.out
    assert len(bare_project.states()) == 8


@WORKERS
def test_of_several_sets_each_is_read_by_itself(bare_project: Project, workers: str) -> None:
    """What one set takes away with ``!`` the other may still name."""
    bare_project.write(
        "release_checks/relgate.toml",
        'schema = 1\nproject = "demo"\n\n[changes]\nsource = ["src/**"]\ndocs = ["*.md", "!src/**"]\n',
    )
    bare_project.write(
        "release_checks/test_gates.py",
        "import pytest\n\npytestmark = pytest.mark.prerelease\n\n\n"
        "@pytest.mark.when_changed('source', 'docs')\ndef test_one():\n    assert 1 == 2\n\n\n"
        "def test_two():\n    pass\n",
    )
    bare_project.lock()
    assert bare_project.release(workers).status == 1
    assert bare_project.states() == {"test_one": "FAILED", "test_two": "PASSED"}


@pytest.mark.parametrize("pattern", ["src/[:alpha:]*", "./src/**", "src//x", "src/../x", "!src/**"])
def test_a_pattern_of_a_marker_that_can_match_nothing_is_refused(bare_project: Project, pattern: str) -> None:
    bare_project.write(
        "release_checks/test_gates.py",
        "import pytest\n\npytestmark = pytest.mark.prerelease\n\n\n"
        f"@pytest.mark.when_changed({pattern!r})\ndef test_one():\n    pass\n",
    )
    refused = bare_project.pytest("--release-lock")
    assert refused.status == 4
    assert "test_gates.py:6: when_changed: expected a" in refused.out.replace("\n", " "), refused.out


FORKING = """
import os, pathlib, time
import pytest

pytestmark = pytest.mark.prerelease
HERE = pathlib.Path(__file__).parents[2]


def test_one():
    if os.fork() == 0:
        return


def test_two():
    if os.fork() == 0:
        raise SystemExit(0)


def test_three():
    copy = os.fork()
    if copy == 0:
        while not (HERE / "go").exists():
            time.sleep(0.05)
        raise KeyboardInterrupt
    (HERE / "copies").write_text(f"{copy} ")


def test_four():
    import multiprocessing
    process = multiprocessing.get_context("fork").Process(target=print, args=("worked",))
    process.start()
    process.join()
    assert process.exitcode == 0


def test_five():
    with (HERE / "runs").open("a") as runs:
        runs.write("run\\n")
"""


@WORKERS
def test_a_forked_copy_of_a_gates_process_does_not_go_on_with_the_run(
    bare_project: Project, tmp_path: Path, workers: str
) -> None:
    project = bare_project
    project.write("release_checks/test_gates.py", FORKING)
    project.lock()
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "prerelease", workers]

    def release() -> str:
        with (tmp_path / "out").open("w") as out:  # a pipe would be held open by the copy
            done = subprocess.run(
                [*command, "--release-target", "v0.2.0"],
                cwd=project.path,
                env=project._environment(),
                stdout=out,
                stderr=out,
                check=False,
                timeout=120,
            )
        said = (tmp_path / "out").read_text()
        assert done.returncode == 0, said
        return said

    said = release()
    assert said.count("PASSED v0.2.0") == 1
    assert (tmp_path / "runs").read_text() == "run\n", "the copies ran no other gate"
    assert "5 kept" in release(), "a copy that lives on holds the folder of nobody"
    before = (project.folder() / "evidence.json").read_bytes()
    (tmp_path / "go").touch()
    copy = int((tmp_path / "copies").read_text())
    while _lives(copy):
        time.sleep(0.05)
    assert (project.folder() / "evidence.json").read_bytes() == before
    verified = project.relgate("verify", str(project.folder()))
    assert verified.status == 0, verified.out


def _lives(process: int) -> bool:
    """Whether a process still runs; one that ended may wait for somebody to take notice."""
    try:
        state = (Path("/proc") / str(process) / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@WORKERS
def test_a_copy_runs_no_command_in_the_name_of_its_gate(bare_project: Project, workers: str) -> None:
    """What a copy writes would stand between two lines of its parent's journal."""
    bare_project.write(
        "release_checks/test_gates.py",
        "import os\nimport pytest\n\npytestmark = pytest.mark.prerelease\n\n\n"
        "def test_one(run):\n    copy = os.fork()\n    run('true')\n    if not copy:\n        os._exit(0)\n"
        "    assert os.waitpid(copy, 0)[1] == 0\n    run('true')\n",
    )
    bare_project.lock()
    done = bare_project.release(workers)
    assert done.status == 0, done.out
    assert bare_project.relgate("verify", str(bare_project.folder())).status == 0


ODD = """
import pytest

pytestmark = pytest.mark.prerelease


@pytest.mark.parametrize("word", ["\u00e9", "e\u0301", "\U0001f600", "a\u202eb", "y" * 3000])
def test_word(word):
    print(word)


def test_parts(subtests, tmp_path):
    for number in range(3):
        with subtests.test(number=number):
            assert tmp_path.is_dir()


def test_place(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    tmp_path.rmdir()


def test_much(run):
    print("x" * 5_000_000)
    run("git --version")
"""


def test_an_odd_place_to_release_from_is_as_good_as_any(bare_project: Project, tmp_path: Path) -> None:
    """A worktree of a clone that borrows its objects, evidence behind a link, strict in TOML, no locale."""
    project = bare_project
    project.git("rm", "-q", "pytest.ini")
    project.write(
        "pytest.toml",
        '[pytest]\nstrict = true\naddopts = ["-ra", "--durations=5"]\nfilterwarnings = ["error"]\n',
    )
    project.write("release_checks/test_gates.py", ODD)
    project.lock()
    borrowed, place = tmp_path / "borrowed", tmp_path / "place with a space"
    project.git("clone", "-q", "--shared", "-c", "core.autocrlf=true", str(project.path), str(borrowed))
    project.git("-C", str(borrowed), "worktree", "add", "-q", "--detach", str(place))
    (tmp_path / "kept").mkdir()
    (place / "release-evidence").symlink_to(tmp_path / "kept")
    (borrowed / ".git/info/exclude").write_text("release-evidence\n")
    project.path = place
    bare = {"LC_ALL": "C", "LANG": "", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "TZ": "Pacific/Apia"}
    done = project.release(environ=bare | {"PYTHONIOENCODING": "ascii", "SOURCE_DATE_EPOCH": "0"})
    assert (done.status, set(project.states().values())) == (0, {"PASSED"}), done.out
    verified = project.relgate("verify", str(project.folder()), "--commit", project.git("rev-parse", "HEAD"))
    assert verified.status == 0, verified.out
