"""One evidence folder: who holds it, and what becomes of what was there."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.errors import RelgateError
from pytest_relgate.evidence.folder import SEAL, Folder
from pytest_relgate.model import Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Bench, Quick


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "release-evidence"


@pytest.fixture
def held(root: Path) -> Iterator[Folder]:
    folder = Folder.hold(root, "v0.2.0", Phase.PRERELEASE)
    yield folder
    folder.release()


def names(path: Path) -> list[str]:
    return sorted(one.relative_to(path).as_posix() for one in path.rglob("*") if one.is_file())


def test_a_second_run_on_the_same_folder_is_refused_and_the_first_unharmed(held: Folder, root: Path) -> None:
    held.write("evidence.json", ["first"])
    before = names(held.path)
    with pytest.raises(RelgateError) as error:
        Folder.hold(root, "v0.2.0", Phase.PRERELEASE)
    assert str(error.value) == (
        f"another run (process {os.getpid()}) is writing {held.path}: wait for its end, then type this again"
    )
    assert names(held.path) == before
    held.release()
    held.release()
    Folder.hold(root, "v0.2.0", Phase.PRERELEASE).release()


def test_other_phases_and_releases_are_not_held(held: Folder, root: Path) -> None:
    assert held
    for target, phase in (("v0.2.0", Phase.BUILD), ("v0.3.0", Phase.PRERELEASE)):
        Folder.hold(root, target, phase).release()


def test_evidence_is_ignored_by_git(held: Folder, root: Path) -> None:
    assert held
    assert (root / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize("name", ["", "v0.2.0", "v0.2.0/prerelease"])
def test_a_file_in_the_place_of_the_folder_is_one_line(root: Path, name: str) -> None:
    place = root / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("in the way")
    with pytest.raises(RelgateError, match=r"^evidence cannot be written to .*--release-evidence$") as error:
        Folder.hold(root, "v0.2.0", Phase.PRERELEASE)
    assert "\n" not in str(error.value)
    assert place.read_text() == "in the way"


def test_a_file_system_without_locks_is_not_taken_for_another_run(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(_: int, __: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(RelgateError, match=r"^evidence cannot be written to .*No locks available"):
        Folder.hold(root, "v0.2.0", Phase.PRERELEASE)


def test_a_file_system_that_cannot_sync_folders_will_do(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def no_folders(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(handle)

    monkeypatch.setattr(os, "fsync", no_folders)
    folder = Folder.hold(root, "v0.2.0", Phase.PRERELEASE)
    folder.reopen([b"new"])
    folder.release()
    assert (folder.path / SEAL).read_bytes() == b"new"


# -- writing ----------------------------------------------------------------------------------------------


def refuse(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let the disk be full when a file of this name is written."""
    real = Path.open

    def open_(path: Path, mode: str = "r", *args: object, **kwargs: object) -> object:
        if path.name == name and "w" in mode:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, mode, *args, **kwargs)  # type: ignore[call-overload]  # whatever open was given

    monkeypatch.setattr(Path, "open", open_)


