"""What a release run lends to those who start a workflow: leave, a journal, a place on disk, patience."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pytest_relgate.errors import CannotJudge
from pytest_relgate.github.triage import Triage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_relgate.github.permit import Permit

LOOKS: Final = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0)
"""Seconds before each look for a run that an unclear answer may have made: lists lag up to a minute."""


def _no_permit() -> Permit:
    message = "nothing was started: only the process that holds the run's record may start a workflow"
    raise CannotJudge(message, do="run the phase as a release run: pytest -m PHASE --release-target TAG")


@dataclass(frozen=True)
class Means:
    """What it takes to start and to follow a run.

    ``folder`` is where intents are kept; ``permit`` checks the chain; ``opens`` writes into the journal
    that something is about to be started; in ``waiting`` time does not count against a gate's limit;
    ``build_run`` is the build run that somebody named, 0 for the tag's; ``other_runs`` are runs of the
    publish workflow that somebody looked at and that published nothing of this release; ``recover`` is
    whether to publish the rest of what was published in part; ``served`` says of the channels that some jobs
    reach what is wrong with what they serve, in words, and which serve what was built;
    ``say`` is told in one line of each job that begins and ends; ``keep`` puts a file into the evidence;
    ``triage`` reads the logs of failed jobs.
    """

    folder: Path
    permit: Callable[[], Permit] = _no_permit
    opens: Callable[[tuple[str, ...]], None] = lambda _: None
    waiting: Callable[[], AbstractContextManager[Any]] = nullcontext
    sleep: Callable[[float], None] = time.sleep
    looks: tuple[float, ...] = LOOKS
    say: Callable[[str], None] = lambda _: None
    keep: Callable[[str, bytes], object] = lambda _, __: None
    triage: Triage = field(default_factory=Triage)
    build_run: int = 0
    other_runs: tuple[int, ...] = ()
    recover: bool = False
    served: Callable[[tuple[str, ...]], tuple[tuple[str, ...], tuple[str, ...]]] = lambda _: ((), ())
