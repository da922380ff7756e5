r"""What git says of a repository. Read only, through git's command line, ``-z`` and porcelain forms.

Paths are relative to the top of the working tree, with ``/``. A file name that is not UTF-8 is
written with ``\xNN``, so that it can stand in evidence.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_relgate.errors import RelgateError
from pytest_relgate.source.as_committed import rows_of
from pytest_relgate.source.command import failed, git, shown
from pytest_relgate.source.tree import folders_above, id_without, object_format, tree_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# the last four are answers to --follow-symlinks: a link that leads out of the tree, or to nothing
_BATCH_HEADER = re.compile(rb"(?:[0-9a-f]{40,64} )?(commit|tree|blob|tag|symlink|dangling|loop|notdir) (\d+)")
_FULL_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SCP = re.compile(r"(?:[^/@]+@)?[^/:@]+:(?!//)(?P<path>.+)")
_SLUG = re.compile(r"/*(?P<owner>[A-Za-z0-9_.-]+)/(?P<name>[A-Za-z0-9_.-]+?)(?:\.git)?/*")


@dataclass(frozen=True)
class Tag:
    """A tag's name (without ``refs/tags/``) and the commit that it stands for, annotations peeled."""

    name: str
    commit: str


@dataclass(frozen=True)
class Repository:
    """A git repository with a working tree; ``path`` is the top of that tree."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> Repository:
        """Find the repository whose working tree contains ``path`` (a folder or a file).

        Raises RelgateError where there is none, where it is bare, or where git refuses it.
        """
        folder = path if path.is_dir() else path.parent
        if not folder.is_dir():
            message = f"expected a folder of a git repository, found nothing at {path}"
            raise RelgateError(message)
        out = git(folder, "rev-parse", "--show-toplevel").stdout
        return cls(Path(os.fsdecode(out.removesuffix(b"\n"))))

    # Commits, tags and branches

    def head(self) -> str:
        """Full id of the commit that is checked out. Raises RelgateError before the first commit."""
        found = self._verify("HEAD^{commit}")
        if not found:
            message = f"expected a commit in {self.path}, found none yet: type `git commit` there first"
            raise RelgateError(message)
        return found

    def commit_of(self, rev: str) -> str:
        """Full commit id (40 or 64 hex) of a revision or tag. Raises RelgateError if there is none."""
        return self._peeled(rev, "commit")

    def tree_of(self, commit: str) -> str:
        """Full id of a commit's tree. Raises RelgateError if there is no such commit."""
        return self._peeled(commit, "tree")

    def exists(self, rev: str) -> bool:
        """Whether ``rev`` names a commit, or a tag of one, that is here."""
        return _plain(rev) and bool(self._verify(f"{rev}^{{commit}}"))

    def tags(self) -> tuple[Tag, ...]:
        """All tags that stand for a commit, by name. One git process, however many there are."""
        fields = ("refname", "objecttype", "objectname", "*objecttype", "*objectname")
        form = "%00".join(f"%({field})" for field in fields)
        out = self._text("for-each-ref", f"--format={form}", "refs/tags")
        tags: dict[str, str] = {}
        nested: dict[str, str] = {}
        for line in out.splitlines():
            ref, kind, oid, peeled_kind, peeled = line.split("\0")
            name = ref.removeprefix("refs/tags/")
            if kind == "commit":
                tags[name] = oid
            elif peeled_kind == "commit":
                tags[name] = peeled
            elif peeled_kind == "tag":  # a tag of a tag: older gits peel one level here
                nested[name] = f"{peeled}^{{commit}}"
        if nested:
            asked = "\n".join(nested.values()) + "\n"
            out = self._text("cat-file", "--batch-check=%(objecttype) %(objectname)", stdin=asked.encode())
            for name, line in zip(nested, out.splitlines(), strict=True):
                kind, _, oid = line.partition(" ")
                if kind == "commit":
                    tags[name] = oid
        return tuple(Tag(name, tags[name]) for name in sorted(tags))

    def tags_at(self, commit: str) -> tuple[str, ...]:
        """Names of the tags that stand for a commit, sorted."""
        wanted = commit if _FULL_ID.fullmatch(commit) else self.commit_of(commit)
        return tuple(tag.name for tag in self.tags() if tag.commit == wanted)

    def branch(self) -> str:
        """Name of the branch that is checked out, empty when HEAD is detached."""
        run = git(self.path, "symbolic-ref", "--quiet", "HEAD", ok=(0, 1))
        return shown(run.stdout).strip().removeprefix("refs/heads/")

    def is_shallow(self) -> bool:
        """Whether history was cut off, so that tags and ancestors may be missing."""
        return self._text("rev-parse", "--is-shallow-repository").strip() == "true"

    # Who and where

    def remote_slug(self) -> str:
        """``owner/name`` from the URL of origin, empty where it has no such form.

        Reads https, ssh, git and scp-like URLs after ``insteadOf``; credentials never come along.
        """
        run = git(self.path, "remote", "get-url", "origin", ok=(0, 2, 128))
        return slug_of(shown(run.stdout).strip()) if run.returncode == 0 else ""

    def identity(self) -> str:
        """``name <email>`` from git's configuration, the one part that is set, or empty."""
        run = git(self.path, "config", "-z", "--get-regexp", r"^user\.(name|email)$", ok=(0, 1))
        found = dict(item.split("\n", 1) for item in shown(run.stdout).split("\0") if "\n" in item)
        name, email = found.get("user.name", "").strip(), found.get("user.email", "").strip()
        return f"{name} <{email}>" if name and email else name or email

    # The working tree

    def dirt(
        self, paths: Sequence[str] = (), *, untracked: bool = True, exclude: Sequence[str] = ()
    ) -> tuple[str, ...]:
        """Name what is not as committed below ``paths`` (all without any), sorted.

        Staged, changed, deleted, conflicted and, if ``untracked``, untracked files, each by its own
        name; ignored files not. A submodule counts when it stands at another commit or is dirty itself.
        ``exclude`` leaves files or folders out. Changes hidden by ``assume-unchanged`` or
        ``skip-worktree`` count, so a tracked file that a sparse checkout left out is dirt: gates
        that read the working tree would not see it.
        """
        specs = [f":(top,literal){_inside(path)}" for path in paths]
        specs += [f":(top,exclude,literal){_inside(path)}" for path in exclude]
        run = git(
            self.path,
            "status",
            "--porcelain=v2",
            "-z",
            "--no-renames",
            f"--untracked-files={'all' if untracked else 'no'}",
            f"--ignore-submodules={'none' if untracked else 'untracked'}",
            "--",
            *specs,
            settings=("core.fileMode=true",) if self._keeps_modes() else (),
        )
        found = {shown(path) for path in _status_paths(run.stdout)}
        found.update(shown(path) for path in self._hidden(specs, untracked=untracked))
        return tuple(sorted(found))

    def _keeps_modes(self) -> bool:
        """Whether modes tell anything here: git writes its configuration as no program."""
        config = self.path / ".git/config"
        if not config.exists():  # a worktree or a submodule has it elsewhere
            found = git(self.path, "rev-parse", "--git-path", "config").stdout.removesuffix(b"\n")
            config = self.path / os.fsdecode(found)
        return config.exists() and not config.stat().st_mode & stat.S_IXUSR

    def _hidden(self, specs: Sequence[str], *, untracked: bool) -> Iterable[bytes]:
        """Name the changed files among those whose index bits tell git not to look."""
        listed = git(self.path, "ls-files", "-v", "--stage", "-z", "--", *specs).stdout
        regular: dict[bytes, bytes] = {}
        for record in listed.split(b"\0"):
            if not (record[:1].islower() or record[:1] == b"S"):
                continue
            facts, path = record[2:].split(b"\t", 1)
            mode, oid, _stage = facts.split(b" ")
            match self._as_recorded(path, mode, oid, untracked=untracked):
                case False:
                    yield path
                case None:
                    regular[path] = oid
        for some in _chunks(list(regular), 500):
            # git hashes, so that line endings and filters count as they do in a commit
            ids = git(self.path, "hash-object", "--", *some).stdout.split()
            yield from (path for path, oid in zip(some, ids, strict=True) if oid != regular[path])

    def _as_recorded(self, path: bytes, mode: bytes, oid: bytes, *, untracked: bool) -> bool | None:
        """Whether a file is as the index says; None when that takes hashing its content."""
        there = os.path.join(os.fsencode(self.path), path)  # noqa: PTH118  (a name of any bytes)
        try:
            now = os.lstat(there)
        except (FileNotFoundError, NotADirectoryError):
            return False
        match mode:
            case b"160000":
                submodule = Repository(Path(os.fsdecode(there)))
                return submodule._stands_clean_at(oid.decode(), untracked=untracked)
            case b"120000":
                if not stat.S_ISLNK(now.st_mode):
                    return False
                content = git(self.path, "cat-file", "blob", oid.decode()).stdout
                return os.readlink(there) == content  # noqa: PTH115  (a name of any bytes)
            case _:
                executable = bool(now.st_mode & stat.S_IXUSR)
                if not stat.S_ISREG(now.st_mode) or executable != (mode == b"100755"):
                    return False
                return None

    def _stands_clean_at(self, oid: str, *, untracked: bool) -> bool:
        """Whether this submodule is as its parent records it."""
        if not (self.path / ".git").exists():
            return self.path.is_dir()  # not initialised: git calls that clean
        return self.head() == oid and not self.dirt(untracked=untracked)

    # Trees and files of commits

    def tree_without(self, commit: str, paths: Sequence[str]) -> str:
        """Id of the tree that a commit would have without these files or folders.

        Folders that become empty drop out. Equal to ``tree_of`` when none of them is there. Reads
        the folders above the paths in one git process and hashes them here; writes nothing.
        """
        gone = [_inside(path).encode("utf-8", "surrogateescape") for path in paths]
        folders = [b"", *sorted({folder for path in gone for folder in folders_above(path)})]
        tree = self.tree_of(commit)
        found = self._objects([tree.encode() + b":" + folder for folder in folders])
        trees = {
            folder: item[1]
            for folder, item in zip(folders, found, strict=True)
            if item is not None and item[0] == "tree"
        }
        form = object_format(tree)
        left = id_without(trees, gone, form)
        return (tree_id((), form) if left is None else left).hex()

    def changed(self, base: str, commit: str) -> tuple[str, ...]:
        """Paths that differ between two commits, renames shown as both sides. One git process.

        A submodule that stands at another commit is there twice: as ``vendor/x``, and as ``vendor/x/`` for
        whatever is below it, because this repository does not know which of its files differ.
        """
        trees = [f"{_checked(rev)}^{{tree}}" for rev in (base, commit)]
        options = ("-r", "-z", "--raw", "--no-renames", "--no-ext-diff", "--ignore-submodules=none")
        run = git(self.path, "diff-tree", *options, *trees, "--", ok=(0, 128))
        if run.returncode:
            for rev in (base, commit):
                self.commit_of(rev)  # says which of the two is missing
            raise failed(self.path, "diff-tree", run)
        words = run.stdout.split(b"\0")
        paths = shown(b"\0".join(words[1::2])).split("\0") if len(words) > 1 else []
        if b"160000 " not in run.stdout:
            return tuple(paths)
        submodules = {path for facts, path in zip(words[::2], paths, strict=False) if b"160000" in facts[:14]}
        return tuple(one for path in paths for one in ((path, f"{path}/") if path in submodules else (path,)))

    def files(self, commit: str, under: str = "") -> tuple[str, ...]:
        """Paths of a commit, of one folder or file of it if ``under`` is given; none if it is not there."""
        spec = [_inside(under)] if under else []
        tree = f"{_checked(commit)}^{{tree}}"
        listing = ("ls-tree", "-r", "-z", "--name-only", "--full-tree", tree, "--", *spec)
        run = git(self.path, "--literal-pathspecs", *listing, ok=(0, 128))
        if run.returncode:
            self.commit_of(commit)
            raise failed(self.path, "ls-tree", run)
        return _listed(run.stdout)

    def submodules(self, commit: str) -> tuple[str, ...]:
        """Paths at which a commit has a submodule."""
        return tuple(row.path for row in rows_of(self.path, self.tree_of(commit), ["."]) if row.is_submodule)

    def contents(self, commit: str, paths: Sequence[str]) -> dict[str, bytes]:
        """Bytes of files of a commit as stored; what is not there as a file is left out.

        A symbolic link gives the text of its target. Raises RelgateError if there is no such commit.
        """
        return self._contents(commit, paths)

    def contents_through_links(self, commit: str, paths: Sequence[str]) -> dict[str, bytes]:
        """Bytes of files of a commit as a checkout shows them under these paths, links followed."""
        return self._contents(commit, paths, "--follow-symlinks")

    def _contents(self, commit: str, paths: Sequence[str], *options: str) -> dict[str, bytes]:
        asked = list(dict.fromkeys(paths))
        tree = self.tree_of(commit).encode()
        names = [tree + b":" + _inside(path).encode("utf-8", "surrogateescape") for path in asked]
        found = self._objects(names, *options)
        return {
            path: item[1]
            for path, item in zip(asked, found, strict=True)
            if item is not None and item[0] == "blob"
        }

    def _objects(self, names: Sequence[bytes], *options: str) -> list[tuple[str, bytes] | None]:
        """Type and bytes of each object, None for one that is not there."""
        plain = [name for name in names if b"\n" not in name]
        found: dict[bytes, tuple[str, bytes] | None] = {}
        if plain:
            asked = b"".join(name + b"\n" for name in plain)
            out = git(self.path, "cat-file", "--batch", *options, stdin=asked).stdout
            at = 0
            for name in plain:
                end = out.index(b"\n", at)
                header = _BATCH_HEADER.fullmatch(out, at, end)
                at = end + 1
                found[name] = None
                if header:
                    size = int(header[2])
                    found[name] = (header[1].decode(), out[at : at + size])
                    at += size + 1
        for name in set(names) - set(plain):  # the batch reads lines, and this name has several
            kind = git(self.path, "cat-file", "-t", name, ok=(0, 128))
            body = kind.returncode == 0 and git(self.path, "cat-file", kind.stdout.strip(), name).stdout
            found[name] = None if body is False else (kind.stdout.strip().decode(), body)
        return [found[name] for name in names]

    def _verify(self, name: str) -> str:
        run = git(self.path, "rev-parse", "--quiet", "--verify", name, ok=(0, 1, 128))
        return run.stdout.decode().strip() if run.returncode == 0 else ""

    def _peeled(self, rev: str, kind: str) -> str:
        found = self._verify(f"{_checked(rev)}^{{{kind}}}")
        if not found:
            message = (
                f"expected a commit or tag of {self.path}, found nothing named {rev!a}: "
                "type `git tag --list` to see the tags, `git fetch --tags` to get them"
            )
            raise RelgateError(message)
        return found

    def _text(self, *args: str, stdin: bytes = b"") -> str:
        return shown(git(self.path, *args, stdin=stdin).stdout)


