"""All channels at once against real npm, pip and cargo one after another, with latency on every answer.

Type ``python benchmarks/channel_phase.py [MILLISECONDS] [ROUNDS]``, 300 and 5 if nothing is said. The bar:
all channels together take at most 1.2 times as long as the slowest of them.

Both sides ask the same services on loopback for the same release, turn and turn about; each answer is held
back for the same time. Ours asks five channels for version, files, digests and marks, reads every byte of
every file, and works out what was built from the artifacts of the build run; nothing of the turn before is
kept. The commands are what a person types, and see less: npm and pip read one archive each, cargo the index,
and nobody the GitHub release, the tap or the build.

Medians of 5 turns with 300 ms on every answer, two cores with eight other jobs, Python 3.11:

=============================  ======  ================================================
all channels at once           4.68 s  68 answers, 1.01 times the slowest channel
  GitHub release               4.64 s  five assets one after another, each with a redirect
  crates.io, npm, PyPI, tap    0.96 s  the slowest of the four
commands one after another     6.80 s
  npm view                     1.07 s
  npm pack                     1.92 s
  pip download                 2.65 s  one wheel of four
  cargo info                   1.05 s
=============================  ======  ================================================

Before what was built was found at the same time as the channels, and its artifacts four at once, all of it
took 16.1 s.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_relgate.channels.outside import OBSERVERS, Outside, surroundings
from pytest_relgate.profile import load_profile
from pytest_relgate.sandbox.box import Box, open_box
from pytest_relgate.sandbox.commands import settings
from pytest_relgate.source.git import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_relgate.channels.look import Look
    from pytest_relgate.channels.observation import Observation

ROOT = Path(__file__).parents[1]
TARGET, VERSION = "v0.1.9", "0.1.9"
BAR = 1.2
COMMANDS = {
    "npm view": ["npm", "view", f"plasmite@{VERSION}", "--json"],
    "npm pack": ["npm", "pack", f"plasmite@{VERSION}"],
    "pip download": [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"),
        *("--only-binary=:all:", "--platform=manylinux_2_28_x86_64", f"plasmite=={VERSION}"),
    ],
    "cargo info": ["cargo", "info", f"plasmite@{VERSION}", "--registry", "sandbox", "--quiet"],
}


class Latency:
    """Holds every answer back; counts them."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.answers = seconds, 0

    def __call__(self, *_: object) -> None:
        """Wait, on the thread that answers."""
        self.answers += 1
        time.sleep(self.seconds)


def timed(
    seconds: dict[str, float], kind: str, observe: Callable[[Look], Observation]
) -> Callable[[Look], Observation]:
    """The observer, with the seconds that it takes."""

    def see(look: Look) -> Observation:
        began = time.monotonic()
        try:
            return observe(look)
        finally:
            seconds[kind] = seconds.get(kind, 0.0) + time.monotonic() - began

    return see


def ours(box: Box) -> tuple[float, dict[str, float]]:
    """Look at all channels anew; return the seconds of it all and of each channel."""
    repository, seconds = Repository(Path(box.repository)), dict[str, float]()
    observers = dict(OBSERVERS)
    with tempfile.TemporaryDirectory() as evidence:
        world = Outside(
            profile=load_profile(ROOT / "release_checks" / "relgate.toml"),
            target=TARGET,
            commit=next(tag.commit for tag in repository.tags() if tag.name == TARGET),
            repository=repository.path,
            origins=box.origins,
            environ=surroundings({}, sandbox=True),
            sandbox=True,
            evidence=Path(evidence),
        )
        OBSERVERS.update({kind: timed(seconds, kind, see) for kind, see in observers.items()})  # type: ignore[attr-defined]  # a dict behind its read-only type
        try:
            began = time.monotonic()
            serving = world.channels.serving
            whole = time.monotonic() - began
        finally:
            OBSERVERS.update(observers)  # type: ignore[attr-defined]  # a dict behind its read-only type
            world.close()
    if serving != world.channels.expected:
        message = f"only {sorted(serving)} serve {TARGET}"
        raise SystemExit(message)
    return whole, seconds


def commands(environ: Mapping[str, str], box: Box) -> dict[str, float]:
    """Run the commands one after another, each in a new folder with new caches; return their seconds."""
    found = {}
    for name, words in COMMANDS.items():
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            own = settings(box.origins, Path(folder))
            subprocess.run(
                words, cwd=folder, env={**environ, **own}, check=True, capture_output=True, timeout=300
            )
            found[name] = time.monotonic() - began
    return found


def main(milliseconds: int = 300, rounds: int = 5) -> int:
    """Measure and print; 1 where the bar is missed."""
    missing = [name for name in ("npm", "cargo") if shutil.which(name) is None]
    if missing:
        sys.stderr.write(f"install {' and '.join(missing)} first\n")
        return 2
    latency = Latency(0.0)
    wholes, slowest, shells, counts = [], [], [], []
    channels: dict[str, list[float]] = {}
    single: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as cache:
        box = open_box(ROOT, (), {**os.environ, "XDG_CACHE_HOME": cache}, seen=latency)
        try:
            box.aim(TARGET)
            ours(box)  # makes the world and what is imported when it is first needed
            latency.seconds = milliseconds / 1000
            for _ in range(rounds):
                latency.answers = 0
                whole, seconds = ours(box)
                counts.append(latency.answers)
                wholes.append(whole)
                slowest.append(max(seconds.values()))
                for kind, took in seconds.items():
                    channels.setdefault(kind, []).append(took)
                took_each = commands(os.environ, box)
                shells.append(sum(took_each.values()))
                for name, took in took_each.items():
                    single[name].append(took)
        finally:
            box.close()
    ratio = statistics.median(one / other for one, other in zip(wholes, slowest, strict=True))
    rows = [("all channels at once", wholes), *((f"  {kind}", channels[kind]) for kind in sorted(channels))]
    rows += [("commands one after another", shells), *((f"  {name}", single[name]) for name in COMMANDS)]
    for label, every in rows:
        sys.stdout.write(f"{label:28}{statistics.median(every):7.2f} s\n")
    sys.stdout.write(f"answers to ours             {statistics.median(counts):7.0f}\n")
    sys.stdout.write(f"all to the slowest channel  {ratio:7.2f}   (bar {BAR})\n")
    return 0 if ratio <= BAR else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])))
