"""A changelog is final for a version when it has a section for it, dated, with something in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_relgate.source.changelog import sections_of, unfinished

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "changelog.jsonl").read_text("utf-8").splitlines()
]
GOOD = (
    "# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2026-01-02\n\n- Something.\n\n"
    "## 1.1.0 - 2025-01-02\n\n- Old.\n"
)


def found(text: str, version: str = "1.2.0") -> list[str]:
    return [problem.found for problem in unfinished(text, version)]


def text_of(row: dict[str, Any]) -> str:
    parts = ["# Changelog\n"]
    for section in row["sections"]:
        date = f" - {section['date']}" if section["date"] else ""
        parts.append(f"## [{section['name']}]{date}\n")
        parts += [f"- line {n}" for n in range(section["lines"])]
    return "\n".join(parts)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["commit"][:7])
def test_every_recorded_changelog_is_judged_as_it_was(row: dict[str, Any]) -> None:
    problems = unfinished(text_of(row), row["cargo_version"])
    assert (not problems) == row["release_ready"]
    says = [("no section for" in one.found, "[Unreleased] still" in one.found) for one in problems]
    assert says == [("no section for" in one, "[Unreleased] still" in one) for one in row["findings"]]


def test_a_finished_changelog_is_final() -> None:
    assert found(GOOD) == []
    assert [(one.name, one.date, one.line) for one in sections_of(GOOD)] == [
        ("Unreleased", "", 3),
        ("1.2.0", "2026-01-02", 5),
        ("1.1.0", "2025-01-02", 9),
    ]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("## [1.2.0] - 2026-01-02", "## [1.2.0]", "has no date"),
        ("## [1.2.0] - 2026-01-02", "## [1.2.0] - 2026-02-30", "has no date"),
        ("## [1.2.0] - 2026-01-02", "## [1.2.0] - unreleased", "not final: [1.2.0] - unreleased"),
        ("## [1.2.0] - 2026-01-02", "## [1.2.0] - TBD", "not final"),
        ("## [1.2.0] - 2026-01-02", "## [1.2.0] - 2026-01-02 [YANKED]", "not final"),
        ("## [1.2.0] - 2026-01-02", "## [1.2.1] - 2026-01-02", "no section for 1.2.0"),
        ("## [1.2.0] - 2026-01-02", "## [1.2.0-rc.1] - 2026-01-02", "no section for 1.2.0"),
        ("- Something.", "", "is empty"),
        ("- Something.", "- TBD", "is empty"),
        ("- Something.", "### Added\n\n<!-- to come -->\n", "is empty"),
        ("## 1.1.0", "## [1.2.0]", "a second section for 1.2.0"),
        ("## [Unreleased]", "## [Unreleased]\n\n- Left over.", "[Unreleased] still has 1 line"),
        ("## [1.2.0] - 2026-01-02\n", "```\n## [1.2.0] - 2026-01-02\n```\n", "no section for 1.2.0"),
        ("## [1.2.0] - 2026-01-02\n", "<!--\n## [1.2.0] - 2026-01-02\n-->\n", "no section for 1.2.0"),
    ],
)
def test_an_unfinished_changelog_is_said_to_be_so(old: str, new: str, says: str) -> None:
    assert old in GOOD
    assert says in found(GOOD.replace(old, new, 1))[0]


@pytest.mark.parametrize(
    "heading",
    [
        "## 1.2.0 - 2026-01-02",
        "## v1.2.0 (2026-01-02)",
        "# [v1.2.0](https://example.org/compare/v1.1.0...v1.2.0) - 2026-01-02",
        "### **1.2.0** / 2026-01-02 ###",
        "## Version 1.2.0, 2 January 2026",
        "## 1.2.0 — January 2, 2026",
        "1.2.0 (2026-01-02)\n==================",
        "1.2.0 - 2026-01-02\n------------------",
        "Version 1.2.0\n-------------\n\nReleased 2026-01-02",
        "1.2.0\n^^^^^\n\n*Released on January 2, 2026*",
        "####################\n 1.2.0 (2026-01-02)\n####################",
        "## 1.2.0\n\n_2026-01-02_",
    ],
)
def test_headings_are_written_in_many_ways(heading: str) -> None:
    text = GOOD.replace("## [1.2.0] - 2026-01-02", heading).replace("\n", "\r\n")
    assert found("\ufeff" + text) == []


@pytest.mark.parametrize(
    "inside", ["### Next steps\n", "### 2.0 and later\n", "[1.2.0]: https://example.org\n", "### Added\n"]
)
def test_what_stands_in_a_section_begins_no_other(inside: str) -> None:
    assert found(GOOD.replace("- Something.", f"- Something.\n\n{inside}")) == []
    assert len(sections_of(GOOD.replace("- Something.", f"{inside}\n- Something."))) == 3


@pytest.mark.parametrize(
    ("below", "says"),
    [
        ("Unreleased", "says that it is not released"),
        ("*Not in 2026-01-02 but later*", "has no date"),
        ("Released 2026-02-30", "has no date"),
    ],
)
def test_what_stands_below_a_heading_is_no_date_of_its_own(below: str, says: str) -> None:
    text = GOOD.replace("## [1.2.0] - 2026-01-02", f"Version 1.2.0\n-------------\n\n{below}")
    assert says in found(text)[0]


def test_a_line_with_the_date_alone_is_no_content() -> None:
    text = GOOD.replace("## [1.2.0] - 2026-01-02\n\n- Something.", "## 1.2.0\n\nReleased 2026-01-02\n")
    assert found(text) == ["CHANGELOG.md: the section of 1.2.0 is empty"]


def test_a_project_that_dates_no_section_needs_no_date() -> None:
    """As esbuild and black write theirs: 0.28.2 is out, and was called unfinished."""
    assert found("# Changelog\n\n## 1.2.0\n\n- x\n\n## 1.1.0\n\n- y\n") == []
    assert found("# Changelog\n\n## 1.2.0\n\n- x\n") == []  # the first of a new file


def test_a_section_may_be_headed_as_python_spells_the_version() -> None:
    text = "## 1.2.0rc1 - 2026-01-02\n\n- x\n"
    assert found(text, "1.2.0-rc.1") == []
    assert found(text, "1.2.0")


def test_links_at_the_end_are_no_content() -> None:
    assert found("## [Unreleased]\n\n[Unreleased]: https://e.org\n\n## 1.2.0 - 2026-01-02\n- x\n") == []


@pytest.mark.parametrize(
    "line",
    ["_Nothing yet._", "*Nothing yet*", "- No changes yet.", "No changes yet.", "None yet.", "(nothing)"],
)
def test_an_unreleased_section_may_say_that_there_is_nothing(line: str) -> None:
    text = f"# Changelog\n\n## [Unreleased]\n\n{line}\n\n## [1.2.3] - 2026-01-02\n\n- A change.\n"
    assert unfinished(text, "1.2.3") == ()


@pytest.mark.parametrize("line", ["No changes to the API, but a fix", "None of it is gone", "_Fixed_"])
def test_what_only_begins_like_nothing_is_content(line: str) -> None:
    text = f"# Changelog\n\n## [Unreleased]\n\n{line}\n\n## [1.2.3] - 2026-01-02\n\n- A change.\n"
    assert unfinished(text, "1.2.3")
