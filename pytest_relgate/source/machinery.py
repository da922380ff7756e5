"""Which files of a repository are its release machinery, and which of them a release changed. SPEC S37.

Machinery are the workflows that build and publish, and whatever their text names in the repository: called
workflows, actions, scripts, and what these name in their turn; files by which packages are made; manifests
and the formula, apart from versions, digests and dependencies; what the profile adds. Documents and lockfiles
are none. What is found too much costs a rehearsal, what is missed could cost a release.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

from pytest_relgate.errors import Finding
from pytest_relgate.source.machinery_unseen import unseen_in
from pytest_relgate.source.manifests import Unreadable
from pytest_relgate.source.mentions import Names, is_document, traversed
from pytest_relgate.source.packaging import MANIFESTS, formula_apart, packaging_of
from pytest_relgate.source.workflow_graph import graph_of
from pytest_relgate.source.workflow_secrets import Uses, uses_of
from pytest_relgate.source.workflows import FOLDER, read_workflow
from pytest_relgate.unrehearsed import Machinery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pytest_relgate.source.git import Repository

PACKAGING: Final = (
    *(".github/actions/", "/action.yml", "/action.yaml"),
    *("MANIFEST.in", "setup.py", "setup.cfg", ".npmrc", ".npmignore", ".yarnrc*", ".pypirc", ".cargo/"),
    *("rust-toolchain", "rust-toolchain.toml", ".nvmrc", ".node-version", ".python-version"),
    ".tool-versions",
)
"""Patterns of what packages are made by, whether or not anything names it."""

_SHOWN: Final = 20


class Tree(Protocol):
    """The files of one commit."""

    @property
    def names(self) -> Sequence[str]:
        """Every path."""

    def read(self, paths: Sequence[str]) -> Mapping[str, bytes]:
        """The bytes of some files; what is not there is left out."""


@dataclass(frozen=True)
class CommitTree:
    """The files of a commit, as git has them."""

    repository: Repository
    commit: str

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every path. Raises RelgateError where there is no such commit."""
        return self.repository.files(self.commit)

    def read(self, paths: Sequence[str]) -> dict[str, bytes]:
        """The bytes of some files."""
        return self.repository.contents(self.commit, paths)


@dataclass(frozen=True)
class Parts:
    """What the machinery of a project begins with, as its profile says.

    ``workflows`` are file names of the build and publish workflows, ``formula`` and ``also`` (patterns, and
    paths as patterns) may be empty; ``publish`` is the one that publishes, ``documents`` count for nothing.
    """

    build: str
    publish: str
    formula: str = ""
    also: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()

    @property
    def workflows(self) -> tuple[str, ...]:
        """The paths of the workflows."""
        return tuple(f"{FOLDER}/{name}" for name in (self.build, self.publish) if name)


def compared(repository: Repository, base: str, commit: str, parts: Parts) -> Machinery:
    """Compare the release machinery of two commits. Raises RelgateError where git cannot be read."""
    changed = repository.changed(base, commit)
    trees = CommitTree(repository, base), CommitTree(repository, commit)
    return compare(changed, *trees, parts, base=base, commit=commit)


def compare(
    changed: Sequence[str], before: Tree, after: Tree, parts: Parts, *, base: str, commit: str
) -> Machinery:
    """Compare the release machinery of two trees; ``changed`` are the paths that differ."""
    from pathspec import GitIgnoreSpec

    if not parts.publish:
        return Machinery(base, commit, doubt="the profile names no workflow under workflows.publish")
    files = files_of(before, parts) | files_of(after, parts)
    specs = [GitIgnoreSpec.from_lines(lines) for lines in (PACKAGING, parts.also)]  # no ! of one for another

    def is_machinery(path: str) -> bool:
        return path in files or any(spec.match_file(path) for spec in specs)

    by_content = [one for one in changed if _has_content(one, parts) and not specs[1].match_file(one)]
    differ, alike, doubt = _sorted_out(changed, before, after, by_content, is_machinery)
    uses, unseen = _credentials(after, parts, files)
    doubt = doubt or unseen
    secrets = {one.secret for one in uses.uses} if uses else set()
    return Machinery(
        base_commit=base,
        commit=commit,
        files=tuple(sorted(files)),
        patterns=(*PACKAGING, *parts.also),
        looked_at=len(changed),
        changed=tuple(islice(differ, _SHOWN)),
        alike=tuple(islice(alike, _SHOWN)),
        secrets=tuple(sorted(secrets)),
        environments=uses.environments if uses else (),
        doubt=doubt,
    )


def files_of(tree: Tree, parts: Parts) -> frozenset[str]:
    """The release workflows of a tree and whatever their text names there, over any number of steps."""
    names = Names(tree.names)
    found = {path for path in parts.workflows if path in names}
    left = sorted(found)
    while left:
        texts = tree.read(left)
        named = {one for path, raw in texts.items() for one in names.named_by(path, raw)}
        fresh = {one for one in named - found if not is_document(one) and one not in parts.documents}
        found |= fresh
        left = sorted(one for one in fresh if traversed(one))
    return frozenset(found)


def _sorted_out(
    changed: Sequence[str],
    before: Tree,
    after: Tree,
    by_content: Sequence[str],
    is_machinery: Callable[[str], bool],
) -> tuple[list[str], list[str], str]:
    """What of the machinery differs, what differs without a change of it, and what cannot be told."""
    old, new = before.read(by_content), after.read(by_content)
    differ: list[str] = []
    alike: list[str] = []
    doubt = ""
    for path in changed:
        if path in by_content:
            try:
                same = path in old and path in new and _apart(path, old[path]) == _apart(path, new[path])
            except Unreadable as error:
                doubt = doubt or error.problem.found
                continue
            (alike if same else differ).append(path)
        elif is_machinery(path):
            differ.append(path)
    return differ, alike, doubt


def _has_content(path: str, parts: Parts) -> bool:
    return path == parts.formula or posixpath.basename(path) in MANIFESTS


def _apart(path: str, raw: bytes) -> str:
    return packaging_of(path, raw) if posixpath.basename(path) in MANIFESTS else formula_apart(raw)


def _credentials(tree: Tree, parts: Parts, files: Iterable[str]) -> tuple[Uses | None, str]:
    """What the jobs of the release workflows read, and what nobody can see of that and of the machinery."""

    def read(path: str) -> bytes | None:
        return tree.read([path]).get(path)

    try:
        graphs = [graph_of(read_workflow(name, read), read) for name in (parts.build, parts.publish) if name]
        uses = uses_of(graphs)
        problem = next((str(problem) for graph in graphs for problem in graph.problems), "")
        return uses, problem or unseen_in(uses, sorted(files), tree.read(sorted(files)))
    except Finding as error:
        return None, str(error)
