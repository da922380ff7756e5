"""Benchmarks of base and candidate, each built in a worktree of its own, their runs interleaved. SPEC S26.

Both sides run on this host in turns (base, candidate, candidate, base, ...), so that a machine that grows
slower meanwhile is slow to both. What is compared is what git has, and the working tree is left alone.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pytest_relgate.errors import CannotJudge, Finding, RelgateError
from pytest_relgate.source.benchmarks import LEAST, Rules, Unclear, compare, read_run, said, table
from pytest_relgate.source.command import git
from pytest_relgate.source.problem import Problem, none_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pytest_relgate.source.benchmarks import Comparison, Run

SHOWN = 4
NAMES = ("bench", "durability", "writers", "payload_bytes", "pool_size", "notes")


class Ended(Protocol):
    """How a command ended."""

    @property
    def succeeded(self) -> bool:
        """Whether it ended by itself with status 0."""

    @property
    def rc(self) -> int:
        """Its status."""

    @property
    def log(self) -> Path:
        """Its whole output."""


@dataclass(frozen=True)
class Benchmarks:
    """The benchmarks of the project under release.

    ``runs_in`` gives what runs commands in a folder; ``base`` and ``candidate`` are a tag (or what else
    people call it) and its commit, the base's empty for a first release.
    """

    repository: Path
    base: str
    base_commit: str
    candidate: str
    commit: str
    runs_in: Callable[[Path], Callable[..., Ended]]
    attach: Callable[[str, str], Any]

    def none_is_slower(  # noqa: PLR0913  (what a project says of its benchmarks, by name)
        self,
        command: str | Sequence[str],
        *,
        build: str | Sequence[str] = (),
        needs: str | Sequence[str] = (),
        runs: int = 5,
        metric: str = "ms_per_msg",
        names: Sequence[str] = NAMES,
        only: Sequence[str] = (),
        threshold: float = 15,
        noise_floor: float = 0,
        floors: Mapping[str, float] | None = None,
    ) -> Literal[True]:
        """No scenario is slower than at the base, none has vanished, and the host was quiet enough to tell.

        ``build`` and then ``command``, ``runs`` times, run in a worktree of each side; ``command`` prints a
        JSON object whose ``results`` hold ``metric``. The table of the comparison is attached. The rest is as
        in Rules. Raises Finding for what is slower or gone, CannotJudge for what cannot be told.
        """
        rules = Rules(
            metric,
            tuple(names),
            tuple(only),
            Fraction(str(threshold)),
            Fraction(str(noise_floor)),
            {name: Fraction(str(floor)) for name, floor in (floors or {}).items()},
        )
        if runs < LEAST:
            message = f"expected {LEAST} runs a side or more, found runs={runs}"
            raise RelgateError(message)
        commits = {self.base: self.base_commit} if self.base else {}
        with self._worktrees({**commits, self.candidate: self.commit}) as places:
            found = {name: _Side(self, name, place, command, needs, rules) for name, place in places.items()}
            for side in found.values():
                side.build(build)
            for number in range(runs):
                for side in found.values() if number % 2 == 0 else reversed(found.values()):
                    side.measure()
        before = found[self.base].runs if self.base else []
        comparison = compare(before, found[self.candidate].runs, rules)
        self.attach("benchmarks.md", table(comparison, self.base or "no base", self.candidate))
        return _judged(comparison, self.base)

    def may_fail(self, side: str) -> bool:
        """Whether what goes wrong on a side is a finding: the base is not under release."""
        return side == self.candidate

    @contextmanager
    def _worktrees(self, commits: Mapping[str, str]) -> Iterator[dict[str, Path]]:
        """A worktree for each commit, beside the repository and gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="relgate-benchmarks-") as scratch:
            places = {name: Path(scratch, str(number)) for number, name in enumerate(commits)}
            quiet = ("core.hooksPath=/dev/null",)
            try:
                for name, place in places.items():
                    add = ("worktree", "add", "--quiet", "--detach", str(place), commits[name])
                    git(self.repository, *add, settings=quiet)
                yield places
            finally:
                for place in places.values():
                    git(self.repository, "worktree", "remove", "--force", str(place), ok=(0, 128))


class _Side:
    """One side at work."""

    def __init__(
        self,
        benchmarks: Benchmarks,
        name: str,
        place: Path,
        command: str | Sequence[str],
        needs: str | Sequence[str],
        rules: Rules,
    ) -> None:
        self.run = benchmarks.runs_in(place)
        self.name, self.command, self.needs, self.rules = name, command, needs, rules
        self.may_fail = benchmarks.may_fail(name)
        self.runs: list[Run] = []

    def build(self, command: str | Sequence[str]) -> None:
        """Build what is measured, where there is anything to build."""
        if command:
            self._ended(self.run(command, needs=self.needs, check=self.may_fail))

    def measure(self) -> None:
        """Run once."""
        ended = self._ended(self.run(self.command, needs=self.needs, check=self.may_fail))
        try:
            self.runs.append(read_run(ended.log.read_text("utf-8", "replace"), self.rules))
        except Unclear as problem:
            found = f"the benchmark of {self.name}: {problem}"
            raise (Finding if self.may_fail else CannotJudge)(found, where=str(ended.log.name)) from None

    def _ended(self, ended: Ended) -> Ended:
        if not ended.succeeded:
            found = f"the benchmark ends with {ended.rc} at {self.name}, so there is nothing to compare with"
            raise CannotJudge(
                found, where=ended.log.name, do="mend it on this machine, or waive this release"
            )
        return ended


def _judged(comparison: Comparison, base: str) -> Literal[True]:
    """Say what is wrong. Raises Finding, CannotJudge."""
    __tracebackhide__ = True
    do = "look at benchmarks.md in the evidence; mend it, or say in a waiver why it may be so"
    if comparison.failing:
        return none_of(Problem(said(row, base), "", do) for row in comparison.failing)
    if comparison.undecided:
        several = [said(row, base) for row in comparison.undecided]
        more = f"; and {len(several) - SHOWN} more" if len(several) > SHOWN else ""
        found = "; ".join(several[:SHOWN]) + more
        raise CannotJudge(
            found, do="run it again on a quiet machine; benchmarks.md in the evidence has it all"
        )
    if base and not comparison.compared:
        message = f"no scenario is there both at {base} and now"
        raise CannotJudge(message, do="look at what the benchmark prints")
    if not comparison.rows:
        message = "the benchmark measures nothing"
        raise Finding(message, do="look at what it prints")
    return True
