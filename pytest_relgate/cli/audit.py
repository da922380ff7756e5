"""``relgate audit``: judges a release that is out, from outside, with nothing set up (SPEC B13)."""

from __future__ import annotations

import re
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.errors import RelgateError
from pytest_relgate.evidence.printable import printable
from pytest_relgate.profile.package import expected_name

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from pytest_relgate.audit.answer import Answer, Row, Said
    from pytest_relgate.net.origins import Origins

WIDTH = 80
SHOWN = 8
KINDS = ("github-release", "crates", "npm", "pypi", "homebrew")
_ADDRESS = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")


def audit(options: argparse.Namespace, *, origins: Origins | None = None) -> int:
    """Audit one release, print what it comes to, and return the exit status.

    ``origins`` are other addresses than the public ones. Raises RelgateError for arguments that cannot be
    meant.
    """
    answer = _audited(options, origins)
    if options.json:
        print(_json(answer))
    else:
        print("\n".join(_lines(answer)))
    return answer.exit_status


def _audited(options: argparse.Namespace, origins: Origins | None) -> Answer:
    from pytest_relgate.audit.keeping import Keeping
    from pytest_relgate.audit.run import audited
    from pytest_relgate.audit.tagged import read_tag
    from pytest_relgate.net.origins import PUBLIC

    place, tag = _what(options.what)
    tagged = read_tag(tag)
    named = _named(options.channel or ())
    mirrors = {
        kind: _address(text, option)
        for kind, text, option in (
            ("pypi", options.index, "--index"),
            ("npm", options.npm_registry, "--npm-registry"),
            ("crates", options.crates_index, "--crates-index"),
        )
        if text
    }
    began = time.monotonic()
    with Keeping() as http:
        found = audited(
            http, origins or PUBLIC, tagged, slug=place, checkout=Path.cwd(), named=named, mirrors=mirrors
        )
    return msgspec.structs.replace(found, seconds=round(time.monotonic() - began, 1))


# -- what was asked -------------------------------------------------------------------------------------


def _what(words: list[str]) -> tuple[str, str]:
    match words:
        case [tag]:
            if not expected_name("github-release", tag) and not re.search(r"/v?[0-9]", tag):
                message = f"expected a tag behind the repository, found none: type relgate audit {tag} v1.2.0"
                raise RelgateError(message)
            return "", tag
        case [slug, tag] if not expected_name("github-release", slug):
            return slug, tag
        case _:
            message = (
                f"expected TAG, or OWNER/NAME TAG, found {' '.join(words)!a}: "
                "type relgate audit ada/demo v1.2.0"
            )
            raise RelgateError(message)


def _named(texts: Iterable[str]) -> list[tuple[str, str]]:
    found = []
    for text in texts:
        kind, sign, name = text.partition("=")
        if kind not in KINDS or not sign:
            known = ", ".join(KINDS)
            message = f"--channel: expected KIND=NAME with one of {known}, found {text!a}"
            raise RelgateError(message)
        if name and (form := expected_name(kind, name)):
            message = f"--channel {kind}=: expected {form}, found {name!a}"
            raise RelgateError(message)
        found.append((kind, name))
    return found


def _address(text: str, option: str) -> str:
    if not _ADDRESS.fullmatch(text):
        shown = re.sub(r"//[^/]*@", "//...@", text)  # what stands there may be a password
        message = f"{option}: expected an address such as https://host/simple, and no user, found {shown!a}"
        raise RelgateError(message)
    return text.rstrip("/")


# -- what is answered -----------------------------------------------------------------------------------


def _json(answer: Answer) -> str:
    facts = {"verdict": answer.word, "exit": answer.exit_status, **msgspec.to_builtins(answer)}
    return msgspec.json.encode(facts).decode()


def _lines(answer: Answer) -> Iterator[str]:
    at = f" @ {answer.commit[:12]}" if answer.commit else ""
    yield printable(f"{answer.word}  {answer.repository or 'this checkout'} {answer.tag}{at}")[:WIDTH]
    if answer.rows:
        yield ""
        yield from _table(answer.rows)
    yield ""
    for one in answer.findings:
        yield from _finding(one)
    for text in answer.assumed:
        yield from _folded(f"assumed  {text}", "         ")
    for text in answer.left_out[:SHOWN]:
        yield from _folded(f"not of   {text}", "         ")
    if len(answer.left_out) > SHOWN:
        yield f"not of   {len(answer.left_out) - SHOWN} more, which --json names"
    yield from _folded(
        "There is no build to compare with: bytes are held against what the channels and the release itself "
        f"state of them. Read-only, without credentials, {answer.seconds:.0f} s.",
        "",
    )


def _table(rows: Iterable[Row]) -> Iterator[str]:
    from pytest_relgate.audit.platforms import shown

    rows = list(_collapsed(rows))
    table = [("channel", "name", "version", "files", "state", "native for")]
    table += [
        (
            one.channel,
            one.name,
            one.version,
            f"{one.read}/{one.files}" if one.files else "-",
            one.state,
            shown(one.platforms),
        )
        for one in rows
    ]
    most = (14, 24, 12, 5, 8)
    widths = [min(limit, max(len(row[n]) for row in table)) for n, limit in enumerate(most)]
    for row in table:
        cells = [_cut(printable(cell), width).ljust(width) for cell, width in zip(row, widths, strict=False)]
        lead = "  ".join(cells) + "  "
        for part in textwrap.wrap(printable(row[-1]), max(12, WIDTH - len(lead))) or [""]:
            yield (lead + part).rstrip()
            lead = " " * len(lead)


def _collapsed(rows: Iterable[Row]) -> Iterator[Row]:
    """Put the packages for platforms that are well into one row for the package that names them."""
    well: dict[str, list[Row]] = {}
    for row in rows:
        if row.part_of and row.state == "ok":
            well.setdefault(row.part_of, []).append(row)
    for row in rows:
        mine = well.pop(row.part_of, []) if row.part_of and row.state == "ok" else []
        if mine:
            yield msgspec.structs.replace(
                row,
                name=f"{len(mine)} named by {row.part_of}",
                files=sum(one.files for one in mine),
                read=sum(one.read for one in mine),
                platforms=tuple(sorted({each for one in mine for each in one.platforms})),
            )
        elif not (row.part_of and row.state == "ok"):
            yield row


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _finding(one: Said) -> Iterator[str]:
    yield from _folded(f"{one.level.value:<8} {one.words}", "         ")
    if one.level.value != "note":
        for label, text in (("at", one.where), ("do", one.do)):
            if text:
                yield from _folded(f"  {label:<6} {text}", "         ")


def _folded(text: str, indent: str) -> list[str]:
    """Fold at spaces; a name or an address stays whole, so that it can be copied."""
    return textwrap.wrap(
        printable(text, limit=2000),
        WIDTH,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
