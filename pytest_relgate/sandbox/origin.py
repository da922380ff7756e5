"""The repository that the sandbox's GitHub has, to which the repository under release pushes."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_relgate.errors import RelgateError
from pytest_relgate.sandbox.history import CANDIDATE, tag_at
from pytest_relgate.sandbox.locking import alone
from pytest_relgate.sandbox.site import Source
from pytest_relgate.source.command import git
from pytest_relgate.source.git import Repository

if TYPE_CHECKING:
    from pytest_relgate.source.git import Tag

NAME: Final = "origin.git"
_MADE: Final = ".git/made"  # what the repository was made of: an origin of another one is made anew
_CONFIG: Final = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n[gc]\n\tauto = 0\n"


def ensure_origin(repository: Path) -> Path:
    """Give the origin beside a repository; make it (again) if it is not that of this one.

    The repository knows it as its remote ``origin``. It has the branch and the released tags; a tag of the
    candidate comes to it by a push.
    """
    origin = repository.parent / NAME
    if not _same(repository / _MADE, origin / _MADE):
        with alone(repository.parent / f".{NAME}.lock"):
            if not _same(repository / _MADE, origin / _MADE):
                _make(repository, origin)
    _know(repository, origin)
    return origin


def _make(repository: Path, origin: Path) -> None:
    workshop = Path(tempfile.mkdtemp(prefix=f".{NAME}.making-", dir=repository.parent))
    try:
        copy_bare(repository, workshop / "made")
        git(workshop / "made", "update-ref", "-d", f"refs/tags/{tag_at(CANDIDATE)}")
        if origin.exists():
            origin.rename(workshop / "replaced")
        (workshop / "made").rename(origin)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def copy_bare(source: Path, place: Path) -> None:
    """Copy a repository's objects and refs into one without a working tree, that is not there yet.

    It is in ``.git`` of its folder: git that is told to be wary (safe.bareRepository) uses no other.
    """
    (place / ".git").mkdir(parents=True)
    for name in (".git/objects", ".git/refs"):
        shutil.copytree(source / name, place / name)
    for name in (".git/HEAD", ".git/packed-refs", _MADE):
        if (source / name).is_file():
            shutil.copyfile(source / name, place / name)
    (place / ".git" / "config").write_text(_CONFIG, encoding="utf-8")


def _same(one: Path, other: Path) -> bool:
    try:
        return one.read_bytes() == other.read_bytes()
    except OSError:
        return False


def _know(repository: Path, origin: Path) -> None:
    """Name the origin in the repository's configuration, once."""
    config = repository / ".git" / "config"
    if '[remote "origin"]' not in config.read_text(encoding="utf-8"):
        with config.open("a", encoding="utf-8") as out:
            fetch = "+refs/heads/*:refs/remotes/origin/*"
            out.write(f'[remote "origin"]\n\turl = {origin}\n\tfetch = {fetch}\n')


def tags_of(origin: Path) -> tuple[Tag, ...]:
    """The tags of an origin, with the commits that they stand for."""
    return Repository(origin).tags()


def push_tag(repository: Path, tag: str, origin: Path) -> None:
    """Push a tag of a repository to an origin; its head under that name where it has no such tag."""
    there = Repository(repository).exists(f"refs/tags/{tag}")
    source = f"refs/tags/{tag}" if there else "HEAD"
    git(repository, "push", "--quiet", os.fspath(origin), f"{source}:refs/tags/{tag}")


def fetch_tag(repository: Path, tag: str, origin: Path) -> None:
    """Fetch a tag that an origin has and a repository has not."""
    if not Repository(repository).exists(f"refs/tags/{tag}") and Repository(origin).exists(
        f"refs/tags/{tag}"
    ):
        refs = f"refs/tags/{tag}:refs/tags/{tag}"
        git(repository, "fetch", "--quiet", "--no-tags", os.fspath(origin), refs)


def source_at(origin: Path, revision: str) -> Source | None:
    """What a revision of an origin stands for; None where there is no such revision."""
    repository = Repository(origin)
    try:
        commit = repository.commit_of(revision)
    except RelgateError:
        return None
    return _source(origin, commit)


@functools.lru_cache(maxsize=8)
def _source(origin: Path, commit: str) -> Source:
    repository = Repository(origin)
    files = repository.contents(commit, repository.files(commit))
    return Source(commit, {path: raw.decode("utf-8", "replace") for path, raw in files.items()})
