"""Profile and lock must be as they were when the base was released, in its repository or in their own."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.source.checks_then import checks_then
from pytest_relgate.source.git import Repository
from pytest_relgate.unrehearsed import ChecksThen

if TYPE_CHECKING:
    from pathlib import Path

PROFILE, LOCK = "checks/relgate.toml", "checks/gates.lock"
PUBLISHED = "2026-03-09T14:00:00Z"


class History:
    """A repository to which files are committed at stated times."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str, at: str = PUBLISHED) -> str:
        who = {f"GIT_{one}_{what}": "ada" for one in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        when = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at}
        run = subprocess.run(
            ["git", "-C", self.folder, *words],
            env=os.environ | who | when,
            check=True,
            capture_output=True,
            text=True,
        )
        return run.stdout.strip()

    def commit(self, day: int, **files: str) -> str:
        """Commit texts of profile and lock on a day of March 2026."""
        (self.folder / "checks").mkdir(exist_ok=True)
        for name, text in files.items():
            (self.folder / {"profile": PROFILE, "lock": LOCK}.get(name, name)).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "x", at=f"2026-03-{day:02}T12:00:00Z")
        return self.git("rev-parse", "HEAD")

    def then(self, commit: str, base: str = "", published: str = PUBLISHED) -> ChecksThen:
        return checks_then(
            Repository.at(self.folder), commit, (PROFILE, LOCK), base=base, published=published
        )


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)


def test_in_the_repository_of_the_release_the_base_is_the_time(history: History) -> None:
    base = history.commit(1, profile="a", lock="1")
    same = history.commit(20, other="x")
    opted_in = history.commit(21, profile="a\n[rehearsal]")
    planned = history.commit(22, lock="2")
    assert history.then(same, base) == ChecksThen(base, same)
    assert history.then(opted_in, base).changed == (PROFILE,)
    assert history.then(planned, base).changed == (PROFILE, LOCK)


def test_checks_that_the_base_did_not_have_are_a_change(history: History) -> None:
    base = history.commit(1, other="x")
    assert history.then(history.commit(2, profile="a", lock="1"), base).changed == (PROFILE, LOCK)


def test_in_a_repository_of_their_own_it_is_the_newest_commit_before_the_publish(history: History) -> None:
    history.commit(1, profile="a", lock="1")
    before = history.commit(9, profile="b")
    after = history.commit(10, other="x")
    assert history.then(after, "b" * 40) == ChecksThen(before, after)
    later = history.commit(11, profile="c")
    assert history.then(later, "b" * 40).changed == (PROFILE,)


def test_what_a_branch_brought_is_as_old_as_its_merge(history: History) -> None:
    history.commit(1, profile="a", lock="1")
    history.git("switch", "-q", "-c", "side")
    history.commit(2, profile="b")
    history.git("switch", "-q", "main")
    history.commit(3, other="x")
    history.git("merge", "-q", "--no-ff", "-m", "m", "side", at="2026-03-10T00:00:00Z")
    assert history.then(history.git("rev-parse", "HEAD"), "b" * 40).changed == (PROFILE,)


def test_what_is_not_known_of_them_is_a_doubt(history: History) -> None:
    late = history.commit(10, profile="a", lock="1")
    assert "another repository" in history.then(late, "b" * 40).doubt
    assert "another repository" in history.then(late, "b" * 40, published="").doubt
    assert checks_then(None, "", (PROFILE,), base="", published="").doubt == "the checks are not in git"


def test_cut_off_history_is_a_doubt(history: History, tmp_path: Path) -> None:
    history.commit(1, profile="a", lock="1")
    head = history.commit(8, other="x")
    clone = tmp_path / "clone"
    history.git("clone", "-q", "--depth", "1", f"file://{history.folder}", str(clone))
    found = checks_then(Repository.at(clone), head, (PROFILE, LOCK), base="b" * 40, published=PUBLISHED)
    assert "no commit of them is known" in found.doubt
    assert not history.then(head, "b" * 40).doubt
