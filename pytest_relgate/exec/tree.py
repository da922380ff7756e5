"""All processes of one command: found, and ended. No other process is ever touched.

A process belongs to a command if it descends from the command's first process, stands in its session, or
carries its mark in the environment. The mark finds what has daemonised away (a double fork and a session
of its own). Out of reach is a process that both leaves the session and wipes its environment.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_relgate.exec.environment import carries

if TYPE_CHECKING:
    from psutil import Process

TERM_GRACE: Final = 2.0
"""Seconds between SIGTERM and SIGKILL."""

KILL_PATIENCE: Final = 10.0
"""Seconds after which a process that survives SIGKILL (stuck in the kernel) is given up, and named."""

_LOOK: Final = 0.02


@dataclass(frozen=True)
class Ended:
    """What had to be ended: names with process ids. ``survived`` are those that could not be."""

    processes: tuple[str, ...] = ()
    survived: tuple[str, ...] = ()


@dataclass
class Tree:
    """The processes of the command that ``mark`` names.

    ``leader`` is its first process, once there is one. It must not be reaped before the tree is ended:
    until then its process id, which is also that of its session, cannot be given to a stranger.
    """

    mark: str
    leader: Process | None = None

    def members(self) -> list[Process]:
        """The processes of this command that still run; zombies have ended."""
        import psutil

        session = self.leader.pid if self.leader is not None and self.leader.is_running() else 0
        found = {process.pid: process for process in self._descendants()}
        for pid in psutil.pids():
            if pid in found or pid == os.getpid():
                continue
            try:
                if (session and os.getsid(pid) == session) or self._carries_mark(pid):
                    found[pid] = psutil.Process(pid)
            except (psutil.Error, OSError):  # ended meanwhile, or another user's
                continue
        return [process for process in found.values() if _runs(process)]

    def end(self) -> Ended:
        """End every process of this command: SIGTERM, a short grace, SIGKILL until none is left."""
        doomed = self.members()
        if not doomed:
            return Ended()
        names = [_name(process) for process in doomed]
        for process in doomed:
            _signal(process, "terminate")
        patience = time.monotonic() + TERM_GRACE
        while any(map(_runs, doomed)) and time.monotonic() < patience:
            time.sleep(_LOOK)
        return Ended(tuple(names), self.kill())

    def kill(self) -> tuple[str, ...]:
        """End every process of this command at once, by SIGKILL; return the names of those that survived."""
        patience = time.monotonic() + KILL_PATIENCE
        # A process may fork after the list of processes was read and be gone when it is looked at:
        # only a second look that finds nothing says that nothing is left.
        empty = 0
        while empty < 2:  # noqa: PLR2004  (the second look)
            left = self.members()
            empty = 0 if left else empty + 1
            if left and time.monotonic() > patience:
                return tuple(map(_name, left))
            for process in left:
                _signal(process, "kill")
            if left:
                time.sleep(_LOOK)
        return ()

    def _descendants(self) -> list[Process]:
        import psutil

        if self.leader is None:
            return []
        try:
            return [self.leader, *self.leader.children(recursive=True)]
        except psutil.Error:
            return []

    def _carries_mark(self, pid: int) -> bool:
        import psutil

        return carries(psutil.Process(pid).environ(), self.mark)


def _runs(process: Process) -> bool:
    import psutil

    try:
        # is_running compares the time of birth, so a stranger with a reused number does not run as ours.
        # A process whose first thread has ended is called a zombie while its other threads work on.
        return process.is_running() and (
            process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1
        )
    except psutil.Error:
        return False


def ended(process: Process) -> bool:
    """Whether a process has ended, reaped or not."""
    return not _runs(process)


def _signal(process: Process, how: str) -> None:
    import psutil

    try:
        getattr(process, how)()  # compares the time of birth before it sends
    except psutil.Error:  # ended meanwhile, or another user's: then it is named as a survivor
        return


def _name(process: Process) -> str:
    import psutil

    try:
        return f"{process.name()} ({process.pid})"
    except psutil.Error:
        return f"a process that has ended since ({process.pid})"
