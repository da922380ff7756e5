"""Issues, as far as incidents need them: listed with their filters, read, opened, closed and opened again."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_relgate.clock import now
from pytest_relgate.sandbox.twins.github.call import Access, Caller, Problem, Route, not_found
from pytest_relgate.sandbox.twins.github.pages import answer_json, list_page
from pytest_relgate.sandbox.twins.github.shapes import node_id, number_of, user
from pytest_relgate.sandbox.world import Issue

if TYPE_CHECKING:
    from pytest_relgate.sandbox.twins.exchange import Answer
    from pytest_relgate.sandbox.twins.github.call import Call
    from pytest_relgate.sandbox.world import World

_LONGEST_TITLE, _LONGEST_BODY = 256, 65536
_REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "eyes", "rocket")


def _label(call: Call, name: str) -> dict[str, Any]:
    number = number_of(f"label {name}")
    return {
        "id": number,
        "node_id": node_id("LA", number),
        "url": f"{call.repo}/labels/{name}",
        "name": name,
        "color": "ededed",
        "default": False,
        "description": None,
    }


def _shape(call: Call, issue: Issue) -> dict[str, Any]:
    url = f"{call.repo}/issues/{issue.number}"
    return {
        "url": url,
        "repository_url": call.repo,
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": f"{call.page}/issues/{issue.number}",
        "id": issue.id,
        "node_id": node_id("I", issue.id),
        "number": issue.number,
        "title": issue.title,
        "user": user(call, issue.author),
        "labels": [_label(call, name) for name in issue.labels],
        "state": issue.state,
        "locked": False,
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "comments": 0,
        "created_at": issue.created_at,
        "updated_at": issue.updated_at,
        "closed_at": issue.updated_at if issue.state == "closed" else None,
        "author_association": "OWNER",
        "active_lock_reason": None,
        "body": issue.body,
        "closed_by": user(call, issue.author) if issue.state == "closed" else None,
        "reactions": {
            "url": f"{url}/reactions",
            "total_count": 0,
            **dict.fromkeys(_REACTIONS, 0),
        },
        "timeline_url": f"{url}/timeline",
        "performed_via_github_app": None,
        "state_reason": "completed" if issue.state == "closed" else None,
    }


def _list(call: Call) -> Answer:
    """Newest first; open ones unless others are asked for; with all of the labels that are named."""
    request = call.request
    state = request.asked("state", "open")
    wanted = {name.casefold() for name in request.asked("labels").split(",") if name}
    found = [
        issue
        for issue in call.world.issues
        if state in ("all", issue.state) and wanted <= set(map(str.casefold, issue.labels))
    ]
    newest = request.asked("direction", "desc") == "desc"
    return list_page(call, sorted(found, key=lambda one: one.number, reverse=newest), _shape)


def _one(call: Call) -> Answer:
    number = call.number("issue_number")
    found = next((one for one in call.world.issues if one.number == number), None)
    if found is None:
        raise not_found()
    return answer_json(_shape(call, found))


def _invalid(field: str, code: str, message: str = "") -> Problem:
    error = {"resource": "Issue", "field": field, "code": code}
    words = {"message": message} if message else {}
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "Validation Failed", (error | words,))


def _create(call: Call) -> Answer:
    """Open an issue. A label is made where there is none of its name."""
    body = call.body()
    title, text = body.get("title"), body.get("body")
    if not isinstance(title, str | int) or not str(title).strip():
        raise _invalid(field="title", code="missing_field")
    if len(str(title)) > _LONGEST_TITLE:
        raise _invalid(field="title", code="custom", message="title is too long (maximum is 256 characters)")
    if text is not None and len(str(text)) > _LONGEST_BODY:
        raise _invalid(field="body", code="custom", message="body is too long (maximum is 65536 characters)")
    labels = tuple(
        one if isinstance(one, str) else str(one.get("name", "")) for one in body.get("labels") or ()
    )
    if call.caller is Caller.WORKFLOW:  # reads contents here, and so has no push access
        labels = ()
    made: list[Issue] = []

    def step(world: World) -> World:
        moment, number = now(), max((one.number for one in world.issues), default=0) + 1
        issue = Issue(world.tick + 1, number, str(title), text, labels, moment, moment)
        made.append(issue)
        return msgspec.structs.replace(world, tick=world.tick + 1, issues=(*world.issues, issue))

    call.behind.store.change(step)
    shape = _shape(call, made[0])
    return answer_json(shape, HTTPStatus.CREATED, {"location": shape["url"]})


def _update(call: Call) -> Answer:
    number, body = call.number("issue_number"), call.body()
    changed: list[Issue] = []

    def step(world: World) -> World:
        before = next((one for one in world.issues if one.number == number), None)
        if before is None:
            raise not_found()
        after = msgspec.structs.replace(
            before,
            title=body.get("title", before.title),
            body=body.get("body", before.body),
            state=body.get("state", before.state),
            updated_at=now(),
        )
        changed.append(after)
        issues = tuple(after if one is before else one for one in world.issues)
        return msgspec.structs.replace(world, issues=issues)

    call.behind.store.change(step)
    return answer_json(_shape(call, changed[0]))


_REPO = "/repos/{owner}/{repo}/issues"
_ONE = f"{_REPO}/{{issue_number}}"
_DOCS = "issues/issues#"
ROUTES = (
    Route("GET", _REPO, _list, f"{_DOCS}list-repository-issues"),
    Route("GET", _ONE, _one, f"{_DOCS}get-an-issue"),
    Route("POST", _REPO, _create, f"{_DOCS}create-an-issue", Access.TOKEN),
    Route("PATCH", _ONE, _update, f"{_DOCS}update-an-issue", Access.TOKEN),
)
