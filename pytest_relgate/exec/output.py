"""What a command printed: its log on disk, its digest, its end in words. Memory stays constant."""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING, Final

from pytest_relgate.errors import CannotJudge

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_relgate.exec.redact import Redactor

KEPT_FIRST: Final = 16 * 1024 * 1024
"""Bytes of the beginning of an output that its log keeps."""

KEPT_LAST: Final = 1024 * 1024
"""Bytes of the end of an output that its log keeps."""

TAIL_LINES: Final = 40
TAIL_BYTES: Final = 8 * 1024

_RECENT: Final = 64 * 1024
_ANSI: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)"  # OSC and other strings: titles, links
    r"|\x1b[ -/]*[0-~]"  # everything else that begins with an escape
)


class Output:
    """The log of one command while it runs. Raises CannotJudge where the log cannot be written.

    Everything is redacted before it is kept, counted or hashed: ``size`` and ``sha256`` are those of the
    redacted output, the only one that there is on disk and that can be checked again; a digest of the
    raw output would also let a short secret be guessed. An output of up to 17 MiB is in the log as a
    whole; of a longer one the log keeps the first 16 MiB and the last 1 MiB with a line between. Notes
    of ours are lines that begin with ``[relgate]``; they do not count for size and digest.
    """

    def __init__(self, log: Path, redactor: Redactor) -> None:
        self.log = log
        self.size = 0
        self._redactor = redactor
        self._stream = redactor.stream()
        self._hash = hashlib.sha256()
        self._last = bytearray()
        self._recent = bytearray()
        self._notes: list[str] = []
        self._file = self._open()

    @property
    def sha256(self) -> str:
        """Digest of the redacted output, ``sha256:<hex>``."""
        return f"sha256:{self._hash.hexdigest()}"

    def feed(self, data: bytes) -> None:
        """Take what the command printed."""
        self._keep(self._stream.feed(data))

    def note(self, text: str) -> None:
        """Have the log end with a line of ours."""
        self._notes.append(self._redactor.text(text))

    def close(self) -> None:
        """Write what is still kept back. The log is complete after this; closing it again does nothing."""
        if self._file < 0:
            return
        try:
            self._keep(self._stream.close())
            last = self._last[-KEPT_LAST:]
            left_out = self.size - KEPT_FIRST - len(last)
            if left_out > 0:
                self._write(f"\n[relgate] {left_out} bytes are left out here\n".encode())
            self._write(last)
            if self._notes and self._recent and not self._recent.endswith(b"\n"):
                self._write(b"\n")
            self._write("".join(f"[relgate] {note}\n" for note in self._notes).encode())
        finally:
            file, self._file = self._file, -1
            os.close(file)

    def tail(self) -> str:
        """The last lines as text, fit to be shown: at most 40 lines and 8 KiB.

        Without terminal escapes, with other control characters made visible and undecodable bytes
        replaced. Redacted once more, because a secret may have had colours in it.
        """
        text = _ANSI.sub("", self._recent.decode("utf-8", "replace")).replace("\r\n", "\n")
        lines = _visible(self._redactor.text(text)).rstrip("\n").split("\n")[-TAIL_LINES:]
        raw = "\n".join(lines).encode()
        return raw[-TAIL_BYTES:].decode("utf-8", "ignore")

    def _keep(self, clean: bytes) -> None:
        self._hash.update(clean)
        room = max(KEPT_FIRST - self.size, 0)
        self.size += len(clean)
        self._write(clean[:room])
        _append(self._last, clean[room:], KEPT_LAST)
        _append(self._recent, clean, _RECENT)

    def _open(self) -> int:
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise _unwritable(self.log, error) from error

    def _write(self, data: bytes | bytearray) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._file, rest) :]
            except OSError as error:
                raise _unwritable(self.log, error) from error


def _append(kept: bytearray, data: bytes, limit: int) -> None:
    """Append, and cut the front off now and then: what is kept ends in at least ``limit`` bytes."""
    kept += data
    if len(kept) >= 2 * limit:
        del kept[:-limit]


def _unwritable(log: Path, error: OSError) -> CannotJudge:
    reason = error.strerror or str(error)
    message = f"the log {log} cannot be written ({reason}): make room or mend the folder, then run again"
    return CannotJudge(message)


def _visible(text: str) -> str:
    """Control characters as their pictures, others that hide or reorder text as their numbers."""
    if text.isprintable():
        return text
    return "".join(
        character if character in "\n\t\xa0\u3000" or character.isprintable() else _shown(character)
        for character in text.replace("\r", "\n")
    )


def _shown(character: str) -> str:
    point = ord(character)
    if point < 0x20:  # noqa: PLR2004  (C0: Unicode has a picture of each, in the same order)
        return chr(0x2400 + point)
    return character.encode("unicode_escape").decode("ascii")
