"""A project of its own, in git, with gates and a lock: what most tests of behaviour begin with."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

import warm
from light import LIGHT
from real_servers import cargo_registry, devpi, verdaccio  # noqa: F401  (fixtures for every test)

if TYPE_CHECKING:
    from pathlib import Path

if importlib.util.find_spec("hypothesis"):  # `pytest --markers` reads this file where it is not installed
    import hypothesis

    # A deadline is a timed assertion, and machines that run tests are noisy.
    hypothesis.settings.register_profile("untimed", deadline=None)
    hypothesis.settings.load_profile("untimed")

PROFILE = 'schema = 1\nproject = "demo"\n'
GIT = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}
# What a surrounding test run or CI leaves in the environment and must not reach the runs under test.
FOREIGN = ("PYTEST_", "GITHUB_", "CI", "RELEASE_", "COV_", "COVERAGE_", "RELGATE_")


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    status: int
    out: str

    def line(self, start: str) -> str:
        """The first line that starts with these words."""
        return next(line for line in self.out.splitlines() if line.startswith(start))


@dataclass
class Project:
    """A git repository with a checks folder; every command runs in a process of its own."""

    path: Path
    environ: dict[str, str] = field(default_factory=dict)
    every_plugin: bool = False

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def git(self, *args: str) -> str:
        done = subprocess.run(
            ["git", "-c", "init.defaultBranch=main", *args],
            cwd=self.path,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, message: str = "work", *, empty: bool = False) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message, *(["--allow-empty"] if empty else []))
        return self.git("rev-parse", "HEAD")

    def lock(self) -> None:
        """Write gates.lock from what is collected, and commit everything."""
        done = self.pytest("--release-lock")
        assert done.status == 0, done.out
        self.commit("lock")

    def pytest(self, *args: str, environ: dict[str, str] | None = None, timeout: float = 120) -> Outcome:
        light = () if self.every_plugin else LIGHT
        return self.typed("-p", "no:cacheprovider", *light, *args, environ=environ, timeout=timeout)

    def typed(self, *args: str, environ: dict[str, str] | None = None, timeout: float = 120) -> Outcome:
        """``python -m pytest`` and these words, from a start that is warm: see ``parts/warm.py``."""
        env = self._environment() | (environ or {})
        done = warm.run(args, cwd=self.path, env=env, timeout=timeout)
        return Outcome(done.returncode, done.stdout)

    def release(
        self, *args: str, phase: str = "prerelease", target: str = "v0.2.0", **kwargs: Any
    ) -> Outcome:
        return self.pytest("-m", phase, "--release-target", target, *args, **kwargs)

    def relgate(self, *args: str) -> Outcome:
        done = warm.run(
            args, cwd=self.path, env=self._environment(), timeout=120, module="pytest_relgate.cli"
        )
        return Outcome(done.returncode, done.stdout)

    def python(self, *args: str, environ: dict[str, str] | None = None, timeout: float = 120) -> Outcome:
        done = subprocess.run(
            [sys.executable, *args],
            cwd=self.path,
            env=self._environment() | (environ or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=timeout,
        )
        return Outcome(done.returncode, done.stdout)

    def folder(self, phase: str = "prerelease", target: str = "v0.2.0") -> Path:
        return self.path / "release-evidence" / target / phase

    def evidence(self, phase: str = "prerelease", target: str = "v0.2.0") -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder(phase, target) / "evidence.json").read_text())
        return found

    def states(self) -> dict[str, str]:
        """The state of every gate by the name of its test."""
        return {gate["id"].partition("::")[2]: gate["state"] for gate in self.evidence()["gates"]}

    def codes(self) -> set[str]:
        return {reason["code"] for reason in self.evidence()["reasons"]}

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        return kept | GIT | self.environ


@pytest.fixture(scope="session")
def bare_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What every :func:`bare_project` is a copy of."""
    project = Project(tmp_path_factory.mktemp("bare") / "demo")
    project.path.mkdir()
    project.git("init", "-q")
    project.write("README.md", "demo\n")
    project.write("pytest.ini", "[pytest]\n")
    project.write("release_checks/relgate.toml", PROFILE)
    project.commit("begin")
    project.git("tag", "v0.1.0")
    project.write("src/demo.txt", "new\n")
    project.commit("change")
    return project.path


@pytest.fixture(scope="session")
def model(bare_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What every :func:`project` is a copy of."""
    project = copied(bare_model, tmp_path_factory.mktemp("locked") / "demo")
    project.write(
        "release_checks/test_gates.py",
        "import pytest\n\npytestmark = pytest.mark.prerelease\n\n\n"
        'def test_one():\n    """One holds."""\n    assert 1 == 1\n\n\n'
        'def test_two(release):\n    """Two holds."""\n    assert release.version == "0.2.0"\n',
    )
    project.lock()
    return project.path


def copied(model: Path, place: Path) -> Project:
    """A repository that is the model's, and git finds it clean without reading it anew."""
    shutil.copytree(model, place, symlinks=True)
    project = Project(place)
    project.git("update-index", "-q", "--refresh")
    return project


@pytest.fixture
def bare_project(bare_model: Path, tmp_path: Path) -> Project:
    """A project with a tag v0.1.0, a profile and no gates."""
    return copied(bare_model, tmp_path / "demo")


@pytest.fixture
def project(model: Path, tmp_path: Path) -> Project:
    """The same with two passing gates, locked and committed."""
    return copied(model, tmp_path / "demo")