def slug_of(url: str) -> str:
    """``owner/name`` of a GitHub-like remote URL, empty for any other form (local paths, subgroups)."""
    if "://" in url:
        try:
            parts = urlsplit(url)
        except ValueError:
            return ""
        path = parts.path if parts.scheme in {"https", "http", "ssh", "git", "git+ssh"} else ""
    else:
        scp = _SCP.fullmatch(url)
        path = scp["path"] if scp else ""
    slug = _SLUG.fullmatch(path)
    if not slug or {slug["owner"], slug["name"]} & {".", ".."}:
        return ""
    return f"{slug['owner']}/{slug['name']}"


def _status_paths(out: bytes) -> Iterable[bytes]:
    """Paths of ``git status --porcelain=v2 -z`` (renames off, so one path a record)."""
    fields = {b"1": 8, b"u": 10, b"?": 1}
    for record in out.split(b"\0"):
        if record[:1] in fields:
            yield record.split(b" ", fields[record[:1]])[-1]


def _listed(out: bytes) -> tuple[str, ...]:
    return tuple(shown(out).split("\0")[:-1])


def _plain(rev: str) -> bool:
    return bool(rev) and not rev.startswith("-") and not _CONTROL.search(rev)


def _checked(rev: str) -> str:
    if not _plain(rev):
        message = f"expected a commit or tag, found {rev!a}: type `git tag --list` to see the tags"
        raise RelgateError(message)
    return rev


def _inside(path: str) -> str:
    """Bring a path to git's form. Raises RelgateError if it is not below the top of the tree."""
    form = PurePosixPath(path)
    if form.is_absolute() or not form.parts or ".." in form.parts or "\0" in path:
        message = f"expected a path below the top of the repository, found {path!a}"
        raise RelgateError(message)
    return str(form)


def _chunks(items: list[bytes], size: int) -> Iterable[list[bytes]]:
    return (items[at : at + size] for at in range(0, len(items), size))
