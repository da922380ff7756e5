"""Whether a changelog is final for a version: it has a section, dated, with something in it. Pure. SPEC B9.

Read as Markdown (https://keepachangelog.com and its many relatives) or as reStructuredText (titles above a
line, or between two, of any sign: docutils.sourceforge.io, "Sections"): a section begins at a heading of any
level that begins with a version or with "Unreleased"; what stands in code fences and comments is no heading.
The date stands in the heading or below it alone; where the release before has none, none is needed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from pytest_relgate.source.ecosystems import pep440_of
from pytest_relgate.source.problem import Problem

_ATX = re.compile(r" {0,3}#{1,6}(?:[ \t]+(?P<words>.*?))?(?:[ \t]+#+)?[ \t]*")
_UNDERLINE = re.compile(r" {0,3}(?:={2,}|-{2,}|~{2,})[ \t]*")
_RULED = re.compile(r"([!-/:-@\[-`{-~])\1{2,}[ \t]*")  # any one sign, in reStructuredText
_FENCE = re.compile(r" {0,3}(?P<sign>`{3,}|~{3,})")
_VERSION = re.compile(
    r"(?:version\s+|release\s+)?\[?v?(?P<version>\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]*[0-9A-Za-z]|(?:a|b|rc|\.dev)\d+)?)\]?(?![\w.]).*",
    re.IGNORECASE,
)
_UNRELEASED = re.compile(
    r"\[?unreleased\b.*|\[?(?:next|upcoming|in progress|head|main|master)\]?", re.IGNORECASE
)
_DATE = re.compile(r"\b(\d{4})[-/.](\d{2})[-/.](\d{2})\b")
_WORDED_DATE = re.compile(
    r"\b(?:\d{1,2}(?:st|nd|rd|th)?\s+)?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
    r"\s+(?:\d{1,2}(?:st|nd|rd|th)?,?\s+)?\d{4}\b",
    re.IGNORECASE,
)
_DATE_LINE = re.compile(r"[:([]*(?:released?|release[ -]?date|date|published)?[]: ]*(?:on)? ?", re.IGNORECASE)
_LINK = re.compile(r"\[[^\]]+\]:\s*\S+")
_PLACEHOLDER = re.compile(
    r"[-*+]?\s*[*_(]{0,3}(?:tbd|todo|to do|wip|n/a|none|none yet|nothing(?: here)?(?: yet)?"
    r"|no (?:unreleased )?(?:changes|entries)(?: yet)?|\.{3}|…)?[.:]?[*_)]{0,3}[.:]?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Section:
    """One section: its version or ``Unreleased``, its heading and line, its date, its lines with content."""

    name: str
    heading: str
    line: int
    date: str
    content: tuple[str, ...]
    announced: bool = False
    """Whether the line below the heading says that it is not out, as ``Unreleased``."""

    @property
    def unreleased(self) -> bool:
        """Whether it collects what no release has yet."""
        return self.name == "Unreleased"


def sections_of(text: str) -> tuple[Section, ...]:
    """Take a changelog apart into its sections, in their order."""
    lines = _visible(text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n"))
    heads = [
        (at, name, words)
        for at in range(len(lines))
        if (words := _heading(lines, at))
        for name in _named(words)
    ]
    found = []
    for n, (at, name, words) in enumerate(heads):
        end = heads[n + 1][0] if n + 1 < len(heads) else len(lines)
        content = tuple(line for k in range(at + 1, end) if _says(lines, k) for line in [lines[k].strip()])
        below = _dated_below(content)
        announced = bool(content) and _UNRELEASED.fullmatch(content[0].strip("*_() ")) is not None
        content = content[1:] if below or announced else content
        found.append(Section(name, words, at + 1, _date(words) or below, content, announced))
    return tuple(found)


def unfinished(text: str, version: str, path: str = "CHANGELOG.md") -> tuple[Problem, ...]:
    """Say what keeps a changelog from being final for a version (SemVer, without a v).

    A section may be headed by the version as PEP 440 spells it.
    """
    sections = sections_of(text)
    own = [one for one in sections if one.name in (version, pep440_of(version))]
    waiting = [one for one in sections if one.unreleased and one.content]
    problems = [
        Problem(
            f"{path}: [{one.name}] still has {_counted(len(one.content))}",
            f"{path}:{one.line}",
            f"move them to the section of {version}",
        )
        for one in waiting
    ]
    if not own:
        problems.insert(
            0, Problem(f"{path} has no section for {version}", path, f"add: ## [{version}] - YYYY-MM-DD")
        )
    earlier = [one for one in sections if not one.unreleased and one not in own]
    needs_date = bool(earlier and earlier[0].date)
    for one in own[:1]:
        problems = [*_unfinished_section(one, path, needs_date=needs_date), *problems]
    problems += [
        Problem(f"{path} has a second section for {version}", f"{path}:{one.line}", "make one of the two")
        for one in own[1:]
    ]
    return tuple(problems)


def _unfinished_section(section: Section, path: str, *, needs_date: bool) -> list[Problem]:
    where = f"{path}:{section.line}"
    problems = []
    if re.search(r"\b(?:unreleased|yanked|tbd|draft)\b", section.heading, re.IGNORECASE):
        problems.append(
            Problem(f"{path}: the section is not final: {section.heading}", where, "put the date there")
        )
    elif section.announced:
        words = f"{path}: the section of {section.name} says that it is not released"
        problems.append(Problem(words, where, "put the date there"))
    elif not section.date and needs_date:
        problems.append(
            Problem(f"{path}: the section of {section.name} has no date", where, "add a date: YYYY-MM-DD")
        )
    if not section.content:
        problems.append(Problem(f"{path}: the section of {section.name} is empty", where, "say what changed"))
    return problems


def _counted(lines: int) -> str:
    return f"{lines} line{'' if lines == 1 else 's'}"


def _visible(lines: list[str]) -> list[str]:
    """The lines, with comments and the inside of code fences blanked out of headings' way."""
    shown, fence, comment = [], "", False
    for line in lines:
        if fence:
            shown.append("\0" if line.strip() else "")
            if line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
            continue
        if not comment and (found := _FENCE.match(line)):
            fence = found["sign"]
            shown.append("\0")
            continue
        plain, comment = _without_comment(line, comment)
        shown.append(plain)
    return shown


