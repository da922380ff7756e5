"""Keeping secrets out of logs, reports and the terminal."""

from __future__ import annotations

import re
from bisect import bisect_right
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TextIO

from pytest_relgate.exec.spellings import decoded, encoded, spellings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MARK: Final = "[redacted]"
"""What stands where a secret was. A mark that is in a text already is never looked into again."""

SECRET_NAMES: Final = ("*_TOKEN", "*_KEY", "*_SECRET", "*PASSWORD*")
"""Names of environment variables, in any case, whose values are taken for secrets."""

_MARK: Final = MARK.encode()
_SHORTEST: Final = 5
_SHORTEST_NAMED: Final = 4
_SHORTEST_LINE: Final = 8
_ARMOUR: Final = re.compile(r"-----(?:BEGIN|END) [^-]*-----")
_SWITCHES: Final = frozenset(
    {"true", "false", "none", "null", "undefined", "auto", "default", "redacted", MARK}
)
_COMMON: Final = frozenset(
    {"enabled", "disabled", "always", "never", "debug", "release", "tests", "master", "local"}
    | {"localhost", "linux", "staging", "production", "development", "version", "secret", "password", "token"}
)


def secret_values(environ: Mapping[str, str], names: Sequence[str] = ()) -> tuple[str, ...]:
    """The secrets that stand in an environment, longest first.

    Taken are the values of variables named like SECRET_NAMES, or like one of ``names`` (names or globs of
    the profile, in any case). Left alone are values that are too short (under 5 characters, under 4 for
    ``names``) or too plain to be secrets (``true``, ``none``, ``debug``, ``=====``): replacing each
    ``release`` of a log would wreck the evidence and protect nothing. A value of several lines, such as a
    PEM key, counts as a whole and line by line, where a line has 8 characters or more and is not armour.
    """
    found: set[str] = set()
    for name, value in environ.items():
        if _matches(name, names):
            found |= _parts(value, _SHORTEST_NAMED, _SWITCHES)
        elif _matches(name, SECRET_NAMES):
            found |= _parts(value, _SHORTEST, _SWITCHES | _COMMON)
    return tuple(sorted(found, key=lambda secret: (-len(secret), secret)))


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name.upper(), pattern.upper()) for pattern in patterns)


def _parts(value: str, shortest: int, plain: frozenset[str]) -> set[str]:
    r"""The whole value and each of its lines; some keys are kept on one line, with ``\n`` spelled out."""
    whole = value.strip()
    lines = {line.strip() for line in whole.replace("\\n", "\n").splitlines()} - {whole}
    parts = {line for line in lines if len(line) >= _SHORTEST_LINE and not _ARMOUR.fullmatch(line)}
    if len(whole) >= shortest:
        parts.add(whole)
    return {part for part in parts if part.lower() not in plain and len(set(part)) > 1}


