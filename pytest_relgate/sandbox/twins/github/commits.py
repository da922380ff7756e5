"""Commits, branches and tags as people see them, and the comparison of two commits."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pytest_relgate.sandbox.twins.exchange import Answer
from pytest_relgate.sandbox.twins.github import git_facts
from pytest_relgate.sandbox.twins.github.call import Problem, Route, not_found
from pytest_relgate.sandbox.twins.github.git_data import UNSIGNED, person_shape
from pytest_relgate.sandbox.twins.github.pages import answer_json, list_page, page_of
from pytest_relgate.sandbox.twins.github.shapes import BRANCH, node_id

if TYPE_CHECKING:
    from pytest_relgate.sandbox.twins.github.call import Call
    from pytest_relgate.sandbox.twins.github.git_facts import Change, Ref

_SHA_ONLY = "application/vnd.github.sha"


def commit_shape(call: Call, sha: str) -> dict[str, Any]:
    """A commit without its files. Its people are no users of GitHub, so both are null."""
    commit = git_facts.commit(call.git, sha)
    url, page = f"{call.repo}/commits", f"{call.page}/commit"
    return {
        "sha": sha,
        "node_id": node_id("C", sha),
        "commit": {
            "author": person_shape(commit.author),
            "committer": person_shape(commit.committer),
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": f"{call.repo}/git/trees/{commit.tree}"},
            "url": f"{call.repo}/git/commits/{sha}",
            "comment_count": 0,
            "verification": UNSIGNED,
        },
        "url": f"{url}/{sha}",
        "html_url": f"{page}/{sha}",
        "comments_url": f"{url}/{sha}/comments",
        "author": None,
        "committer": None,
        "parents": [
            {"sha": parent, "url": f"{url}/{parent}", "html_url": f"{page}/{parent}"}
            for parent in commit.parents
        ],
    }


def _change_shape(call: Call, head: str, change: Change) -> dict[str, Any]:
    return {
        "sha": change.sha,
        "filename": change.path,
        "status": change.status,
        "additions": change.additions,
        "deletions": change.deletions,
        "changes": change.additions + change.deletions,
        "blob_url": f"{call.page}/blob/{head}/{change.path}",
        "raw_url": f"{call.page}/raw/{head}/{change.path}",
        "contents_url": f"{call.repo}/contents/{change.path}?ref={head}",
    }


def _commit_of(call: Call, ref: str) -> str:
    sha = git_facts.resolve(call.git, ref)
    if sha is None:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"No commit found for SHA: {ref}")
    return sha


def _one(call: Call) -> Answer:
    sha = _commit_of(call, call.at["ref"])
    if _SHA_ONLY in call.request.headers.get("accept", ""):
        return Answer(HTTPStatus.OK, sha.encode(), {"content-type": f"{_SHA_ONLY}; charset=utf-8"})
    parents = git_facts.commit(call.git, sha).parents
    changed = git_facts.changes(call.git, parents[0] if parents else "", sha)
    added, removed = sum(one.additions for one in changed), sum(one.deletions for one in changed)
    cut, headers = page_of(call, changed)
    facts = {
        "stats": {"total": added + removed, "additions": added, "deletions": removed},
        "files": [_change_shape(call, sha, change) for change in cut],
    }
    return answer_json(commit_shape(call, sha) | facts, headers=headers)


def _list(call: Call) -> Answer:
    ref = call.request.asked("sha") or BRANCH
    sha = git_facts.resolve(call.git, ref)
    if sha is None:
        raise not_found()
    found = git_facts.newest(call.git, sha, call.request.asked("path"))
    return list_page(call, found, commit_shape)


def _tag_shape(call: Call, ref: Ref) -> dict[str, Any]:
    name = ref.name.removeprefix("refs/tags/")
    return {
        "name": name,
        "zipball_url": f"{call.repo}/zipball/{ref.name}",
        "tarball_url": f"{call.repo}/tarball/{ref.name}",
        "commit": {"sha": ref.commit, "url": f"{call.repo}/commits/{ref.commit}"},
        "node_id": node_id("REF", ref.name),
    }


def _tags(call: Call) -> Answer:
    return list_page(call, git_facts.refs(call.git, "refs/tags/")[::-1], _tag_shape)


def _branch_shape(call: Call, ref: Ref) -> dict[str, Any]:
    name = ref.name.removeprefix("refs/heads/")
    return {
        "name": name,
        "commit": {"sha": ref.sha, "url": f"{call.repo}/commits/{ref.sha}"},
        "protected": False,
    }


def _branches(call: Call) -> Answer:
    return list_page(call, git_facts.refs(call.git, "refs/heads/"), _branch_shape)


def _branch(call: Call) -> Answer:
    name = call.at["branch"]
    found = {ref.name: ref.sha for ref in git_facts.refs(call.git, "refs/heads/")}
    sha = found.get(f"refs/heads/{name}")
    if sha is None:
        raise Problem(HTTPStatus.NOT_FOUND, "Branch not found")
    url = f"{call.repo}/branches/{name}"
    checks = {"enforcement_level": "off", "contexts": [], "checks": []}
    return answer_json(
        {
            "name": name,
            "commit": commit_shape(call, sha),
            "_links": {"self": url, "html": f"{call.page}/tree/{name}"},
            "protected": False,
            "protection": {"enabled": False, "required_status_checks": checks},
            "protection_url": f"{url}/protection",
        }
    )


def _compare(call: Call) -> Answer:
    first, dots, second = call.at["basehead"].partition("...")
    base, head = git_facts.resolve(call.git, first), git_facts.resolve(call.git, second)
    if not dots or base is None or head is None:
        raise not_found()
    common = git_facts.merge_base(call.git, base, head)
    if not common:
        raise Problem(HTTPStatus.NOT_FOUND, f"No common ancestor between {first} and {second}.")
    ahead, behind = git_facts.between(call.git, base, head), git_facts.between(call.git, head, base)
    page = f"{call.page}/compare/{first}...{second}"
    cut, headers = page_of(call, ahead)
    document = {
        "url": f"{call.repo}/compare/{first}...{second}",
        "html_url": page,
        "permalink_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "base_commit": commit_shape(call, base),
        "merge_base_commit": commit_shape(call, common),
        "status": _relation(bool(ahead), bool(behind)),
        "ahead_by": len(ahead),
        "behind_by": len(behind),
        "total_commits": len(ahead),
        "commits": [commit_shape(call, sha) for sha in cut],
        "files": [_change_shape(call, head, one) for one in git_facts.changes(call.git, common, head)],
    }
    return answer_json(document, headers=headers)


def _relation(ahead: bool, behind: bool) -> str:  # noqa: FBT001  (the two facts are all there is)
    match ahead, behind:
        case True, True:
            return "diverged"
        case True, False:
            return "ahead"
        case False, True:
            return "behind"
        case _:
            return "identical"


_REPO = "/repos/{owner}/{repo}"
ROUTES = (
    Route("GET", f"{_REPO}/commits", _list, "commits/commits#list-commits"),
    Route("GET", f"{_REPO}/commits/{{ref}}", _one, "commits/commits#get-a-commit"),
    Route("GET", f"{_REPO}/compare/{{basehead}}", _compare, "commits/commits#compare-two-commits"),
    Route("GET", f"{_REPO}/tags", _tags, "repos/repos#list-repository-tags"),
    Route("GET", f"{_REPO}/branches", _branches, "branches/branches#list-branches"),
    Route("GET", f"{_REPO}/branches/{{branch}}", _branch, "branches/branches#get-a-branch"),
)