def _without_comment(line: str, inside: bool) -> tuple[str, bool]:  # noqa: FBT001  (where the line begins)
    kept = ""
    while line:
        if inside:
            _, end, line = line.partition("-->")
            inside = not end
        else:
            before, start, line = line.partition("<!--")
            kept += before
            inside = bool(start)
    return kept, inside


def _heading(lines: list[str], at: int) -> str:
    if found := _ATX.fullmatch(lines[at]):
        return (found["words"] or "").strip()
    below = lines[at + 1] if at + 1 < len(lines) else ""
    words = lines[at].strip()
    ruled = _RULED.fullmatch(below) and len(below.rstrip()) >= len(words) and not _RULED.fullmatch(words)
    return words if words and (ruled or _UNDERLINE.fullmatch(below)) else ""


def _named(words: str) -> list[str]:
    """The name of the section that a heading begins; none for a heading within a section."""
    plain = re.sub(r"[*_`]|\]\([^)]*\)", lambda found: "]" if found[0][0] == "]" else "", words)
    if _UNRELEASED.fullmatch(plain):
        return ["Unreleased"]
    found = _VERSION.fullmatch(plain)
    return [found["version"]] if found else []


def _date(words: str) -> str:
    """The date of a heading, empty where there is none or no such day."""
    for year, month, day in _DATE.findall(words):
        try:
            return date(int(year), int(month), int(day)).isoformat()
        except ValueError:
            continue
    found = _WORDED_DATE.search(words)
    return found[0] if found else ""


def _dated_below(content: tuple[str, ...]) -> str:
    """The date of a first line that holds nothing else, as ``Released 2026-02-18``; empty without one."""
    if not content:
        return ""
    line = re.sub(r"[*_`]", "", content[0])
    found = _DATE.search(line) or _WORDED_DATE.search(line)
    rest = line.replace(found[0], "", 1).rstrip(")]. ") if found else line
    return _date(line) if found and _DATE_LINE.fullmatch(rest) else ""


def _says(lines: list[str], at: int) -> bool:
    """Whether a line is content: no heading, underline, link target, blank or placeholder."""
    line = lines[at].strip()
    if not line or _LINK.fullmatch(line) or _PLACEHOLDER.fullmatch(line) or _RULED.fullmatch(line):
        return False
    return not _heading(lines, at)
