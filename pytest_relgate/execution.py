"""The part of a release run that executes gates: in the one process of a plain run, or in each worker.

It is handed everything as data and asks neither git nor the network while pytest collects.
What happens to each gate leaves as one JSON string on the report of its teardown.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import pytest

from pytest_relgate.crossing import Closed, Collected, Payload, RunFacts, encode_payload
from pytest_relgate.errors import CannotJudge
from pytest_relgate.evidence.printable import writable
from pytest_relgate.loaded import script_of
from pytest_relgate.model import Gate, State
from pytest_relgate.outcome import (
    BlockedBy,
    Finding,
    end_at_the_gate,
    finding_of,
    make_writable,
    place_of,
    redact,
    unsigned_diffs,
    without_exception,
)
from pytest_relgate.selection import Selection
from pytest_relgate.watch import CLOCK, Watch, reaches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_relgate.channels.outside import Outside
    from pytest_relgate.exec.redact import Redactor
    from pytest_relgate.exec.runner import Runner
    from pytest_relgate.github.permit import Permit


# Somebody ended the run: nothing that a gate, or a subtest on the way, has found.
ENDED_EARLY = (KeyboardInterrupt, pytest.exit.Exception)


@dataclass
class Execution:
    """Gates at work in one process. ``worker`` is ``main`` or xdist's name of it."""

    facts: RunFacts
    worker: str
    redactor: Redactor
    selection: Selection = field(init=False)
    current: Watch | None = None
    trouble: list[str] = field(default_factory=list)
    interrupted: str = ""
    _seen: dict[str, list[Closed]] = field(default_factory=dict)
    _times: dict[str, int] = field(default_factory=dict)
    _late: list[tuple[Gate, State, str]] = field(default_factory=list)
    _started_by: WeakKeyDictionary[threading.Thread, Gate | None] = field(default_factory=WeakKeyDictionary)
    _alive: int = 0
    _said_collection: bool = False
    outside: Outside | None = None
    command_starts: Callable[[str, tuple[str, ...]], None] | None = None
    sink: Callable[[Closed], None] | None = None
    permit: Callable[[], Permit] | None = None

    def __post_init__(self) -> None:
        self.selection = Selection(self.facts)
        self._known, self._stopped = self.selection.known, self.selection.stopped
        self._started_by.update(dict.fromkeys(threading.enumerate()))  # by nobody here
        self._alive = threading.active_count()

    # -- one gate -----------------------------------------------------------------------------------

    def hide(self, secrets: tuple[str, ...]) -> None:
        """From now on replace these too: what a tool gave stands in no environment."""
        self.redactor = self.redactor.adding(secrets)

    def set_up(self, item: pytest.Item) -> None:
        """Begin one execution, and stop a gate whose sequence has stopped."""
        found = self._known.get(id(item))
        nodeid = found.nodeid if found else item.nodeid
        gate = found.gate if found else self.selection.gates.get(nodeid)
        if gate is None:
            return
        if self.current is not None:
            self._leave(self.current)
        if self._late:
            self._close_late()
        is_function = isinstance(item, pytest.Function)
        watch = self.current = Watch(item, nodeid, gate, CLOCK.wall(), CLOCK.steady(), is_function)
        if found is None:
            watch.findings.append(Finding(State.INVALID, "a hook put another item in its place", "setup"))
        if not gate.sequence:
            return
        stopper = self._stopped.get(gate.sequence)
        if stopper is not None and stopper != gate.id and self._comes_before(stopper, gate):
            message = f"blocked by {stopper}"
            raise BlockedBy(message, _use_item_location=True)

    def _leave(self, watch: Watch) -> None:
        """Close an execution whose teardown was never reported: a hook kept it, or began the gate anew."""
        if not watch.errors and not watch.findings:
            words = "its end was never reported: a hook kept it to itself"
            watch.findings.append(Finding(State.INVALID, words, "teardown"))
        closed, _ = self._close(watch)
        if self.sink is not None:
            self.sink(closed)

    def _comes_before(self, stopper: str, gate: Gate) -> bool:
        order = [known.id for known in self.selection.gates.values() if known.sequence == gate.sequence]
        return order.index(stopper) < order.index(gate.id)

    def was_set_up(self, item: pytest.Item) -> None:
        """The setup came to its end; an exception in it would have kept pytest from saying so."""
        watch = self.current
        if watch is not None and watch.item is item:
            watch.set_up = True

    def was_torn_down(self, item: pytest.Item) -> None:
        """The teardown came to its end."""
        watch = self.current
        if watch is not None and watch.item is item:
            watch.torn_down = True

    def rang(self, item: pytest.Item) -> None:
        """The alarm of a gate's limit went off."""
        if self.current is not None and self.current.item is item:
            self.current.rang = True

    def watch_body(self, item: pytest.Item) -> None:
        """Watch the gate's function for its call."""
        watch = self.current
        if watch is None or watch.item is not item:
            return
        watch.called = True
        if watch.is_function:
            known = self._known.get(id(item))
            if known is not None and not reaches(item.obj, known.function):  # type: ignore[attr-defined]  # a function's item has one
                words = "a hook put another function in the place of the gate's"
                watch.findings.append(Finding(State.INVALID, words, "call"))
            watch.watch_function()

    def part_ended(self, item: pytest.Item, call: pytest.CallInfo[Any]) -> None:
        """Keep what one part (setup, call, a subtest, teardown) of an execution raised."""
        watch = self.current
        if watch is None or watch.item is not item:
            return
        watch.made += 1
        if call.when == "call":  # a subtest comes early; the body runs on
            watch.let_go()
            watch.call_seconds = call.duration
        if call.excinfo is not None and not isinstance(call.excinfo.value, ENDED_EARLY):
            end_at_the_gate(call.excinfo, self.facts.checks)
            watch.errors.append((str(call.when), call.excinfo.value))

    def part_reported(self, report: pytest.TestReport) -> None:
        """Judge one part of an execution, and the whole of it when the part is the teardown."""
        watch = self.current
        if watch is None:
            return
        plain = report.outcome == "passed" and not watch.errors and "wasxfail" not in report.__dict__
        if plain and report.when != "teardown" and not watch.findings and not self.redactor.secrets:
            watch.logged += 1  # most reports: nothing to look at
            return
        if report.nodeid != watch.nodeid:
            return
        watch.logged += 1
        if not plain:
            self._find(watch, report)
        if watch.findings:
            self._excuse(watch, report)
        watch.told = watch.told or not report.passed
        if report.when == "teardown":
            closed, finding = self._close(watch)
            if finding is not None and not watch.told:
                self._show_late_finding(watch.gate, finding, report)
            if self.sink is not None:
                self.sink(closed)
            else:
                self._attach(closed.gate, report)
        if self.redactor.secrets:
            redact(report, self.redactor)

    def _find(self, watch: Watch, report: pytest.TestReport) -> None:
        errors, watch.errors = watch.errors, []
        for when, error in errors:
            watch.findings.append(self._finding(watch, when, error, getattr(report, "wasxfail", None)))
        if not errors:
            watch.findings.append(without_exception(report, str(report.when), watch.gate.where))
        make_writable(report)

    def _finding(self, watch: Watch, when: str, error: BaseException, xfail: str | None) -> Finding:
        place = place_of(error, self.facts.checks, self.facts.rootdir, watch.gate.where)
        declared = isinstance(error, pytest.xfail.Exception) or any(watch.item.iter_markers("xfail"))
        return finding_of(error, when, place=place, xfail=xfail if declared else None)

    def _excuse(self, watch: Watch, report: pytest.TestReport) -> None:
        """A failed advisory or waived gate reaches pytest as xfailed; the record keeps the failure."""
        if not report.failed:
            return
        gate = watch.gate
        states = {finding.state for finding in watch.findings}
        covered = set(self.facts.waived.get(gate.id, ()))
        if gate.advisory:
            reason = "advisory gate"
        elif states <= covered:
            reason = "waived"
        else:
            return
        report.outcome = "skipped"
        report.wasxfail = f"{reason}: {watch.findings[-1].message.partition(chr(10))[0]}"

    def _close(self, watch: Watch) -> tuple[Closed, Finding | None]:
        gate = watch.gate
        self.current = None
        watch.findings += [self._finding(watch, when, error, None) for when, error in watch.errors]
        state, finding = watch.close()
        text = self.redactor.text
        ordinal = self._times.get(gate.id, 0) + 1
        self._times[gate.id] = ordinal
        closed = Closed(
            gate=gate.id,
            ordinal=ordinal,
            outcome=state,
            started=watch.started,
            seconds=round(watch.seconds, 4),
            worker=self.worker,
            message=writable(text(finding.message)) if finding else "",
            where=writable(finding.where or gate.where) if finding else "",
            do=writable(text(finding.do)) if finding else "",
            log=watch.runner.last_log if watch.runner else "",
            when=finding.when if finding else "",
            signed=() if finding else tuple(watch.signed),
            unsigned=unsigned_diffs(watch.findings) if finding else (),
        )
        if self.sink is None:  # what is handed over at once need not be kept to be said again
            self._seen.setdefault(gate.id, []).append(closed)
        if gate.sequence and not self._lets_go_on(gate, state):
            self._stopped.setdefault(gate.sequence, gate.id)
        if threading.active_count() != self._alive:
            self._note_threads(gate)
        return closed, finding

    def _note_threads(self, gate: Gate) -> None:
        """Remember whose threads still run: one may die when another gate runs, or none."""
        alive = threading.enumerate()
        self._alive = len(alive)
        for thread in alive:
            self._started_by.setdefault(thread, gate)

    def late(self, gate: Gate, state: State, words: str) -> None:
        """Something speaks against a gate that has ended. Callable from any thread."""
        self.trouble.append(f"{words} (after {gate.id} had ended)")
        self._late.append((gate, state, words))

    def _close_late(self) -> None:
        """Write down what was found late, so that the next run does not keep the pass."""
        while self._late:
            gate, state, words = self._late.pop(0)
            watch = Watch(self._known_item(gate), "", gate, CLOCK.wall(), CLOCK.steady(), is_function=False)
            watch.findings.append(Finding(state, words, "teardown"))
            closed, _ = self._close(watch)
            if self.sink is not None:
                self.sink(closed)

    def _known_item(self, gate: Gate) -> pytest.Item:
        return next(known.item for known in self._known.values() if known.gate is gate)

    def _lets_go_on(self, gate: Gate, state: State) -> bool:
        return state is State.PASSED or gate.advisory or state in self.facts.waived.get(gate.id, ())

    def _attach(self, gate: str, report: pytest.TestReport) -> None:
        said = self.selection.collected if not self._said_collection else None
        self._said_collection = True
        loaded = self.selection.load([]) if self.selection.has_fresh_code() else ()
        payload = Payload(tuple(self._seen[gate]), said, loaded=loaded)
        report.relgate = encode_payload(payload).decode()  # type: ignore[attr-defined]  # xdist carries what a report has

    def _show_late_finding(self, gate: Gate, finding: Finding, report: pytest.TestReport) -> None:
        """What only this plugin saw is shown by pytest too, as an error at the end of the gate."""
        if gate.advisory or finding.state in self.facts.waived.get(gate.id, ()):
            return
        report.outcome = "failed"
        report.longrepr = writable(f"{finding.state}: {finding.message}")

    # -- threads --------------------------------------------------------------------------------------

    def thread_died(self, args: threading.ExceptHookArgs) -> None:
        """A thread ended with an exception: that is the finding of the gate that runs, or of the run."""
        name = args.thread.name if args.thread else "a thread"
        words = f"{name} died: {args.exc_type.__name__}: {args.exc_value}"[:500]
        if args.exc_type is SystemExit:
            return
        watch = self.current
        gate = self._started_by.get(args.thread) if args.thread else None
        if gate is not None and (watch is None or watch.gate is not gate):
            self.late(gate, State.FAILED, words)
        elif watch is not None:
            watch.findings.append(Finding(State.FAILED, words, "call"))
        else:
            self.trouble.append(f"{words} (outside of any gate)")

    def never_awaited(self, nodeid: str, words: str) -> None:
        """A coroutine that a gate made was not run: what it would have judged was not judged."""
        gate = self.selection.gates.get(nodeid)
        if gate is not None:
            self.late(gate, State.INVALID, f"{words}: await it")

    # -- what gates use -------------------------------------------------------------------------------

    def signed(self, digest: str) -> None:
        """The gate at work rests on a named person's review of this diff."""
        if self.current is not None and digest not in self.current.signed:
            self.current.signed.append(digest)

    def runner(self, nodeid: str) -> Runner:
        """What the ``run`` fixture gives a gate."""
        from pytest_relgate.exec.cannot_judge import known_ends
        from pytest_relgate.exec.runner import Runner, log_name
        from pytest_relgate.source.git import Repository

        gate = self.selection.gates[nodeid].id
        repository = Repository(Path(self.facts.repository))

        def starts(event: dict[str, Any]) -> None:
            cwd = repository.path / event["cwd"]
            self.selection.scripts.add(script_of(event["argv"], cwd, Path(self.facts.checks)))
            if self.command_starts is not None:
                self.command_starts(gate, tuple(event["argv"]))

        runner = Runner(
            cwd=repository.path,
            logs=Path(self.facts.logs),
            slug=log_name(gate),
            redactor=self.redactor,
            environ={**os.environ, **self.facts.environ},
            tracked_changes=lambda: frozenset(repository.dirt(untracked=False)),
            journal=starts,
            own_bytecode_switch=self.facts.own_bytecode_switch,
            errored=known_ends(self.facts.profile.errored),
        )
        if self.current is not None:
            self.current.runner = runner
        return runner

    def opens(self, words: tuple[str, ...]) -> None:
        """The gate that runs is about to start something outside: into the journal first.

        Raises CannotJudge where nothing can be written.
        """
        if self.command_starts is None or self.current is None:
            message = "nothing was started: there is no journal to write it into"
            raise CannotJudge(message)
        self.command_starts(self.current.gate.id, words)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """What happens inside does not count against the limit of the gate that runs."""
        watch = self.current
        if watch is None:
            yield
            return
        from pytest_relgate.limits import put_off

        began = CLOCK.steady()
        try:
            with put_off(watch.item):
                yield
        finally:
            watch.waited += CLOCK.steady() - began

    def attach(self, name: str, content: str | bytes | Path) -> str:
        """Put a file into the evidence; return its path relative to the evidence folder."""
        from pytest_relgate.attachments import attach

        return attach(Path(self.facts.logs).parent, name, content, self.redactor)

    def take_collected(self) -> Collected:
        """What was collected, handed over once."""
        self._said_collection = True
        assert self.selection.collected is not None  # noqa: S101  (set by choose, which ends the collection)
        return self.selection.collected

    def last_words(self) -> Payload:
        """Everything once more, when a process's session ends."""
        watch = self.current
        if watch is not None and (watch.errors or watch.findings):
            self._leave(watch)  # a gate that was ended early keeps what it had found
        self._close_late()
        closed = tuple(one for executions in self._seen.values() for one in executions)
        return Payload(
            closed, self.selection.collected, tuple(self.trouble), self.interrupted, self.selection.load([])
        )
