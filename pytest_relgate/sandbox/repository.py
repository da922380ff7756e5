"""The sandbox's git repository: real, the same everywhere, and whole whatever happens while it is made."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_relgate.errors import RelgateError
from pytest_relgate.sandbox.history import CANDIDATE, files_at, is_annotated, released_at, tag_at
from pytest_relgate.source.command import git
from pytest_relgate.source.git import Repository, Tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Change = Callable[[dict[str, str]], dict[str, str]]

CANDIDATE_COMMIT = "b41647aac5c15f8686f80f49de248818ab542865"
"""Commit of the candidate. It stands for the whole history, which is the same on every machine."""

BRANCH = "main"
_MADE = ".git/made"
_PERSON = "Plasmite Sandbox <sandbox@plasmite.invalid>"
# Set in the repository itself, where they win over the configuration of whoever uses it.
_SETTINGS = {
    "user.name": "Plasmite Sandbox",
    "user.email": "sandbox@plasmite.invalid",
    "commit.gpgSign": "false",
    "tag.gpgSign": "false",
    "core.autocrlf": "false",
    "core.eol": "lf",
    "core.hooksPath": os.devnull,
    "core.excludesFile": os.devnull,
    "core.attributesFile": os.devnull,
    "gc.auto": "0",
    "maintenance.auto": "false",
}


def sandbox_home(checkout: Path, environ: Mapping[str, str]) -> Path:
    """Folder of a checkout's sandbox, below the user's cache folder (XDG Base Directory Specification).

    One for each checkout, told apart by the digest of its resolved path. Raises RelgateError where
    there is no home folder to cache in.
    """
    cache = Path(environ.get("XDG_CACHE_HOME", ""))
    if not cache.is_absolute():  # the specification: a relative one is ignored
        home = Path(environ.get("HOME", ""))
        if not home.is_absolute():
            message = "expected HOME or XDG_CACHE_HOME for the sandbox, found neither: set XDG_CACHE_HOME"
            raise RelgateError(message)
        cache = home / ".cache"
    resolved = checkout.resolve()
    key = hashlib.sha256(os.fsencode(resolved)).hexdigest()[:16]
    return cache / "pytest-relgate" / "sandbox" / key


def ensure_repository(folder: Path, change: Change | None = None) -> Path:
    """Give the sandbox's repository at ``folder``, as it was made; make it (again) if it is not.

    ``change`` takes the candidate's files, text by path, and gives what is committed in their place: a
    fault. Kept are files that the repository ignores, such as build output, and a tag of the target at the
    candidate. Anything else that differs is made anew. Raises RelgateError if it cannot be.
    """
    with _alone_at(folder):
        stream = fast_import_stream(change)
        if not _is_intact(folder, stream):
            _replace(folder, stream)
    return folder


def build_repository(folder: Path, change: Change | None = None) -> Path:
    """Make the repository at ``folder``, in place of what is there.

    It is made beside it and moved in one step, so that a kill half-way leaves the old one, none or a
    whole one. Raises RelgateError if it cannot be made.
    """
    with _alone_at(folder):
        _replace(folder, fast_import_stream(change))
    return folder


@contextmanager
def _alone_at(folder: Path) -> Iterator[None]:
    """Keep other processes from making the same repository meanwhile."""
    import fcntl

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (folder.parent / f".{folder.name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        message = f"the sandbox cannot be made at {folder}: {error}: set XDG_CACHE_HOME to another folder"
        raise RelgateError(message) from None


def _replace(folder: Path, stream: bytes) -> None:
    for left_behind in folder.parent.glob(f".{folder.name}.making-*"):  # by a process that was killed
        shutil.rmtree(left_behind)
    workshop = Path(tempfile.mkdtemp(prefix=f".{folder.name}.making-", dir=folder.parent))
    try:
        _make(workshop / "made", stream)
        if os.path.lexists(folder):
            folder.rename(workshop / "replaced")
        (workshop / "made").rename(folder)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _make(folder: Path, stream: bytes) -> None:
    """Write a whole repository into a folder that is not there yet."""
    # Nobody's configuration, templates or hooks: the commits are the same on every machine.
    bare = {name: value for name, value in os.environ.items() if not name.startswith("GIT_CONFIG")}
    nobody = bare | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    init = ("init", "-q", "--template=", "--object-format=sha1", f"--initial-branch={BRANCH}", folder.name)
    git(folder.parent, *init, environ=nobody)
    with (folder / ".git" / "config").open("a") as config:
        for name, value in _SETTINGS.items():
            section, key = name.split(".")
            config.write(f"[{section}]\n\t{key} = {value}\n")
    git(folder, "fast-import", "--quiet", "--done", stdin=stream, environ=nobody)
    git(folder, "reset", "-q", "--hard", environ=nobody)
    (folder / _MADE).write_text(_note(stream, Repository(folder).head()))


def _note(stream: bytes, commit: str) -> str:
    """What a repository was made of, and the candidate's commit that came of it."""
    return f"{hashlib.sha256(stream).hexdigest()} {commit}\n"


def _is_intact(folder: Path, stream: bytes) -> bool:
    """Whether the repository's history, branch, tags and working tree are as they were made."""
    if not (folder / ".git").is_dir():
        return False
    repo = Repository(folder)
    try:
        head = repo.head()
        if (folder / _MADE).read_text(errors="replace") != _note(stream, head):
            return False
        if repo.branch() != BRANCH or repo.dirt():
            return False
        commits = git(folder, "rev-list", "--reverse", "HEAD").stdout.decode().split()
        tags = set(repo.tags())
    except (RelgateError, OSError):
        return False
    made = {Tag(tag_at(patch), commit) for patch, commit in enumerate(commits)}
    return made - {Tag(tag_at(CANDIDATE), head)} <= tags <= made


def fast_import_stream(change: Change | None = None) -> bytes:
    """Spell the history for ``git fast-import``: each release with its tag, then the candidate.

    ``change`` is as in ``ensure_repository``; the releases before the candidate stay as they are.
    """
    parts: list[bytes] = []
    before: dict[str, str] = {}
    for patch in range(CANDIDATE + 1):
        files = files_at(patch)
        if change is not None and patch == CANDIDATE:
            files = change(dict(files))
        who = f"{_PERSON} {released_at(patch).timestamp():.0f} +0000"
        parts.append(f"commit refs/heads/{BRANCH}\nmark :{patch + 1}\n".encode())
        parts.append(f"author {who}\ncommitter {who}\n".encode())
        parts.append(
            _counted(f"Release {tag_at(patch)}\n" if patch < CANDIDATE else f"Prepare {tag_at(patch)}\n")
        )
        if patch:
            parts.append(f"from :{patch}\n".encode())
        parts += [f"D {path}\n".encode() for path in before if path not in files]
        for path, text in files.items():
            if before.get(path) != text:
                parts.append(f"M 100644 inline {path}\n".encode() + _counted(text))
        before = files
        if patch < CANDIDATE and is_annotated(patch):
            tagged = f"tag {tag_at(patch)}\nfrom :{patch + 1}\ntagger {who}\n"
            parts.append(tagged.encode() + _counted(f"Plasmite {tag_at(patch)}\n"))
        elif patch < CANDIDATE:
            parts.append(f"reset refs/tags/{tag_at(patch)}\nfrom :{patch + 1}\n\n".encode())
    return b"".join(parts) + b"done\n"


def _counted(text: str) -> bytes:
    raw = text.encode()
    return b"data %d\n%s\n" % (len(raw), raw)
