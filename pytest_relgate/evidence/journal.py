"""The journal: one JSON line per event, each carrying the digest of the line before it.

Bytes after the last line that continues the chain are a torn tail: they are counted, and cut off by the
next run. Lines are written in ``appending.py``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.evidence.as_written import NAME, UPGRADE, link_of, this_version
from pytest_relgate.model import Attempt, Context, Gate, Reason, State, Subject
from pytest_relgate.unrehearsed import Unrehearsed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Facts with which a run says that what it judged did not stay as it was.
MOVING = frozenset({"STALE", "DIRTY", "DIRTY_CHECKS"})
MOVED = "+moved"


class RunOpened(msgspec.Struct, frozen=True, tag="run", tag_field="kind", forbid_unknown_fields=True):
    """A run began: what it was asked for, what it is about, which gates it executes.

    ``collected`` are the gates that pytest found for this phase, as their markers stood.
    """

    prev: str
    run: int
    at: str
    context: Context
    subject: Subject
    gates: tuple[str, ...]
    collected: tuple[Gate, ...]
    narrowed: str = ""
    dropped: int = 0


class AttemptClosed(
    msgspec.Struct,
    frozen=True,
    tag="attempt",
    tag_field="kind",
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """One gate was executed once. Tree, checks, base and mode are those of its run's opening line."""

    prev: str
    run: int
    gate: str
    number: int
    outcome: State
    started: str
    seconds: float
    worker: str
    message: str = ""
    where: str = ""
    do: str = ""
    log: str = ""
    phase_of_test: str = ""
    signed: tuple[str, ...] = ()
    unsigned: tuple[str, ...] = ()


class CommandOpened(msgspec.Struct, frozen=True, tag="command", tag_field="kind", forbid_unknown_fields=True):
    """A gate is about to run a command: on disk before the process starts."""

    prev: str
    run: int
    gate: str
    argv: tuple[str, ...]
    at: str


class RunClosed(msgspec.Struct, frozen=True, tag="end", tag_field="kind", forbid_unknown_fields=True):
    """A run reached its end; ``facts`` are the reasons that it found about itself.

    ``unrehearsed`` is what it rested on in the place of a rehearsal, None where it asked for one.
    """

    prev: str
    run: int
    at: str
    exit_status: int
    facts: tuple[Reason, ...] = ()
    set_aside: tuple[str, ...] = ()
    unrehearsed: Unrehearsed | None = None


class NotKnown(msgspec.Struct, frozen=True):
    """A whole line of the chain that only a later version of this package can read; ``why`` says so."""

    prev: str
    kind: str
    why: str


Entry = RunOpened | AttemptClosed | CommandOpened | RunClosed


@cache
def _decoder() -> Callable[[bytes], Entry]:
    return msgspec.json.Decoder(Entry).decode  # takes its time, and a first run reads nothing


def digest(text: bytes) -> str:
    """Return the sha256 of some bytes as ``sha256:<hex>``."""
    return f"sha256:{hashlib.sha256(text).hexdigest()}"


@dataclass(frozen=True)
class Reading:
    """What a journal holds. ``torn`` counts bytes behind the last line of the chain.

    ``problem`` is not empty when a line in the middle is broken, which no crash explains.
    """

    entries: tuple[Entry | NotKnown, ...] = ()
    heads: tuple[str, ...] = ()
    size: int = 0
    torn: int = 0
    problem: str = ""

    @property
    def lines(self) -> int:
        """How many lines the chain has."""
        return len(self.heads)

    @property
    def head(self) -> str:
        """The digest of the last line; empty when there is none."""
        return self.heads[-1] if self.heads else ""

    @property
    def newer(self) -> str:
        """What of it only a later version can read; empty where nothing is."""
        return next((entry.why for entry in self.entries if isinstance(entry, NotKnown)), "")

    @property
    def runs(self) -> tuple[RunOpened, ...]:
        """The opening lines, oldest first."""
        return tuple(entry for entry in self.entries if isinstance(entry, RunOpened))

    def attempts(self, run: int = 0) -> dict[str, list[Attempt]]:
        """Every attempt by gate, oldest first, as ``run`` hears them; 0 is a run to come.

        A pass of an earlier run that found its source or its checks changed when it ended is of no known
        tree: what it judged is not what the commit has. Its failures stay.
        """
        found: dict[str, list[Attempt]] = {}
        moved = self._moved() - {run}
        opened: RunOpened | None = None
        for entry in self.entries:
            match entry:
                case RunOpened():
                    opened = entry
                case AttemptClosed() if opened is not None:
                    attempt = attempt_of(entry, opened.context, opened.subject)
                    if entry.run in moved and entry.outcome.passing:
                        attempt = msgspec.structs.replace(attempt, tree=f"{attempt.tree}{MOVED}")
                    found.setdefault(entry.gate, []).append(attempt)
                case _:
                    pass
        return found

    def _moved(self) -> frozenset[int]:
        ends = (entry for entry in self.entries if isinstance(entry, RunClosed))
        return frozenset(end.run for end in ends if not MOVING.isdisjoint(fact.code for fact in end.facts))

    def opened_commands(self) -> tuple[CommandOpened, ...]:
        """The commands whose gate was never recorded as ended, in the newest run."""
        started: dict[str, list[CommandOpened]] = {}
        for entry in self.entries:
            match entry:
                case RunOpened():
                    started.clear()
                case CommandOpened():
                    started.setdefault(entry.gate, []).append(entry)
                case AttemptClosed():
                    started.pop(entry.gate, None)
                case RunClosed() | NotKnown():
                    pass
        return tuple(command for commands in started.values() for command in commands)


