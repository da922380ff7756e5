"""The HTML report in a real browser: its script draws every row, and hostile text stays text."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.evidence.printable import printable
from pytest_relgate.evidence.report_html import finish, standalone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_relgate.model import Record

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--enable-logging=stderr", "--virtual-time-budget=5000", "--dump-dom",
]  # fmt: skip


@pytest.fixture
def drawn(chromium: str, tmp_path: Path) -> Callable[[str], tuple[str, list[str]]]:
    """Loads a page and returns its DOM after scripts, and what the console said."""

    def load(page: str) -> tuple[str, list[str]]:
        file = tmp_path / "report.html"
        file.write_text(page, encoding="utf-8")
        command = [chromium, *FLAGS, f"--user-data-dir={tmp_path / 'browser'}", file.as_uri()]
        run = subprocess.run(command, capture_output=True, check=True, timeout=120)
        said = [line for line in run.stderr.decode(errors="replace").splitlines() if "CONSOLE" in line]
        return run.stdout.decode("utf-8"), said

    return load


def expected(record: Record) -> list[tuple[str, str]]:
    return sorted((printable(each.gate.id), each.state) for each in record.verdict.gates)


def assert_harmless(page: object) -> None:
    assert "pwned" not in page.attribute("id")
    title = page.words[next(i for i, words in enumerate(page.words) if words.strip())]
    assert title.startswith("BLOCKED")
    assert not [name for _, names in page.elements for name in names if name.startswith("on")]


@pytest.mark.parametrize("name", ["blocked", "hostile"])
def test_the_script_draws_every_gate_of_the_record(
    name: str,
    request: pytest.FixtureRequest,
    written_page: str,
    drawn: Callable,
    seen: Callable,
) -> None:
    record = request.getfixturevalue(name)
    dom, console = drawn(finish(written_page, record))
    assert console == []
    page = seen(dom)
    assert_harmless(page)
    # The script numbers the rows that it draws; the static ones it replaces have no number.
    numbers = {number for number in page.attribute("data-id") if number}
    assert sorted(row for row in page.rows if row[1] != "not a gate") == expected(record)
    assert len(numbers) == len(page.rows) > len(record.verdict.gates)
    assert any("BLOCKED" in words for words in page.first_screen)


def test_the_page_without_pytest_html_is_the_same_in_a_browser(
    hostile: Record, drawn: Callable, seen: Callable
) -> None:
    dom, console = drawn(standalone(hostile))
    assert console == []
    page = seen(dom)
    assert_harmless(page)
    assert sorted(page.rows) == expected(hostile)
    assert page.tags()["script"] == 0


def test_what_pytest_html_itself_writes_is_not_harmless(
    written_page: str, drawn: Callable, seen: Callable
) -> None:
    # Why ids are escaped here: should pytest-html do it one day, this says so.
    dom, _ = drawn(written_page)
    assert "pwned" in seen(dom).attribute("id")
