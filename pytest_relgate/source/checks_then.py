"""Profile and lock as they were when the base was released, against those that judge now. SPEC S37.

Both decide what a release must show, so that a change of either is a change of the release machinery: who
lets a release go without a rehearsal says so in a release that is rehearsed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_relgate.errors import RelgateError
from pytest_relgate.source.command import git
from pytest_relgate.unrehearsed import ChecksThen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_relgate.source.git import Repository

_ELSEWHERE: Final = "the checks are in another repository than the release"


def checks_then(
    repository: Repository | None, commit: str, paths: Sequence[str], *, base: str, published: str
) -> ChecksThen:
    """Compare the files of the checks that decide, at ``commit``, with what they were.

    Where the repository of the checks has the base's commit, that is what they were; else they are in another
    one, and it is the newest commit of their own line from before the base was ``published`` (RFC 3339).
    Raises RelgateError where git cannot be read.
    """
    if repository is None or not commit:
        return ChecksThen(now=commit, doubt="the checks are not in git")
    then = base if base and repository.exists(base) else _before(repository, commit, published)
    if not then:
        why = f"{_ELSEWHERE}, and no commit of them is known from before the base was published"
        return ChecksThen(now=commit, doubt=why)
    try:
        old = repository.contents_through_links(then, paths)
        new = repository.contents_through_links(commit, paths)
    except RelgateError as error:
        return ChecksThen(then, commit, doubt=str(error))
    # Neither is there without the other: checks without a lock are none that a release could rest on.
    differ = tuple(path for path in paths if path not in old or old.get(path) != new.get(path))
    return ChecksThen(then, commit, differ)


def _before(repository: Repository, commit: str, published: str) -> str:
    """The newest commit on the first-parent line that was there at a time; empty where none is known.

    The first parents alone are followed: what a branch brought is as old as its merge.
    """
    if not published or repository.is_shallow():
        return ""
    listing = ("rev-list", "--first-parent", "--max-count=1", f"--before={published}", commit, "--")
    run = git(repository.path, *listing, ok=(0, 128))
    return run.stdout.decode().strip() if run.returncode == 0 else ""
