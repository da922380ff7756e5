"""A release that is walked through the sandbox, phase by phase, and put back to where it was after any.

PATH is cut down to Python and git, as on a machine that has nothing else.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

import warm
from checkout import cloned
from light import LIGHT
from pytest_relgate.model import Phase
from pytest_relgate.sandbox.box import open_box
from pytest_relgate.sandbox.runs import PUBLISH

if TYPE_CHECKING:
    from pathlib import Path

TARGET = ("--release-target", "v0.1.10")
LIVE = ("--release-mode", "live", "--release-agent", "ada@laptop")
MORE = {"publish": LIVE}
BEFORE = {Phase.REHEARSAL: "build", Phase.PUBLISH: "rehearsal"}


class Walk:
    """A clone of this repository with a sandbox of its own, put back to where it was after any phase."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path, self.environ = cloned(folder)
        self.evidence = self.path / "release-evidence"
        self.seconds: dict[str, float] = {}  # wall time of each of the five commands
        self.said: dict[str, str] = {}  # what each of them printed

    def type(
        self, phase: str, *args: str, plugin: str = "", cold: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Type the command of a phase; from a warm start, unless it is to be cold."""
        plugins = ("no:cacheprovider", "no:html", *filter(None, [plugin]))
        words = [*LIGHT, *(word for name in plugins for word in ("-p", name))]
        asked = [*words, "release_checks", "-m", phase, *TARGET, *args]
        env = self.environ | {"PYTHONPATH": str(self.folder)}
        if cold:
            return warm.cold(("-m", "pytest", *asked), cwd=self.path, env=env, timeout=240)
        return warm.run(asked, cwd=self.path, env=env, timeout=240)

    def status(self, *args: str) -> tuple[int, str]:
        """Ask where the release stands: the exit status, and what is said, in one line."""
        done = subprocess.run(
            [sys.executable, "-m", "pytest_relgate.cli", "status", TARGET[1], *args],
            cwd=self.path,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert not done.stderr
        assert all(len(line) <= 80 or len(line.split()) == 1 for line in done.stdout.splitlines())
        return done.returncode, " ".join(done.stdout.replace("\\\n", "").split())

    def seal(self, phase: str, below: str = ".") -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            (self.evidence / below / TARGET[1] / phase / "evidence.json").read_text()
        )
        return found

    def keep(self, name: str) -> None:
        for what in ("cache", "checkout/release-evidence"):
            shutil.copytree(self.folder / what, self.folder / "kept" / name / what, symlinks=True)

    def back_to(self, name: str) -> None:
        for what in ("cache", "checkout/release-evidence"):
            shutil.rmtree(self.folder / what)
            shutil.copytree(self.folder / "kept" / name / what, self.folder / what, symlinks=True)

    def runs(self) -> list[str]:
        """The titles of all runs of the publish workflow for the target."""
        box = open_box(self.path, (), self.environ)
        try:
            world = box.surroundings.store.truth()
        finally:
            box.close()
        return [run.title for run in world.runs if run.workflow == PUBLISH and TARGET[1] in run.title]


@pytest.fixture(scope="session")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """A checkout in which all five commands were typed, and each passed."""
    made = Walk(tmp_path_factory.mktemp("walk"))
    for phase in ("prerelease", "build", "rehearsal", "publish", "postrelease"):
        begun = time.monotonic()
        done = made.type(phase, *MORE.get(phase, ()), cold=True)
        made.seconds[phase], made.said[phase] = time.monotonic() - begun, done.stdout
        assert (done.returncode, made.seal(phase)["verdict"]) == (0, "PASSED"), f"{phase}: {done.stdout}"
        made.keep(phase)
        if phase in BEFORE:
            assert "publish-npm: success" in done.stdout
            assert len(list((made.evidence / TARGET[1] / phase / "attached").glob("run-*.json"))) == 1
    return made
