"""What every stand-in needs: to speak, to give up, and to read past strings and comments."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAIRS = {")": "(", "]": "[", "}": "{"}


class Unreadable(Exception):  # noqa: N818  (reads as a statement)
    """The stand-in does not know what it is asked or what it reads: the real tool must judge that."""


def say(line: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def tell(line: str) -> None:
    """Write a line to standard output."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


_NO_CODE = re.compile(
    r"//[^\n]*|/\*.*?\*/"
    r'|"(?:\\.|[^"\\])*"'
    r"|'(?:\\.|[^'\\\n])'"  # a character; a lifetime of Rust has no second quote
    r"|(?P<js>'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)",
    re.DOTALL,
)


def code_of(text: str) -> str:
    """The text with blanks in place of comments and of what stands in quotes; lines stay where they are."""
    return _NO_CODE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def unbalanced(text: str) -> int:
    """The line of the first bracket that has no partner; 0 where all have."""
    opened: list[tuple[str, int]] = []
    for number, line in enumerate(code_of(text).splitlines(), 1):
        for sign in line:
            if sign in "([{":
                opened.append((sign, number))
            elif sign in _PAIRS and (not opened or opened.pop()[0] != _PAIRS[sign]):
                return number
    return opened[-1][1] if opened else 0


def literals(text: str) -> list[str]:
    """The strings of a list of literals, in any kind of quotes."""
    return [found[2] for found in re.finditer(r"(['\"])(.*?)\1", text)]


def unescaped(text: str) -> str:
    r"""A literal's text with its ``\r`` and ``\n`` as they are meant."""
    return text.replace("\\r", "\r").replace("\\n", "\n")


def statements(body: str) -> Iterator[str]:
    """The lines of a function's body, one statement each, without comments."""
    for line in body.splitlines():
        if (plain := line.strip()) and not plain.startswith("//"):
            yield plain
