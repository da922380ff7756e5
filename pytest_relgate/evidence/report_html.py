"""The record as one page that a release manager attaches to a release.

The page is pytest-html's: its table, its script, its logs. Above the table stands the first screen,
which needs no script; every row says what the record says, so that report and evidence cannot
disagree; and what pytest-html leaves unescaped (ids: pytest-html #1024; environment) is escaped.
Where pytest-html wrote no page, or one of another make, the page is made without it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_relgate.evidence import pytest_html_page, wording
from pytest_relgate.evidence.first_screen import first_screen
from pytest_relgate.evidence.html_rows import COLUMNS, FILTERS, Row, esc, rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_relgate.evidence.pytest_html_page import Page
    from pytest_relgate.model import Record

__all__ = ["finish", "first_screen", "standalone"]

_OTHER_MAKE = (
    "<!-- relgate: pytest-html's page was not recognised, so that this page is made without it -->\n"
)


def finish(html_text: str, record: Record) -> str:
    """Return the report: pytest-html's page with the first screen and the record's own rows.

    ``html_text`` is the file that pytest-html 4 wrote. A page of another make is no error: then the
    report is :func:`standalone`, with a comment that says so.
    """
    page = pytest_html_page.read(html_text)
    if page is None or not page.finds(_IDS):
        return _document(record, None, _OTHER_MAKE)
    return _document(record, page, "")


def standalone(record: Record) -> str:
    """Return the report without pytest-html: first screen, plain table, no script."""
    return _document(record, None, "")


def _document(record: Record, page: Page | None, comment: str) -> str:
    table = rows(record, page.results if page else {})
    environment = pytest_html_page.environment(record, page)
    style = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    title = f"{record.verdict.word} {record.context.target} {record.context.phase}"
    if record.context.sandbox:
        title += f" ({', '.join(('sandbox', *record.context.faults))})"
    script = page.script if page else ""
    return (
        "<!DOCTYPE html>\n"
        f'<html lang="en">\n<head>\n{comment}<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">\n'
        f'<title id="head-title">{esc(title)}</title>\n'
        f"<style>{style}</style>\n"
        "</head>\n<body>\n"
        f"{first_screen(record)}"
        f"{_gates(table, scripted=page is not None)}"
        f"{_environment(environment)}"
        f"{_footer(record, page)}"
        f"{_machinery(page, table, environment) if page else ''}"
        "</body>\n</html>\n"
    )


def _policy(style: str, script: str) -> str:
    """Allow the page exactly its own style and script, so that no text in it can ever run."""
    allowed = [f"style-src {_hash(style)}", "img-src data:", "media-src data:"]
    if script:
        allowed.append(f"script-src {_hash(script)}")
    return "; ".join(["default-src 'none'", *allowed, "base-uri 'none'", "form-action 'none'"])


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _gates(table: Sequence[Row], *, scripted: bool) -> str:
    count = {name: sum(row.filter == name for row in table) for name in FILTERS}
    head = "".join(
        f'<th class="sortable" data-column-type="{column}">{words}</th>' if column else f"<th>{words}</th>"
        for column, words in COLUMNS
    )
    body = "".join(
        f'<tbody class="results-table-row {row.filter}">'
        f'<tr class="collapsible">{"".join(row.cells)}</tr></tbody>\n'
        for row in table
    )
    return (
        '<section class="relgate-gates">\n<h2>All gates</h2>\n'
        f"{_controls(count) if scripted else ''}"
        '<table id="results-table">\n'
        f'<thead id="results-table-head"><tr>{head}</tr></thead>\n{body}</table>\n</section>\n'
    )


def _controls(count: Mapping[str, int]) -> str:
    boxes = "".join(
        f'<label{"" if count[name] else " hidden"}><input type="checkbox" class="filter" checked '
        f'name="filter_checkbox" data-test-result="{name}"> {count[name]} {words}</label>\n'
        for name, words in FILTERS.items()
    )
    return (
        f'<div class="controls"><div class="filters">\n{boxes}</div><div class="collapse">'
        '<button id="show_all_details">Show all details</button> '
        '<button id="hide_all_details">Hide all details</button></div></div>\n'
    )


def _environment(environment: Mapping[str, str]) -> str:
    lines = "".join(
        f"<tr><td>{esc(key)}</td><td>{esc(value)}</td></tr>" for key, value in environment.items()
    )
    return (
        '<section class="relgate-environment">\n'
        '<div id="environment-header" class="collapsed"><h2>Environment</h2></div>\n'
        f'<table id="environment" class="hidden">{lines}</table>\n</section>\n'
    )


def _footer(record: Record, page: Page | None) -> str:
    maker = f"Table by pytest-html {esc(page.version)}. " if page else ""
    return (
        f'<p class="relgate-foot">{maker}This page is a view of evidence.json beside it; '
        f"that file and <code>{esc(wording.verify_command(record, short=True))}</code> decide.</p>\n"
    )


def _machinery(page: Page, table: Iterable[Row], environment: Mapping[str, str]) -> str:
    """Return pytest-html's templates and script with the record's rows as its data."""
    tests = {
        row.id: [
            {
                "testId": f"gate:{row.id}",
                "result": row.filter,
                "duration": row.duration,
                "log": esc(row.detail, lines=True),
                "extras": [
                    {"name": name, "format_type": kind, "content": url} for name, kind, url in row.media
                ],
                "resultsTableRow": list(row.cells),
            },
        ]
        for row in table
    }
    blob = {
        "environment": {esc(key): esc(value) for key, value in environment.items()},
        "tests": tests,
        "renderCollapsed": list(FILTERS),
        "initialSort": "original",
        "title": "relgate",
    }
    # Between single quotes, because JSON is mostly double ones.
    data = json.dumps(blob, separators=(",", ":"))
    data = data.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&#39;")
    return (
        f"{page.templates(len(COLUMNS))}\n"
        "<footer>\n"
        f"<div id=\"data-container\" data-jsonblob='{data}'></div>\n"
        f"<script>{page.script}</script>\n</footer>\n"
    )


# The elements above that a script may look for; one that wants others is not the script we know.
_IDS = frozenset(
    (
        "data-container",
        "environment",
        "environment-header",
        "hide_all_details",
        "results-table",
        "results-table-head",
        "show_all_details",
    ),
)
