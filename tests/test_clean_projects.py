"""A good release is never called bad: wherever a project lies and however it is set up, it ends PASSED."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from light import LIGHT

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


@both
@pytest.mark.parametrize(
    "ini",
    [
        "addopts = -x --maxfail=1 -q --ff",
        "addopts = --lf --sw\ncache_dir = .cache",
        "addopts = tests --strict-markers --strict-config\ntestpaths = tests",
        "testpaths = nowhere\nnorecursedirs = release_checks build",
        "strict = true\nfilterwarnings = error\nxfail_strict = true",
        "python_files = check_*.py test_*.py\npython_classes = Check Test\naddopts = --import-mode=importlib",
        "max_warnings = 0\nreruns = 3\nretries = 3",
        "addopts = -n2 --dist=loadscope --durations=3 --tb=short -p no:logging",
        "addopts = -p no:terminal",
        "timeout = 1\ntimeout_method = signal\nsession_timeout = 0.001",
        "log_cli = true\naddopts = -s -vv --color=yes --junitxml=.cache/junit.xml",
    ],
)
def test_the_projects_own_settings_do_not_interfere(project: Project, workers: str, ini: str) -> None:
    gates(
        project,
        "import warnings\n\n\ndef test_one(recwarn):\n    warnings.warn('so')\n\n\n"
        "def test_two():\n    pass\n",
    )
    project.write("pytest.ini", f"[pytest]\n{ini}\n")
    project.write("tests/test_own.py", "def test_own():\n    assert False\n")
    project.write(".gitignore", ".cache/\n.pytest_cache/\n")
    project.commit("settings")
    others = () if "reruns" in ini else LIGHT  # whose plugins know the word
    done = project.typed(*others, *QUICK, "-m", "prerelease", "--release-target", "v0.2.0", workers)
    assert done.status == 0, done.out
    assert project.evidence()["verdict"] == "PASSED"
    assert project.git("status", "--porcelain") == ""


def test_the_projects_own_red_tests_are_none_of_the_gates_business(project: Project) -> None:
    project.write("tests/test_own.py", "import nothing_of_that_name\n")
    project.write(".gitignore", "__pycache__/\n")
    project.commit("red")
    assert project.pytest(*QUICK).status == 2
    passes(project, *QUICK)


def test_from_a_folder_of_the_project_and_from_the_checks_themselves(project: Project) -> None:
    release = ["-p", "no:cacheprovider", *LIGHT, *QUICK, "-m", "prerelease", "--release-target", "v0.2.0"]
    for place, args in (
        ("src", []),
        ("src", ["../release_checks"]),
        ("release_checks", []),
        ("release_checks", ["."]),
        ("release_checks", ["test_gates.py"]),
        (".", [str(project.path / "release_checks")]),
        (".", ["release_checks/"]),
        (".", ["."]),
    ):
        here = type(project)(project.path / place)
        done = here.typed(*release, "--release-rerun", *args)
        assert done.status == 0, done.out
        assert project.states() == {"test_one": "PASSED", "test_two": "PASSED"}
        shutil.rmtree(project.path / "release-evidence")


@both
def test_a_root_directory_elsewhere(project: Project, workers: str, tmp_path_factory: Any) -> None:
    elsewhere = tmp_path_factory.mktemp("root")
    evidence = f"--release-evidence={project.path / 'release-evidence'}"
    passes(project, *QUICK, workers, f"--rootdir={elsewhere}", "release_checks", evidence)
    assert project.states() == {"test_one": "PASSED", "test_two": "PASSED"}


@both
def test_checks_in_a_folder_of_another_name(project: Project, workers: str) -> None:
    project.git("mv", "release_checks", "gates of ours")
    project.write("pytest.ini", "[pytest]\nrelease_checks = gates of ours/\n")
    project.commit("moved")
    passes(project, *QUICK, workers)


@both
def test_a_path_that_is_hard_to_spell(project: Project, workers: str) -> None:
    place = project.path.with_name("ein Pfad [mit] Größe %s 🚀")
    project.path.rename(place)
    odd = type(project)(place)
    text = HEADER + (
        "@pytest.mark.parametrize('text', ['a::b', '[x]', 'ü', 'a/b', 'a b'])\n"
        "def test_odd(text):\n    assert text\n\n\n"
        "@pytest.mark.sequence\nclass TestOdd:\n    def test_a(self):\n        pass\n\n"
        "    def test_b(self):\n        pass\n"
    )
    odd.write("release_checks/test_ü gates.py", text)
    odd.lock()
    passes(odd, *QUICK, workers)
    assert len(odd.states()) == 9


@both
def test_a_working_tree_of_its_own(project: Project, workers: str) -> None:
    project.git("worktree", "add", "-q", "../tree", "-b", "release")
    tree = type(project)(project.path.with_name("tree"))
    passes(tree, *QUICK, workers)
    assert project.git("status", "--porcelain") == ""


def test_without_a_switch_for_bytecode_nothing_is_left_behind(project: Project) -> None:
    assert not (project.path / ".gitignore").exists()
    project.write("release_checks/facts.py", "version = '0.2.0'\n")
    project.write("release_checks/conftest.py", "import facts\n")
    gates(project, "import facts\n\n\ndef test_one(release):\n    assert release.version == facts.version\n")
    for path in project.path.rglob("__pycache__"):
        shutil.rmtree(path)
    passes(project, *QUICK, "-n2")
    left = {path.name for path in project.path.iterdir()}
    assert left == {".git", "README.md", "pytest.ini", "release-evidence", "release_checks", "src"}
    assert list(project.path.rglob("__pycache__")) == []


def test_a_gate_that_is_itself_a_run_of_pytest(project: Project) -> None:
    project.write(
        "tests/test_own.py",
        "import os\n\n\ndef test_own():\n    assert 'PYTEST_XDIST_WORKER' not in os.environ\n",
    )
    gates(
        project,
        "import sys\n\n\ndef test_own_tests(run):\n"
        "    run([sys.executable, '-m', 'pytest', '-q', 'tests'])\n",
    )
    project.write(".gitignore", ".pytest_cache/\n__pycache__/\n.hypothesis/\n")
    project.commit("ignore")
    passes(project, *QUICK, "-n2")
