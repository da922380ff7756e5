"""A run that somebody ends from outside is BLOCKED, and is verified to be."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project

QUICK = [word for name in ("randomly", "asyncio", "html") for word in ("-p", f"no:{name}")]
RELEASE = ["-p", "no:cacheprovider", *QUICK, "-m", "prerelease", "--release-target", "v0.2.0"]
WAITS = """\
import os
import pathlib
import time

import pytest

pytestmark = pytest.mark.prerelease


def test_good():
    pass


def test_waits():
    here = pathlib.Path(os.environ["HERE"])
    here.write_text("")
    while here.exists():
        time.sleep(0.01)
"""


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
@pytest.mark.parametrize(
    ("number", "status", "finding"),
    [
        (signal.SIGINT, 2, "BLOCKED"),
        (signal.SIGTERM, -signal.SIGTERM, "INCOMPLETE"),
        (signal.SIGKILL, -signal.SIGKILL, "INCOMPLETE"),
        (signal.SIGHUP, -signal.SIGHUP, "INCOMPLETE"),
    ],
)
def test_a_signal_to_the_run(
    project: Project, workers: str, number: signal.Signals, status: int, finding: str
) -> None:
    project.write("release_checks/test_gates.py", WAITS)
    project.lock()
    here = project.path.with_name("here")
    words = [sys.executable, "-m", "pytest", *RELEASE, workers]
    environ = project._environment() | {"HERE": str(here)}
    with subprocess.Popen(words, cwd=project.path, env=environ, stdout=subprocess.DEVNULL) as run:
        while not here.exists():
            assert run.poll() is None
            time.sleep(0.01)
        run.send_signal(number)
        if workers == "-n2":  # let the worker end too, whoever is left to wait for it
            here.unlink()
        assert run.wait(60) == status
    here.unlink(missing_ok=True)
    assert project.evidence()["verdict"] == "BLOCKED"
    verified = project.relgate("verify", "release-evidence/v0.2.0/prerelease")
    assert (verified.status, verified.out.split()[0]) == (1, finding), verified.out


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
@pytest.mark.parametrize("shell", ['"$@" >&-', '"$@" | true; exit 1'])
def test_output_that_cannot_be_written(project: Project, workers: str, shell: str) -> None:
    project.write(
        "release_checks/test_gates.py", WAITS.replace("    here = ", "    assert False\n    here = ")
    )
    project.lock()
    words = ["sh", "-c", shell, "sh", sys.executable, "-m", "pytest", *RELEASE, workers]
    done = subprocess.run(
        words, cwd=project.path, env=project._environment(), stderr=subprocess.DEVNULL, check=False
    )
    assert done.returncode != 0
    assert project.evidence()["verdict"] == "BLOCKED"
    assert project.relgate("verify", "release-evidence/v0.2.0/prerelease").status == 1
