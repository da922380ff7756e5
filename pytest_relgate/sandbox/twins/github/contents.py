"""Files and folders at a ref: as JSON, as they are, or as an object."""

from __future__ import annotations

import base64
import mimetypes
import urllib.parse
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from pytest_relgate.sandbox.twins.exchange import Answer
from pytest_relgate.sandbox.twins.github import git_facts
from pytest_relgate.sandbox.twins.github.call import Problem, Route, not_found
from pytest_relgate.sandbox.twins.github.pages import answer_json
from pytest_relgate.sandbox.twins.github.shapes import BRANCH

if TYPE_CHECKING:
    from pytest_relgate.sandbox.twins.github.call import Call
    from pytest_relgate.sandbox.twins.github.git_facts import Entry

LARGEST = 1024 * 1024
"""Bytes up to which a file's content stands in the JSON; a larger one is to be asked for raw."""

_LINK = "120000"
_KINDS = {"blob": "file", "tree": "dir", "commit": "submodule"}


def _contents(call: Call) -> Answer:
    ref = call.request.asked("ref") or BRANCH
    commit = git_facts.resolve(call.git, ref)
    if commit is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"No commit found for the ref {ref}")
    accept = call.request.headers.get("accept", "")
    path = call.at["path"].strip("/")
    found = entry_at(call, commit, path)
    if found is not None and found.kind == "blob":
        return _file(call, found, ref, accept)
    below = git_facts.entries(call.git, commit, f"{path}/" if path else "")
    listed = [_entry_shape(call, entry, ref) for entry in below]
    if ".object" in accept:
        tree = found.sha if found else git_facts.commit(call.git, commit).tree
        folder = git_facts.Entry("040000", "tree", tree, None, path)
        whole = _entry_shape(call, folder, ref) | {"entries": listed}
        answer = answer_json(whole)
        return Answer(answer.status, answer.body, {"content-type": _media("object")})
    return answer_json(listed)


def entry_at(call: Call, commit: str, path: str) -> Entry | None:
    """Return what stands at a path; None for the top. Raises Problem (404) where nothing does."""
    if not path:
        return None
    found = next((one for one in git_facts.entries(call.git, commit, path) if one.path == path), None)
    if found is None:
        raise not_found()
    return found


def _file(call: Call, entry: Entry, ref: str, accept: str) -> Answer:
    raw = git_facts.blob(call.git, entry.sha)
    if ".raw" in accept:
        return Answer(HTTPStatus.OK, raw, {"content-type": _media("raw")})
    shape = _entry_shape(call, entry, ref)
    if entry.mode == _LINK:
        return answer_json(shape | {"target": raw.decode("utf-8", "replace")})
    small = len(raw) <= LARGEST
    content = base64.encodebytes(raw).decode() if small else ""
    return answer_json(shape | {"content": content, "encoding": "base64" if small else "none"})


def _media(form: str) -> str:
    return f"application/vnd.github.{form}+json; charset=utf-8"


def _entry_shape(call: Call, entry: Entry, ref: str) -> dict[str, Any]:
    spelt, at = urllib.parse.quote(entry.path), urllib.parse.quote(ref, safe="")
    url = f"{call.repo}/contents/{spelt}?ref={at}"
    word = "tree" if entry.kind == "tree" else "blob"
    git = f"{call.repo}/git/{word}s/{entry.sha}"
    html = f"{call.page}/{word}/{at}/{spelt}"
    return {
        "name": PurePosixPath(entry.path).name,
        "path": entry.path,
        "sha": entry.sha,
        "size": entry.size or 0,
        "url": url,
        "html_url": html,
        "git_url": git,
        "download_url": None if entry.kind == "tree" else f"{call.page}/raw/{at}/{spelt}",
        "type": "symlink" if entry.mode == _LINK else _KINDS[entry.kind],
        "_links": {"self": url, "git": git, "html": html},
    }


def raw_file(call: Call) -> Answer:
    """A file as the raw host serves it: cached for minutes, also when the branch has moved on."""
    commit = git_facts.resolve(call.git, call.at["ref"])
    if commit is None:
        raise not_found()
    found = entry_at(call, commit, call.at["path"])
    if found is None or found.kind != "blob":
        raise not_found()
    kind = mimetypes.guess_type(found.path)[0] or "text/plain"
    headers = {"content-type": f"{kind}; charset=utf-8", "cache-control": "max-age=300"}
    return Answer(HTTPStatus.OK, git_facts.blob(call.git, found.sha), headers)


ROUTES = (
    Route("GET", "/repos/{owner}/{repo}/contents/{path}", _contents, "repos/contents#get-repository-content"),
)
