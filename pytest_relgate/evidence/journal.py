"""The journal: one JSON line per event, each carrying the digest of the line before it.

A line is written by one ``write`` call; a line that blocks is fsynced before the run goes on. So a crash
or a power cut can lose a pass, never a failure that had been recorded. Bytes after the last line that
continues the chain are a torn tail: they are counted, and cut off by the next run.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.model import Attempt, Context, Gate, Reason, State, Subject

if TYPE_CHECKING:
    from pathlib import Path

NAME = "journal.jsonl"


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


class CommandOpened(msgspec.Struct, frozen=True, tag="command", tag_field="kind", forbid_unknown_fields=True):
    """A gate is about to run a command: on disk before the process starts."""

    prev: str
    run: int
    gate: str
    argv: tuple[str, ...]
    at: str


class RunClosed(msgspec.Struct, frozen=True, tag="end", tag_field="kind", forbid_unknown_fields=True):
    """A run reached its end; ``facts`` are the reasons that it found about itself."""

    prev: str
    run: int
    at: str
    exit_status: int
    facts: tuple[Reason, ...] = ()
    set_aside: tuple[str, ...] = ()


Entry = RunOpened | AttemptClosed | CommandOpened | RunClosed

_decode = msgspec.json.Decoder(Entry).decode
_encode = msgspec.json.Encoder().encode


def digest(text: bytes) -> str:
    """Return the sha256 of some bytes as ``sha256:<hex>``."""
    return f"sha256:{hashlib.sha256(text).hexdigest()}"


@dataclass(frozen=True)
class Reading:
    """What a journal holds. ``torn`` counts bytes behind the last line of the chain.

    ``problem`` is not empty when a line in the middle is broken, which no crash explains.
    """

    entries: tuple[Entry, ...] = ()
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
    def runs(self) -> tuple[RunOpened, ...]:
        """The opening lines, oldest first."""
        return tuple(entry for entry in self.entries if isinstance(entry, RunOpened))

    def attempts(self) -> dict[str, list[Attempt]]:
        """Every attempt by gate, oldest first, with what its run was about."""
        found: dict[str, list[Attempt]] = {}
        opened: RunOpened | None = None
        for entry in self.entries:
            match entry:
                case RunOpened():
                    opened = entry
                case AttemptClosed() if opened is not None and opened.run == entry.run:
                    found.setdefault(entry.gate, []).append(_attempt(entry, opened))
                case _:
                    pass
        return found

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
                case RunClosed():
                    pass
        return tuple(command for commands in started.values() for command in commands)


def _attempt(entry: AttemptClosed, opened: RunOpened) -> Attempt:
    return Attempt(
        gate=entry.gate,
        number=entry.number,
        outcome=entry.outcome,
        run=entry.run,
        started=entry.started,
        seconds=entry.seconds,
        worker=entry.worker,
        tree=opened.subject.tree,
        checks=opened.subject.checks,
        base=opened.context.base_commit,
        mode=opened.context.mode,
        message=entry.message,
        where=entry.where,
        do=entry.do,
        log=entry.log,
        phase_of_test=entry.phase_of_test,
    )


def parse(text: bytes) -> Reading:
    """Read a journal's bytes. Nothing raises: what does not fit is in ``torn`` or ``problem``."""
    entries: list[Entry] = []
    heads: list[str] = []
    offset = 0
    head = ""
    while offset < len(text):
        end = text.find(b"\n", offset)
        if end < 0:
            break
        line = text[offset:end]
        try:
            entry = _decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            break
        if entry.prev != head:
            break
        entries.append(entry)
        head = digest(line)
        heads.append(head)
        offset = end + 1
    torn = len(text) - offset
    problem = ""
    if torn and _has_entry(text[offset:]):
        problem = f"line {len(heads) + 1} of the journal does not continue the chain"
    return Reading(tuple(entries), tuple(heads), offset, torn, problem)


def _has_entry(rest: bytes) -> bool:
    """Whether a later line is a whole entry: a torn tail has none, an edited journal has."""
    for line in rest.split(b"\n")[1:]:
        try:
            _decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        return True
    first, newline, _ = rest.partition(b"\n")
    if not newline:
        return False
    try:
        _decode(first)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def read(path: Path) -> Reading:
    """Read the journal of an evidence folder; an absent one is empty. OSError passes through."""
    try:
        return parse(path.read_bytes())
    except FileNotFoundError:
        return Reading()


@dataclass
class Journal:
    """The journal open for appending, by one process only.

    An OSError (disk full) leaves the file as it was before the line and passes through.
    """

    path: Path
    lines: int = 0
    head: str = ""
    size: int = 0
    _handle: int = field(default=-1, repr=False)

    @classmethod
    def open(cls, path: Path, reading: Reading) -> Journal:
        """Open behind what was read; a torn tail is cut off."""
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        os.ftruncate(handle, reading.size)
        os.lseek(handle, reading.size, os.SEEK_SET)
        return cls(path, reading.lines, reading.head, reading.size, handle)

    def append(self, entry: Entry, *, durable: bool) -> None:
        """Write one line; ``entry.prev`` must be the current head. Durable ones reach the disk first."""
        line = _encode(entry)
        try:
            _write_all(self._handle, line + b"\n")
        except OSError:
            os.ftruncate(self._handle, self.size)
            os.lseek(self._handle, self.size, os.SEEK_SET)
            raise
        self.size += len(line) + 1
        self.lines += 1
        self.head = "sha256:" + hashlib.sha256(line).hexdigest()
        if durable:
            os.fsync(self._handle)

    def close(self) -> None:
        """Flush to disk and close; calling it twice is fine."""
        if self._handle >= 0:
            handle, self._handle = self._handle, -1
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _write_all(handle: int, text: bytes) -> None:
    written = os.write(handle, text)
    while written < len(text):
        written += os.write(handle, text[written:])
