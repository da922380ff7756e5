"""What can be taken over from the file that pytest-html 4 wrote: script, templates, logs, pictures.

pytest-html keeps its rows as JSON in an attribute and lets a script draw them. Texts that it, or a
hook of the project, put there as markup come out as plain text: a report is no place for a gate's HTML.
"""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_relgate.evidence.printable import printable

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from pytest_relgate.model import Record

_TEMPLATES = ("<!-- TEMPLATES -->", "<!-- END TEMPLATES -->")
_BLOB = '<div id="data-container" data-jsonblob="'
_WANTED = re.compile(r"getElementById\('([^'${}]+)'\)")
_PICTURE = re.compile(
    r"data:(?:image/(?:png|jpeg|gif|webp|svg\+xml)|video/(?:mp4|webm));base64,[A-Za-z0-9+/=\s]+"
)
_EMPTY = "No log output captured."
# What of pytest's own metadata says how a verdict came about; CI variables may hold credentials.
_METADATA = ("Python", "Platform", "Packages", "Plugins")
_SECRET_NAME = re.compile(
    r"token|secret|passw|passphrase|credential|api.?key|private.?key|access.?key|auth(?!or)|cookie|signature",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(
    r"://[^/\s@]+@|\bgh[opsur]_\w{20}|\bgithub_pat_\w|\bnpm_\w{20}|\bpypi-\w{20}|\bglpat-|\bxox[abp]-|\bAKIA\w{12}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY",
)


class _Extra(msgspec.Struct):
    format_type: str
    content: Any = ""
    name: str | None = None


class _Test(msgspec.Struct):
    result: str
    log: str = ""
    extras: list[_Extra] = []


class _Blob(msgspec.Struct):
    tests: dict[str, list[_Test]]
    environment: dict[str, Any]


class Result(msgspec.Struct, frozen=True):
    """What pytest-html has of one node: its word for the outcome, its log as plain text, pictures.

    ``media`` are (name, ``image`` or ``video``, data URL).
    """

    word: str
    log: str
    media: tuple[tuple[str, str, str], ...] = ()


class Page(msgspec.Struct, frozen=True):
    """One page of pytest-html, taken apart. ``results`` are by node id."""

    script: str
    markup: str
    version: str
    results: dict[str, Result]
    metadata: dict[str, Any]

    def templates(self, columns: int) -> str:
        """Return the templates of its rows, for a table of so many columns."""
        return re.sub(r'colspan="\d+"', f'colspan="{columns}"', self.markup)

    def finds(self, ids: AbstractSet[str]) -> bool:
        """Return whether every element that the script asks for is in the templates or in ``ids``."""
        here = set(re.findall(r'id="([^"]+)"', self.markup))
        wanted = set(_WANTED.findall(self.script))
        return "jsonblob" in self.script and wanted <= here | ids


def read(html_text: str) -> Page | None:
    """Take a page apart, or return None when it is not of the make that is known."""
    # A hook of the project may write into the middle of a page: the ends are pytest-html's own.
    before, _, rest = html_text.partition(_TEMPLATES[0])
    markup, found, _ = rest.partition(_TEMPLATES[1])
    _, found_blob, foot = html_text.rpartition(_BLOB)
    blob, quote, foot = foot.partition('"')
    _, found_script, foot = foot.partition("<script>")
    script, found_end, _ = foot.partition("</script>")
    if not (found and found_blob and quote and found_script and found_end):
        return None
    try:
        data = msgspec.convert(json.loads(html.unescape(blob)), _Blob)
    except ValueError:
        # json's and msgspec's errors both are one.
        return None
    version = re.search(r"pytest-html</a>\s*v([\w.+-]+)", before)
    return Page(
        script=script,
        markup=f"{_TEMPLATES[0]}{markup}{_TEMPLATES[1]}",
        version=version[1] if version else "4",
        results={node: _result(tests) for node, tests in data.tests.items() if tests},
        metadata=data.environment,
    )


def _result(tests: list[_Test]) -> Result:
    """Put together what pytest-html has of one node: setup, call and teardown are entries of their own."""
    media: dict[tuple[str, str, str], None] = {}
    texts: dict[str, None] = {}
    for test in tests:
        log = html.unescape(re.sub(r"<[^<>]*>", "", test.log)).strip()
        if log and log != _EMPTY:
            texts[log] = None
        for extra in test.extras:
            content = extra.content if isinstance(extra.content, str) else repr(extra.content)
            kind, name = extra.format_type, extra.name or extra.format_type
            if kind in ("image", "video") and _PICTURE.fullmatch(content):
                media[(printable(name), kind, content)] = None
            elif content:
                texts[f"{name}: {content}"] = None
    return Result(word=tests[-1].result, log="\n\n".join(texts), media=tuple(media))


def environment(record: Record, page: Page | None) -> dict[str, str]:
    """Return where the run took place, without anything that could hold a secret.

    Of pytest's metadata only what says how a verdict came about is taken over; of the record's own
    environment what neither by name nor by value looks like a credential.
    """
    metadata = page.metadata if page else {}
    entries = {name: _flat(metadata[name]) for name in _METADATA if name in metadata}
    entries |= record.environment
    kept = {name: value for name, value in entries.items() if not _secret(name, value)}
    if len(kept) < len(entries):
        kept["left out"] = f"{len(entries) - len(kept)} that could hold a secret"
    return kept


def _secret(name: str, value: str) -> bool:
    return bool(_SECRET_NAME.search(name) or _SECRET_VALUE.search(value))


def _flat(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_flat(each)}" for key, each in value.items())
    return str(value)