def attempt_of(entry: AttemptClosed, context: Context, subject: Subject) -> Attempt:
    """An attempt, with what its run was about."""
    return Attempt(
        gate=entry.gate,
        number=entry.number,
        outcome=entry.outcome,
        run=entry.run,
        started=entry.started,
        seconds=entry.seconds,
        worker=entry.worker,
        tree=subject.tree,
        checks=subject.checks,
        base=context.base_commit,
        mode=context.mode,
        message=entry.message,
        where=entry.where,
        do=entry.do,
        log=entry.log,
        phase_of_test=entry.phase_of_test,
        signed=entry.signed,
        unsigned=entry.unsigned,
    )


def parse(text: bytes) -> Reading:
    """Read a journal's bytes. Nothing raises: what does not fit is in ``torn`` or ``problem``."""
    entries: list[Entry | NotKnown] = []
    heads: list[str] = []
    offset = 0
    head = ""
    problem = ""
    order = _Order()
    while (end := text.find(b"\n", offset)) >= 0:
        line = text[offset:end]
        entry = _entry(line)
        if entry is None or entry.prev != head:
            break
        if problem := order.problem(entry):
            problem = f"line {len(heads) + 1} of the journal is out of place: {problem}"
            break
        entries.append(entry)
        head = digest(line)
        heads.append(head)
        offset = end + 1
    torn = len(text) - offset
    if torn and not problem and _was_edited(text[offset:]):
        problem = f"line {len(heads) + 1} of the journal does not continue the chain"
    return Reading(tuple(entries), tuple(heads), offset, torn, problem)


def _entry(line: bytes) -> Entry | NotKnown | None:
    try:
        return _decoder()(line)
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        if (link := link_of(line)) is None:
            return None
        why = (
            f"it has a line of the kind {link.kind} that {NAME} {this_version()} does not know ({error}): a "
            f"newer one wrote it, or somebody altered it; {UPGRADE}"
        )
        return NotKnown(link.prev, link.kind, why)


@dataclass
class _Order:
    """What may follow what: an opening line, what its run did, its end; behind a newer line all may."""

    run: int = 0
    ended: bool = True
    known: bool = True

    def problem(self, entry: Entry | NotKnown) -> str:
        """Say why this entry cannot stand here; empty if it can."""
        self.known = self.known and not isinstance(entry, NotKnown)
        if not self.known or isinstance(entry, NotKnown):
            return ""
        if isinstance(entry, RunOpened):
            if entry.run <= self.run:
                return f"run {entry.run} opens after run {self.run}"
            self.run, self.ended = entry.run, False
            return ""
        if self.ended or entry.run != self.run:
            return f"run {entry.run} is not open"
        self.ended = isinstance(entry, RunClosed)
        return ""


def _was_edited(rest: bytes) -> bool:
    """Whether whole entries stand behind the chain: a torn tail has none, an edited journal has.

    Only what was never fsynced can be zeros after a power cut, so zeros with nothing durable behind
    them are a torn tail too.
    """
    first, newline, later = rest.partition(b"\n")
    lines = [first] if newline else []
    found = [entry for line in (*lines, *later.split(b"\n")) if (entry := _entry(line)) is not None]
    return bool(found) and (b"\0" not in first or any(map(_is_durable, found)))


def _is_durable(entry: Entry | NotKnown) -> bool:
    match entry:
        case AttemptClosed():
            return not entry.outcome.passing
        case RunOpened() | RunClosed() | NotKnown():
            return True
        case CommandOpened():
            return False


def read(path: Path) -> Reading:
    """Read the journal of an evidence folder; an absent one is empty. OSError passes through."""
    try:
        return parse(path.read_bytes())
    except FileNotFoundError:
        return Reading()
