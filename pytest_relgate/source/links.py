"""Where symbolic links of a commit lead, worked out in the commit and not on a disk."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from pytest_relgate.source.as_committed import rows_of

if TYPE_CHECKING:
    from pytest_relgate.source.git import Repository

_LINKS = 40  # as many as Linux follows


def real_path(repository: Repository, commit: str, path: str) -> str:
    """The path of a commit that another one leads to through links.

    Empty where they lead out of the repository, to nothing, or round in circles; ``.`` is the top.
    """
    for _ in range(_LINKS):
        parts = path.split("/")
        heads = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        links = {head: text for head in heads if (text := _target(repository, commit, head))}
        first = next(iter(links), "")
        if not first:
            return path if path == "." or repository.files(commit, path) else ""
        target = links[first]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(first), target, path[len(first) + 1 :]))
        if path.startswith(("/", "../")) or path == "..":
            return ""
    return ""


def _target(repository: Repository, commit: str, path: str) -> str:
    """The text of a link; empty for anything else."""
    if path == ".":
        return ""
    rows = rows_of(repository.path, commit, [path])
    if len(rows) != 1 or rows[0].path != path or not rows[0].is_link:
        return ""
    return repository.contents(commit, [path])[path].decode("utf-8", "surrogateescape")
