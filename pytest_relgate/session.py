"""One release run, on the controller: the only writer of its record.

Nothing here knows how pytest calls it; ``plugin.py`` hands events over. Facts about the run that rule
PASSED out (an internal error, an interruption, a moved HEAD) are collected as reasons.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_relgate.clock import now, rfc3339
from pytest_relgate.crossing import Closed, Collected, Payload, RunFacts
from pytest_relgate.errors import CannotJudge, RelgateError
from pytest_relgate.evidence import carried, seal
from pytest_relgate.evidence import journal as journals
from pytest_relgate.evidence.appending import Journal
from pytest_relgate.evidence.folder import DIGEST, JOURNAL, LOGS, SEAL, Folder
from pytest_relgate.evidence.memory import take_up
from pytest_relgate.evidence.printable import writable
from pytest_relgate.evidence.project import record_of, reports_of
from pytest_relgate.handed import Forecast, facts_of, forecast, ruled_out
from pytest_relgate.judge import decide, decide_every, reconcile
from pytest_relgate.loaded import unreviewed
from pytest_relgate.model import (
    Attempt,
    Decision,
    Earlier,
    Gate,
    Plan,
    Reason,
    Record,
    State,
    Verdict,
)
from pytest_relgate.resting import earlier_of, look_for_rehearsal, not_passed, permit_of, why_rehearse
from pytest_relgate.unmoved import look_again

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pytest_relgate.github.permit import Permit
    from pytest_relgate.loaded import Loaded
    from pytest_relgate.prepare import Prepared
    from pytest_relgate.unrehearsed import Unrehearsed

UNFINISHED = Reason(
    "INCOMPLETE",
    "the run did not reach its end",
    remedy="type the same command again: gates that passed are kept",
)
PLAIN_EXITS = (0, 1, 5)  # pytest's own: all passed, some failed, none left to run


@dataclass
class ReleaseRun:
    """A release run from its first byte on disk to its seal."""

    prepared: Prepared
    folder: Folder
    reading: journals.Reading
    journal: Journal
    run: int
    started: str
    environment: dict[str, str] = field(default_factory=dict)
    facts: list[Reason] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)
    collected: dict[str, Gate] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)
    attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    module_words: dict[str, str] = field(default_factory=dict)
    record: Record | None = None
    digest: str = ""
    incidents: tuple[str, ...] = ()
    page: str = ""
    in_copy: bool = False
    _chosen: frozenset[str] | None = None
    _ordinals: set[tuple[str, str, int]] = field(default_factory=set)
    _judged_at: str = ""
    _earlier_found: tuple[Earlier, ...] = ()
    _unrehearsed: Unrehearsed | None = None
    _unreviewed: dict[str, None] = field(default_factory=dict)

    # -- beginning ------------------------------------------------------------------------------------

    @classmethod
    def begin(cls, prepared: Prepared) -> ReleaseRun:
        """Take the evidence folder and write BLOCKED into it.

        Raises RelgateError when the folder is in use, cannot be written, or was altered.
        """
        context, subject = prepared.context, prepared.subject
        folder = Folder.hold(prepared.evidence, context.target, context.phase)
        try:
            reading = take_up(folder, context, subject)
            run = max((opened.run for opened in reading.runs), default=0) + 1
            started = now()
            head = seal.JournalHead(reading.lines, reading.head)
            unfinished = seal.blocked(context, subject, UNFINISHED, run=run, started=started, journal=head)
            before = carried.read_passed(folder.path)
            folder.reopen(seal.encode(unfinished))
            if before:
                carried.put_by(folder.path, before)
            (folder.path / LOGS).mkdir(exist_ok=True)
            journal = Journal.open(folder.path / JOURNAL, reading)
        except OSError as error:
            folder.release()
            message = f"evidence cannot be written to {folder.path}: {error.strerror or error}"
            raise RelgateError(message) from None
        except RelgateError:
            folder.release()
            raise
        made = cls(prepared, folder, reading, journal, run, started)
        made.attempts = reading.attempts(run)
        made.set_aside += prepared.notes
        return made

    def run_facts(self, rootdir: Path) -> RunFacts:
        """What every process that executes gates is handed."""
        return facts_of(
            self.prepared,
            self.attempts,
            self.known_gates(),
            rootdir,
            logs=self.folder.path / LOGS,
            run=self.run,
        )

    def known_gates(self) -> tuple[Gate, ...]:
        """The gates of this phase as far as they are known before pytest collects."""
        if self.prepared.lock is not None:
            phase = self.prepared.context.phase
            return tuple(gate for gate in self.prepared.lock if gate.phase == phase)
        return self.reading.runs[-1].collected if self.reading.runs else ()

    def rules_out(self) -> Iterator[str]:
        """What already rules PASSED out before the first gate, in words."""
        yield from ruled_out(self.prepared)
        found = earlier_of(self.prepared)
        self._look_for_rehearsal(found)
        yield from not_passed(found, self._why_rehearse)

    def forecast(self) -> Forecast:
        """What this run will do, from the lock and what is remembered, before pytest collects."""
        gates = self.known_gates()
        decisions = self._decide(gate for gate in gates if gate.conditions)
        return forecast(self.prepared, self.attempts, gates, decisions)

    def _decide(self, gates: Iterable[Gate]) -> dict[str, Decision]:
        prepared = self.prepared
        return decide_every(
            gates,
            changed=prepared.changed,
            base=prepared.context.base_commit,
            commit=prepared.subject.commit,
            files=prepared.files,
            mode=prepared.context.mode,
            first_release=not prepared.context.base,
            tables=prepared.tables,
        )

    # -- events ---------------------------------------------------------------------------------------

    def collection(self, collected: Collected, worker: str) -> None:
        """A process has collected. The first one opens the run in the journal; others must agree."""
        for decision in collected.decisions:
            self.decisions.setdefault(decision.gate, decision)
        if self._chosen is None:
            self._chosen = frozenset(collected.chosen)
            self._take_gates(collected)
            self._open(collected.chosen)
        elif set(collected.chosen) != self._chosen or any(
            gate != self.collected[gate.id] for gate in collected.gates
        ):
            self._fact("INVALID", f"{worker} collected other gates than the first process did")

    def _take_gates(self, collected: Collected) -> None:
        """Keep what was collected; a path that narrows the run leaves the other files' gates as planned."""
        for gate in collected.gates:
            if gate.id in self.collected:
                gate = _with_problem(gate, "two gates have this id: rename one")  # noqa: PLW2901  (the same gate, with its problem)
            self.collected[gate.id] = gate
        if self.prepared.request.paths:
            left = [gate for gate in self.known_gates() if gate.id not in self.collected]
            aside = {gate.id: gate for gate in left if not self._was_looked_for(gate.id)}
            self.collected |= aside
            self.decisions |= {name: one for name, one in self._decide(aside.values()).items() if one.proofs}

    def _was_looked_for(self, gate: str) -> bool:
        checks, invocation = self.prepared.request.checks, self.prepared.request.invocation
        place = (checks / gate.partition("::")[0]).resolve()
        for path in self.prepared.request.paths:
            name, _, test = path.partition("::")
            given = (invocation / name).resolve()
            if (given == place and not test) or given in place.parents:
                return True
        return False

    def _open(self, chosen: tuple[str, ...]) -> None:
        self._write(
            journals.RunOpened(
                prev="",
                run=self.run,
                at=now(),
                context=self.prepared.context,
                subject=self.prepared.subject,
                gates=chosen,
                collected=tuple(self.collected.values()),
                narrowed=self.prepared.request.narrowed,
                dropped=self.reading.torn,
            ),
            durable=True,
        )

    @property
    def chosen(self) -> frozenset[str]:
        """The ids of the gates that this run executes, once they are known."""
        return self._chosen or frozenset()

    def payload(self, payload: Payload, worker: str) -> None:
        """Take in what a report carries."""
        if payload.collected is not None:
            self.collection(payload.collected, worker)
        for closed in payload.closed:
            self.take(closed)

    def take(self, closed: Closed) -> None:
        """Record one execution, once: a report may carry what an earlier one carried."""
        key = (closed.worker, closed.gate, closed.ordinal)
        if key not in self._ordinals:
            self._ordinals.add(key)
            self.record_one(closed)

    def crashed(self, gate: str, worker: str) -> None:
        """A worker died while it executed a gate."""
        message = f"the process that ran it ({worker}) died"
        self.record_one(Closed(gate, 0, State.CRASHED, time.time(), 0.0, worker, message))

    def record_one(self, closed: Closed) -> None:
        """Record one execution: the next attempt of its gate, on disk before anything else happens."""
        if self._chosen is None:
            self._chosen = frozenset()
            self._open(())
        done = self.attempts.setdefault(closed.gate, [])
        entry = journals.AttemptClosed(
            prev="",
            run=self.run,
            gate=closed.gate,
            number=len(done) + 1,
            outcome=closed.outcome,
            started=rfc3339(int(closed.started)),
            seconds=closed.seconds,
            worker=closed.worker,
            message=closed.message,
            where=closed.where,
            do=closed.do,
            log=closed.log,
            phase_of_test=closed.when,
            signed=closed.signed,
            unsigned=closed.unsigned,
        )
        done.append(journals.attempt_of(entry, self.prepared.context, self.prepared.subject))
        self._write(entry, durable=not closed.outcome.passing)

    def command_starts(self, gate: str, argv: tuple[str, ...]) -> None:
        """A gate of this process is about to run a command: on disk first.

        Raises CannotJudge where that cannot be written: what has no record must not be started.
        """
        words = tuple(self.prepared.redactor.text(word) for word in argv)
        entry = journals.CommandOpened(prev="", run=self.run, gate=gate, argv=words, at=now())
        if not self._write(entry, durable=self.prepared.context.phase.serial):
            message = "the command was not started: the journal cannot be written"
            raise CannotJudge(message)

    def permit(self) -> Permit:
        """Leave to start the publish workflow, if everything that it hangs on holds now.

        Raises CannotJudge, which says what does not.
        """
        self._look_again()
        earlier = earlier_of(self.prepared)
        self._look_for_rehearsal(earlier)
        return permit_of(
            self.prepared, earlier, self.facts, in_copy=self.in_copy, rehearse=self._why_rehearse
        )

    def loaded(self, files: Iterable[Loaded]) -> None:
        """A process has loaded these files of the checks: each must be as git has it."""
        if not self.prepared.subject.checks_dirty:
            self._unreviewed |= dict.fromkeys(unreviewed(self.prepared.checks, files))

    def module_left_out(self, place: str, why: str) -> None:
        """A file or folder was skipped: the planned gates in it are missing, and this is why."""
        self.module_words[place] = why

    def fact(self, code: str, message: str, remedy: str = "", where: str = "") -> None:
        """Record something about the run that rules PASSED out."""
        self._fact(code, message, remedy, where)

    def _fact(self, code: str, message: str, remedy: str = "", where: str = "") -> None:
        words = writable(self.prepared.redactor.text(message))
        reason = Reason(code, words, "", remedy, where)
        if reason not in self.facts:
            self.facts.append(reason)

    def _write(self, entry: journals.Entry, *, durable: bool) -> bool:
        if self.in_copy:
            return not durable
        try:
            self.journal.append(entry, durable=durable)
        except OSError as error:
            words = f"the journal cannot be written: {error.strerror or error}"
            self._fact("EVIDENCE", words, "make room, then type the same command again")
            return False
        return True

    # -- the end ----------------------------------------------------------------------------------------

    def finish(self, exit_status: int) -> int:
        """Judge, report and seal; return the exit status: 0 if and only if the verdict is PASSED."""
        if self.in_copy:
            return exit_status or 1
        if self._chosen is None:
            self._chosen = frozenset()
            self._open(())
        self._look_again()
        if exit_status not in PLAIN_EXITS:
            self._exit_fact(exit_status)
        self._judged_at, self._earlier_found = now(), earlier_of(self.prepared)
        if self._unrehearsed is None:
            self._look_for_rehearsal(self._earlier_found)
        if exit_status == 1 and self._judge().passed:
            self._fact("PYTEST", "pytest ended with failures that are no gate's: see its output above")
        verdict = self._seal(exit_status)
        self._note_incidents(verdict)
        self.close()
        if verdict.passed:
            return 0
        return exit_status or 1

    def _note_incidents(self, verdict: Verdict) -> None:
        """Write incidents down beside what was sealed; this changes no verdict and files nothing."""
        if self.digest and (self.prepared.waivers or not verdict.passed):
            from pytest_relgate.incidents import noted

            self.incidents = noted(self.folder.path, self.prepared.profile)

    def close(self) -> None:
        """Let go of the folder; calling it twice is fine."""
        with contextlib.suppress(OSError):
            self.journal.close()
        self.folder.release()
        if self.prepared.box is not None:
            self.prepared.box.close()

    def forget(self) -> None:
        """Let go of the folder in a forked copy of this process: only what began a run ends it."""
        self.in_copy = True
        with contextlib.suppress(OSError):
            self.journal.close()
        self.folder.release()

    def _exit_fact(self, status: int) -> None:
        known = {2: "INTERRUPTED", 3: "INTERNAL", 4: "USAGE"}
        code = known.get(status, "PYTEST")
        if not any(fact.code == code for fact in self.facts):
            self._fact(
                code, f"pytest ended with exit status {status}", "look at its output, then type it again"
            )

    def _look_again(self) -> None:
        """See that the run did not change what it judged."""
        for reason in look_again(self.prepared, self._unreviewed):
            self._fact(reason.code, reason.message, reason.remedy)

    def plan(self) -> Plan:
        """The plan against what was collected."""
        plan = reconcile(
            phase=self.prepared.context.phase,
            target=self.prepared.context.target,
            mode=self.prepared.context.mode,
            lock=self.prepared.lock,
            collected=tuple(self.collected.values()),
        )
        for gate in plan.missing:
            path = gate.partition("::")[0].split("/")
            places = [".", *("/".join(path[:count]) for count in range(1, len(path) + 1))]
            if words := next(filter(None, map(self.module_words.get, reversed(places))), ""):
                plan.missing[gate] = words
        return plan

    def _look_for_rehearsal(self, earlier: Iterable[Earlier]) -> None:
        self._unrehearsed = look_for_rehearsal(self.prepared, earlier, self.reading)

    @property
    def _why_rehearse(self) -> str | None:
        return why_rehearse(self.prepared, self._unrehearsed)

    def _judge(self) -> Verdict:
        prepared = self.prepared
        return decide(
            self.plan(),
            self.decisions,
            self.attempts,
            prepared.reviewed.waivers,
            prepared.subject,
            self._earlier_found,
            self._judged_at,
            base=prepared.context.base_commit,
            signoffs=prepared.reviewed.signoffs,
            reviews=prepared.reviewed.reviews,
            denied=prepared.reviewed.denied,
            later=prepared.context.reviewed_commit != prepared.subject.checks_commit,
            approvers=prepared.profile.approvers.people,
            facts=self.facts,
            unrehearsed=self._unrehearsed,
        )

    def _seal(self, exit_status: int) -> Verdict:
        """Judge with all that is known now, and write it down; what cannot be written down is BLOCKED."""
        closed = journals.RunClosed(
            prev="",
            run=self.run,
            at=self._judged_at,
            exit_status=exit_status,
            facts=tuple(self.facts),
            set_aside=tuple(self.set_aside),
            unrehearsed=self._unrehearsed,
        )
        self._write(closed, durable=True)
        verdict = self._judge()
        self.record = self._record(verdict)
        try:
            self._write_reports(self.record)
            carried.sift(self.folder.path, self.prepared.context, self.prepared.subject)
            files = seal.files_of(self.folder.path)
            head = seal.JournalHead(self.journal.lines, self.journal.head)
            pieces = seal.Pieces(self.record, files, head)
            self.folder.write_together({SEAL: pieces, DIGEST: pieces.digest_line()}, durable=True)
            self.digest = pieces.digest
        except OSError as error:
            self.folder.unseal()
            words = f"the evidence could not be sealed: {error.strerror or error}"
            self._fact("EVIDENCE", words, "make room, then type the same command again")
            verdict = self._judge()
            self.record = self._record(verdict)
        return verdict

    def _record(self, verdict: Verdict) -> Record:
        return record_of(
            self.prepared,
            verdict,
            run=self.run,
            started=self.started,
            finished=self._judged_at,
            environment=self.environment,
            earlier=self._earlier_found,
            set_aside=self.set_aside,
            unrehearsed=self._unrehearsed,
        )

    def _write_reports(self, record: Record) -> None:
        reports = reports_of(record, self.page, html=self.prepared.profile.report.html)
        self.folder.write_together(reports, durable=True)


def _with_problem(gate: Gate, problem: str) -> Gate:
    import msgspec

    return msgspec.structs.replace(gate, problem="; ".join(filter(None, [gate.problem, problem])))
