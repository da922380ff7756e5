"""Whether a named person reviewed what changed (SPEC S27): the diff by its digest, and who signed that.

The digest is over what git compares and nothing that settings could change: path, kind and content of each
file at base and commit, as ids of blobs. One more commit to these files is another diff, and another base
is one too, so that a sign-off holds for exactly what was read.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from pytest_relgate.errors import CannotJudge, NotSigned, RelgateError
from pytest_relgate.model import GLOB_SIGNS
from pytest_relgate.source.command import git, shown
from pytest_relgate.source.tree import object_format, tree_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pytest_relgate.model import Review
    from pytest_relgate.source.git import Repository

_SUBMODULE = "160000"
_NAMED = 5  # files that a command to read the diff names; of more it names their folders
_NONE = "signoff.covers() needs a change set of the profile, or a pattern"


class ChangedFile(NamedTuple):
    """One file that differs: its path, and the rest of git's raw line (modes, ids, status)."""

    path: str
    raw: str

    @property
    def is_submodule(self) -> bool:
        """Whether a submodule stands there, at base or commit."""
        return _SUBMODULE in self.raw[:14]


def changed_files(repository: Repository, base: str, commit: str) -> tuple[ChangedFile, ...]:
    """The files that differ between two commits, renames shown as both sides. One git process.

    An empty ``base`` is a first release: everything is new. Raises RelgateError where a commit is missing.
    """
    before = f"{base}^{{tree}}" if base else tree_id((), object_format(commit)).hex()
    options = (
        "-r",
        "-z",
        "--raw",
        "--no-abbrev",
        "--no-renames",
        "--no-ext-diff",
        "--ignore-submodules=none",
    )
    out = git(repository.path, "diff-tree", *options, before, f"{commit}^{{tree}}", "--").stdout
    words = out.split(b"\0")
    return tuple(
        ChangedFile(shown(path), raw.decode()) for raw, path in zip(words[::2], words[1::2], strict=False)
    )


def digest_of(files: Iterable[ChangedFile]) -> str:
    """``sha256:<64 hex>`` over these files, whatever their order."""
    rows = sorted(f"{file.path}\0{file.raw}\n".encode("utf-8", "surrogateescape") for file in files)
    return f"sha256:{hashlib.sha256(b''.join(rows)).hexdigest()}"


def matching(files: Iterable[ChangedFile], lists: Sequence[Sequence[str]]) -> tuple[ChangedFile, ...]:
    """Those of the files that one of the lists of gitignore-style patterns matches.

    A submodule is taken in always: which of its files differ this repository does not know.
    """
    from pathspec import GitIgnoreSpec

    specs = [GitIgnoreSpec.from_lines(patterns) for patterns in lists]
    return tuple(
        file for file in files if file.is_submodule or any(spec.match_file(file.path) for spec in specs)
    )


@dataclass(frozen=True)
class SignOffs:
    """The sign-offs of one gate, as the fixture ``signoff`` gives them.

    ``changes`` and ``tables`` map a change set to its patterns; here every byte of a file counts, in both.
    ``base`` and ``base_commit`` are empty in a first release; ``file`` is where sign-offs stand, as a person
    would type it. ``signed`` is told of each digest that a sign-off was found for.
    """

    gate: str
    repository: Repository
    base: str
    base_commit: str
    commit: str
    changes: Mapping[str, tuple[str, ...]]
    reviews: tuple[Review, ...]
    file: str
    signed: Callable[[str], None]
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def covers(self, *sets_or_globs: str) -> bool:
        """Whether a named person reviewed what changed in these change sets, or matches these patterns.

        True where nothing changed there. Raises NotSigned for a diff that nobody signed, with the entry to
        paste; CannotJudge where git cannot compare, and for a name or a pattern that no file can ever match:
        a slip of the pen must not be taken for "nothing changed".
        """
        lists = self._lists(sets_or_globs)
        try:
            files = matching(changed_files(self.repository, self.base_commit, self.commit), lists)
            if not files:
                return self._looked_at_something(lists)
        except RelgateError as error:
            raise CannotJudge(str(error), do="fetch the base: git fetch --tags --unshallow") from None
        digest = digest_of(files)
        mine = [review for review in self.reviews if review.gate == self.gate]
        if any(review.diff == digest for review in mine):
            self.signed(digest)
            return True
        msg = f"{self._missing(files, ' and '.join(sets_or_globs), mine)}\n{self._entry(digest)}"
        raise NotSigned(
            msg,
            diff=digest,
            where=files[0].path,
            do=f"read {self._to_read(files)}; a named person then commits this entry to {self.file}",
        )

    def _lists(self, sets_or_globs: Sequence[str]) -> list[tuple[str, ...]]:
        """What was asked for, read as ``when_changed`` reads it: the patterns of a call make one list."""
        known = (self.changes, self.tables)
        patterns = tuple(name for name in sets_or_globs if not any(name in table for table in known))
        if odd := [name for name in patterns if GLOB_SIGNS.isdisjoint(name)]:
            names = ", ".join({**self.changes, **self.tables}) or "nothing yet"
            message = f"signoff.covers({odd[0]!r}): the profile's [changes] holds {names}"
            raise CannotJudge(message, do=f"name a change set, or a pattern as in {odd[0] + '/'!r}")
        lists = [table[name] for name in sets_or_globs for table in known if name in table]
        if patterns:
            lists.append(patterns)
        if not lists:
            raise CannotJudge(_NONE, do='name it, as in signoff.covers("server")')
        return lists

    def _looked_at_something(self, lists: Sequence[Sequence[str]]) -> bool:
        """Nothing changed. That says something of a list that matches a file, and nothing of another one."""
        from pathspec import GitIgnoreSpec

        files = self.repository.files(self.commit)  # as at the base, as far as a list matches
        for patterns in lists:
            if any(GitIgnoreSpec.from_lines(patterns).match_files(files)):
                continue
            if self.repository.submodules(self.commit):
                continue  # what is in one this repository does not know
            message = f"signoff.covers(): {' '.join(patterns)} matches no file at base or commit"
            raise CannotJudge(message, do="mend the pattern, or take it out")
        return True

    def _missing(self, files: Sequence[ChangedFile], what: str, mine: Sequence[Review]) -> str:
        since = f"since {self.base}" if self.base else "in this first release"
        count = f"{len(files)} file{'s' if len(files) > 1 else ''}, {files[0].path}"
        others = ", ".join(dict.fromkeys(review.person for review in mine))
        if others:
            return f"what {others} reviewed of {what} is another diff than the one {since} ({count})"
        return f"nobody signed off what changed in {what} {since} ({count})"

    def _entry(self, digest: str) -> str:
        """The sign-off in TOML, without a space that a terminal could break it at."""
        return f'[[review]]\ngate="{self.gate}"\ndiff="{digest}"\nperson="..."\nreason="..."'

    def _to_read(self, files: Sequence[ChangedFile]) -> str:
        before = self.base or tree_id((), object_format(self.commit)).hex()
        paths = [file.path for file in files]
        if len(paths) > _NAMED:
            paths = sorted({os.path.dirname(path) or path for path in paths})  # noqa: PTH120  (a path in git)
        return shlex.join(["git", "diff", before, self.commit[:12], "--", *paths[:_NAMED]])