class Redactor:
    """Replaces secrets, in every spelling, by MARK. Without secrets it costs next to nothing."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self.secrets = tuple(dict.fromkeys(filter(None, secrets)))

    def __repr__(self) -> str:
        return f"Redactor({len(self.secrets)} secrets)"

    def adding(self, secrets: Iterable[str]) -> Redactor:
        """A redactor that knows ``secrets`` too."""
        new = dict.fromkeys(secrets).keys() - set(self.secrets)
        return Redactor((*self.secrets, *sorted(new))) if new else self

    def text(self, text: str) -> str:
        """``text`` with every secret replaced. Redacting twice changes nothing more."""
        if not self.secrets:
            return text
        raw = encoded(text)
        clean = self._search.replaced(raw)
        return text if clean is raw else decoded(clean)

    def holds(self, text: str) -> bool:
        """Whether a secret, in any spelling, stands in ``text``."""
        return bool(self.secrets) and self._search.found(encoded(text))

    def stream(self) -> RedactingStream:
        """A redactor for bytes that come in pieces."""
        return RedactingStream(self._search if self.secrets else None)

    @cached_property
    def _search(self) -> _Search:
        # A secret that contains the mark might be made by redacting what stands beside it: its pieces count.
        pieces = {
            piece
            for secret in self.secrets
            for piece in secret.split(MARK)
            if piece == secret or len(piece) >= _SHORTEST_NAMED
        }
        return _Search({encoded(form) for piece in pieces for form in spellings(piece)})


class _Search:
    """All spellings of all secrets, made ready to be found.

    A mark that is there already is matched first, as itself, and a form that ends as the mark begins is
    not matched where that end belongs to a mark: a mark is never taken apart, so redacting is idempotent.
    """

    def __init__(self, forms: Iterable[bytes]) -> None:
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self.rests = {form: _rest_of_mark(form) for form in longest_first}
        # Looking for a few fixed strings one after another is many times faster than one search for
        # all of them, so the pattern is asked only where one of the strings is known to be. A string
        # that contains another one of them need not be looked for.
        self.needles: list[bytes] = []
        for form in reversed(longest_first):
            if not any(needle in form for needle in self.needles):
                self.needles.append(form)
        self.holders = sorted({_MARK, *(form + rest for form, rest in self.rests.items())})
        self.firsts = frozenset(holder[0] for holder in self.holders)
        self.longest = max(map(len, self.holders))

    @cached_property
    def pattern(self) -> re.Pattern[bytes]:
        """The mark, then every form, longest first. Made when first a form is met: it takes a while."""
        forms = (
            re.escape(form) + (b"(?!%b)" % re.escape(rest) if rest else b"")
            for form, rest in self.rests.items()
        )
        return re.compile(b"|".join((re.escape(_MARK), *forms)))

    def replaced(self, raw: bytes) -> bytes:
        """``raw`` itself if it holds none of the forms."""
        return self.pattern.sub(_MARK, raw) if self._possible(raw) else raw

    def found(self, raw: bytes) -> bool:
        return self._possible(raw) and any(match[0] != _MARK for match in self.pattern.finditer(raw))

    def final(self, raw: bytes) -> tuple[bytes, bytes]:
        """What can be said of ``raw`` before more comes: the redacted part, and the rest to be kept.

        The rest begins at the first place from which ``raw`` runs out in the middle of something that
        is looked for.
        """
        clean: list[bytes] = []
        done, kept = 0, self._undecided(raw, 0)
        # A mark counts too: its end may look like the beginning of a secret.
        for match in self.pattern.finditer(raw) if _MARK in raw or self._possible(raw) else ():
            if match.start() >= kept:
                break
            clean += (raw[done : match.start()], _MARK)
            done = match.end()
            if done > kept:
                kept = self._undecided(raw, done)
        return b"".join((*clean, raw[done:kept])), raw[kept:]

    def _possible(self, raw: bytes) -> bool:
        return any(needle in raw for needle in self.needles)

    def _undecided(self, raw: bytes, start: int) -> int:
        for place in range(max(start, len(raw) - self.longest + 1), len(raw)):
            if (
                raw[place] in self.firsts
                and self._begins(raw[place : place + 64])
                and self._begins(raw[place:])
            ):
                return place
        return len(raw)

    def _begins(self, raw: bytes) -> bool:
        """Whether something that is looked for begins with ``raw`` and goes on."""
        # What begins with ``raw`` stands right behind it in the sorted list.
        after = bisect_right(self.holders, raw)
        return after < len(self.holders) and self.holders[after].startswith(raw)


def _rest_of_mark(form: bytes) -> bytes:
    """What makes a mark of the end of ``form`` where it follows; empty if nothing could."""
    for length in range(min(len(form), len(_MARK) - 1), 0, -1):
        if form.endswith(_MARK[:length]):
            return _MARK[length:]
    return b""


class RedactingStream:
    """Redacts bytes that come in pieces, as if they had come in one.

    Kept from one piece to the next is only the end that might be the beginning of a secret, so memory is
    bounded by the longest spelling of the longest secret.
    """

    def __init__(self, search: _Search | None) -> None:
        self._search = search
        self._kept = b""

    def feed(self, data: bytes) -> bytes:
        """What is known to be clean after ``data`` has come."""
        if self._search is None:
            return data
        clean, self._kept = self._search.final(self._kept + data)
        return clean

    def close(self) -> bytes:
        """The rest, when nothing more comes."""
        rest, self._kept = self._kept, b""
        return rest if self._search is None else self._search.replaced(rest)


class RedactingWriter:
    """A text file, such as the terminal, whose readers see no secret.

    Everything but writing passes through to ``file``; what writes to its file descriptor or its buffer
    goes round the redaction. An end that might be the beginning of a secret waits for the next write,
    over a flush too; ``release`` writes it.
    """

    def __init__(self, file: TextIO, redactor: Redactor) -> None:
        self._file = file
        self._stream = redactor.stream()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, text: str) -> int:
        """Write ``text`` redacted; the number of characters taken, as of any text file."""
        self._pass_on(self._stream.feed(text.encode("utf-8", "surrogateescape")))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of ``lines`` redacted."""
        for line in lines:
            self.write(line)

    def release(self) -> None:
        """Write what waits, and flush. The file stays open."""
        self._pass_on(self._stream.close())
        self._file.flush()

    def _pass_on(self, clean: bytes) -> None:
        if clean:
            self._file.write(clean.decode("utf-8", "surrogateescape"))
