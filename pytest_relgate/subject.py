"""What a run is about: the commit under release, and the checks that judge it.

The tree is that of the commit without waivers, sign-offs and evidence: an empty commit clears no failure,
and a committed waiver loses no result.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_relgate.errors import RelgateError
from pytest_relgate.lockfile import NAME as LOCK
from pytest_relgate.model import Phase, Subject
from pytest_relgate.request import PROFILE
from pytest_relgate.source.as_committed import Sight, look, rows_of
from pytest_relgate.source.command import git
from pytest_relgate.source.git import Repository
from pytest_relgate.source.links import Links
from pytest_relgate.source.pytest_config import NAMES as CONFIGS
from pytest_relgate.source.pytest_config import configs_above
from pytest_relgate.source.versions import names_a_release
from pytest_relgate.waiverfile import DENIED, reviewed_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# Files beside the profile that are about the evidence and not part of what is judged or judges.
REVIEWED = tuple(DENIED)
DIRT_SHOWN = 5
PACKAGE = "__init__.py"
# https://docs.pytest.org/en/stable/reference/reference.html#confval-norecursedirs
NO_GATES = frozenset({"_darcs", "build", "CVS", "dist", "node_modules", "venv", "{arch}"})


@dataclass(frozen=True)
class Checks:
    """The checks folder as it is used: what of it git has, and whether that is all.

    ``also`` are files outside the folder that decide how it runs: conftest files above it, pytest's ini.
    ``seen`` has the sha256 of the bytes of each file that the digest covers, by path in the repository.
    ``loose`` are the waivers and sign-offs that lie there and are not as committed: they do not count, and
    are no dirt.
    """

    folder: Path
    repository: Repository | None
    commit: str
    digest: str
    dirt: tuple[str, ...]
    path: str = ""
    also: tuple[str, ...] = ()
    seen: Mapping[str, str] = field(default_factory=dict)
    loose: tuple[str, ...] = ()


def read_checks(folder: Path, rootdir: Path, ini: Path | None, *, profile: Path | None = None) -> Checks:
    """Say which checks judge. Not in git, or not as committed, is recorded and blocks a verdict.

    Raises RelgateError where there is no git to ask.
    ``profile`` is the one that is used, where that is named: another than the folder's own is not the one
    that the checks were reviewed with.
    """
    foreign = (
        () if profile is None or _same(profile, folder / PROFILE) else (f"the profile is {profile.name}",)
    )
    try:
        repository = Repository.at(folder)
        commit = repository.head()
    except RelgateError:
        if shutil.which("git") is None:  # whether it is in git, nobody can say
            raise
        also = _deciding_files(folder, [rootdir], [ini])
        digest = _digest_of_files([*_files_below(folder), *also], folder)
        loose = tuple(name for name in REVIEWED if os.path.lexists(folder / name))
        return Checks(folder, None, "", digest, ("it is not in git", *foreign), loose=loose)
    top = repository.path
    place = _inside(folder.resolve(), top)
    configs = configs_above(place, lambda paths: _contents(top, paths)) if place else ()
    also = _deciding_files(folder, [rootdir, top], [ini, *(top / config for config in configs)])
    targets, astray = _led_to(repository, commit, place, also)
    also = tuple(dict.fromkeys((*also, *targets)))
    names = [_inside(path, top) for path in also]
    paths = [name for name in (place, *names) if name]
    outside = [path.name for path, name in zip((folder, *also), (place, *names), strict=True) if not name]
    sight = look(top, commit, paths)
    changed, hidden = _changed(repository, paths, sight), _hidden(repository, paths)
    beside = set(reviewed_at(place))
    loose = tuple(sorted(beside & {*changed, *hidden}))
    changed = tuple(path for path in changed if path not in beside)
    hidden = tuple(path for path in hidden if path not in beside)
    known = {*sight.seen, *changed, *hidden, *loose}
    dirt = (
        *changed,
        *(f"{name} is ignored by git" for name in hidden),
        *(f"{name} leads elsewhere than in git" for name in astray),
        *(f"{name} is outside the repository" for name in outside),
        *(f"{name} is not in git" for name in names if _lacks(name, known)),
        *foreign,
    )
    if dirt:
        digest = _digest_of_files([top / name for name in _listed(repository, "--cached", paths)], folder)
    else:
        digest = checks_digest(repository, commit, place, dict.fromkeys(names))
    also_named = tuple(dict.fromkeys(names))
    return Checks(folder, repository, commit, digest, dirt, place, also_named, sight.seen, loose)


def _lacks(name: str, known: Iterable[str]) -> bool:
    """Whether no commit has what decides how the checks run, or what a link of theirs leads to."""
    within = f"{name}/"
    return name not in ("", ".") and not any(path == name or path.startswith(within) for path in known)


def moved(checks: Checks) -> tuple[str, ...]:
    """Name what of the checks is not as it was when they were read, or not as committed any more."""
    if checks.repository is None:
        return ()
    paths = [path for path in (checks.path, *checks.also) if path]
    sight = look(checks.repository.path, checks.commit, paths)
    other = [
        path
        for path in {*checks.seen, *sight.seen}
        if checks.seen.get(path) != sight.seen.get(path) and path not in sight.dirt
    ]
    changes = (*_changed(checks.repository, paths, sight), *sorted(other))
    beside = reviewed_at(checks.path)
    return tuple(path for path in changes if path not in beside)


def _changed(repository: Repository, paths: Sequence[str], sight: Sight) -> tuple[str, ...]:
    """What git says is not as committed, and what only the bytes say: a filter can hide it from git."""
    return tuple(dict.fromkeys((*dirt_of_checks(repository, paths), *sight.dirt)))


def dirt_of_checks(repository: Repository, paths: Sequence[str]) -> tuple[str, ...]:
    """What of these paths is not as committed; evidence among them is no check."""
    specs = [path for path in paths if path != "."]
    found = repository.dirt(specs if len(specs) == len(paths) else ())
    evidence = {path for path in found if any(map(is_evidence, path.split("/")[:-1]))}
    if evidence:  # by its name only: what git tracks there is no evidence
        out = git(repository.path, "--literal-pathspecs", "ls-files", "-z", "--", *evidence).stdout
        evidence -= {os.fsdecode(name) for name in out.split(b"\0")}
    return tuple(path for path in found if path not in evidence)


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _contents(top: Path, paths: Iterable[str]) -> dict[str, bytes]:
    return {path: (top / path).read_bytes() for path in paths if (top / path).is_file()}


def _listed(repository: Repository, which: str, paths: Iterable[str]) -> list[str]:
    """The files below some paths that git tracks (``--cached``) or ignores (``--ignored``), and others."""
    listing = ("ls-files", which, "--others", "--exclude-standard", "-z", "--", *paths)
    out = git(repository.path, "--literal-pathspecs", *listing).stdout
    return [os.fsdecode(name) for name in out.split(b"\0") if name]


def _hidden(repository: Repository, paths: Iterable[str]) -> tuple[str, ...]:
    """Code and settings that git ignores: they would judge without anybody having reviewed them."""
    return tuple(name for name in _listed(repository, "--ignored", paths) if _decides(name))


def _decides(path: str) -> bool:
    *folders, name = path.split("/")
    if any(map(_is_no_place_for_gates, folders)):
        return False
    return name.endswith((".py", ".so")) or name in (PROFILE, LOCK, *REVIEWED, *CONFIGS)


def _is_no_place_for_gates(folder: str) -> bool:
    """Whether pytest leaves a folder of this name out (its ``norecursedirs``), or it is evidence."""
    return folder.startswith(".") or folder.endswith(".egg") or folder in NO_GATES or is_evidence(folder)


def checks_digest(repository: Repository, commit: str, folder: str, also: Iterable[str]) -> str:
    """The digest of committed checks: names and blobs, without waivers and sign-offs."""
    skipped = set(reviewed_at(folder))
    rows = rows_of(repository.path, commit, [folder, *also])
    return _digest(sorted(f"{row.path}\0{row.blob}" for row in rows if row.path not in skipped))


def _deciding_files(folder: Path, tops: Iterable[Path], files: Iterable[Path | None]) -> tuple[Path, ...]:
    """What outside the checks folder decides how it runs: conftest files above it, and ``files``.

    Conftest files are looked for up to each of ``tops``. Where the folder is a package, the packages that it
    is in are imported before it.
    """
    found = [
        place / "conftest.py"
        for place in dict.fromkeys((*folder.parents, *folder.resolve().parents))
        if any(place == top or top in place.parents for top in tops)
        and os.path.lexists(place / "conftest.py")
    ]
    found += [path for path in files if path is not None and path.is_file()]
    found += _packages_above(folder)
    return tuple(path for path in dict.fromkeys(found) if folder not in path.parents)


def _packages_above(folder: Path) -> list[Path]:
    """The ``__init__.py`` of each package that the checks folder is a package in."""
    found, below = [], folder
    while (below / PACKAGE).is_file() and (below.parent / PACKAGE).is_file():
        below = below.parent
        found.append(below / PACKAGE)
    return found


def _led_to(
    repository: Repository, commit: str, place: str, also: tuple[Path, ...]
) -> tuple[list[Path], list[str]]:
    """What links of the checks lead to outside of their folder, and those that lead elsewhere than in git.

    Of a link git has the text alone. One whose text is no path of the repository is followed on the disk.
    """
    top = repository.path
    names = [name for name in (place, *(_inside(path, top) for path in also)) if name]
    if not any(row.is_link for row in rows_of(top, commit, names)):
        return [], []
    targets, astray = [], []
    real = (top / place).resolve()
    links = Links.of(repository, commit)
    for link, committed in links.below(names).items():
        path = top / link
        there = path.resolve()
        if path.is_symlink() and path.exists() and there != real and real not in there.parents:
            targets.append(there)
            inside = _inside(there, top)
            whole = links.texts[link].startswith("/")
            if inside in links.paths and inside != committed and not whole:
                astray.append(link)
    return targets, astray


def _files_below(folder: Path) -> list[Path]:
    """The files of a folder that is not in git, without what pytest leaves out by itself."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _is_no_place_for_gates(name) and name != "__pycache__"]
        found += [Path(place, name) for name in names]
    return found


