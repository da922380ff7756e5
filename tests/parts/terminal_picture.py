"""A picture of a terminal: which lines of a session it shows, drawn as SVG, and read again from that."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

WIDTH = 80
LEFT_OUT = "⋯"  # stands where lines of the session are not shown
_CELL, _LINE, _EDGE, _FONT = 8.4, 19, 18, 14  # pixels: width of a letter, height of a line, border, letters
_FAMILY = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_SGR = re.compile(r"\x1b\[([\d;]*)m")
_OTHER = re.compile(r"\x1b\[[\d;?]*[A-Za-ln-z]|\x1b[=>]|\r")
_PLAIN = "#d8dee6"
_COLOURS = {
    "31": "#ff7b72",
    "32": "#56d364",
    "33": "#e3b341",
    "34": "#79c0ff",
    "35": "#d2a8ff",
    "36": "#56d4dd",
    "90": "#8b949e",
    "97": "#ffffff",
}
_LAST = re.compile(r"(Report|Check|Head) | {12}\S")  # and the rest of a command that is folded
_JOB = re.compile(r"  [a-z-]+: \w")


class Span(NamedTuple):
    """Some letters of a line, ``at`` its column, in one colour (of HTML)."""

    at: int
    text: str
    colour: str
    bold: bool


def bare(line: str) -> str:
    """The words of a line, without colours."""
    return _OTHER.sub("", _SGR.sub("", line)).rstrip()


def shown(command: str, output: Iterable[str], *, whole: bool = False) -> list[str]:
    """The lines of a command's session that tell its story: what is judged, and the verdict.

    Of a live run the jobs too, as they were told. ``whole`` is whether of the closing block what is to be
    kept is shown as well, and not only its first two lines.
    """
    live = "--release-mode live" in command
    lines = [f"$ {command}"]
    closing = 0
    for line in output:
        words = bare(line)
        if words.startswith("===") and (" PASSED v" in words or " BLOCKED v" in words):
            closing = 1
        elif closing:
            closing += 1
        kept = closing in (1, 2) or (closing and whole and _LAST.match(words))
        if kept or words.startswith("relgate  ") or (live and _JOB.match(words)):
            lines.append(line)
        elif lines[-1] != LEFT_OUT:
            lines.append(LEFT_OUT if words or not closing else "")
    while lines[-1] == LEFT_OUT or not bare(lines[-1]):
        lines.pop()
    return lines


def drawn(lines: Sequence[str], title: str) -> str:
    """An SVG of lines with the colours that a terminal was told (ECMA-48, SGR)."""
    width, height = WIDTH * _CELL + 2 * _EDGE, len(lines) * _LINE + 2 * _EDGE
    size = f'width="{width:.0f}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" {size} role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>text {{ font: {_FONT}px {_FAMILY}; white-space: pre; }} .b {{ font-weight: 700; }}</style>",
        f'<rect {size} rx="8" fill="#0d1117"/>',
    ]
    for number, line in enumerate(lines):
        y = _EDGE + number * _LINE + _FONT
        parts += [f'<g class="line" transform="translate({_EDGE} {y})">', *map(_span, spans(line)), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def _span(span: Span) -> str:
    bold = ' class="b"' if span.bold else ""
    return (
        f'<text x="{span.at * _CELL:.1f}" textLength="{len(span.text) * _CELL:.1f}" '
        f'lengthAdjust="spacingAndGlyphs" fill="{span.colour}"{bold} xml:space="preserve">'
        f"{escape(span.text)}</text>"
    )


def spans(line: str) -> Iterator[Span]:
    """The letters of a line, by how a terminal was told to show them."""
    if bare(line) == LEFT_OUT:
        yield Span(0, LEFT_OUT, _COLOURS["90"], bold=False)
        return
    at, colour, bold = 0, _PLAIN, False
    for number, part in enumerate(_SGR.split(_OTHER.sub("", line.rstrip("\r\n")))):
        if number % 2:  # what stands between two texts: how the second looks
            for code in part.split(";"):
                if code in ("", "0"):
                    colour, bold = _PLAIN, False
                elif code in ("1", "22"):
                    bold = code == "1"
                else:
                    colour = _COLOURS.get(code, _PLAIN)
        else:
            if part.strip():
                yield Span(at, part, colour, bold)
            at += len(part)


def read(svg: str) -> list[str]:
    """The lines of a picture that was drawn here, as words in their columns."""
    name = "{http://www.w3.org/2000/svg}"
    lines = []
    for group in ET.fromstring(svg).iter(f"{name}g"):
        line = ""
        for text in group.iter(f"{name}text"):
            line = line.ljust(round(float(text.attrib["x"]) / _CELL)) + (text.text or "")
        lines.append(line.rstrip())
    return lines
