"""What GitHub Actions shows: commands that no gate's output can forge, and a summary that fits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.evidence.report_github import LINES, SUMMARY_BYTES, error_lines, write_summary
from pytest_relgate.evidence.report_markdown import markdown
from pytest_relgate.model import Judged, Reason, Record, State

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def command_of(line: str) -> tuple[dict[str, str], str]:
    """Read a command as the runner does: properties to the second `::`, split at commas, unescaped."""
    found = re.fullmatch(r"::error (?P<properties>.*?)::(?P<data>.*)", line)
    assert found, line
    properties = {}
    for pair in found["properties"].split(","):
        name, _, value = pair.partition("=")
        properties[name] = unescaped(value.replace("%3A", ":").replace("%2C", ","))
    return properties, unescaped(found["data"])


def unescaped(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def test_an_error_points_at_the_fault_and_says_what_to_do(blocked: Record) -> None:
    properties, message = command_of(error_lines(blocked)[0])
    assert properties == {
        "file": "bindings/node/native/Cargo.toml",
        "line": "3",
        "title": "FAILED: every manifest says 0.9.0",
    }
    assert message.split("\n") == [
        "0.8.0",
        "at bindings/node/native/Cargo.toml:3",
        'do: set version = "0.9.0" there and commit',
        "test_2_versions.py::test_failed",
    ]


def test_a_gate_without_a_place_points_at_its_test_and_a_fact_at_nothing(
    blocked: Record, a_record: Callable
) -> None:
    properties, _ = command_of(error_lines(blocked)[1])
    assert (properties["file"], properties["line"]) == ("test_2_versions.py", "22")
    (line,) = error_lines(
        a_record(reasons=(Reason(code="DIRTY_TREE", message="dirty", where="https://a:1"),))
    )
    properties, _ = command_of(line)
    assert properties == {"title": "DIRTY_TREE: dirty"}


def test_a_passed_record_has_no_error(passed: Record) -> None:
    assert error_lines(passed) == []


def test_the_tenth_error_counts_those_that_github_would_drop(blocked: Record, a_record: Callable) -> None:
    lines = error_lines(blocked)
    assert len(lines) == LINES
    properties, message = command_of(lines[-1])
    assert properties["title"] == "4 more of 13 that block"
    assert message.startswith("BLOCKED_BY, DIRTY_TREE, INVALID, PENDING: The gate that is invalid")
    ten = tuple(Reason(code="FACT", message=str(number)) for number in range(10))
    assert [command_of(line)[0]["title"] for line in error_lines(a_record(reasons=ten))] == [
        f"FACT: {number}" for number in range(10)
    ]


def test_no_text_of_a_gate_starts_a_command(hostile: Record, hostile_of_one: Record) -> None:
    for record in (hostile, hostile_of_one):
        for line in error_lines(record):
            assert len(line.splitlines()) == 1
            properties, _ = command_of(line)
            assert set(properties) <= {"file", "line", "title"}
            line.encode("utf-8")


@pytest.mark.parametrize("text", ["100%0A, a:b::c", "one\ntwo", "\r\n::error::x", "%25"])
def test_a_message_comes_out_as_it_went_in(text: str, a_record: Callable, a_gate: Callable) -> None:
    ours = a_gate(title=text.replace("\n", " ").replace("\r", " "))
    reason = Reason(code=State.FAILED, gate=ours.id, message=text)
    (line,) = error_lines(a_record(Judged(gate=ours, state=State.FAILED), reasons=(reason,)))
    properties, message = command_of(line)
    assert properties["title"] == f"FAILED: {ours.title}"
    assert message.startswith(text.strip().replace("\r\n", "\n") + "\n")


def test_the_summary_is_the_markdown_report(blocked: Record, tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    assert write_summary(blocked, path) == ""
    assert path.read_text(encoding="utf-8") == "".join(markdown(blocked))


def test_the_summary_is_appended_to_what_the_step_wrote(passed: Record, tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_text("before", encoding="utf-8")
    write_summary(passed, str(path))
    assert path.read_text(encoding="utf-8").startswith("before\n\n## PASSED")


@pytest.mark.parametrize("before", [0, 600_000, SUMMARY_BYTES - 100, SUMMARY_BYTES + 5])
def test_the_summary_is_cut_where_github_would_drop_it(
    before: int, many: Callable[[int], Record], tmp_path: Path
) -> None:
    path = tmp_path / "summary.md"
    path.write_bytes(b"x" * before)
    assert write_summary(many(20_000), path) == ""
    text = path.read_text(encoding="utf-8")
    assert path.stat().st_size <= max(SUMMARY_BYTES, before + 2)
    if before < SUMMARY_BYTES // 2 + 100_000:
        assert path.stat().st_size > SUMMARY_BYTES - 50_000
        assert text.endswith("The whole report is in the evidence folder.\n")
        assert "## PASSED" in text


def test_a_summary_that_cannot_be_written_stops_nothing(passed: Record, tmp_path: Path) -> None:
    note = write_summary(passed, tmp_path / "no" / "such" / "folder.md")
    assert note.startswith("no job summary: ")
    assert "No such file or directory" in note
    assert write_summary(passed, "nul\x00byte").startswith("no job summary: nul␀byte")
