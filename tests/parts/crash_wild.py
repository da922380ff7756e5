"""Stories of a publish that is killed after any time: several times in a row, or two started at once."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from crash_cases import Ending
from crashing import LIVE
from light import LIGHT

if TYPE_CHECKING:
    import random

    from crash_cases import Matrix

_LONGEST = 8.0  # seconds: about what a publish takes on a machine that has other work too
_PATIENCE = 30.0  # seconds that what a killed process left behind may go on


def wild(matrix: Matrix, chance: random.Random) -> Ending:
    """Kill publishes after times taken at random, then type it again. The start is put back before."""
    matrix.back()
    found: list[str] = []
    story: list[str] = []
    for _ in range(chance.choice((1, 1, 2, 3, 4))):
        both = chance.random() < 0.3
        running = [_started(matrix) for _ in range(1 + both)]
        delay = chance.uniform(0.1, _LONGEST)
        time.sleep(delay)
        killed = [process for process in running if not both or chance.random() < 0.5]
        for process in killed:
            process.send_signal(signal.SIGKILL)
        ends = [_ended(process) for process in running]
        story.append(f"{'two, ' if both else ''}{len(killed)} killed after {delay:.1f} s: {ends}")
        found += [f"{when}: {words}" for when, words in zip(story[-1:], _left_behind(matrix), strict=False)]
        found += matrix.too_early(story[-1])
    ending = matrix.typed_again(found=found)
    told = tuple(f"{words} ({'; '.join(story)})" for words in ending.problems)
    return Ending(ending.again, told)


def _started(matrix: Matrix) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *LIGHT, "-p", "no:cacheprovider", "-p", "no:html", *LIVE],
        cwd=matrix.checkout,
        env={**matrix.environ, "PYTHONPATH": str(matrix.checkout)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _ended(process: subprocess.Popen[str]) -> str:
    """How it ended: by a signal, with a verdict, or refused as another run is at work."""
    said = process.communicate(timeout=300)[0]
    if process.returncode == -signal.SIGKILL:
        return "killed"
    if "another run (process" in said:
        return "refused"
    known = {0: "PASSED", 1: "BLOCKED"}
    return known.get(process.returncode, f"exit {process.returncode}: {said[-1500:]}")


def _left_behind(matrix: Matrix) -> list[str]:
    """What of a killed process is still there after a while, in words."""
    ends = time.monotonic() + _PATIENCE
    while left := _of_this_sandbox(matrix):
        if time.monotonic() > ends:
            return [f"left behind: {', '.join(left)}"]
        time.sleep(0.1)
    return []


def _of_this_sandbox(matrix: Matrix) -> list[str]:
    own = os.fsencode(f"XDG_CACHE_HOME={matrix.cache}")
    known = {os.getpid(), matrix.process.pid}
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(folder.name) not in known and own in (folder / "environ").read_bytes().split(b"\0"):
                found.append((folder / "cmdline").read_text().replace("\0", " ")[:120])
    return found
