"""A release run driven from its first byte to its seal without pytest, so that a test of evidence is cheap.

Everything but the gates is real: git, the checks folder and its lock, the evidence folder.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import json
from msgspec.structs import replace

from pytest_relgate.crossing import Closed, Collected, Payload
from pytest_relgate.evidence import journal as journals
from pytest_relgate.evidence import seal
from pytest_relgate.evidence.verify import Expectation, Verification, verify_folder
from pytest_relgate.judge import decide_every
from pytest_relgate.lockfile import format_lock, read_lock
from pytest_relgate.model import Gate, State
from pytest_relgate.prepare import Place, prepare
from pytest_relgate.request import Request
from pytest_relgate.session import ReleaseRun
from pytest_relgate.source.git import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

ONE, TWO = "test_gates.py::test_one", "test_gates.py::test_two"
PROFILE = 'schema = 1\nproject = "demo"\n\n[approvers]\npeople = ["grace", "ada"]\n'
GIT = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}
NOW = "2100-01-01T00:00:00Z"


def gate(name: str, **facts: Any) -> Gate:
    """A planned gate."""
    return Gate(**({"id": name, "phase": "prerelease", "limit": 60.0} | facts))


@dataclass
class Bench:
    """A repository with checks and a lock, and runs in it."""

    path: Path
    phase: str = "prerelease"
    target: str = "v0.2.0"
    checks: str = "release_checks"
    runs: list[ReleaseRun] = field(default_factory=list)

    # -- the project

    def git(self, *args: str) -> str:
        done = subprocess.run(
            ["git", "-c", "init.defaultBranch=main", *args],
            cwd=self.path,
            env=os.environ | GIT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def commit(self, message: str = "work") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def lock(self, *gates: Gate) -> str:
        """Commit a lock of these gates."""
        self.write("release_checks/gates.lock", format_lock(gates))
        return self.commit("lock")

    @property
    def repository(self) -> Repository:
        return Repository(self.path)

    # -- runs

    def run(
        self,
        outcomes: Mapping[str, State | Iterable[State]] | None = None,
        *,
        collected: Iterable[Gate] | None = None,
        facts: Iterable[tuple[str, str]] = (),
        during: Callable[[ReleaseRun], None] | None = None,
        finish: bool = True,
        status: int | None = None,
        narrowed: Iterable[str] = (),
        paths: tuple[str, ...] = (),
        evidence: str | None = None,
        **options: Any,
    ) -> ReleaseRun:
        """One run: every gate that is not kept comes to its outcome, PASSED unless said otherwise."""
        checks = self.path / self.checks
        names = {
            "release_target": self.target,
            "release_mode": None,
            "release_agent": "ada@laptop",
            "release_repo": None,
            "release_base": None,
            "release_config": None,
            "release_evidence": evidence,
            "release_rerun": False,
            "release_reviewed": None,
            "release_build_run": None,
            "release_recover": False,
        }
        request = Request("run", self.phase, checks, paths, " ".join(paths), self.path)
        place = Place(self.path, self.path / "pytest.ini", self.path, "")
        prepared = prepare(request, argparse.Namespace(**(names | options)), place, GIT)
        run = ReleaseRun.begin(prepared)
        self.runs.append(run)
        try:
            self._work(run, outcomes or {}, collected, tuple(narrowed))
            for code, message in facts:
                run.fact(code, message)
            if during is not None:
                during(run)
            if finish:
                mine = [one for done in run.attempts.values() for one in done if one.run == run.run]
                red = any(one.outcome is not State.PASSED for one in mine)
                run.finish(status if status is not None else int(red))
        finally:
            run.close()
        return run

    def _work(
        self,
        run: ReleaseRun,
        outcomes: Mapping[str, State | Iterable[State]],
        collected: Iterable[Gate] | None,
        narrowed: tuple[str, ...],
    ) -> None:
        prepared, handed = run.prepared, run.run_facts(self.path)
        known = read_lock(prepared.request.checks) or ()
        gates = [one for one in (known if collected is None else collected) if one.phase == self.phase]
        decisions = decide_every(
            gates,
            changed=handed.changed,
            base=handed.context.base_commit,
            commit=handed.commit,
            files=handed.files,
            mode=handed.context.mode,
            first_release=not handed.context.base,
        )
        chosen = [
            one.id
            for one in gates
            if one.id not in handed.settled
            and one.id not in narrowed
            and (decisions[one.id].due or one.id in handed.failed_before)
        ]
        proved = tuple(one for one in decisions.values() if one.proofs)
        run.collection(Collected(tuple(gates), tuple(chosen), proved), "main")
        for name in chosen:
            said = outcomes.get(name, State.PASSED)
            for ordinal, outcome in enumerate([said] if isinstance(said, State) else said, start=1):
                message = "" if outcome is State.PASSED else f"{name} found something"
                closed = Closed(name, ordinal, outcome, time.time(), 0.25, "main", message)
                run.payload(Payload((closed,)), "main")

    # -- what they left

    def folder(self, phase: str = "") -> Path:
        return self.path / "release-evidence" / self.target / (phase or self.phase)

    def evidence(self) -> seal.Evidence:
        return seal.decode((self.folder() / "evidence.json").read_bytes())

    def reading(self) -> journals.Reading:
        return journals.read(self.folder() / "journal.jsonl")

    def states(self) -> dict[str, str]:
        return {one.id.rpartition("_")[2]: str(one.state) for one in self.evidence().gates}

    def codes(self) -> list[str]:
        return [reason.code for reason in self.evidence().reasons]

    def verify(self, folder: Path | None = None, **expected: Any) -> Verification:
        """Verify as the command does, in this process."""
        known = {"now": NOW, "repository": self.repository, "under_release": self.repository}
        return verify_folder(folder or self.folder(), Expectation(**(known | expected)))


# What a run under test has no use for: importing them costs more than the run itself.
UNUSED = (
    "hypothesispytest",
    "asyncio",
    "anyio",
    "randomly",
    "rerunfailures",
    "flaky",
    "pytest-retry",
    "pytest_cov",
)


class Quick:
    """Real runs in processes of their own, with as few plugins as they need."""

    def environment(self, environ: Mapping[str, str] | None = None) -> dict[str, str]:
        foreign = ("PYTEST_", "GITHUB_", "CI", "RELEASE_", "COV_", "COVERAGE_", "RELGATE_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        addopts = " ".join(f"-p no:{name}" for name in UNUSED)
        return kept | GIT | {"PYTEST_ADDOPTS": addopts} | dict(environ or {})

    def start(
        self, path: Path, *args: str, environ: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *args],
            cwd=path,
            env=self.environment(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )

    def pytest(
        self, path: Path, *args: str, environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        process = self.start(path, *args, environ=environ)
        out, _ = process.communicate(timeout=240)
        return subprocess.CompletedProcess(process.args, process.returncode, out)

    def release(
        self, path: Path, *args: str, target: str = "v0.2.0", environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        asked = ("-m", "prerelease", "--release-target", target, "--release-agent", "ada@laptop")
        return self.pytest(path, *asked, *args, environ=environ)

    def relgate(self, path: Path, *args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pytest_relgate.cli", *args],
            cwd=path,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )


@dataclass
class Forge:
    """A sealed folder taken apart, to be put together again as somebody would like it to be."""

    bench: Bench
    evidence: seal.Evidence = field(init=False)
    entries: list[journals.Entry] = field(init=False)

    def __post_init__(self) -> None:
        self.evidence = self.bench.evidence()
        self.entries = list(self.bench.reading().entries)

    def sealed(self, **changes: Any) -> None:
        self.evidence = replace(self.evidence, **changes)

    def gate(self, name: str, **changes: Any) -> None:
        gates = [replace(one, **changes) if one.id == name else one for one in self.evidence.gates]
        self.sealed(gates=tuple(gates))

    def runs(self, **changes: Any) -> None:
        """Change every opening line, and the seal where it says the same."""
        self.entries = [
            replace(one, **changes) if isinstance(one, journals.RunOpened) else one for one in self.entries
        ]
        self.sealed(**{name: value for name, value in changes.items() if name in ("context", "subject")})

    def context(self, **changes: Any) -> None:
        self.runs(context=replace(self.evidence.context, **changes))
        short = {name: value for name, value in changes.items() if hasattr(self.evidence, name)}
        self.sealed(**short)

    def subject(self, **changes: Any) -> None:
        self.runs(subject=replace(self.evidence.subject, **changes))

    def ends(self, **changes: Any) -> None:
        self.entries = [
            replace(one, **changes) if isinstance(one, journals.RunClosed) else one for one in self.entries
        ]

    def attempts(self, name: str, **changes: Any) -> None:
        self.entries = [
            replace(one, **changes) if isinstance(one, journals.AttemptClosed) and one.gate == name else one
            for one in self.entries
        ]
        gates = []
        for one in self.evidence.gates:
            done = tuple(replace(attempt, **changes) for attempt in one.attempts)
            gates.append(replace(one, attempts=done) if one.id == name else one)
        self.sealed(gates=tuple(gates))

    def passed(self) -> None:
        self.sealed(verdict="PASSED", reasons=())

    def write(self, folder: Path | None = None) -> None:
        """Seal it, every digest and the whole chain made anew."""
        place = folder or self.bench.folder()
        lines, head = [], ""
        for entry in self.entries:
            lines.append(json.encode(replace(entry, prev=head)))
            head = journals.digest(lines[-1])
        (place / "journal.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
        journal = seal.JournalHead(len(lines), head)
        self.sealed(files=seal.files_of(place), journal=journal)
        text = b"".join(seal.encode(self.evidence))
        (place / "evidence.json").write_bytes(text)
        (place / "evidence.json.sha256").write_text(f"{hashlib.sha256(text).hexdigest()}  evidence.json\n")

    def verify(self, **expected: Any) -> Verification:
        self.write()
        return self.bench.verify(**expected)


@pytest.fixture(scope="session")
def quick() -> Quick:
    """Real runs, as quick as they can be."""
    return Quick()


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "demo"
    path.mkdir()
    bench = Bench(path)
    bench.git("init", "-q")
    bench.write("README.md", "demo\n")
    bench.write("pytest.ini", "[pytest]\n")
    bench.write("release_checks/relgate.toml", PROFILE)
    bench.write("release_checks/test_gates.py", "import pytest\n\npytestmark = pytest.mark.prerelease\n")
    bench.commit("begin")
    bench.git("tag", "v0.0.1")
    bench.write("src/demo.txt", "old\n")
    bench.commit("first")
    bench.git("tag", "v0.1.0")
    bench.write("src/demo.txt", "new\n")
    bench.commit("change")
    bench.lock(gate(ONE), gate(TWO))
    return path


@pytest.fixture(scope="session")
def new_bench(_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Bench]:
    """Makes a project with two locked gates, and a way to run it."""

    def make() -> Bench:
        return Bench(
            Path(shutil.copytree(_template, tmp_path_factory.mktemp("bench") / "demo", symlinks=True))
        )

    return make


@pytest.fixture
def bench(new_bench: Callable[[], Bench]) -> Bench:
    """A project with two locked gates, and a way to run it."""
    return new_bench()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Repository:
    """A repository that has nothing of the project."""
    subprocess.run(["git", "init", "-q", tmp_path / "elsewhere"], check=True, env=os.environ | GIT)
    return Repository(tmp_path / "elsewhere")


@pytest.fixture(scope="session")
def a_gate() -> Callable[..., Gate]:
    """Makes a planned gate."""
    return gate
