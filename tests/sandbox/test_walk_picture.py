"""The picture of the walk in the README: what the product prints today, and what the page says to type."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from terminal_picture import LEFT_OUT, WIDTH, Span, drawn, read, shown, spans

if TYPE_CHECKING:
    from tests.sandbox.conftest import Walk

DOCS = Path(__file__).parents[2] / "docs"
AGAIN = "draw it again: python benchmarks/walk_picture.py"
PHASES = ("prerelease", "build", "rehearsal", "publish", "postrelease")


def _of_today(words: str) -> str:
    """What is not another each time: no digests, counts, or how many gates were not due."""
    words = re.sub(r"\b[0-9a-f]{7,64}\b", "H", words)
    words = re.sub(r"   \d+ not due", "", words.replace("report.md", "report.html"))
    return " ".join(re.sub(r"\b\d+ passed", "N passed", words).split())


def _commands(lines: list[str]) -> list[str]:
    """The commands of a picture: each goes on as far as the line before what it printed."""
    return re.findall(r"^\$ (.*?) ?(?=relgate  )", " ".join(lines).replace("$ ", "\n$ "), re.MULTILINE)


@pytest.fixture(scope="module")
def picture() -> list[str]:
    return read((DOCS / "walk.svg").read_text(encoding="utf-8"))


def test_the_picture_of_the_walk_has_the_commands_of_its_page(picture: list[str]) -> None:
    page = (DOCS / "walk.md").read_text(encoding="utf-8").partition("```console\n")[2].partition("```")[0]
    typed = [" ".join(line.partition("#")[0].strip("$ ").split()) for line in page.splitlines()]
    assert [" ".join(one.split()) for one in _commands(picture)] == typed, AGAIN
    assert [re.findall(r"-m (\w+)", one)[0] for one in typed] == [*PHASES]


def test_the_picture_of_the_walk_has_the_words_of_a_walk_of_today(walk: Walk, picture: list[str]) -> None:
    lines = [line for line in picture if line and line != LEFT_OUT]
    there = {_of_today(line) for line in lines}
    for phase in PHASES:
        live = " --release-mode live" * (phase == "publish")
        last = phase == PHASES[-1]
        expected = shown(f"pytest -m {phase}{live}", walk.said[phase].splitlines(), whole=last)[1:]
        # How often a job is seen at work is chance; that it succeeded is not.
        today = {_of_today(line) for line in expected if line != LEFT_OUT and ": in progress" not in line}
        assert today - {""} <= there, AGAIN
    # and nothing else: a line of the product each, but for commands and jobs seen at work
    everything = {_of_today(line) for said in walk.said.values() for line in said.splitlines()}
    more = [line for line in lines if _of_today(line) not in everything]
    assert [
        line for line in more if not re.match(r"\$ |--release|  [a-z-]+: (in progress|queued)", line)
    ] == []


def test_a_picture_keeps_words_columns_and_colours_and_tells_of_no_machine() -> None:
    told = ["\x1b[1m\x1b[32m PASSED \x1b[0m  <3 & more\x1b[0m\r", "", "plain"]
    assert [*spans(told[0])] == [
        Span(0, " PASSED ", "#56d364", bold=True),
        Span(8, "  <3 & more", "#d8dee6", bold=False),
    ]
    assert read(drawn(told, "a title")) == [" PASSED   <3 & more", "", "plain"]
    svg = (DOCS / "walk.svg").read_text(encoding="utf-8")
    assert all(len(line) <= WIDTH for line in read(svg))
    assert not re.search(r"/tmp|/home|/root|/Users|localhost|127\.0\.0\.1", svg)
    assert len(svg) < 30_000
