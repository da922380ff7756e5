"""Code that judges is code that git has: whatever Python loads below the checks folder is looked at."""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Project

WORKERS = pytest.mark.parametrize("workers", ["-n0", "-n2"])
MARK = "import pytest\n\npytestmark = pytest.mark.prerelease\n\n\n"
DEEP = MARK + "def test_deep():\n    assert 1 == 1\n"


def message(project: Project) -> str:
    """What the evidence says of checks that nobody reviewed."""
    reasons = project.evidence()["reasons"]
    assert {reason["code"] for reason in reasons} == {"DIRTY_CHECKS"}
    return "; ".join(reason["message"] for reason in reasons)


def git(folder: Path, *args: str) -> None:
    person = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(
        ["git", *person, "-c", "protocol.file.allow=always", *args],
        cwd=folder,
        check=True,
        capture_output=True,
    )


@WORKERS
def test_a_gate_is_a_file_that_git_has(bare_project: Project, tmp_path: Path, workers: str) -> None:
    project = bare_project
    project.write("pytest.ini", "[pytest]\nnorecursedirs = .git\n")
    project.write(".gitignore", "nested/\n/release_checks/linked\n/release_checks/tools\nbuild/\nv1.0.0/\n")
    project.write("release_checks/test_gates.py", MARK + "def test_one():\n    assert 1 == 1\n")
    project.write("release_checks/nested/test_a.py", DEEP)
    git(project.path / "release_checks/nested", "init", "-q")
    git(project.path / "release_checks/nested", "add", "-A")
    git(project.path / "release_checks/nested", "commit", "-qm", "x")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/test_b.py").write_text(DEEP)
    (project.path / "release_checks/linked").symlink_to(tmp_path / "elsewhere")
    project.write("tools/test_c.py", DEEP)
    (project.path / "release_checks/tools").symlink_to("../tools")
    project.write("release_checks/build/test_d.py", DEEP)
    project.write("release_checks/v1.0.0/test_e.py", DEEP)
    project.lock()
    done = project.release(workers)
    assert done.status == 1, done.out
    said = message(project)
    for name in (
        "release_checks/nested/test_a.py is not in git",
        "release_checks/linked is a link that git does not have",
        "release_checks/tools is a link that git does not have",
        "release_checks/build/test_d.py is not in git",
        "release_checks/v1.0.0/test_e.py is not in git",
    ):
        assert name in said
    assert project.relgate("verify", str(project.folder())).status == 1
    again = project.release(workers)
    assert "kept" not in again.out, "a pass of code that nobody reviewed is none"


@WORKERS
def test_what_a_gate_imports_from_the_checks_git_has(bare_project: Project, workers: str) -> None:
    project = bare_project
    project.write(".gitignore", "build/\n*.pyc\n__pycache__/\n")
    project.write(
        "release_checks/conftest.py", "import sys, os\nsys.path.insert(0, os.path.dirname(__file__))\n"
    )
    project.write(
        "release_checks/test_gates.py",
        f"import bare\n{MARK}def test_one():\n    bare.check()\n\n\n"
        "def test_two():\n    from build import late\n    late.check()\n",
    )
    project.write("release_checks/build/__init__.py", "")
    project.write("release_checks/build/late.py", "def check(): pass\n")
    bare = project.write("release_checks/bare.py", "def check(): pass\n")
    compileall.compile_file(bare, legacy=True, quiet=2)
    bare.unlink()
    project.lock()
    assert project.release(workers).status == 1
    said = message(project)
    for name in ("bare.pyc", "build/__init__.py", "build/late.py"):
        assert f"release_checks/{name} is not in git" in said


@WORKERS
def test_a_submodule_of_the_checks_has_what_its_commit_has(
    bare_project: Project, tmp_path: Path, workers: str
) -> None:
    project, library = bare_project, tmp_path / "library"
    library.mkdir()
    (library / ".gitignore").write_text("local/\n")
    (library / "test_own.py").write_text(DEEP)
    git(library, "init", "-q")
    git(library, "add", "-A")
    git(library, "commit", "-qm", "x")
    git(project.path, "submodule", "add", "-q", str(library), "release_checks/sub")
    project.lock()
    assert project.release(workers).status == 0, "a submodule that is as recorded is reviewed"
    project.write("release_checks/sub/local/test_more.py", DEEP)
    project.lock()
    assert project.release(workers).status == 1
    assert "release_checks/sub/local/test_more.py is not in git" in message(project)
    git(project.path, "submodule", "deinit", "-f", "release_checks/sub")
    project.write("release_checks/sub/test_own.py", DEEP)
    project.write("release_checks/sub/local/test_more.py", DEEP)
    assert project.release(workers).status == 1
    assert "release_checks/sub/test_own.py is not in git" in message(project)


