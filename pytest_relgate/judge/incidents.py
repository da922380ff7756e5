"""What of a run is an incident. Pure: no network, no clock, no disk.

SPEC S29 and S30: an ordinary failure is mended and run again, and nothing is filed for it. An incident is a
workflow failure that needs a change of code, a partial publish or channels that disagree, or an exception
from the policy. What is one here changes no verdict, and nothing is filed because of it by itself.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.model import Phase, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_GOOD = frozenset({"success", "skipped", "neutral"})
_NO_CODE = frozenset({"setting", "chance"})
_BY_WORKFLOW = frozenset({Phase.BUILD, Phase.REHEARSAL, Phase.PUBLISH})


class Kind(StrEnum):
    """The three kinds of SPEC S30."""

    WORKFLOW = "workflow"
    """A workflow failed, and code must change before it can go well."""
    CHANNELS = "channels"
    """A publish reached some channels and not others, or channels disagree."""
    EXCEPTION = "exception"
    """Something was let go that the policy does not let go: a used waiver, or what a person declared."""


class SeenGate(msgspec.Struct, frozen=True):
    """A gate as it stood at the end. ``incident`` is what its marker says, ``where`` the place it named."""

    id: str
    state: State
    title: str = ""
    found: str = ""
    where: str = ""
    incident: bool = False
    advisory: bool = False


class SeenJob(msgspec.Struct, frozen=True):
    """A job of a workflow run. ``conclusion`` is None while it is at work.

    ``channel`` is the channel that it publishes to, empty for none; ``causes`` are what its triage signals
    say would mend it.
    """

    name: str
    conclusion: str | None
    url: str = ""
    channel: str = ""
    causes: tuple[str, ...] = ()

    @property
    def red(self) -> bool:
        """Whether it ended, and not well."""
        return self.conclusion is not None and self.conclusion not in _GOOD

    @property
    def needs_code(self) -> bool:
        """Whether code must change before it can go well: it must, unless its log says another cause.

        One that somebody cancelled says nothing of the kind.
        """
        other = "code" not in self.causes and not _NO_CODE.isdisjoint(self.causes)
        return self.red and self.conclusion != "cancelled" and not other


class SeenRun(msgspec.Struct, frozen=True):
    """A run of a workflow that gates of this phase judged."""

    url: str
    conclusion: str | None
    jobs: tuple[SeenJob, ...] = ()
    publishes: bool = False


class Happening(msgspec.Struct, frozen=True):
    """What one phase's evidence says. ``disagreements`` are those that the channel table names."""

    phase: Phase
    gates: tuple[SeenGate, ...]
    runs: tuple[SeenRun, ...] = ()
    disagreements: tuple[str, ...] = ()


class Incident(msgspec.Struct, frozen=True):
    """An incident. ``about`` tells it from others of its kind in the same release, ``words`` say it."""

    kind: Kind
    about: str
    words: str
    gates: tuple[str, ...] = ()


def incidents_of(seen: Happening) -> tuple[Incident, ...]:
    """Say which incidents there were, if any: at most one of each thing that a person would file."""
    red = [gate for gate in seen.gates if gate.state is State.FAILED and not gate.advisory]
    return (*_failed(seen, red), *_exceptions(seen.gates))


def _failed(seen: Happening, red: list[SeenGate]) -> Iterator[Incident]:
    if not red:
        return
    names = tuple(gate.id for gate in red)
    apart = list(filter(None, map(_partial, seen.runs)))
    if seen.phase not in _BY_WORKFLOW:
        apart += seen.disagreements
    if apart:
        yield Incident(Kind.CHANNELS, "", apart[0], names)
        return  # the failure of the workflow is a part of it
    marked = [gate for gate in red if gate.incident]
    if seen.phase in _BY_WORKFLOW:
        said = [*filter(None, map(_needs_code, seen.runs)), *map(_said, marked)]
        if said:
            yield Incident(Kind.WORKFLOW, seen.phase, said[0], names)
    elif seen.phase is Phase.PRERELEASE:
        yield from (Incident(Kind.EXCEPTION, gate.id, _said(gate), (gate.id,)) for gate in marked)
    elif marked:
        yield Incident(Kind.CHANNELS, "", _said(marked[0]), names)


def _partial(run: SeenRun) -> str:
    """Say which channels a publish reached and which it did not; empty unless both are there."""
    if not run.publishes or not (run.conclusion or any(job.red for job in run.jobs)):
        return ""
    by_channel = [job for job in run.jobs if job.channel]
    reached = [job.channel for job in by_channel if job.conclusion == "success"]
    missed = [job.channel for job in by_channel if job.conclusion != "success"]
    if not reached or not missed:
        return ""
    return f"partial publish: {_and(reached)} got it, {_and(missed)} did not"


def _needs_code(run: SeenRun) -> str:
    broken = [job for job in run.jobs if job.needs_code]
    if broken:
        return "failed: " + _and(f"{job.name} ({job.conclusion})" for job in broken)
    if run.conclusion == "startup_failure" or (run.conclusion == "failure" and not run.jobs):
        return "the workflow did not start: GitHub cannot read it"
    return ""


def _exceptions(gates: Iterable[SeenGate]) -> Iterator[Incident]:
    for gate in gates:
        if gate.state is State.WAIVED:
            yield Incident(Kind.EXCEPTION, gate.id, f"waived: {gate.title or gate.id}", (gate.id,))


def _said(gate: SeenGate) -> str:
    return next((line for line in gate.found.splitlines() if line.strip()), gate.title or gate.id)


def _and(names: Iterable[str]) -> str:
    known = list(dict.fromkeys(names))
    return known[0] if len(known) == 1 else f"{', '.join(known[:-1])} and {known[-1]}"
