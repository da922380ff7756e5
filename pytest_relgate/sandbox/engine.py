"""GitHub's runners in the sandbox: they notice pushed tags and carry out queued runs."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING, Final

from pytest_relgate.clock import now
from pytest_relgate.errors import RelgateError
from pytest_relgate.sandbox.carry import carry
from pytest_relgate.sandbox.changes import ended
from pytest_relgate.sandbox.origin import source_at, tags_of
from pytest_relgate.sandbox.runs import RELEASE, queued
from pytest_relgate.sandbox.site import Site
from pytest_relgate.sandbox.tap import Formula

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_relgate.sandbox.store import Store
    from pytest_relgate.sandbox.world import Run, World

PACE: Final = 0.01
"""Seconds between two changes of a run on a thread of its own: one of ten jobs takes half a second."""


class Engine:
    """Carries out runs for one store. ``push_formula`` commits to the tap; ``origin`` is GitHub's repository.

    ``formula`` gives what the tap has.

    What a process that ended left queued or half done, the next one goes on with.
    """

    def __init__(
        self,
        store: Store,
        origin: Path,
        push_formula: Callable[[Formula], None],
        pace: float = PACE,
        *,
        formula: Callable[[], str] = lambda: "",
    ) -> None:
        self.store, self.origin, self.pace = store, origin, pace
        self._tags_seen: tuple[object, ...] = ()
        self._stopped = threading.Event()
        self._site = Site(
            look=store.read,
            put=store.put,
            get=store.get,
            source=lambda revision: source_at(origin, revision),
            push_formula=lambda *words: push_formula(Formula(*words)),
            clock=now,
            formula=formula,
        )

    def notice(self) -> None:
        """Queue the ``release`` workflow for each tag that was pushed since, and start what waits."""
        seen = self._state_of_tags()
        if seen == self._tags_seen:
            return
        self._tags_seen = seen
        for run in self.queue_pushed():
            self.dispatched(run)

    def queue_pushed(self) -> list[Run]:
        """Queue a run for each tag that has none by a push."""
        tags = [tag for tag in tags_of(self.origin) if tag.name.startswith("v")]
        if not tags:
            return []
        made: list[Run] = []

        def step(world: World) -> World:
            known = {run.head_branch for run in world.runs if run.workflow == RELEASE and run.event == "push"}
            for tag in tags:
                if tag.name not in known:
                    world = queued(RELEASE, tag.commit, tag.name, now(), made)(world)
            return world

        known = {run.head_branch for run in self.store.truth().runs if run.workflow == RELEASE}
        if any(tag.name not in known for tag in tags):
            self.store.change(step)
        return made

    def resume(self) -> None:
        """Go on with every run that has not ended."""
        for run in self.store.truth().runs:
            if run.status != "completed":
                self.dispatched(run)

    def dispatched(self, run: Run) -> None:
        """Carry out a queued run on a thread of its own."""
        name = f"runner-{run.id}"
        threading.Thread(target=self._quietly, args=(run.id,), name=name, daemon=True).start()

    def stop(self) -> None:
        """Let no run go on: the next process takes them up."""
        self._stopped.set()

    def carry_out(self, number: int, pace: float = 0) -> None:
        """Carry out a run to its end, unless another process does."""
        with self._mine(number) as mine:
            run = _run(self.store.truth(), number)
            if not mine or run is None or run.status == "completed":
                return
            for change in carry(run, self._site):
                if self._stopped.is_set():
                    return
                after = _run(self.store.change(change), number)
                if after is None or (after.conclusion == "cancelled"):
                    return
                if pace:
                    time.sleep(pace)

    def _quietly(self, number: int) -> None:
        """Carry out a run; a thread that died would be taken for a gate's, so its run fails instead."""
        try:
            self.carry_out(number, self.pace)
        except Exception:  # noqa: BLE001  (whatever it is, the run has failed)
            with contextlib.suppress(RelgateError, OSError):
                self.store.change(ended(number, "failure", now()))

    @contextlib.contextmanager
    def _mine(self, number: int) -> Iterator[bool]:
        """Whether this process is the one that carries out a run."""
        import fcntl

        shelf = self.store.home / ".carrying"
        shelf.mkdir(parents=True, exist_ok=True)
        lock = os.open(shelf / str(number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
        finally:
            os.close(lock)

    def _state_of_tags(self) -> tuple[object, ...]:
        """Something that changes when a tag is pushed, without asking git."""
        found: list[object] = []
        for name in (".git/refs/tags", ".git/packed-refs"):
            with contextlib.suppress(OSError):
                about = (self.origin / name).stat()
                found += [about.st_mtime_ns, about.st_ino]
        return tuple(found)


def _run(world: World, number: int) -> Run | None:
    return next((run for run in world.runs if run.id == number), None)
