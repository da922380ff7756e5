"""The world in which v0.1.0 to v0.1.9 are out on every channel and the candidate's CI is green.

It is played through: every run that ever was is carried out by the same code that carries out new ones.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from pytest_relgate.sandbox.carry import carry
from pytest_relgate.sandbox.history import CANDIDATE, files_at, released_at, tag_at
from pytest_relgate.sandbox.runs import CI, PUBLISH, RELEASE, WEEKLY, queued
from pytest_relgate.sandbox.site import Site, Source
from pytest_relgate.sandbox.tap import Formula, build_tap
from pytest_relgate.sandbox.world import Secret, World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_relgate.sandbox.store import Store
    from pytest_relgate.sandbox.world import Run

RECENT: Final = ""
"""When a secret was set that nobody forgets: a while ago, whenever somebody looks."""

SECRETS: Final = ("CARGO_REGISTRY_TOKEN", "HOMEBREW_TAP_TOKEN", "NPM_TOKEN", "PYPI_API_TOKEN")
_KEPT: Final = 2
"""Of how many of the newest releases the builds' artifacts are still there; older ones have expired."""


def shipped(store: Store, commits: Sequence[str]) -> World:
    """Make the world in memory, its bytes in the store and the tap beside it.

    ``commits`` are those of the history, oldest first, the candidate's last.
    """
    play = _Play(store, commits)
    for patch in range(CANDIDATE):
        tag, commit = tag_at(patch), commits[patch]
        when = released_at(patch)
        play.carry_out(CI, when + timedelta(minutes=1), commit, "main")
        play.carry_out(RELEASE, when + timedelta(minutes=20), commit, tag)
        inputs = {"release_tag": tag, "build_run_id": "", "rehearsal": "true"}
        play.carry_out(PUBLISH, when + timedelta(hours=1), commit, "main", inputs)
        play.carry_out(PUBLISH, when + timedelta(hours=2), commit, "main", {**inputs, "rehearsal": "false"})
        if patch < CANDIDATE - _KEPT:
            play.expire()
    play.carry_out(WEEKLY, released_at(CANDIDATE) - timedelta(days=1), commits[CANDIDATE - 1], "main")
    play.carry_out(CI, released_at(CANDIDATE) + timedelta(minutes=1), commits[CANDIDATE], "main")
    build_tap(store.home, play.formulas)
    return play.world


class _Play:
    """A world that is being played through. Its clock goes on by a second whenever it is looked at."""

    def __init__(self, store: Store, commits: Sequence[str]) -> None:
        since = stamp(released_at(0) - timedelta(days=30))
        self.world = World(secrets=tuple(Secret(name, since, RECENT) for name in SECRETS))
        self.formulas: list[Formula] = []
        self._now = released_at(0)
        self._sources = {commit: Source(commit, files_at(patch)) for patch, commit in enumerate(commits)}
        self._tags = {f"refs/tags/{tag_at(patch)}": commits[patch] for patch in range(CANDIDATE)}
        self._site = Site(
            look=lambda: self.world,
            put=store.put,
            get=store.get,
            source=lambda ref: self._sources.get(self._tags.get(ref, ref)),
            push_formula=lambda *words: self.formulas.append(Formula(*words)),
            clock=self._clock,
        )

    def _clock(self) -> str:
        self._now += timedelta(seconds=1)
        return stamp(self._now)

    def carry_out(
        self, workflow: str, when: datetime, commit: str, branch: str, inputs: dict[str, str] | None = None
    ) -> None:
        """Queue a run at a time and carry it out to its end."""
        self._now = when
        made: list[Run] = []
        self._apply(queued(workflow, commit, branch, stamp(when), made, inputs))
        for change in carry(made[-1], self._site):
            self._apply(change)

    def expire(self) -> None:
        """Let the artifacts of every run so far expire, as GitHub's do after a while."""
        runs = tuple(
            msgspec.structs.replace(
                run,
                artifacts=tuple(msgspec.structs.replace(one, expired=True) for one in run.artifacts),
            )
            for run in self.world.runs
        )
        self.world = msgspec.structs.replace(self.world, runs=runs)

    def _apply(self, change: Callable[[World], World]) -> None:
        self.world = change(self.world)


def stamp(when: datetime) -> str:
    """A time as RFC 3339 in UTC, whole seconds."""
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
