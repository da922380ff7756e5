"""The tests of the crate that the stand-in for cargo can read, judged on what the source says it does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_relgate.sandbox.stand_ins.ring import RUST, Ring
from pytest_relgate.sandbox.stand_ins.words import Unreadable, literals, statements, unescaped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_TEST = re.compile(r"^( *)#\[test\]\n\1fn (\w+)\(\) \{\n(.*?)^\1\}", re.DOTALL | re.MULTILINE)
_NEW_POOL = re.compile(r"let mut pool = Pool::new\((\d+)\);")
_EACH = re.compile(r"for message in \[(.*?)\] \{")
_APPEND = re.compile(r'pool\.append\("(.*?)"\);')
_APPEND_EACH = re.compile(r"pool\.append\(message\);")
_END = re.compile(r"\}")
_GUARD = re.compile(
    r'if authorization (!=|==) format!\("Bearer \{token\}"\) \{\s*'
    r'return "(.*?)"\.to_owned\(\);\s*\}\s*'
    r"let body = pool\.iter\(\)\.last\(\)\.unwrap_or_default\(\);\s*"
    r'format!\("(.*?)\{body\}"\)'
)
_EQUAL = re.compile(r"assert_eq!\(pool\.iter\(\)\.collect::<Vec<_>>\(\), \[(.*?)\]\);")
_ANSWERS = re.compile(r'assert!\(respond\(&pool, "(.*?)", "(.*?)"\)\.(starts|ends)_with\("(.*?)"\)\);')


def tests(files: Mapping[Path, str]) -> Iterator[tuple[Path, str, str]]:
    """Each test with its file and what is wrong, empty if nothing is. Raises Unreadable."""
    for path, text in files.items():
        for found in _TEST.finditer(text):
            yield path, found[2], _Test(files, path).problem(found[3])


class _Test:
    """One test at work: a pool that behaves as the source says."""

    def __init__(self, files: Mapping[Path, str], path: Path) -> None:
        self.files, self.path = files, path
        self.pool = Ring(0, "oldest")
        self.each: list[str] = []
        self._kinds: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str | None]], ...] = (
            (_NEW_POOL, self._new_pool),
            (_EACH, self._for_each),
            (_APPEND_EACH, self._append_each),
            (_APPEND, self._append),
            (_EQUAL, self._equals),
            (_ANSWERS, self._answers),
            (_END, lambda _found: None),
        )

    def problem(self, body: str) -> str:
        """What is wrong; empty if nothing is."""
        for line in statements(body):
            if problem := self._step(line):
                return problem
        return ""

    def _step(self, line: str) -> str:
        """Do one line; tell what is wrong with it. Raises Unreadable for a line of another kind."""
        for pattern, do in self._kinds:
            if found := pattern.fullmatch(line):
                return do(found) or ""
        message = f"{self.path}: {line}"
        raise Unreadable(message)

    def _new_pool(self, found: re.Match[str]) -> None:
        self.pool = RUST.ring(self._source("src/core/pool.rs"), int(found[1]))

    def _for_each(self, found: re.Match[str]) -> None:
        self.each = literals(found[1])

    def _append_each(self, _found: re.Match[str]) -> None:
        for message in self.each:
            self.pool.append(message)

    def _append(self, found: re.Match[str]) -> None:
        self.pool.append(found[1])

    def _equals(self, found: re.Match[str]) -> str:
        expected = literals(found[1])
        return "" if self.pool.messages == expected else f"left: {self.pool.messages}, right: {expected}"

    def _answers(self, found: re.Match[str]) -> str:
        answer = self._respond(found[1], found[2])
        right = answer.startswith if found[3] == "starts" else answer.endswith
        return "" if right(unescaped(found[4])) else f"assertion failed: {found[0]}"

    def _respond(self, token: str, authorization: str) -> str:
        guard = _GUARD.search(self._source("src/serve.rs"))
        if guard is None:
            message = "src/serve.rs"
            raise Unreadable(message)
        given = authorization == f"Bearer {token}"
        if given == (guard[1] == "=="):
            return unescaped(guard[2])
        return unescaped(guard[3]) + (self.pool.messages[-1] if self.pool.messages else "")

    def _source(self, name: str) -> str:
        return self.files.get(Path(name), "")