def test_files_that_belong_together_are_written_together_or_not_at_all(
    held: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    held.write_together({"one": ["1"], "two": ["2"]})
    refuse(monkeypatch, ".two.new")
    with pytest.raises(OSError, match="No space"):
        held.write_together({"one": ["changed"], "two": ["changed"]})
    assert names(held.path) == ["one", "two"]
    assert (held.path / "one").read_text() == "1"


def test_a_run_that_finds_no_room_leaves_the_old_evidence_whole(
    held: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    held.write_together({"evidence.json": ["old"], "evidence.json.sha256": ["digest"], "report.md": ["old"]})
    before = names(held.path)
    refuse(monkeypatch, ".evidence.json.new")
    with pytest.raises(OSError, match="No space"):
        held.reopen([b"new"])
    assert names(held.path) == before
    assert (held.path / "evidence.json").read_text() == "old"


def test_a_run_that_begins_takes_away_what_an_earlier_one_concluded(held: Folder) -> None:
    old = ("evidence.json", "evidence.json.sha256", "report.html", "report.md", "junit.xml", ".report.md.new")
    held.write_together({name: ["old"] for name in old})
    held.write("journal.jsonl", ["kept"])
    held.reopen([b"new"])
    assert names(held.path) == ["evidence.json", "journal.jsonl"]
    assert (held.path / "evidence.json").read_text() == "new"


# -- the shelf --------------------------------------------------------------------------------------------


def test_what_is_set_aside_never_overwrites_what_was(held: Folder) -> None:
    places = []
    for number in range(3):
        held.write("journal.jsonl", [str(number)])
        places.append(held.set_aside("c" * 40))
        assert names(held.path) == []
    assert [place.name for place in places] == ["prerelease", "prerelease-2", "prerelease-3"]
    assert [(place / "journal.jsonl").read_text() for place in places] == ["0", "1", "2"]
    assert set(held.shelved()) == set(places)


def test_a_copy_stays_as_it_was_when_the_journal_goes_on(held: Folder) -> None:
    held.write("journal.jsonl", ["first\n"])
    held.write_together({"evidence.json": ["old"], "report.md": ["old"]})
    (held.path / "logs").mkdir()
    (held.path / "logs/one.txt").write_text("log")
    copy = held.keep_copy("c" * 40)
    with (held.path / "journal.jsonl").open("a") as journal:
        journal.write("second\n")
    held.write("report.md", ["new"])
    assert (copy / "journal.jsonl").read_text() == "first\n"
    assert (copy / "report.md").read_text() == "old"
    assert (copy / "logs/one.txt").read_text() == "log"
    assert held.keep_copy("c" * 40).name == "prerelease-2"


def test_going_on_from_the_shelf_takes_the_record_and_leaves_the_verdict(held: Folder) -> None:
    held.write_together({"journal.jsonl": ["first\n"], "evidence.json": ["old"], "report.md": ["old"]})
    (held.path / "logs").mkdir()
    (held.path / "logs/one.txt").write_text("log")
    place = held.set_aside("c" * 40)
    before = names(place)
    (held.path.parent / ".prerelease.new").mkdir()
    (held.path.parent / ".prerelease.new" / "junk").write_text("of a run that was killed")
    held.go_on_from(place)
    assert names(held.path) == ["journal.jsonl", "logs/one.txt"]
    with (held.path / "journal.jsonl").open("a") as journal:
        journal.write("second\n")
    assert names(place) == before
    assert (place / "journal.jsonl").read_text() == "first\n"


def test_the_shelf_has_what_belongs_to_this_phase_alone(held: Folder) -> None:
    for name in ("build", "prerelease-old", ".prerelease.new", "prerelease"):
        path = held.path.parent / "superseded" / "c" / name / "journal.jsonl"
        path.parent.mkdir(parents=True)
        path.write_text("")
    assert [place.name for place in held.shelved()] == ["prerelease"]


def test_a_disk_without_links_is_copied_to(held: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    held.write_together({"journal.jsonl": ["first\n"], "report.md": ["old"]})
    assert names(held.keep_copy("c" * 40)) == ["journal.jsonl", "report.md"]


def test_a_copy_that_finds_no_room_leaves_nothing_that_looks_whole(
    held: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    held.write("journal.jsonl", ["first\n"])
    monkeypatch.setattr(shutil, "copy2", full)
    with pytest.raises(OSError, match="No space"):
        held.keep_copy("c" * 40)
    assert held.shelved() == ()


# -- a folder of its own ----------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [".", "..", "release_checks", "release_checks/evidence", "src"])
def test_evidence_has_a_folder_of_its_own(bench: Bench, place: str) -> None:
    with pytest.raises(RelgateError, match=r"expected a folder for evidence alone, .* --release-evidence$"):
        bench.run(evidence=place)
    assert bench.git("status", "--porcelain", "--ignored") == ""


def test_a_readme_may_stand_beside_the_evidence(bench: Bench) -> None:
    bench.write("release-evidence/README.md", "what this is\n")
    bench.write("release-evidence/.gitkeep", "")
    bench.commit()
    bench.run()
    assert bench.verify().finding == "PASSED"


def test_evidence_that_was_brought_here_is_no_dirt(bench: Bench) -> None:
    """An upload of CI leaves hidden files out, so that nothing tells git to ignore what is downloaded."""
    bench.run()
    (bench.path / "release-evidence/.gitignore").unlink()
    bench.phase = "build"
    run = bench.run()
    assert run.prepared.subject.dirt == ()


def test_evidence_that_was_committed_is_not_of_the_tree(bench: Bench) -> None:
    bench.run()
    tree = bench.evidence().subject.tree
    bench.git("add", "-f", "release-evidence/v0.2.0")
    bench.commit()
    bench.run()
    assert bench.evidence().subject.tree == tree
    assert bench.reading().runs[-1].gates == ()
    assert bench.evidence().verdict == "PASSED"
    assert bench.verify().finding == "PASSED"


WAITING = """
import os
import stat
import time

import pytest

pytestmark = pytest.mark.prerelease


def test_waits():
    open(os.environ["HERE"], "w").close()
    while not os.path.exists(os.environ["GO"]):
        time.sleep(0.01)
"""


def test_two_real_runs_at_once(bench: Bench, quick: Quick, tmp_path: Path) -> None:
    bench.write("release_checks/test_gates.py", WAITING)
    quick.pytest(bench.path, "--release-lock")
    bench.commit()
    here, go = tmp_path / "here", tmp_path / "go"
    asked = ("-m", "prerelease", "--release-target", "v0.2.0")
    first = quick.start(bench.path, *asked, environ={"HERE": str(here), "GO": str(go)})
    while not here.exists():
        assert first.poll() is None
        time.sleep(0.01)
    second = quick.release(bench.path)
    go.touch()
    out, _ = first.communicate(timeout=120)
    assert second.returncode == 4
    (told,) = [line for line in second.stdout.splitlines() if line]
    assert told.startswith(f"ERROR: another run (process {first.pid}) is writing {bench.folder()}: wait")
    assert first.returncode == 0, out
    assert bench.verify().finding == "PASSED"