def _inside(path: Path, top: Path) -> str:
    """A path relative to the top of its repository, a link as itself; empty when it is not below it."""
    real, above = path.parent.resolve() / path.name, top.resolve()
    if real == above:
        return "."
    return real.relative_to(above).as_posix() if above in real.parents else ""


def _digest_of_files(paths: Iterable[Path], folder: Path) -> str:
    """The digest of checks that are not as git has them, by their contents."""
    skipped = {folder / name for name in REVIEWED}
    contents = []
    for path in sorted(set(paths) - skipped):
        try:
            with path.open("rb") as handle:
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

    Raises RelgateError when a released version is asked for whose tag does not exist, and when the
    folder for evidence holds something else.
    """
    _refuse_place(repository, checks, evidence)
    if phase.source:
        commit = repository.head()
        dirt = repository.dirt(exclude=no_dirt(repository, checks, evidence))
    else:
        if not repository.exists(f"refs/tags/{target}"):
            message = (
                f"{phase} judges what was released as {target}, but {repository.path} has no such tag: "
                "type git fetch --tags, or name a released version with --release-target"
            )
            raise RelgateError(message)
        commit = repository.commit_of(f"refs/tags/{target}")
        dirt = ()
    left_out = _about_evidence(repository, checks, evidence)
    tree = repository.tree_without(commit, left_out)
    return Subject(
        repository=name,
        commit=commit,
        tree=f"{tree}+{_digest_of_dirt(repository.path, dirt)}" if dirt else tree,
        dirty=bool(dirt),
        dirt=dirt[:DIRT_SHOWN],
        checks=checks.digest,
        checks_commit=checks.commit,
        checks_dirty=bool(checks.dirt),
        checks_path=checks.path,
        checks_also=checks.also,
        left_out=left_out,
    )


def no_dirt(repository: Repository, checks: Checks, evidence: Path) -> list[str]:
    """What of the repository under release may be as nobody committed it: evidence, waivers, sign-offs."""
    return [*evidence_places(repository, evidence), *_reviewed_in(repository, checks)]


def _reviewed_in(repository: Repository, checks: Checks) -> list[str]:
    """Waivers and sign-offs, where the repository under release holds the checks."""
    own = checks.repository is not None and _same(checks.repository.path, repository.path)
    return reviewed_at(checks.path) if own else []


def _about_evidence(repository: Repository, checks: Checks, evidence: Path) -> tuple[str, ...]:
    """Waivers, sign-offs and evidence, as far as the repository under release holds them."""
    held = _inside(evidence, repository.path)
    return (*_reviewed_in(repository, checks), *((held,) if held else ()))


def evidence_places(repository: Repository, evidence: Path) -> list[str]:
    """What of an evidence folder on disk is evidence, relative to the top of a repository: never dirt."""
    held = _inside(evidence, repository.path)
    if not held or not evidence.is_dir():
        return []
    return [f"{held}/{name}" for name in sorted(os.listdir(evidence)) if is_evidence(name)]  # noqa: PTH208  (names, in one call)


def is_evidence(path: str) -> bool:
    """Whether a path in a folder for evidence is evidence: what makes git ignore it, or about a release."""
    return path == ".gitignore" or names_a_release(path.partition("/")[0])


def foreign_to_evidence(repository: Repository, commit: str, held: str) -> str:
    """A file that a commit has in a folder for evidence and that is none; empty where there is none.

    A README or a hidden file may stand there.
    """
    for path in repository.files(commit, held):
        inside = path[len(held) + 1 :]
        harmless = "/" not in inside and inside.startswith((".", "README"))
        if not (harmless or is_evidence(inside)):
            return path
    return ""


def _refuse_place(repository: Repository, checks: Checks, evidence: Path) -> None:
    """Evidence has a folder of its own: what lies in it is neither dirt nor part of the tree."""
    place, folder, top = evidence.resolve(), checks.folder.resolve(), repository.path.resolve()
    within = folder in place.parents and folder != top
    taken = ""
    if within or any(place == one or place in one.parents for one in (folder, top)):
        taken = "is no folder of its own"
    elif (held := _inside(evidence, repository.path)) and evidence.is_dir():
        other = foreign_to_evidence(repository, repository.head(), held)
        taken = f"holds {other}" if other else ""
    if taken:
        message = (
            f"expected a folder for evidence alone, found {evidence}, which {taken}: "
            "name another with --release-evidence"
        )
        raise RelgateError(message)


def _digest_of_dirt(top: Path, dirt: Iterable[str]) -> str:
    """What tells one dirty tree from another: names, kinds, sizes and times of what is not as committed."""
    rows = []
    for name in dirt:
        try:
            now = os.lstat(top / name)
            rows.append(f"{name}\0{now.st_mode}\0{now.st_size}\0{now.st_mtime_ns}\0{now.st_ctime_ns}")
        except OSError:
            rows.append(name)
    return _digest(rows).removeprefix("sha256:")[:16]


def name_of(repository: Repository, profile_name: str, *, sandbox: bool) -> str:
    """What the evidence calls the repository under release: never a path that only one machine has."""
    if sandbox:
        return "sandbox"
    return profile_name or repository.remote_slug() or repository.path.name
