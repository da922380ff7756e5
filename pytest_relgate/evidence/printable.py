"""What a person can see of a text that anybody may have written.

Gate ids, output of tools and names from files reach reports and terminals. Here their control
characters become visible and their length bounded; what is markup in HTML, Markdown or XML is each
report's own to escape.
"""

from __future__ import annotations

import re

LINE = 300
"""Characters of a text that has one line in a report."""

BLOCK = 2000
"""Characters of a text that has a block of lines in a report."""

_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
_BLOCK_LINES = 24


class _Visible(dict[int, str]):
    """Maps a code point to what is shown for it. Filled as characters are met."""

    def __missing__(self, point: int) -> str:
        character = chr(point)
        if point < 0x20:  # noqa: PLR2004  (C0; Unicode has a picture of each, in the same order)
            shown = chr(0x2400 + point)
        elif character.isprintable():
            shown = character
        else:
            # Right-to-left overrides, zero widths, lone surrogates and what else hides: by number.
            shown = character.encode("unicode_escape").decode("ascii")
        self[point] = shown
        return shown


_ONE_LINE = _Visible({0x0A: "⏎", 0x7F: "␡", 0xA0: " ", 0x3000: "\u3000"})
_LINES = _Visible({0x0A: "\n", 0x09: "\t", 0x0D: "\n", 0x7F: "␡", 0xA0: " ", 0x3000: "\u3000"})


def printable(text: str, *, limit: int = LINE, lines: bool = False) -> str:
    """Return ``text`` with every character visible and its middle left out beyond ``limit`` characters.

    Control characters become their pictures, others that hide or reorder text (bidirectional
    controls, zero widths, lone surrogates) their numbers. A newline stays when ``lines``, and is
    shown as ⏎ otherwise.
    """
    if len(text) > limit:
        head, tail = limit - limit // 3, limit // 3
        text = f"{text[:head]} … {len(text) - limit:,} characters left out … {text[-tail:]}"
    if text.isprintable():
        return text
    return text.replace("\r\n", "\n").translate(_LINES if lines else _ONE_LINE)


def writable(text: str) -> str:
    """Return ``text`` as UTF-8 can hold it: a lone surrogate becomes its number."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def output(text: str) -> str:
    """Return what a tool or a test wrote, fit to be shown as a block: without colours, ends cut."""
    if "\x1b" in text:
        text = _COLOUR.sub("", text)
    shown = printable(text.strip(), limit=BLOCK, lines=True)
    rows = shown.split("\n")
    if len(rows) <= _BLOCK_LINES:
        return shown
    head, tail = _BLOCK_LINES * 2 // 3, _BLOCK_LINES // 3
    return "\n".join([*rows[:head], f"… {len(rows) - head - tail} lines left out …", *rows[-tail:]])


def first_line(text: str, limit: int = 160) -> str:
    """Return the first line of a tool's or a test's words that says anything."""
    if not text:
        return ""
    plain = _COLOUR.sub("", text) if "\x1b" in text else text
    return printable(next((line for line in plain.splitlines() if line.strip()), "").strip(), limit=limit)