@WORKERS
def test_code_of_the_checks_comes_from_its_source(bare_project: Project, workers: str) -> None:
    project = bare_project
    project.write(".gitignore", "__pycache__/\n")
    project.write(
        "release_checks/conftest.py", "import sys, os\nsys.path.insert(0, os.path.dirname(__file__))\n"
    )
    project.write(
        "release_checks/test_gates.py",
        f"import helper\n{MARK}def test_one():\n    assert helper.one() == 1\n",
    )
    helper = project.write("release_checks/helper.py", "def one(): return 1\n")
    os.utime(helper, (1_000_000_000, 1_000_000_000))
    compileall.compile_file(helper, quiet=2)
    project.lock()
    helper.write_text("def one(): return 2\n")
    project.commit("stricter")
    os.utime(helper, (1_000_000_000, 1_000_000_000))
    assert project.release(workers).status == 1
    assert project.states() == {"test_one": "FAILED"}


@WORKERS
def test_a_rewritten_gate_comes_from_its_source(bare_project: Project, workers: str) -> None:
    """Pytest keeps bytecode of its own, and believes it by a hash that anybody can write."""
    project = bare_project
    project.write(".gitignore", "__pycache__/\n")
    gates = project.write("release_checks/test_gates.py", MARK + "def test_one():\n    assert 1 == 1\n")
    project.lock()
    project.pytest("release_checks")  # a plain run, which writes bytecode
    (kept,) = (project.path / "release_checks/__pycache__").glob("test_gates.*-pytest-*.pyc")
    bytecode = kept.read_bytes()
    gates.write_text(MARK + "def test_one():\n    assert 1 == 2\n")
    project.commit("stricter")
    project.pytest("release_checks")
    kept.write_bytes(kept.read_bytes()[:16] + bytecode[16:])
    assert project.release(workers).status == 1
    assert project.states() == {"test_one": "FAILED"}


def test_bytecode_of_everything_else_is_used_as_ever(bare_project: Project, tmp_path: Path) -> None:
    place = tmp_path / "libraries"
    place.mkdir()
    (place / "somelibrary.py").write_text("WHERE = 'source'\n")
    os.utime(place / "somelibrary.py", (1_000_000_000, 1_000_000_000))
    compileall.compile_file(place / "somelibrary.py", quiet=2)
    (place / "somelibrary.py").write_text("WHERE = 'nature'\n")
    os.utime(place / "somelibrary.py", (1_000_000_000, 1_000_000_000))
    bare_project.write(
        "release_checks/test_gates.py",
        f"import somelibrary\n{MARK}def test_one():\n    assert somelibrary.WHERE == 'source'\n",
    )
    bare_project.environ["PYTHONPATH"] = os.pathsep.join([str(place), *filter(None, sys.path)])
    bare_project.lock()
    assert bare_project.release().status == 0


def test_an_environment_below_the_checks_is_installed_and_no_check(bare_project: Project) -> None:
    """In a repository that is its checks a virtual environment lies below them."""
    project = bare_project
    project.write("pytest.ini", "[pytest]\nrelease_checks = .\n")
    project.write(".gitignore", ".venv/\n")
    git(project.path, "mv", "release_checks/relgate.toml", "relgate.toml")
    project.write("test_gates.py", f"import inside\n{MARK}def test_one():\n    assert inside.HERE\n")
    project.write(".venv/lib/inside.py", "HERE = True\n")
    project.write(
        "conftest.py",
        "import sys, os\nsys.prefix = os.path.join(os.path.dirname(__file__), '.venv')\n"
        "sys.path.insert(0, sys.prefix + '/lib')\n",
    )
    written = project.pytest("--release-lock")
    assert written.status == 0, written.out
    project.commit("lock")
    done = project.release()
    assert done.status == 0, done.out


