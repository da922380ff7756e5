"""Refs and objects of git, as they are: tags that are objects of their own are not peeled here."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from pytest_relgate.sandbox.twins.github import git_facts
from pytest_relgate.sandbox.twins.github.call import Route, not_found
from pytest_relgate.sandbox.twins.github.pages import answer_json, list_page
from pytest_relgate.sandbox.twins.github.shapes import node_id

if TYPE_CHECKING:
    from pytest_relgate.sandbox.twins.exchange import Answer
    from pytest_relgate.sandbox.twins.github.call import Call
    from pytest_relgate.sandbox.twins.github.git_facts import Entry, Person, Ref

UNSIGNED = {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}


def person_shape(person: Person) -> dict[str, str]:
    """Who, as git has it: no user of GitHub."""
    return {"name": person.name, "email": person.email, "date": person.date}


def _ref_shape(call: Call, ref: Ref) -> dict[str, Any]:
    return {
        "ref": ref.name,
        "node_id": node_id("REF", ref.name),
        "url": f"{call.repo}/git/{ref.name}",
        "object": {"sha": ref.sha, "type": ref.kind, "url": f"{call.repo}/git/{ref.kind}s/{ref.sha}"},
    }


def _ref(call: Call) -> Answer:
    name = f"refs/{call.at['ref']}"
    found = next((ref for ref in git_facts.refs(call.git, name) if ref.name == name), None)
    if found is None:
        raise not_found()
    return answer_json(_ref_shape(call, found))


def _matching(call: Call) -> Answer:
    return list_page(call, git_facts.refs(call.git, f"refs/{call.at['ref']}"), _ref_shape)


def _object(call: Call, value: str, kind: str) -> str:
    sha = call.at[value]
    if git_facts.kind_of(call.git, sha) != kind:
        raise not_found()
    return sha


def _tag(call: Call) -> Answer:
    """An annotated tag. A light one is no object: its commit is not found here."""
    tag = git_facts.tag(call.git, _object(call, "tag_sha", "tag"))
    return answer_json(
        {
            "node_id": node_id("TA", tag.sha),
            "sha": tag.sha,
            "url": f"{call.repo}/git/tags/{tag.sha}",
            "tagger": person_shape(tag.tagger),
            "object": {
                "sha": tag.target,
                "type": tag.kind,
                "url": f"{call.repo}/git/{tag.kind}s/{tag.target}",
            },
            "tag": tag.name,
            "message": tag.message,
            "verification": UNSIGNED,
        }
    )


def _commit(call: Call) -> Answer:
    commit = git_facts.commit(call.git, _object(call, "commit_sha", "commit"))
    at = f"{call.repo}/git"
    return answer_json(
        {
            "sha": commit.sha,
            "node_id": node_id("C", commit.sha),
            "url": f"{at}/commits/{commit.sha}",
            "html_url": f"{call.page}/commit/{commit.sha}",
            "author": person_shape(commit.author),
            "committer": person_shape(commit.committer),
            "tree": {"sha": commit.tree, "url": f"{at}/trees/{commit.tree}"},
            "message": commit.message,
            "parents": [
                {"sha": sha, "url": f"{at}/commits/{sha}", "html_url": f"{call.page}/commit/{sha}"}
                for sha in commit.parents
            ],
            "verification": UNSIGNED,
        }
    )


def _tree(call: Call) -> Answer:
    """A tree; GitHub takes a commit's id and a ref's name for its tree as well."""
    asked = call.at["tree_sha"]
    if git_facts.kind_of(call.git, asked) == "tree":
        sha = asked
    else:
        commit = git_facts.resolve(call.git, asked)
        if commit is None:
            raise not_found()
        sha = git_facts.commit(call.git, commit).tree
    found = git_facts.entries(call.git, sha, deep="recursive" in call.request.query)
    return answer_json(
        {
            "sha": sha,
            "url": f"{call.repo}/git/trees/{sha}",
            "tree": [_entry_shape(call, entry) for entry in found],
            "truncated": False,
        }
    )


def _entry_shape(call: Call, entry: Entry) -> dict[str, Any]:
    shape = {"path": entry.path, "mode": entry.mode, "type": entry.kind, "sha": entry.sha}
    size = {} if entry.size is None else {"size": entry.size}
    return shape | size | {"url": f"{call.repo}/git/{entry.kind}s/{entry.sha}"}


def _blob(call: Call) -> Answer:
    sha = _object(call, "file_sha", "blob")
    raw = git_facts.blob(call.git, sha)
    return answer_json(
        {
            "sha": sha,
            "node_id": node_id("B", sha),
            "size": len(raw),
            "url": f"{call.repo}/git/blobs/{sha}",
            "content": base64.encodebytes(raw).decode(),
            "encoding": "base64",
        }
    )


_GIT = "/repos/{owner}/{repo}/git"
ROUTES = (
    Route("GET", f"{_GIT}/ref/{{ref}}", _ref, "git/refs#get-a-reference"),
    Route("GET", f"{_GIT}/matching-refs/{{ref}}", _matching, "git/refs#list-matching-references"),
    Route("GET", f"{_GIT}/tags/{{tag_sha}}", _tag, "git/tags#get-a-tag"),
    Route("GET", f"{_GIT}/commits/{{commit_sha}}", _commit, "git/commits#get-a-commit-object"),
    Route("GET", f"{_GIT}/trees/{{tree_sha}}", _tree, "git/trees#get-a-tree"),
    Route("GET", f"{_GIT}/blobs/{{file_sha}}", _blob, "git/blobs#get-a-blob"),
)
