"""Evidence of a sandbox that is gone is moved aside, whole, and nothing else is touched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_relgate.evidence.before_reset import move_aside, of_the_sandbox

if TYPE_CHECKING:
    from pathlib import Path


def write(root: Path, path: str, text: str = "{}") -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def seal(root: Path, folder: str, *, sandbox: bool) -> None:
    write(root, f"{folder}/evidence.json", json.dumps({"sandbox": sandbox, "verdict": "PASSED"}))
    write(root, f"{folder}/journal.jsonl", "line")


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_only_what_speaks_of_the_sandbox_is_moved(tmp_path: Path) -> None:
    seal(tmp_path, "v1.0.0/prerelease", sandbox=True)
    seal(tmp_path, "v1.0.0/superseded/abc/build", sandbox=True)
    seal(tmp_path, "faults/npm-absent/v1.0.0/postrelease", sandbox=True)
    write(tmp_path, "v1.0.0/dispatches-sandbox/publish.json")
    moved = files(tmp_path)
    seal(tmp_path, "v1.0.0/build", sandbox=False)
    seal(tmp_path, "v1.0.0/superseded/abc/prerelease", sandbox=False)
    write(tmp_path, "v1.0.0/dispatches/publish.json")
    write(tmp_path, "v1.0.0/publish/evidence.json", "not json")
    write(tmp_path, "notes/prerelease/evidence.json", '{"sandbox": true}')
    stays = files(tmp_path) - moved
    shelf, folders = move_aside(tmp_path)
    assert files(tmp_path) - files(shelf) >= stays
    assert files(shelf) == moved
    assert [str(folder) for folder in folders] == [
        "v1.0.0/prerelease",
        "v1.0.0/superseded/abc/build",
        "v1.0.0/dispatches-sandbox",
        "faults",
    ]
    assert list(of_the_sandbox(tmp_path)) == []


def test_what_was_moved_before_is_not_overwritten(tmp_path: Path) -> None:
    for number in (1, 2):
        seal(tmp_path, "v1.0.0/build", sandbox=True)
        shelf, folders = move_aside(tmp_path)
        assert (shelf.name, len(folders)) == (f"before-reset-{number}", 1)
    shelf, folders = move_aside(tmp_path)
    assert (shelf.exists(), folders) == (False, ())