def test_gates_from_a_committed_archive_and_through_committed_links_pass(bare_project: Project) -> None:
    import zipfile

    project = bare_project
    with zipfile.ZipFile(project.path / "release_checks/tools.zip", "w") as archive:
        archive.writestr("zipped.py", "def check(): pass\n")
    project.write("shared/helper.py", "def check(): pass\n")
    (project.path / "release_checks/shared").symlink_to("../shared")
    project.write("ops/conftest.py", "")
    git(project.path, "mv", "release_checks", "ops/release_checks")
    (project.path / "release_checks").symlink_to("ops/release_checks")
    git(project.path, "rm", "-q", "--cached", "-r", "--ignore-unmatch", "ops/release_checks/shared")
    (project.path / "ops/release_checks/shared").unlink()
    (project.path / "ops/release_checks/shared").symlink_to("../../shared")
    project.write(
        "ops/release_checks/conftest.py",
        "import sys, os\nhere = os.path.dirname(__file__)\n"
        "sys.path[:0] = [here + '/tools.zip', here + '/shared']\n",
    )
    project.write(
        "ops/release_checks/test_gates.py",
        f"import zipped, helper\n{MARK}def test_one():\n    zipped.check()\n    helper.check()\n",
    )
    project.lock()
    done = project.release()
    assert done.status == 0, done.out
    verified = project.relgate("verify", str(project.folder()))
    assert verified.status == 0, verified.out


@WORKERS
def test_a_script_of_the_checks_that_a_gate_runs_git_has(bare_project: Project, workers: str) -> None:
    project = bare_project
    project.write(".gitignore", "local*\nnode_modules/\n")
    for name in ("local.sh", "local_too", "node_modules/.bin/tool", "own.sh"):
        project.write(f"release_checks/{name}", "#!/bin/sh\n").chmod(0o755)
    project.write(
        "release_checks/test_gates.py",
        f"{MARK}def test_one(run):\n    run('sh release_checks/own.sh')\n"
        "    run('release_checks/node_modules/.bin/tool')\n\n\n"
        "def test_two(run):\n    run('sh -e release_checks/local.sh')\n"
        "    run('./local_too', cwd='release_checks')\n",
    )
    project.lock()
    assert project.release(workers).status == 1
    said = message(project)
    assert "release_checks/local.sh is not in git" in said
    assert "release_checks/local_too is not in git" in said
    assert ("own.sh" in said, "tool" in said) == (False, False)


@WORKERS
def test_a_plugin_of_the_checks_comes_from_its_source(bare_project: Project, workers: str) -> None:
    """One named with ``-p`` is loaded before anything can be said about bytecode."""
    project = bare_project
    project.write("pytest.ini", "[pytest]\naddopts = -p release_checks.checksplugin --assert=rewrite\n")
    project.write(".gitignore", "__pycache__/\n")
    plugin = project.write("release_checks/checksplugin.py", "WHAT = 1\n")
    os.utime(plugin, (1_000_000_000, 1_000_000_000))
    compileall.compile_file(plugin, quiet=2)
    project.write("release_checks/test_gates.py", MARK + "def test_one():\n    pass\n")
    project.lock()
    assert project.release(workers).status == 0, "bytecode of this very source"
    plugin.write_text("WHAT = 2\n")
    project.commit("stricter")
    os.utime(plugin, (1_000_000_000, 1_000_000_000))
    assert project.release(workers).status == 1
    assert "release_checks/checksplugin.py was another when it was loaded" in message(project)


def test_a_module_that_is_put_out_of_sight_was_loaded(bare_project: Project) -> None:
    project = bare_project
    project.write(".gitignore", "build/\n")
    project.write("release_checks/build/hidden.py", "def check(): pass\n")
    project.write(
        "release_checks/test_gates.py",
        "import sys\nfrom pathlib import Path\nsys.path.insert(0, str(Path(__file__).parent / 'build'))\n"
        f"from hidden import check\ndel sys.modules['hidden']\n{MARK}def test_one():\n    check()\n",
    )
    project.lock()
    assert project.release().status == 1
    assert "release_checks/build/hidden.py is not in git" in message(project)


def test_another_way_to_the_same_folder_is_no_way_round(bare_project: Project, tmp_path: Path) -> None:
    project = bare_project
    project.write(".gitignore", "build/\n")
    project.write("release_checks/build/hidden.py", "def check(): pass\n")
    (tmp_path / "way").symlink_to(project.path / "release_checks")
    project.write(
        "release_checks/test_gates.py",
        f"import sys\nsys.path.insert(0, {str(tmp_path / 'way/build')!r})\nimport hidden\n"
        f"{MARK}def test_one():\n    hidden.check()\n",
    )
    project.lock()
    assert project.release().status == 1
    assert "release_checks/build/hidden.py is not in git" in message(project)
