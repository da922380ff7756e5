"""Notes of gates stand in the reports, the newest of each name, and decide nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_relgate.evidence.noted import MOST, noted

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Project


def put(folder: Path, **notes: str) -> Path:
    (folder / "attached").mkdir()
    for name, text in notes.items():
        (folder / "attached" / f"{name.replace('_', '-')}.txt").write_text(text)
    return folder


def test_the_newest_note_of_each_name_is_shown(tmp_path: Path) -> None:
    put(tmp_path, note_b="b\n", note_a="old", note_a_2="", note_a_10="one\n\n two \n", other="x")
    assert noted(tmp_path) == ("one", "two", "b")


def test_a_long_note_is_cut_and_says_so(tmp_path: Path) -> None:
    put(tmp_path, note_a="x\n" * (MOST + 3))
    assert noted(tmp_path)[-1] == "3 more in attached/note-a.txt"


def test_no_folder_is_no_note(tmp_path: Path) -> None:
    assert noted(tmp_path) == ()


def test_a_gates_note_stands_in_every_report(project: Project) -> None:
    project.write(
        "release_checks/test_it.py",
        "import pytest\npytestmark = pytest.mark.prerelease\n"
        "def test_it(attach):\n    attach('note-pins.txt', 'the pin moved on purpose')\n",
    )
    project.lock()
    project.release()
    folder = project.folder()
    for name in ("report.md", "report.html"):
        assert "the pin moved on purpose" in (folder / name).read_text()
