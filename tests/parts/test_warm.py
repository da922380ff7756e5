"""A run from a warm start is the run of a fresh one, as far as anybody can see."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import pytest

import warm
from light import LIGHT

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Project

SHOWN = """
import atexit, json, os, sys, warnings
import pytest

pytestmark = pytest.mark.prerelease


def test_shown():
    facts = {
        "argv": sys.argv, "orig": sys.orig_argv[1:], "path": sys.path, "cwd": os.getcwd(),
        "environ": dict(os.environ), "main": sys.modules["__main__"].__spec__.name,
        "streams": [
            (one.name, one.encoding, one.errors, one.line_buffering, one.write_through, one.seekable())
            for one in (sys.__stdout__, sys.__stderr__)
        ],
        "tty": [os.isatty(fd) for fd in (0, 1, 2)], "in": os.read(0, 1).decode(), "meta": len(sys.meta_path),
        "written": sys.dont_write_bytecode, "filters": len(warnings.filters),
        "parent": os.getpgrp() != os.getpid(), "open": len(os.listdir("/dev/fd")),
    }
    print(json.dumps(facts, indent=1), file=sys.__stdout__)
    atexit.register(print, "at the end", file=sys.__stdout__)


def test_red():
    assert [1, 2] == [1, 3]


def test_random():
    import random
    with open(os.environ["RANDOM"], "a") as out:
        print(random.random(), file=out)
"""
LATE = """
import threading
threading.Thread(target=lambda: (threading.main_thread().join(), print("late"))).start()
"""
# What differs between any two runs.
_OWN = (r"\d+\.\d+s", r"\[pid \d+\]", r"0x[0-9a-f]+", r"(?<=Head     sha256:)[0-9a-f]+", r"about \d+ s")


def both(project: Project, *args: str, **environ: str) -> tuple[str, str]:
    """What a warm run and a cold one say and how they end, without what differs between any two runs."""
    said = []
    words = ("-p", "no:cacheprovider", *LIGHT, *args)
    for how, command in ((warm.run, words), (warm.cold, ("-m", "pytest", *words))):
        env = project._environment() | environ
        done = how(command, cwd=project.path, env=env, timeout=120)
        text = re.sub("|".join(_OWN), "…", done.stdout)
        said.append(f"{text}\nended with {done.returncode}")
    return said[0], said[1]


def test_it_is_in_the_place_and_says_the_words_of_a_fresh_one(
    bare_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLD_STARTS", raising=False)
    bare_project.write("release_checks/test_gates.py", SHOWN)
    bare_project.write("other/plugin.py", "def pytest_report_header():\n    return 'from the path'\n")
    bare_project.lock()
    other = {"PYTHONPATH": f"other{os.pathsep}{tmp_path}", "RANDOM": str(tmp_path / "random")}
    args = ("-m", "prerelease", "--release-target", "v0.2.0", "--release-rerun", "-p", "plugin", "-rA")
    both(bare_project, *args, **other)  # the second run of two is told what came of the first
    ran, fresh = both(bare_project, *args, **other)
    assert ran == fresh
    assert "from the path" in ran
    assert "at the end" in ran
    assert "assert [1, 2] == [1, 3]" in ran
    assert len(set((tmp_path / "random").read_text().split())) == 4


def test_workers_have_the_path_of_a_fresh_run(bare_project: Project) -> None:
    """``-p`` finds a plugin in the folder that a run is typed in: Python's ``-m`` puts it on the path."""
    bare_project.write("plugin.py", "import sys\nprint(sys.path, file=open('path', 'a'))\n")
    bare_project.write("test_own.py", "def test_own():\n    pass\n")
    ran = bare_project.pytest("-p", "plugin", "-n1", "test_own.py")
    assert ran.status == 0, ran.out
    paths = (bare_project.path / "path").read_text().splitlines()
    assert (len(paths), str(bare_project.path) in paths[1], "tests/parts" in paths[1]) == (2, True, False)


def test_a_command_of_its_own_is_typed_the_same_way(project: Project) -> None:
    project.release()
    words = ["verify", str(project.folder())]
    cli, env = "pytest_relgate.cli", project._environment()
    ran = warm.run(words, cwd=project.path, env=env, timeout=120, module=cli)
    fresh = warm.cold(["-m", cli, *words], cwd=project.path, env=env, timeout=120)
    assert (ran.returncode, ran.stdout) == (fresh.returncode, fresh.stdout)
    assert ran.stdout.startswith("PASSED")


@pytest.mark.parametrize(
    ("conftest", "status"),
    [
        ("import os\nos._exit(7)\n", 7),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", -signal.SIGKILL),
        ("raise RuntimeError('broken')\n", 4),
        ("import sys\nprint('said')\nsys.exit(3)\n", 3),
        (LATE, 0),
    ],
)
def test_it_ends_as_a_fresh_one_does(bare_project: Project, conftest: str, status: int) -> None:
    bare_project.write("conftest.py", conftest)
    bare_project.write("test_own.py", "def test_own():\n    pass\n")
    ran, fresh = both(bare_project, "test_own.py")
    assert ran == fresh
    assert ran.endswith(f"ended with {status}")


def test_what_python_reads_at_its_start_makes_a_start_of_its_own(bare_project: Project) -> None:
    bare_project.write("test_own.py", "import sys\n\n\ndef test_own():\n    assert sys.flags.utf8_mode\n")
    assert bare_project.pytest("test_own.py").status == 1
    assert bare_project.pytest("test_own.py", environ={"PYTHONUTF8": "1"}).status == 0


def test_a_module_that_hides_a_loaded_one_makes_a_start_of_its_own(bare_project: Project) -> None:
    bare_project.write("jinja2.py", "raise SystemExit('hidden')\n")
    assert "hidden" in bare_project.pytest("--version", "--version").out


SLOW = """
import pathlib, time


def test_slow():
    pathlib.Path("begun").touch()
    while not pathlib.Path("go").exists():
        time.sleep(0.02)
"""


def test_a_second_run_beside_the_first_does_not_wait_for_it(bare_project: Project) -> None:
    bare_project.write("test_slow.py", SLOW)
    bare_project.write("test_own.py", "def test_own():\n    pass\n")
    statuses: list[int] = []
    first = threading.Thread(target=lambda: statuses.append(bare_project.pytest("test_slow.py").status))
    first.start()
    while not (bare_project.path / "begun").exists():
        assert first.is_alive()
        time.sleep(0.02)
    try:
        assert bare_project.pytest("test_own.py").status == 0
        assert statuses == []
    finally:
        bare_project.write("go", "")
        first.join()
    assert statuses == [0]


def test_it_is_killed_when_its_time_is_up(bare_project: Project) -> None:
    bare_project.write("test_slow.py", "import time\n\n\ndef test_slow():\n    time.sleep(60)\n")
    with pytest.raises(subprocess.TimeoutExpired):
        bare_project.pytest("test_slow.py", timeout=0.5)
    bare_project.write("test_own.py", "def test_own():\n    pass\n")
    assert bare_project.pytest("test_own.py").status == 0
