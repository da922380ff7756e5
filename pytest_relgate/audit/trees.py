"""The manifests of a project at a tag: of a checkout through git, or through GitHub's API as a stranger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec

from pytest_relgate.audit.draft import manifests_in
from pytest_relgate.errors import RelgateError
from pytest_relgate.github.api import JSON, VERSION
from pytest_relgate.net.exchange import origin_of
from pytest_relgate.net.facts import Absent, Known, Unknown, json_of

if TYPE_CHECKING:
    from pytest_relgate.github.api import Api
    from pytest_relgate.net.facts import Fact
    from pytest_relgate.source.git import Repository

MOST: Final = 10
"""Manifests that are read through the API: it answers strangers 60 questions an hour."""


class Manifests(msgspec.Struct, frozen=True):
    """The manifests of a project at a tag, upper ones first. ``problem`` says why there are none.

    ``commit`` is the tag's, empty where it is not known; ``notes`` are for a person.
    """

    commit: str = ""
    files: dict[str, bytes] = {}
    problem: str = ""
    do: str = ""
    notes: tuple[str, ...] = ()


def of_checkout(repository: Repository, tag: str) -> Manifests:
    """Read them as they are committed at the tag. Raises RelgateError where the checkout has no such tag."""
    commit = next((one.commit for one in repository.tags() if one.name == tag), "")
    if not commit:
        message = (
            f"expected a tag of the checkout, found none named {tag!a} in {repository.path}: "
            "type git fetch --tags, or relgate audit OWNER/NAME TAG"
        )
        raise RelgateError(message)
    paths = manifests_in(repository.files(commit))
    found = repository.contents(commit, paths)
    return Manifests(commit, {path: found[path] for path in paths if path in found})


class _Entry(msgspec.Struct, frozen=True, gc=False):
    path: str
    type: str


class _Tree(msgspec.Struct, frozen=True):
    tree: tuple[_Entry, ...]
    truncated: bool = False


def of_github(api: Api, tag: str) -> Manifests:
    """Read them at the commit of the tag on GitHub: one question for the tree, one for each of them."""
    commit: Fact[str] = api.tag_commit(tag)
    match commit:
        case Absent() as absent:
            words = f"GitHub shows no tag {tag} of {api.repository}: {absent.words}"
            return Manifests(problem=words, do="see whether repository and tag are right, and public")
        case Unknown() as unknown:
            return Manifests(problem=unknown.words, do=unknown.do)
        case Known(value=sha):
            pass
    url = f"{api.base}/repos/{api.repository}/git/trees/{quote(sha)}?recursive=1"
    tree = json_of(
        api.http.get(url, accept=JSON, headers=VERSION, follow=frozenset({origin_of(api.base)})),
        _Tree,
        f"the files of {api.repository} at {tag}",
    )
    if not isinstance(tree, Known):
        return Manifests(sha, problem=tree.words, do=getattr(tree, "do", ""))
    paths = manifests_in(one.path for one in tree.value.tree if one.type == "blob")
    notes = ["GitHub does not list every file of the repository"] if tree.value.truncated else []
    if len(paths) > MOST:
        notes.append(f"{len(paths) - MOST} manifests deeper down were not read")
    found: dict[str, bytes] = {}
    for path in paths[:MOST]:
        fact = api.contents(path, sha)
        if isinstance(fact, Known):
            found[path] = fact.value
        else:
            notes.append(f"{path} could not be read: {fact.words}")
    return Manifests(sha, found, notes=tuple(notes))
