"""The journal as it is written, line by line, by the one process that writes it.

A line is written by one ``write`` call; a line that blocks is fsynced before the run goes on. So a crash
or a power cut can lose a pass, never a failure that had been recorded. A line that a full disk refused is
kept and written before the next one, so that room made meanwhile loses nothing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.evidence.folder import sync_folder
from pytest_relgate.evidence.journal import Entry, digest
from pytest_relgate.evidence.printable import writable

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_relgate.evidence.journal import Reading

_encode = msgspec.json.Encoder().encode


@dataclass
class Journal:
    """The journal open for appending, by one process only.

    ``waiting`` are the entries that the disk has not taken yet, oldest first.
    """

    path: Path
    lines: int = 0
    head: str = ""
    size: int = 0
    waiting: list[tuple[Entry, bool]] = field(default_factory=list)
    _handle: int = field(default=-1, repr=False)

    @classmethod
    def open(cls, path: Path, reading: Reading) -> Journal:
        """Open behind what was read; a torn tail is cut off, durably. OSError passes through."""
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.ftruncate(handle, reading.size)
            os.lseek(handle, reading.size, os.SEEK_SET)
            os.fsync(handle)
            sync_folder(path.parent)
        except OSError:
            os.close(handle)
            raise
        return cls(path, reading.lines, reading.head, reading.size, _handle=handle)

    def append(self, entry: Entry, *, durable: bool) -> None:
        """Write one line behind the head; ``entry.prev`` is set here. Durable ones reach the disk first.

        An OSError (disk full) leaves the file with whole lines only and passes through; the entry then
        waits, and is written before the next one.
        """
        if not self.waiting:
            try:
                self._write(msgspec.structs.replace(entry, prev=self.head))
            except OSError:
                self.waiting.append((entry, durable))
                raise
            if durable:
                os.fsync(self._handle)
            return
        self.waiting.append((entry, durable))
        while self.waiting:
            entry, durable = self.waiting[0]
            self._write(msgspec.structs.replace(entry, prev=self.head))
            self.waiting.pop(0)
            if durable:
                os.fsync(self._handle)

    def _write(self, entry: Entry) -> None:
        line = _encoded(entry)
        try:
            _write_all(self._handle, line + b"\n")
        except OSError:
            os.ftruncate(self._handle, self.size)
            os.lseek(self._handle, self.size, os.SEEK_SET)
            raise
        self.size += len(line) + 1
        self.lines += 1
        self.head = digest(line)

    def close(self) -> None:
        """Flush to disk and close; calling it twice is fine."""
        if self._handle >= 0:
            handle, self._handle = self._handle, -1
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _encoded(entry: Entry) -> bytes:
    """The line of an entry. What is no character of UTF-8 (a lone surrogate) is written as its number."""
    try:
        return _encode(entry)
    except UnicodeEncodeError:
        return _encode(msgspec.convert(_writable(msgspec.to_builtins(entry)), Entry))


def _writable(value: object) -> object:
    match value:
        case str():
            return writable(value)
        case dict():
            return {_writable(name): _writable(one) for name, one in value.items()}
        case list() | tuple():
            return [_writable(one) for one in value]
        case _:
            return value


def _write_all(handle: int, text: bytes) -> None:
    written = os.write(handle, text)
    while written < len(text):
        written += os.write(handle, text[written:])
