"""Base and candidate run in worktrees of their own, in turns; what went wrong is said of its side."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.errors import CannotJudge, Finding, RelgateError
from pytest_relgate.exec.redact import Redactor
from pytest_relgate.exec.runner import CommandFailed, Runner
from pytest_relgate.source.benchmarks_runs import Benchmarks
from pytest_relgate.source.git import Repository

if TYPE_CHECKING:
    from pathlib import Path

BENCH = 'print(\'{"results": [{"bench": "a", "ms_per_msg": %s}]}\')\n'
COMMAND = [sys.executable, "bench.py"]


class Host:
    """A repository with a base and a candidate, each with a benchmark, and what ran where."""

    def __init__(self, folder: Path, base: str, candidate: str) -> None:
        self.repository = folder / "repository"
        self.repository.mkdir()
        (folder / "logs").mkdir()
        self.folder, self.order, self.attached = folder, [""][:0], ""
        self.git("init", "-q")
        for text in (base, candidate):
            (self.repository / "bench.py").write_text(text)
            self.git("add", "-A")
            self.git("commit", "-q", "--allow-empty", "-m", "x")

    def git(self, *words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", *who, *words], cwd=self.repository, check=True, capture_output=True)

    def runs_in(self, place: Path) -> Any:
        runner = Runner(place, self.folder / "logs", "gate", Redactor(()), {"PATH": "/bin"})

        def run(argv: Any, **named: Any) -> Any:
            assert (place / "bench.py").is_file()
            self.order.append(place.name)
            return runner(argv, **named)

        return run

    def keep(self, name: str, text: str) -> None:
        assert name == "benchmarks.md"
        self.attached = text

    def benchmarks(self, *, first_release: bool = False) -> Benchmarks:
        there = Repository(self.repository)
        base = "" if first_release else "v1.0.0"
        commit = "" if first_release else there.commit_of("HEAD~1")
        return Benchmarks(self.repository, base, commit, "v1.1.0", there.head(), self.runs_in, self.keep)

    def is_left_alone(self) -> bool:
        there = Repository(self.repository)
        listed = subprocess.run(
            ["git", "worktree", "list"], cwd=self.repository, check=True, capture_output=True, text=True
        )
        return len(listed.stdout.splitlines()) == 1 and not there.dirt()


def test_runs_take_turns_and_leave_nothing_behind(tmp_path: Path) -> None:
    host = Host(tmp_path, BENCH % "1.0", BENCH % "1.1")
    assert host.benchmarks().none_is_slower(COMMAND, build=[sys.executable, "-c", ""], runs=4)
    assert host.order == ["0", "1", "0", "1", "1", "0", "0", "1", "1", "0"]  # two builds, then four of each
    assert "| a | 1 | 4: 1 to 1 | 1.1 | 4: 1.1 to 1.1 | +10.0 % | no slower |" in host.attached
    assert host.is_left_alone()


@pytest.mark.parametrize(
    ("base", "candidate", "error", "says"),
    [
        (BENCH % "1.0", BENCH % "1.15", Finding, r"a is slower: 1\.15 where v1\.0\.0 has 1 \(\+15\.0 %\)"),
        (BENCH % "1.0", "print('{\"results\": []}')", Finding, "a has vanished"),
        (BENCH % "1.0", "raise SystemExit(3)", CommandFailed, "exited with 3"),
        (BENCH % "1.0", "print('nothing')", Finding, "benchmark of v1.1.0: expected a JSON object"),
        ("raise SystemExit(3)", BENCH % "1.0", CannotJudge, "ends with 3 at v1.0.0"),
        ("print('nothing')", BENCH % "1.0", CannotJudge, "benchmark of v1.0.0: expected a JSON object"),
        (BENCH % "null", BENCH % "1.0", CannotJudge, "a has no time in 3 results of v1.0.0"),
        (BENCH.replace('"a"', '"b"') % "1", BENCH.replace('"a"', '"b"') % "1", CannotJudge, "no scenario"),
    ],
    ids=[
        "slower",
        "vanished",
        "fails",
        "says nothing",
        "base fails",
        "base says nothing",
        "no time",
        "other",
    ],
)
def test_what_is_wrong_is_said_of_its_side(
    tmp_path: Path, base: str, candidate: str, error: type[Exception], says: str
) -> None:
    host = Host(tmp_path, base, candidate)
    with pytest.raises(error, match=says):
        host.benchmarks().none_is_slower(COMMAND, runs=3, only=["a"])
    assert host.is_left_alone()


def test_a_first_release_has_nothing_to_be_slower_than(tmp_path: Path) -> None:
    host = Host(tmp_path, "raise SystemExit(3)", BENCH % "1.0")
    assert host.benchmarks(first_release=True).none_is_slower(COMMAND, runs=3)
    assert (host.order, "| a |  |  | 1 | 3: 1 to 1 |  | new |" in host.attached) == (["0"] * 3, True)


def test_fewer_than_three_runs_are_refused(tmp_path: Path) -> None:
    host = Host(tmp_path, BENCH % "1.0", BENCH % "1.0")
    with pytest.raises(RelgateError, match="expected 3 runs a side or more, found runs=2"):
        host.benchmarks().none_is_slower(COMMAND, runs=2)
