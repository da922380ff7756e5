"""How old a database of advisories is: they arrive without a change of the source. SPEC S25."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from pytest_relgate.errors import CannotJudge, RelgateError
from pytest_relgate.source.command import git
from pytest_relgate.source.git import Repository

if TYPE_CHECKING:
    from pathlib import Path

WEEK: Final = timedelta(days=7)
AHEAD: Final = timedelta(hours=1)
"""How far a clock may be behind the one that a database was written by."""

_FETCH: Final = "git clone --depth 1 https://github.com/RustSec/advisory-db.git"


@dataclass(frozen=True)
class Database:
    """A database: when its newest commit was made, and when that was last fetched, if it is known."""

    committed: datetime
    fetched: datetime | None

    @property
    def newest(self) -> datetime:
        """As of when it is known to be complete: a quiet week at its origin makes no clone of today old."""
        return max(self.committed, self.fetched or self.committed)


def check_fresh(top: Path, folder: str, *, now: datetime, most: timedelta = WEEK) -> None:
    """See that the database in a folder of the repository at ``top`` can judge.

    Raises CannotJudge where it is not there, is empty, not as its commit has it, or older than ``most``.
    """
    __tracebackhide__ = True
    do = f"fetch it: {_FETCH} {folder}"
    database = _read(top / folder, folder, do)
    age = now - database.newest
    again = f"fetch it again: git -C {folder} pull"
    if age > most:
        found = f"the advisory database {folder} is {age.days} days old, and nothing newer is in it"
        raise CannotJudge(found, where=folder, do=again)
    if -age > AHEAD:
        found = f"the advisory database {folder} is of {database.newest:%Y-%m-%d %H:%M}, which is to come"
        raise CannotJudge(found, where=folder, do="set the clock of this machine, or fetch it again")


def _read(place: Path, folder: str, do: str) -> Database:
    if not place.is_dir():
        found = f"the advisory database {folder} is not there"
        raise CannotJudge(found, where=folder, do=do)
    if not (place / ".git").exists():  # git would speak of the repository around it
        found = f"the advisory database {folder} is no git repository, so nothing says how old it is"
        raise CannotJudge(found, where=folder, do=do)
    if next(place.glob("crates/*/*.md"), None) is None:
        found = f"the advisory database {folder} holds no advisories in crates/"
        raise CannotJudge(found, where=folder, do=do)
    repository = Repository(place)
    try:
        dirt = repository.dirt(untracked=False)
        seconds = int(git(place, "log", "-1", "--format=%ct", "HEAD").stdout)
        head = repository.head()
    except (RelgateError, ValueError) as error:
        found = f"the advisory database {folder} cannot be read: {error}"
        raise CannotJudge(found, where=folder, do=do) from None
    if dirt:
        found = f"the advisory database {folder} is not as its commit has it: {dirt[0]}"
        raise CannotJudge(found, where=folder, do=f"git -C {folder} checkout .")
    return Database(datetime.fromtimestamp(seconds, UTC), _fetched(place / ".git", head))


def _fetched(inside: Path, head: str) -> datetime | None:
    """When the commit that is checked out was last fetched, as git notes it; None where it does not."""
    times = []
    try:
        fetch = inside / "FETCH_HEAD"  # git empties it first: a fetch that failed leaves nothing in it
        if fetch.read_text(errors="replace").startswith(head):
            times.append(fetch.stat().st_mtime)
    except OSError:
        pass
    try:
        first = (inside / "logs/HEAD").read_text(errors="replace").partition("\n")[0]
        before, _, words = first.partition("\t")
        if words.startswith("clone:") and before.split(" ")[1] == head:
            times.append(float(before.split(" ")[-2]))
    except (OSError, IndexError, ValueError):
        pass
    return datetime.fromtimestamp(max(times), UTC) if times else None
