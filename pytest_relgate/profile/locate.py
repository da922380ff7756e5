"""On which line of a TOML text a key, a table or an array's element stands.

tomllib keeps no positions, so an error about a value is placed by a second, shallow look at the text.
It is taken only at a text that tomllib has read, and it judges nothing: at the first thing that it
does not know it stops and answers with what it has.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_relgate.profile.words import Step, Steps

_TOKEN = re.compile(
    r"""
      (?P<newline>\n)
    | (?P<space>[ \t\r]+|\#[^\n]*)
    | (?P<text>\"{3}(?:[^\\]|\\.)*?\"{3}\"{0,2}  # up to two quotes may stand before the closing three
              |'{3}.*?'{3}'{0,2}
              |"(?:[^"\\\n]|\\.)*"
              |'[^'\n]*'
              |[^\s\[\]{}=,.\#"']+)
    | (?P<mark>[\[\]{}=,.])
    """,
    re.VERBOSE | re.DOTALL,
)


def line_of(text: str, path: Steps) -> int | None:
    """Return the line, from 1, on which ``path`` stands in a TOML text, or the nearest thing around it.

    The empty path is line 1. None when the text shows nothing of the path.
    """
    if not path:
        return 1
    lines = lines_of(text)
    around = (path[:length] for length in range(len(path), 0, -1))
    return next((lines[place] for place in around if place in lines), None)


def lines_of(text: str) -> dict[Steps, int]:
    """Return the line of every table, key and array element that a TOML text writes down."""
    look = _Look()
    for kind, piece, line in _tokens(text):
        look.take(kind, piece, line)
    return look.lines


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    position, line = 0, 1
    while match := _TOKEN.match(text, position):
        kind, piece = match.lastgroup or "", match.group()
        if kind != "space":
            yield kind, piece, line
        line += piece.count("\n")
        position = match.end()


class _Mode(Enum):
    KEY = auto()
    HEADER = auto()
    VALUE = auto()
    AFTER = auto()


@dataclass
class _Look:
    """What was seen so far. ``open`` holds the arrays (their next index) and inline tables (None) around."""

    lines: dict[Steps, int] = field(default_factory=dict)
    mode: _Mode = _Mode.KEY
    parts: list[str] = field(default_factory=list)
    header: Steps = ()
    doubled: bool = False
    target: Steps = ()
    tables: dict[Steps, int] = field(default_factory=dict)
    open: list[tuple[Steps, int | None]] = field(default_factory=list)

    def take(self, kind: str, piece: str, line: int) -> None:
        """Look at one more piece."""
        if kind == "newline":
            if not self.open:
                self.mode, self.parts, self.doubled = _Mode.KEY, [], False
            return
        match self.mode:
            case _Mode.KEY:
                self._key(kind, piece, line)
            case _Mode.HEADER:
                self._header(kind, piece, line)
            case _Mode.VALUE:
                self._value(piece, line)
            case _Mode.AFTER:
                self._after(piece)

    def _key(self, kind: str, piece: str, line: int) -> None:
        if kind == "text":
            self.parts.append(_name(piece))
        elif piece == "[":
            self.mode = _Mode.HEADER
        elif piece == "}":
            self._close()
        elif piece == "=":
            around = self.open[-1][0] if self.open else self.header
            self.target = (*around, *self.parts)
            for length in range(len(around) + 1, len(self.target)):
                self.lines.setdefault(self.target[:length], line)
            self.lines[self.target] = line
            self.mode, self.parts = _Mode.VALUE, []

    def _header(self, kind: str, piece: str, line: int) -> None:
        if kind == "text":
            self.parts.append(_name(piece))
        elif piece == "[":
            self.doubled = True
        elif piece == "]" and self.parts:
            path = self._newest(self.parts)
            for length in range(1, len(path)):
                self.lines.setdefault(path[:length], line)
            if self.doubled:
                self.lines.setdefault(path, line)
                index = self.tables.get(path, 0)
                self.tables[path] = index + 1
                path = (*path, index)
            self.lines[path] = line
            self.header, self.parts = path, []

    def _newest(self, parts: list[str]) -> Steps:
        """Return the path of a header; a part that names an array of tables means its newest element."""
        path: tuple[Step, ...] = ()
        for part in parts:
            if path in self.tables:
                path = (*path, self.tables[path] - 1)
            path = (*path, part)
        return path

    def _value(self, piece: str, line: int) -> None:
        if piece == "]":  # an empty array, or a comma before the end
            self._close()
            return
        if self.open and self.open[-1][1] is not None:
            self.lines[self.target] = line
        if piece == "[":
            self.open.append((self.target, 0))
            self.target = (*self.target, 0)
        elif piece == "{":
            self.open.append((self.target, None))
            self.mode, self.parts = _Mode.KEY, []
        else:
            self.mode = _Mode.AFTER

    def _after(self, piece: str) -> None:
        if piece in {"]", "}"}:
            self._close()
        elif piece == "," and self.open:
            path, index = self.open[-1]
            if index is None:
                self.mode, self.parts = _Mode.KEY, []
            else:
                self.open[-1] = (path, index + 1)
                self.target = (*path, index + 1)
                self.mode = _Mode.VALUE

    def _close(self) -> None:
        if self.open:
            self.open.pop()
        self.mode = _Mode.AFTER


def _name(piece: str) -> str:
    """Return the key that a piece of a key writes."""
    if piece[0] == '"' and "\\" in piece:
        try:
            return str(tomllib.loads(f"key = {piece}")["key"])
        except tomllib.TOMLDecodeError:
            return piece
    return piece[1:-1] if piece[0] in "\"'" else piece
