"""Whether a shell text itself keeps a rehearsal from what it runs, as far as that can be proven. Pure.

Proven is what stands in the branch of an ``if`` that only a live release takes, behind an ``exit`` that every
rehearsal takes, or behind ``&&`` or ``||`` of the test itself. Anything else is taken as no guard.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pytest_relgate.source.shell import bare, pieces_of, unquoted

_OPENERS = frozenset({"for", "while", "until", "select", "case", "{"})
_CLOSERS = {"fi": ("if",), "done": ("for", "while", "until", "select"), "esac": ("case",), "}": ("{",)}
_FIRST = frozenset({"", "\n", ";", ";;"})
_ASSIGNED = re.compile(r"(?P<name>[A-Za-z_]\w*)\+?=(?P<value>.*)", re.DOTALL)


_Chain = bool | None  # what && and || make sure of: that it is a rehearsal, that it is none, or nothing


@dataclass
class _Frame:
    """A block: whether only a live release, or every rehearsal and nothing else, runs what is in it now."""

    opener: str
    always: bool = True
    live: bool = False
    rehearsal: bool = False
    tests: list[bool | None] = field(default_factory=list)


def guarded_against(name: str, text: str, line: int, what: str) -> bool:
    """Whether every command of ``text`` that is ``what`` on this line (from 1) runs only outside a rehearsal.

    ``name`` is the input that says so; it is read as ``${{ inputs.NAME }}``, or from a variable of its name.
    """
    reader = _Reader(name)
    reader = _Reader(name)
    there = [(words, live) for at, words, live in reader.read(text) if at == line]
    meant = [live for words, live in there if " ".join(words) == what]
    found = meant or [live for words, live in there if not reader.asks(words)]  # a script that runs it, say
    return bool(found) and all(found) and not reader.lost


class _Reader:
    """Reads a text from its beginning and keeps what is proven at each command."""

    def __init__(self, name: str) -> None:
        word = re.escape(name.upper().replace("-", "_"))
        variable = rf"(?:(?:IS|INPUT|INPUTS)_)?{word}"
        given = rf"(?:github\.event\.)?inputs\.{re.escape(name)}"
        self._asked = re.compile(
            rf"\$(?:{variable}|\{{{variable}(?::?-[^}}]*)?\}}|\{{\{{\s*{given}\s*\}}\}})", re.IGNORECASE
        )
        self._frames = [_Frame("")]
        self._dry: set[str] = set()
        self.lost = False

    def asks(self, words: tuple[str, ...]) -> bool:
        """Whether a command is a test of the rehearsal."""
        return self._meaning(words) is not None

    def read(self, text: str) -> list[tuple[int, tuple[str, ...], bool]]:  # noqa: C901  (a case for each end)
        """Return each command with its line, and whether only a live release runs it."""
        found: list[tuple[int, tuple[str, ...], bool]] = []
        chain: bool | None = None  # true: runs in a rehearsal only; false: in a live release only
        direct = True  # whether every rehearsal comes here that comes to this line
        before, array = "\n", ""
        for at, raw, end in pieces_of(text):
            if not raw and end == "\n" and before in ("&&", "||", "|"):
                continue
            words = tuple(unquoted(word) for word in raw)
            if before in _FIRST:
                chain, direct = None, True
            words, opened = self._structure(words, end, chain, always=direct)
            if opened:
                chain, direct = None, True
            piped = "|" in (before, end) or "&" in (before, end)
            if words:
                live = chain is False or any(one.live for one in self._frames)
                plain = bare(words)
                found.append((at + 1, plain, live or self._is_dry(words)))
                rehearses = chain is True or any(one.rehearsal for one in self._frames)
                if words[0] == "exit" and direct and not piped:
                    self._leaves(chain)
                if rehearses:
                    array = self._made_dry(words, array)
            chain, direct = self._chained(words, chain, end, direct=direct, alone=before in _FIRST or opened)
            if end == "(":
                self._frames.append(_Frame("(", always=False))
            elif end == ")" and self._frames[-1].opener == "(":
                self._frames.pop()
            elif end == ";;":
                self._frames[-1].live = False
            before = end
        return found

    def _structure(
        self,
        words: tuple[str, ...],
        end: str,
        chain: _Chain,
        *,
        always: bool,
    ) -> tuple[tuple[str, ...], bool]:
        """Take keywords off the front of a command; say whether it stands first in a block then."""
        opened = False
        while words:
            word, frame = words[0], self._frames[-1]
            if word == "if" or word in _OPENERS:
                self._frames.append(_Frame(word, always, live=chain is False, rehearsal=chain is True))
                if word in ("for", "case", "select"):
                    return (), True
                frame = self._frames[-1]
            elif word in _CLOSERS:
                self._close(_CLOSERS[word])
            elif word not in ("then", "else", "elif", "do"):
                break
            if word in ("if", "elif"):
                frame.tests.append(self._meaning(words[1:]) if end in (";", "\n") else None)
                frame.live = frame.rehearsal = False
            elif word in ("then", "else") and frame.opener == "if":
                passed = frame.tests[:-1] if word == "then" else frame.tests
                holds = frame.tests[-1:] if word == "then" else []
                # past a test for the rehearsal only a live release comes, and the other way round
                frame.live = False in holds or True in passed
                # with a test before it that cannot be read, not every rehearsal comes here
                every = None not in passed
                frame.rehearsal = every and (True in holds or (False in passed and True not in passed))
                frame.rehearsal = frame.rehearsal and not (holds and holds[0] is None)
            opened = opened or word not in _CLOSERS
            words = words[1:]
        return words, opened

    def _close(self, openers: tuple[str, ...]) -> None:
        if self._frames[-1].opener in openers:
            self._frames.pop()
        else:
            self.lost = True

    def _leaves(self, chain: _Chain) -> None:
        """Behind an ``exit`` that every rehearsal takes, only a live release comes, in the same block."""
        frame = self._frames[-1]
        if chain is True:
            frame.live = True
        elif chain is None and frame.rehearsal and frame.always:
            self._frames[-2].live = True

    def _chained(
        self,
        words: tuple[str, ...],
        chain: _Chain,
        end: str,
        *,
        direct: bool,
        alone: bool,
    ) -> tuple[bool | None, bool]:
        if end not in ("&&", "||"):
            return None, end in _FIRST
        sure = self._meaning(words) if alone else None
        if sure is not None:
            return (sure if end == "&&" else not sure), True
        said = bool(words) and words[0] in ("echo", "printf")  # which do not fail
        return (chain if end == "&&" else None), direct and said and end == "&&"

    def _made_dry(self, words: tuple[str, ...], array: str) -> str:
        """Note a variable that a rehearsal sets to ``--dry-run``; return the array whose words come next."""
        if array and "--dry-run" in words:
            self._dry.add(array)
        last = _ASSIGNED.fullmatch(words[-1])
        if last and "--dry-run" in last["value"].split():
            self._dry.add(last["name"])
        return last["name"] if last and not last["value"] else ""

    def _is_dry(self, words: tuple[str, ...]) -> bool:
        text = " ".join(words[1:])
        return any(re.search(rf"\$(?:{name}\b|\{{{name}\b)", text) for name in self._dry)

    def _meaning(self, words: tuple[str, ...]) -> bool | None:
        """Whether a test holds exactly in a rehearsal (true), exactly outside of it (false), or neither."""
        turned = False
        while words and words[0] == "!":
            words, turned = words[1:], not turned
        if words and words[0] in ("[", "[[", "test"):
            words = words[1:-1] if words[0] != "test" else words[1:]
            while words and words[0] == "!":
                words, turned = words[1:], not turned
        sure: bool | None = None
        match words:
            case (asked,) | ("-n", asked) if self._asked.fullmatch(asked):
                sure = True
            case ("-z", asked) if self._asked.fullmatch(asked):
                sure = False
            case (asked, ("=" | "==" | "!=") as sign, ("true" | "false") as value) if self._asked.fullmatch(
                asked
            ):
                sure = (sign != "!=") == (value == "true")
        return sure if sure is None else sure != turned
