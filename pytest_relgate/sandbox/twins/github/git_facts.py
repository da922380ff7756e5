"""What git says of a repository, in the pieces that GitHub's API gives out. Reads only, but for one tag."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_relgate.errors import RelgateError
from pytest_relgate.source.command import git, shown

if TYPE_CHECKING:
    from pathlib import Path

_PERSON = re.compile(r"(?P<name>.*?) ?<(?P<email>[^>]*)> (?P<seconds>\d+) (?P<zone>[-+]\d{4})")
_SHA = re.compile(r"[0-9a-f]{4,40}")
_STATUS = {"A": "added", "D": "removed", "M": "modified", "T": "changed"}


@dataclass(frozen=True)
class Person:
    """Who did something, and when: RFC 3339 in UTC."""

    name: str
    email: str
    date: str


@dataclass(frozen=True)
class Commit:
    """A commit object."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str


@dataclass(frozen=True)
class TagObject:
    """An annotated tag: an object of its own that points at another."""

    sha: str
    name: str
    tagger: Person
    message: str
    kind: str
    target: str


@dataclass(frozen=True)
class Ref:
    """A ref with its full name; ``commit`` is what it stands for in the end, annotations peeled."""

    name: str
    kind: str
    sha: str
    commit: str


@dataclass(frozen=True)
class Entry:
    """One entry of a tree. ``size`` is None for what is no blob."""

    mode: str
    kind: str
    sha: str
    size: int | None
    path: str


@dataclass(frozen=True)
class Change:
    """One file that two commits differ in. Renames are a removal and an addition."""

    path: str
    status: str
    sha: str
    additions: int
    deletions: int


def is_repository(folder: Path) -> bool:
    """Whether a folder is a repository itself and not merely below one."""
    return (folder / ".git").exists() or (folder / "HEAD").is_file()


def refs(folder: Path, prefix: str) -> list[Ref]:
    """All refs whose full name starts with ``prefix``, by name."""
    fields = "%(refname)%00%(objecttype)%00%(objectname)%00%(*objectname)"
    lines = shown(git(folder, "for-each-ref", f"--format={fields}", "refs/heads", "refs/tags").stdout)
    found = []
    for line in lines.splitlines():
        name, kind, sha, peeled = line.split("\0")
        if name.startswith(prefix):
            found.append(Ref(name, kind, sha, peeled or sha))
    return found


def resolve(folder: Path, ref: str) -> str | None:
    """Return the commit that a branch, a tag or a commit id stands for, in GitHub's order, or None."""
    name = ref.removeprefix("refs/")
    spellings = [f"refs/heads/{ref}", f"refs/tags/{ref}"]
    if name.startswith(("heads/", "tags/")):
        spellings.append(f"refs/{name}")
    if ref == "HEAD" or _SHA.fullmatch(ref):
        spellings.append(ref)
    return next((sha for spelt in spellings if (sha := _verify(folder, f"{spelt}^{{commit}}"))), None)


def _verify(folder: Path, name: str) -> str:
    run = git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", name, ok=(0, 1, 128))
    return shown(run.stdout).strip() if run.returncode == 0 else ""


def kind_of(folder: Path, sha: str) -> str:
    """Return commit, tree, blob or tag; empty where there is no such object or the id is not whole."""
    if len(sha) != 40 or not _SHA.fullmatch(sha):  # noqa: PLR2004  (SHA-1 in hex)
        return ""
    run = git(folder, "cat-file", "-t", sha, ok=(0, 1, 128))
    return shown(run.stdout).strip() if run.returncode == 0 else ""


@lru_cache(maxsize=1024)
def commit(folder: Path, sha: str) -> Commit:
    """Read a commit object. ``sha`` is a whole id: what it stands for never changes."""
    head, _, message = shown(git(folder, "cat-file", "commit", sha).stdout).partition("\n\n")
    fields = [line.partition(" ")[::2] for line in head.splitlines()]
    one = dict(fields)
    parents = tuple(value for name, value in fields if name == "parent")
    return Commit(
        sha,
        one["tree"],
        parents,
        _person(one["author"]),
        _person(one["committer"]),
        message.removesuffix("\n"),
    )


def tag(folder: Path, sha: str) -> TagObject:
    """Read a tag object."""
    head, _, message = shown(git(folder, "cat-file", "tag", sha).stdout).partition("\n\n")
    one = dict(line.partition(" ")[::2] for line in head.splitlines())
    return TagObject(sha, one["tag"], _person(one["tagger"]), message, one["type"], one["object"])


def _person(line: str) -> Person:
    match = _PERSON.fullmatch(line)
    if match is None:
        message = f"expected a person and a time in a commit, found {line!r}"
        raise RelgateError(message)
    date = datetime.fromtimestamp(int(match["seconds"]), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Person(match["name"], match["email"], date)


def newest(folder: Path, ref: str, path: str = "", count: int = 1000) -> list[str]:
    """Return ids of commits from ``ref`` backwards, those that touched ``path`` only if one is given."""
    limits = ["--", path] if path else ["--"]
    return shown(git(folder, "rev-list", f"--max-count={count}", ref, *limits).stdout).split()


def between(folder: Path, base: str, head: str) -> list[str]:
    """Return ids of the commits of ``head`` that ``base`` lacks, oldest first."""
    return shown(git(folder, "rev-list", "--reverse", f"{base}..{head}").stdout).split()


def merge_base(folder: Path, base: str, head: str) -> str:
    """Return the commit that both sides come from; empty where they share none."""
    return shown(git(folder, "merge-base", base, head, ok=(0, 1)).stdout).strip()


def entries(folder: Path, tree: str, path: str = "", *, deep: bool = False) -> list[Entry]:
    """Return the entries of a tree, or the entry at ``path``; empty where there is nothing."""
    options = ["-r", "-t"] if deep else []
    limits = ["--", f":(literal){path}"] if path else []
    run = git(folder, "ls-tree", "-z", "--long", "--full-tree", *options, tree, *limits)
    found = []
    for line in shown(run.stdout).split("\0")[:-1]:
        facts, _, name = line.partition("\t")
        mode, kind, sha, size = facts.split()
        found.append(Entry(mode, kind, sha, None if size == "-" else int(size), name))
    return found


def blob(folder: Path, sha: str) -> bytes:
    """Read a blob."""
    return git(folder, "cat-file", "blob", sha).stdout


def changes(folder: Path, base: str, head: str) -> list[Change]:
    """Return the files that two commits differ in; an empty ``base`` is the tree without files."""
    before = [base] if base else ["--root"]
    common = ("-r", "--no-commit-id", "--no-renames", "-z")
    raw = shown(git(folder, "diff-tree", *common, "--raw", "--no-abbrev", *before, head).stdout)
    counts = shown(git(folder, "diff-tree", *common, "--numstat", *before, head).stdout)
    lines = {}
    for each in counts.split("\0")[:-1]:
        added, removed, path = each.split("\t")
        lines[path] = (0, 0) if added == "-" else (int(added), int(removed))
    found = []
    words = iter(raw.split("\0")[:-1])
    for facts, path in zip(words, words, strict=True):
        _, _, before_sha, after_sha, status = facts.split()
        sha = before_sha if status == "D" else after_sha
        found.append(Change(path, _STATUS.get(status[0], "changed"), sha, *lines.get(path, (0, 0))))
    return found


def make_tag(folder: Path, name: str, commit_sha: str) -> None:
    """Make a light tag, as GitHub does when a release of a tag that is not there is published."""
    git(folder, "update-ref", f"refs/tags/{name}", commit_sha, "0" * 40)
