"""What one pytest process is doing for a release, from before the first conftest to its end."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_relgate.crossing import Closed, RunFacts
from pytest_relgate.model import Gate, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from xdist.workermanage import WorkerController

    from pytest_relgate.prepare import Prepared
    from pytest_relgate.request import Request
    from pytest_relgate.session import ReleaseRun


@dataclass
class Begun:
    """What one pytest process is doing for a release: ``run`` only on the controller of a run."""

    request: Request
    worker: bool
    run: ReleaseRun | None = None
    prepared: Prepared | None = None
    facts: RunFacts | None = None
    facts_text: str = ""
    set_aside: list[str] = field(default_factory=list)
    retriers: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    died: dict[str, str] = field(default_factory=dict)
    early: list[Callable[[], None]] | None = field(default_factory=list)
    left: set[WorkerController] = field(default_factory=set)
    answered: bool = False
    ended: bool = False

    def fact(self, code: str, message: str, remedy: str = "") -> None:
        """Record something that rules PASSED out."""
        if self.run is not None:
            self.run.fact(code, message, remedy)

    def forget(self) -> None:
        """In a forked copy of this process: the run is not the copy's."""
        if self.run is not None:
            self.run.forget()

    def stops_a_sequence(self, nodeid: str) -> bool:
        """Whether a worker's death on this gate ends the sequence that the gate is a step of."""
        gate = self.gate_id(nodeid)
        return bool(self._after(gate)) and not self.excuses_a_crash(gate)

    def _after(self, gate: str) -> list[str]:
        """The gates that come after one in its sequence."""
        known = self._known()
        sequence = known[gate].sequence if gate in known else ""
        steps = [one.id for one in known.values() if sequence and one.sequence == sequence]
        return steps[steps.index(gate) + 1 :] if steps else []

    def _known(self) -> dict[str, Gate]:
        """The gates as collected; before that, as planned."""
        if self.run is None:
            return {}
        return self.run.collected or {gate.id: gate for gate in self.run.known_gates()}

    def crashed(self, nodeid: str, worker: str) -> None:
        """A worker died on a gate. The steps after it in its sequence were not run, and this is why."""
        if self.run is None:
            return
        gate = self.gate_id(nodeid)
        self.run.crashed(gate, worker)
        if self.stops_a_sequence(nodeid):
            words = f"blocked by {gate}"
            for later in filter(self.run.chosen.__contains__, self._after(gate)):
                self.run.take(
                    Closed(later, 1, State.BLOCKED_BY, time.time(), 0.0, worker, words, when="setup")
                )

    def once_collected(self, event: Callable[[], None]) -> None:
        """Take in an event, but not before it is known what was collected: the record opens with that."""
        if self.early is None:
            event()
        else:
            self.early.append(event)

    def go_on(self) -> None:
        """What was collected is known, or never will be."""
        early, self.early = self.early or (), None
        for event in early:
            event()

    def has_left(self, node: WorkerController) -> bool:
        """Whether a worker came to its end by itself; one that has not died."""
        return node in self.left

    def excuses_a_crash(self, gate: str) -> bool:
        """Whether a worker's death on a gate does not decide: it only advises, or a waiver covers it."""
        if self.run is None or self.facts is None:
            return False
        known = self._known()
        advises = gate in known and known[gate].advisory
        return advises or State.CRASHED in self.facts.waived.get(gate, ())

    def put_aside(self, words: str) -> None:
        """Name, once, what the run does without."""
        if words not in self.set_aside:
            self.set_aside.append(words)
            if self.run is not None:
                self.run.set_aside[:] = self.set_aside

    def gate_id(self, nodeid: str) -> str:
        """The gate id of a node id."""
        folder = os.path.relpath(self.request.checks, self.facts.rootdir if self.facts else ".")
        return nodeid.removeprefix(folder.replace(os.sep, "/") + "/")
