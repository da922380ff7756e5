"""What is not as committed, hidden changes included. SPEC B2: a verdict is about the commit."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.source.command import environment_for_git
from pytest_relgate.source.git import Repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PERSON = {f"GIT_{role}_{what}": "ada@x" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(folder: Path, *args: str) -> str:
    environ = environment_for_git(os.environ) | PERSON
    allow = ("-c", "protocol.file.allow=always")
    run = subprocess.run(
        ["git", "-C", folder, *allow, *args], check=True, capture_output=True, text=True, env=environ
    )
    return run.stdout.strip()


def as_typed(folder: Path, *args: str) -> str:
    """What git says to a person, by all that the repository is set to."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    run = subprocess.run(
        ["git", "-C", folder, *args], check=True, capture_output=True, text=True, env=environ
    )
    return run.stdout.strip()


@pytest.fixture(autouse=True)
def plain_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A clean repository: a, b, sub/c, an executable, a link, and ignored *.log."""
    top = tmp_path / "project"
    (top / "sub").mkdir(parents=True)
    git(top, "init", "-q", "-b", "main")
    for name in ("a", "b", "sub/c", "run"):
        (top / name).write_text(f"content of {name}\n")
    (top / "run").chmod(0o755)
    (top / "link").symlink_to("a")
    (top / ".gitignore").write_text("*.log\n")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "one")
    return top


def dirt(folder: Path, *paths: str, untracked: bool = True, exclude: tuple[str, ...] = ()) -> tuple[str, ...]:
    return Repository(folder).dirt(paths, untracked=untracked, exclude=exclude)


def write(name: str, text: str = "changed\n") -> Callable[[Path], object]:
    return lambda top: (top / name).write_text(text)


def test_a_fresh_commit_is_clean(folder: Path) -> None:
    assert dirt(folder) == ()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (write("a"), ("a",)),
        (write("new file"), ("new file",)),
        (write("x.log"), ()),
        (lambda top: (top / "sub/c").unlink(), ("sub/c",)),
        (lambda top: (top / "run").chmod(0o644), ("run",)),
        (lambda top: (top / "a").chmod(0o755), ("a",)),
        (lambda top: git(top, "rm", "-q", "--cached", "a"), ("a",)),
        (lambda top: git(top, "mv", "a", "z"), ("a", "z")),
        (lambda top: (write("a")(top), git(top, "add", "a"), write("a", "content of a\n")(top)), ("a",)),
        (lambda top: ((top / "new").mkdir(), write("new/1")(top), write("new/2")(top)), ("new/1", "new/2")),
        (lambda top: ((top / "link").unlink(), (top / "link").symlink_to("b")), ("link",)),
        (lambda top: ((top / "a").unlink(), (top / "a").mkdir(), write("a/x")(top)), ("a", "a/x")),
        (lambda top: os.utime(top / "a", (1, 1)), ()),
        (lambda top: git(top, "checkout", "-q", "--detach"), ()),
    ],
    ids=[
        "changed",
        "untracked",
        "ignored",
        "deleted",
        "not executable any more",
        "made executable",
        "left the index",
        "renamed",
        "staged and changed back",
        "untracked folder",
        "link retargeted",
        "file became a folder",
        "touched only",
        "detached",
    ],
)
def test_each_change_is_named(
    folder: Path, change: Callable[[Path], object], expected: tuple[str, ...]
) -> None:
    change(folder)
    assert dirt(folder) == expected


def test_a_conflict_is_dirt(folder: Path) -> None:
    git(folder, "checkout", "-qb", "other")
    write("a", "theirs\n")(folder)
    git(folder, "commit", "-qam", "theirs")
    git(folder, "checkout", "-q", "main")
    write("a", "ours\n")(folder)
    git(folder, "commit", "-qam", "ours")
    with pytest.raises(subprocess.CalledProcessError):
        git(folder, "merge", "other")
    assert dirt(folder) == ("a",)


def test_paths_narrow_and_exclusions_leave_out(folder: Path) -> None:
    for name in ("a", "b", "sub/c", "sub/new", "evidence-not"):
        write(name)(folder)
    (folder / "evidence").mkdir()
    write("evidence/log")(folder)
    assert dirt(folder, "sub") == ("sub/c", "sub/new")
    assert dirt(folder, "sub/", "a") == ("a", "sub/c", "sub/new")
    assert dirt(folder, exclude=("evidence", "sub")) == ("a", "b", "evidence-not")
    assert dirt(folder, "sub", exclude=("sub/new",)) == ("sub/c",)
    assert dirt(folder, untracked=False) == ("a", "b", "sub/c")
    assert dirt(folder, "missing") == ()


def test_settings_of_the_user_do_not_change_the_answer(folder: Path) -> None:
    for name, value in {
        "status.showUntrackedFiles": "no",
        "status.renames": "copies",
        "status.branch": "true",
        "status.showStash": "true",
        "status.relativePaths": "true",
        "core.quotePath": "true",
        "diff.ignoreSubmodules": "all",
        "core.fsmonitor": "false",
        "color.status": "always",
    }.items():
        git(folder, "config", name, value)
    write("stashed")(folder)
    git(folder, "stash", "-qu")
    git(folder, "mv", "b", "é")
    write("new")(folder)
    assert dirt(folder) == ("b", "new", "é")


def test_a_monitor_that_saw_no_change_is_not_asked(folder: Path) -> None:
    """Git believes what core.fsmonitor names, and looks at no file that it does not name."""
    monitor = folder / ".git/monitor"
    monitor.write_text("#!/bin/sh\nprintf 'x\\0'\n")
    monitor.chmod(0o755)
    git(folder, "config", "core.fsmonitorHookVersion", "2")
    git(folder, "config", "core.fsmonitor", str(monitor))
    git(folder, "update-index", "--fsmonitor")
    assert as_typed(folder, "status", "--porcelain") == ""
    write("a")(folder)
    assert as_typed(folder, "status", "--porcelain") == "", "git itself is taken in"
    assert dirt(folder) == ("a",)


def test_a_commit_that_another_stands_in_for_is_still_itself(folder: Path) -> None:
    """With ``git replace`` git shows the files of another commit under the id of this one."""
    head = git(folder, "rev-parse", "HEAD")
    write("a")(folder)
    git(folder, "commit", "-qam", "another")
    git(folder, "replace", head, "HEAD")
    git(folder, "reset", "-q", "--soft", head)
    assert as_typed(folder, "status", "--porcelain") == "", "git itself is taken in"
    assert Repository(folder).head() == head
    assert dirt(folder) == ("a",)


@pytest.mark.parametrize("setting", ["core.trustctime=false", "core.checkStat=minimal"])
def test_a_change_that_keeps_size_and_time_is_seen_however_little_git_is_told_to_look(
    folder: Path, setting: str
) -> None:
    git(folder, "config", *setting.split("="))
    os.utime(folder / "a", (1, 1))
    git(folder, "update-index", "--refresh")
    refreshed = (folder / "a").stat().st_ctime
    while int((folder / "a").stat().st_ctime) == int(refreshed):  # git may look at whole seconds only
        time.sleep(0.05)
        write("a", "content of A\n")(folder)
    os.utime(folder / "a", (1, 1))
    assert git(folder, "status", "--porcelain") == ""
    assert dirt(folder) == ("a",)


@pytest.mark.parametrize("bit", ["--assume-unchanged", "--skip-worktree"])
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("a", write("a")),
        ("sub/c", lambda top: (top / "sub/c").unlink()),
        ("run", lambda top: (top / "run").chmod(0o644)),
        ("link", lambda top: ((top / "link").unlink(), (top / "link").symlink_to("b"))),
        ("link", lambda top: ((top / "link").unlink(), write("link", "a")(top))),
        ("a", lambda top: ((top / "a").unlink(), (top / "a").mkdir())),
        ("a", lambda top: ((top / "a").unlink(), (top / "a").symlink_to("b"))),
    ],
    ids=["changed", "deleted", "mode", "link retargeted", "link became file", "folder", "became link"],
)
def test_index_bits_hide_no_change(
    folder: Path, bit: str, name: str, change: Callable[[Path], object]
) -> None:
    git(folder, "update-index", bit, "a", "b", "sub/c", "run", "link")
    assert dirt(folder) == ()
    change(folder)
    assert dirt(folder) == (name,)
    assert dirt(folder, untracked=False) == (name,)
    assert dirt(folder, exclude=(name,)) == ()


def test_a_hidden_file_is_hashed_as_git_would_commit_it(folder: Path) -> None:
    write(".gitattributes", "*.txt text eol=crlf\n")(folder)
    (folder / "line.txt").write_bytes(b"one\r\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "two")
    git(folder, "update-index", "--assume-unchanged", "line.txt")
    assert dirt(folder) == ()
    (folder / "line.txt").write_bytes(b"two\r\n")
    assert dirt(folder) == ("line.txt",)


def test_a_tracked_file_that_a_sparse_checkout_left_out_is_dirt(folder: Path) -> None:
    git(folder, "sparse-checkout", "set", "--no-cone", "/*", "!/sub/")
    assert not (folder / "sub").exists()
    assert dirt(folder) == ("sub/c",)


def test_many_hidden_files_are_all_looked_at(folder: Path) -> None:
    names = [f"many/{n}" for n in range(1200)]
    (folder / "many").mkdir()
    for name in names:
        write(name, name)(folder)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "many")
    git(folder, "update-index", "--assume-unchanged", *names)
    for name in names[::400]:
        write(name)(folder)
    assert dirt(folder) == tuple(sorted(names[::400]))


@pytest.fixture
def with_submodule(folder: Path, tmp_path: Path) -> Path:
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "-q", "-b", "main")
    write("code")(library)
    git(library, "add", "-A")
    git(library, "commit", "-qm", "one")
    git(folder, "submodule", "--quiet", "add", str(library), "vendor/library")
    git(folder, "config", "-f", ".gitmodules", "submodule.vendor/library.ignore", "all")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "vendor")
    return folder


@pytest.mark.parametrize("bit", [None, "--assume-unchanged"])
@pytest.mark.parametrize(
    ("change", "expected", "tracked"),
    [
        (lambda _: None, (), ()),
        (write("code", "fixed\n"), ("vendor/library",), ("vendor/library",)),
        (write("new"), ("vendor/library",), ()),
        (
            lambda library: git(library, "commit", "-q", "--allow-empty", "-m", "two"),
            ("vendor/library",),
            ("vendor/library",),
        ),
    ],
    ids=["clean", "changed", "untracked", "other commit"],
)
def test_a_submodule_is_dirt_when_it_is_not_as_recorded(
    with_submodule: Path,
    bit: str | None,
    change: Callable[[Path], object],
    expected: tuple[str, ...],
    tracked: tuple[str, ...],
) -> None:
    if bit:
        git(with_submodule, "update-index", bit, "vendor/library")
    change(with_submodule / "vendor/library")
    assert dirt(with_submodule) == expected
    assert dirt(with_submodule, untracked=False) == tracked


@pytest.mark.parametrize("bit", [None, "--assume-unchanged"])
def test_a_submodule_that_is_not_checked_out_is_clean_as_for_git(
    with_submodule: Path, bit: str | None
) -> None:
    git(with_submodule, "submodule", "--quiet", "deinit", "-f", "vendor/library")
    if bit:
        git(with_submodule, "update-index", bit, "vendor/library")
    assert dirt(with_submodule) == ()


# -- modes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("worktree", [False, True])
def test_a_setting_hides_no_mode(folder: Path, tmp_path: Path, *, worktree: bool) -> None:
    if worktree:
        git(folder, "worktree", "add", "-q", str(tmp_path / "other"), "-b", "other")
        folder = tmp_path / "other"
    git(folder, "config", "core.fileMode", "false")
    (folder / "run").chmod(0o644)
    assert dirt(folder) == ("run",)


def test_where_every_file_is_a_program_modes_say_nothing(folder: Path) -> None:
    """So it is on file systems that keep no modes; git then sets core.fileMode to false by itself."""
    git(folder, "config", "core.fileMode", "false")
    for name in (".git/config", "a", "b", "run"):
        (folder / name).chmod(0o755)
    assert dirt(folder) == ()
