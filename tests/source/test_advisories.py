"""A database of advisories judges while it is there and young; otherwise nothing was judged."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.errors import CannotJudge
from pytest_relgate.sandbox.advisories import FOLDER, ensure_advisories, write_advisories
from pytest_relgate.source.advisories import check_fresh
from pytest_relgate.source.facts import SourceFacts
from pytest_relgate.source.files import WorkingFiles

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = datetime.now(UTC)


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def fresh(top: Path, *, later: timedelta = timedelta()) -> None:
    check_fresh(top, FOLDER, now=NOW + later)


def no_git(database: Path) -> None:
    (database / ".git").rename(database.parent / "elsewhere")


def no_advisories(database: Path) -> None:
    git(database, "rm", "-q", "-r", "crates")
    git(database, "commit", "-q", "-m", "empty")


def one_less(database: Path) -> None:
    next(database.glob("crates/*/*.md")).write_text("")


def broken(database: Path) -> None:
    (database / ".git/HEAD").write_text("")


def test_a_database_of_this_week_judges_and_an_older_one_does_not(tmp_path: Path) -> None:
    write_advisories(tmp_path, age=timedelta(days=6, hours=23))
    fresh(tmp_path)
    with pytest.raises(CannotJudge, match="advisory-db is 7 days old") as caught:
        fresh(tmp_path, later=timedelta(hours=2))
    assert caught.value.do == "fetch it again: git -C .scratch/advisory-db pull"
    with pytest.raises(CannotJudge, match="is to come"):
        fresh(tmp_path, later=-timedelta(days=8))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (no_git, "is no git repository"),
        (no_advisories, "holds no advisories"),
        (one_less, "is not as its commit has it: crates/"),
        (broken, "cannot be read"),
    ],
)
def test_one_that_is_not_whole_does_not(tmp_path: Path, change: Callable[[Path], None], says: str) -> None:
    git(tmp_path, "init", "-q")  # a repository around it speaks for nothing in it
    write_advisories(tmp_path)
    change(tmp_path / FOLDER)
    with pytest.raises(CannotJudge, match=says):
        fresh(tmp_path)


def test_one_that_is_not_there_says_how_to_fetch_it(tmp_path: Path) -> None:
    with pytest.raises(CannotJudge, match="is not there") as caught:
        SourceFacts(WorkingFiles(tmp_path), top=tmp_path).has_fresh_advisories(FOLDER)
    assert caught.value.do.endswith("advisory-db.git .scratch/advisory-db")


def test_a_quiet_week_makes_no_clone_of_today_old(tmp_path: Path) -> None:
    """What counts is when it was fetched, as far as git notes that, and that it was this commit."""
    old = timedelta(days=30)
    write_advisories(tmp_path / "origin", age=old)
    database = tmp_path / FOLDER
    git(tmp_path, "clone", "-q", str(tmp_path / "origin" / FOLDER), str(database))
    fresh(tmp_path)  # cloned now
    with pytest.raises(CannotJudge, match="8 days old"):
        fresh(tmp_path, later=timedelta(days=8, hours=1))
    git(database, "pull", "-q")
    later = (NOW + timedelta(days=8)).timestamp()
    os.utime(database / ".git/FETCH_HEAD", (later, later))
    fresh(tmp_path, later=timedelta(days=8, hours=1))  # fetched again since
    (database / ".git/FETCH_HEAD").write_text("")  # the next fetch failed
    os.utime(database / ".git/FETCH_HEAD", (later, later))
    with pytest.raises(CannotJudge, match="8 days old"):
        fresh(tmp_path, later=timedelta(days=8, hours=1))


def test_the_sandbox_fetches_again_what_is_of_yesterday(tmp_path: Path) -> None:
    ensure_advisories(tmp_path)
    made = (tmp_path / FOLDER).stat().st_ino
    ensure_advisories(tmp_path)
    assert (tmp_path / FOLDER).stat().st_ino == made
    then = (NOW - timedelta(days=2)).timestamp()
    os.utime(tmp_path / FOLDER / ".git", (then, then))
    ensure_advisories(tmp_path)
    assert (tmp_path / FOLDER).stat().st_ino != made
