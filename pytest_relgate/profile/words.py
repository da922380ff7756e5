"""How a place, a value or a name is written in one line of an error."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Step = str | int
"""One step into a document: a key, or the index of an array's element from 0."""

Steps = tuple[Step, ...]
"""A place in a document, from the top level; the empty one is the document itself."""

_LONGEST = 60  # characters of a value that an error repeats


def printable(text: str) -> str:
    """Return ``text`` with everything that is not printable escaped, so that it stays on one line."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def quoted(text: str) -> str:
    """Return ``text`` between double quotes, printable and cut to a length that a line can hold."""
    cut = text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
    escaped = cut.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{printable(escaped)}"'


def shown(value: object) -> str:  # noqa: PLR0911  (one answer for each kind of TOML value)
    """Return a TOML value as an error names it: scalars as written, the rest by kind."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return quoted(value)
        case int():
            # str() refuses integers of more than 4300 digits, which TOML can write in hex.
            return str(value) if value.bit_length() < 128 else "a very large integer"  # noqa: PLR2004 (39 digits)
        case float():
            return repr(value)
        case dt.datetime():
            return "a date-time" if value.tzinfo else "a date-time without an offset"
        case dt.date():
            return "a date"
        case dt.time():
            return "a time"
        case list() | tuple():
            return "an array" if value else "an empty array"
        case dict():
            return "a table"
        case _:
            return "a value of another kind"


def key(name: str) -> str:
    """Return a key as TOML writes it: bare where it can be."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else quoted(name)


def dotted(path: Steps) -> str:
    """Return a place as ``changes.dependencies[2]``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{key(step)}" if text else key(step)
    return text


def table(path: Steps) -> str:
    """Return the table at ``path`` as its header is written."""
    if not path:
        return "the top level"
    if isinstance(path[-1], int):
        return f"[[{dotted(tuple(step for step in path if isinstance(step, str)))}]]"
    return f"[{dotted(path)}]"


def one_of(names: Iterable[str]) -> str:
    """Return names as ``"a", "b" or "c"``."""
    *most, last = [quoted(name) for name in names]
    return f"{', '.join(most)} or {last}" if most else last


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean "x"?`` for the nearest known word, or nothing."""
    spellings = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word[:_LONGEST].lower(), list(spellings), n=1)
    return f"; did you mean {quoted(spellings[near[0]])}?" if near else ""
