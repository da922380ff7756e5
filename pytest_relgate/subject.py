"""What a run is about: the commit under release, and the checks that judge it.

The tree is that of the commit without waivers, sign-offs and evidence: an empty commit clears no failure,
and a committed waiver loses no result.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_relgate.errors import RelgateError
from pytest_relgate.model import Phase, Subject
from pytest_relgate.source.command import git
from pytest_relgate.source.git import Repository

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

# Files beside the profile that are about the evidence and not part of what is judged or judges.
REVIEWED = ("waivers.toml", "signoffs.toml")
DIRT_SHOWN = 5


@dataclass(frozen=True)
class Checks:
    """The checks folder as it is used: what of it git has, and whether that is all.

    ``also`` are files outside the folder that decide how it runs: conftest files above it, pytest's ini.
    """

    folder: Path
    repository: Repository | None
    commit: str
    digest: str
    dirt: tuple[str, ...]
    path: str = ""
    also: tuple[str, ...] = ()


def read_checks(folder: Path, rootdir: Path, ini: Path | None) -> Checks:
    """Say which checks judge. Not in git, or not as committed, is recorded and blocks a verdict."""
    also = _deciding_files(folder, rootdir, ini)
    try:
        repository = Repository.at(folder)
        commit = repository.head()
    except RelgateError:
        return Checks(folder, None, "", _digest_of_files(folder, also), ("it is not in git",))
    names = [_inside(path, repository.path) for path in (folder, *also)]
    paths = [name for name in names if name]
    outside = [str(path) for path, name in zip((folder, *also), names, strict=True) if not name]
    dirt = repository.dirt(paths) + tuple(f"{name} is outside the repository" for name in outside)
    if dirt:
        digest = _digest_of_files(folder, also)
    else:
        digest = checks_digest(repository, commit, names[0], names[1:])
    return Checks(folder, repository, commit, digest, dirt, names[0], tuple(names[1:]))


def checks_digest(repository: Repository, commit: str, folder: str, also: Iterable[str]) -> str:
    """The digest of committed checks: names and blobs, without waivers and sign-offs."""
    skipped = {f"{folder}/{name}" if folder != "." else name for name in REVIEWED}
    rows = {
        path: blob
        for place in (folder, *also)
        for path, blob in _blobs(repository, commit, place)
        if path not in skipped
    }
    return _digest(f"{path}\0{blob}" for path, blob in sorted(rows.items()))


def _blobs(repository: Repository, commit: str, place: str) -> list[tuple[str, str]]:
    """Path and blob of every file of a commit below a place (``.`` is all of it)."""
    spec = [] if place == "." else [place]
    listing = ("ls-tree", "-r", "-z", "--full-tree", commit, "--", *spec)
    out = git(repository.path, "--literal-pathspecs", *listing).stdout
    rows = (row.partition(b"\t") for row in out.split(b"\0") if row)
    return [(os.fsdecode(path), head.split()[2].decode()) for head, _, path in rows]


def _deciding_files(folder: Path, rootdir: Path, ini: Path | None) -> tuple[Path, ...]:
    found = [
        place / "conftest.py"
        for place in folder.parents
        if (place == rootdir or rootdir in place.parents) and (place / "conftest.py").is_file()
    ]
    if ini is not None and ini.is_file():
        found.append(ini)
    return tuple(found)


def _inside(path: Path, top: Path) -> str:
    """A path relative to the top of its repository; empty when it is not below it."""
    real, above = path.resolve(), top.resolve()
    if real == above:
        return "."
    return real.relative_to(above).as_posix() if above in real.parents else ""


def _digest_of_files(folder: Path, also: Iterable[Path]) -> str:
    """The digest of checks that are not as git has them, by their contents."""
    rows = []
    for place, _, names in os.walk(folder):
        if place.endswith("__pycache__"):
            continue
        rows += [os.path.join(place, name) for name in names if name not in REVIEWED]  # noqa: PTH118
    contents = []
    for path in sorted([*rows, *map(str, also)]):
        try:
            with open(path, "rb") as handle:  # noqa: PTH123
                contents.append(f"{path}\0{hashlib.file_digest(handle, 'sha256').hexdigest()}")
        except OSError as error:
            contents.append(f"{path}\0{error.strerror}")
    return _digest(contents)


def _digest(rows: Iterable[str]) -> str:
    whole = hashlib.sha256()
    for row in rows:
        whole.update(row.encode("utf-8", "surrogateescape") + b"\n")
    return f"sha256:{whole.hexdigest()}"


def read_subject(
    repository: Repository, *, phase: Phase, target: str, checks: Checks, evidence: Path, name: str
) -> Subject:
    """Say what the evidence is about: HEAD for source phases, else the commit of the tag.

    Raises RelgateError when a released version is asked for whose tag does not exist.
    """
    if phase.source:
        commit = repository.head()
        dirt = repository.dirt()
    else:
        if not repository.exists(f"refs/tags/{target}"):
            message = (
                f"{phase} judges what was released as {target}, but {repository.path} has no such tag: "
                "type git fetch --tags, or name a released version with --release-target"
            )
            raise RelgateError(message)
        commit = repository.commit_of(f"refs/tags/{target}")
        dirt = ()
    return Subject(
        repository=name,
        commit=commit,
        tree=repository.tree_without(commit, _about_evidence(repository, checks.folder, evidence)),
        dirty=bool(dirt),
        dirt=dirt[:DIRT_SHOWN],
        checks=checks.digest,
        checks_commit=checks.commit,
        checks_dirty=bool(checks.dirt),
        checks_path=checks.path,
        checks_also=checks.also,
    )


def _about_evidence(repository: Repository, checks: Path, evidence: Path) -> list[str]:
    places = [*(checks / name for name in REVIEWED), evidence]
    return [name for place in places if (name := _inside(place, repository.path)) and name != "."]


def name_of(repository: Repository, profile_name: str, *, sandbox: bool) -> str:
    """What the evidence calls the repository under release: never a path that only one machine has."""
    if sandbox:
        return "sandbox"
    return profile_name or repository.remote_slug() or repository.path.name
