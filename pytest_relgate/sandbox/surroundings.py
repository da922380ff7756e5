"""What is around the repository under release: the services' world, the origin, the tap.

The healthy ones are kept in the sandbox's folder. A run under faults gets copies, so that nothing that it
does or that is done to it is there for the next run.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.resources
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from pytest_relgate.sandbox import origin as origins
from pytest_relgate.sandbox import tap as taps
from pytest_relgate.sandbox.repository import CANDIDATE_COMMIT, ensure_repository
from pytest_relgate.sandbox.store import BLOBS, Store
from pytest_relgate.source.command import git

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pytest_relgate.sandbox.faults import Fault
    from pytest_relgate.sandbox.tap import Formula
    from pytest_relgate.sandbox.world import World

_REPOSITORY: Final = "plasmite"


@dataclass(frozen=True)
class Surroundings:
    """A store, an origin (GitHub's repository) and a tap that belong together.

    ``change_formula`` is what faults make of a formula; ``behind`` is the healthy store of a private one.
    """

    store: Store
    origin: Path
    tap: Path
    change_formula: tuple[Callable[[str, str], str], ...] = ()
    behind: Store | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines about what was made anew."""
        return tuple(self.store.notes) + tuple(self.behind.notes if self.behind else ())

    def push_formula(self, formula: Formula) -> None:
        """Commit a formula to the tap, with what the faults make of it."""
        text = formula.text
        for change in self.change_formula:
            text = change(text, taps.formula_at(self.tap))
        taps.push_formula(self.tap, formula._replace(text=text))

    def formula(self) -> str:
        """Text of the formula that the tap has."""
        return taps.formula_at(self.tap)

    def push_tag(self, repository: Path, tag: str) -> bool:
        """Push a tag of a repository to the origin; False where the origin has it already."""
        if any(known.name == tag for known in origins.tags_of(self.origin)):
            return False
        origins.push_tag(repository, tag, self.origin)
        return True


def healthy(home: Path) -> Surroundings:
    """The surroundings that a checkout's sandbox keeps."""
    repository = home / _REPOSITORY

    def make(store: Store) -> World:
        from pytest_relgate.sandbox.shipped import shipped

        ensure_repository(repository)
        commits = git(repository, "rev-list", "--reverse", CANDIDATE_COMMIT).stdout.decode().split()
        return shipped(store, commits)

    if not repository.is_dir():  # a run under a fault may be the first
        ensure_repository(repository)
    store = Store(home, make=make, stamp=_stamp())
    return Surroundings(store, origins.ensure_origin(repository), home / taps.NAME)


def private(home: Path, folder: Path, repository: Path, faults: Sequence[Fault]) -> Surroundings:
    """A copy of the surroundings in a run's own folder, with the faults laid over it."""
    kept = healthy(home)
    origin, tap = folder / origins.NAME, folder / taps.NAME
    head = git(repository, "rev-parse", "HEAD").stdout.decode().strip()
    formulas = tuple(fault.formula for fault in faults if fault.formula is not None)

    def make(_: Store) -> World:
        world = kept.store.truth()
        shutil.rmtree(tap, ignore_errors=True)
        origins.copy_bare(kept.tap, tap)
        return _about(world, head)

    origins.copy_bare(origins.ensure_origin(repository), origin)
    overlays = [fault.world for fault in faults if fault.world is not None]
    store = Store(folder, overlays, make=make, blobs=home / BLOBS)
    made = Surroundings(store, origin, tap, formulas, kept.store)
    if formulas:
        store.read()
        before = taps.formula_at(tap, "refs/heads/main~1")
        text = taps.formula_at(tap)
        for change in formulas:
            text = change(text, before)
        taps.push_formula(tap, taps.Formula(text, "plasmite", _tap_time(tap)))
    return made


def _about(world: World, head: str) -> World:
    """The world as it is about a candidate with a fault in it: CI ran on that commit."""
    runs = tuple(
        msgspec.structs.replace(run, head_sha=head) if run.head_sha == CANDIDATE_COMMIT else run
        for run in world.runs
    )
    return msgspec.structs.replace(world, runs=runs)


def _tap_time(tap: Path) -> str:
    return git(tap, "log", "-1", "--format=%cI", "refs/heads/main").stdout.decode().strip()


@functools.cache
def _stamp() -> str:
    """Digest of the code that makes the world: another version of it makes another world."""
    folder = importlib.resources.files("pytest_relgate.sandbox")
    texts = sorted((one.name, one.read_bytes()) for one in folder.iterdir() if one.name.endswith(".py"))
    return hashlib.sha256(b"".join(name.encode() + text for name, text in texts)).hexdigest()
