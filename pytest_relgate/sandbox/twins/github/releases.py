"""Releases: who sees which, which one is the latest, and what a publish does to them."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_relgate.clock import now
from pytest_relgate.sandbox.twins.exchange import Answer
from pytest_relgate.sandbox.twins.github import git_facts
from pytest_relgate.sandbox.twins.github.assets import asset_shape
from pytest_relgate.sandbox.twins.github.call import Access, Problem, Route, not_found
from pytest_relgate.sandbox.twins.github.pages import answer_json, list_page
from pytest_relgate.sandbox.twins.github.release_facts import (
    by_tag,
    latest_of,
    place,
    release_in,
    seen,
    with_release,
)
from pytest_relgate.sandbox.twins.github.shapes import BRANCH, node_id, user
from pytest_relgate.sandbox.world import Release, World

if TYPE_CHECKING:
    from pytest_relgate.sandbox.twins.github.call import Call


def release_shape(call: Call, release: Release) -> dict[str, Any]:
    """A release. ``target_commitish`` is the branch it was made from and says nothing of the tag."""
    url = f"{call.repo}/releases/{release.id}"
    uploads = call.repo.replace("/api/v3/repos/", "/api/uploads/repos/")
    return {
        "url": url,
        "assets_url": f"{url}/assets",
        "upload_url": f"{uploads}/releases/{release.id}/assets{{?name,label}}",
        "html_url": f"{call.page}/releases/tag/{place(release)}",
        "id": release.id,
        "author": user(call, call.owner),
        "node_id": node_id("RE", release.id),
        "tag_name": release.tag,
        "target_commitish": BRANCH,
        "name": release.name,
        "draft": release.draft,
        "immutable": release.immutable,
        "prerelease": release.prerelease,
        "created_at": release.created_at,
        "updated_at": release.published_at or release.created_at,
        "published_at": release.published_at,
        "assets": [asset_shape(call, release, asset) for asset in release.assets],
        "tarball_url": None if release.draft else f"{call.repo}/tarball/{release.tag}",
        "zipball_url": None if release.draft else f"{call.repo}/zipball/{release.tag}",
        "body": release.body,
    }


def _list(call: Call) -> Answer:
    return list_page(call, seen(call), release_shape)


def _one(call: Call) -> Answer:
    return answer_json(release_shape(call, release_in(call)))


def _latest(call: Call) -> Answer:
    found = latest_of(call.world)
    if found is None:
        raise not_found()
    return answer_json(release_shape(call, found))


def _by_tag(call: Call) -> Answer:
    found = by_tag(call.world, call.at["tag"])
    if found is None:
        raise not_found()
    return answer_json(release_shape(call, found))


def _create(call: Call) -> Answer:
    body = call.body()
    tag = _text(body, "tag_name", "")
    if not tag:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "Validation Failed",
            ({"resource": "Release", "code": "missing_field", "field": "tag_name"},),
        )
    draft = _flag(body, "draft")
    commit = _commit_of(call, tag, _text(body, "target_commitish", BRANCH))
    made: list[Release] = []

    def step(world: World) -> World:
        if not draft and by_tag(world, tag):
            raise _taken()
        release = Release(
            id=world.tick + 1,
            tag=tag,
            name=_text(body, "name", tag),
            body=_text(body, "body", ""),
            created_at=git_facts.commit(call.git, commit).committer.date,
            published_at=None if draft else now(),
            draft=draft,
            prerelease=_flag(body, "prerelease"),
        )
        made.append(release)
        return msgspec.structs.replace(world, tick=world.tick + 1, releases=(*world.releases, release))

    world = call.behind.store.change(step)
    if not draft:
        _ensure_tag(call, tag, commit)
    shape = release_shape(replace(call, world=world), made[0])
    return answer_json(shape, HTTPStatus.CREATED, {"location": shape["url"]})


def _update(call: Call) -> Answer:
    body = call.body()
    number = release_in(call).id
    made: list[Release] = []

    def step(world: World) -> World:
        old = next((release for release in world.releases if release.id == number), None)
        if old is None:
            raise not_found()
        draft = _flag(body, "draft", default=old.draft)
        tag = _text(body, "tag_name", old.tag)
        other = by_tag(world, tag)
        if not draft and other is not None and other.id != number:
            raise _taken()
        if old.immutable and tag != old.tag:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "Cannot change the tag of an immutable release")
        changed = msgspec.structs.replace(
            old,
            tag=tag,
            name=_text(body, "name", old.name),
            body=_text(body, "body", old.body),
            draft=draft,
            prerelease=_flag(body, "prerelease", default=old.prerelease),
            published_at=None if draft else old.published_at or now(),
        )
        made.append(changed)
        return with_release(world, changed)

    world = call.behind.store.change(step)
    if not made[0].draft:
        _ensure_tag(call, made[0].tag, _commit_of(call, made[0].tag, BRANCH))
    return answer_json(release_shape(replace(call, world=world), made[0]))


def _delete(call: Call) -> Answer:
    number = release_in(call).id

    def step(world: World) -> World:
        kept = tuple(release for release in world.releases if release.id != number)
        return msgspec.structs.replace(world, releases=kept)

    call.behind.store.change(step)
    return Answer(HTTPStatus.NO_CONTENT)


def _commit_of(call: Call, tag: str, target: str) -> str:
    """Return the commit of a tag, or of what it would be made at. Raises Problem (422) for neither."""
    tags = {ref.name: ref.commit for ref in git_facts.refs(call.git, "refs/tags/")}
    commit = tags.get(f"refs/tags/{tag}") or git_facts.resolve(call.git, target)
    if not commit:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "Validation Failed",
            ({"resource": "Release", "code": "invalid", "field": "target_commitish"},),
        )
    return commit


def _ensure_tag(call: Call, tag: str, commit: str) -> None:
    if not git_facts.refs(call.git, f"refs/tags/{tag}"):
        git_facts.make_tag(call.git, tag, commit)


def _taken() -> Problem:
    errors = ({"resource": "Release", "code": "already_exists", "field": "tag_name"},)
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "Validation Failed", errors)


def _text(body: dict[str, Any], name: str, default: str) -> str:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise _invalid(name, value, "string")
    return value


def _flag(body: dict[str, Any], name: str, *, default: bool = False) -> bool:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise _invalid(name, value, "boolean")
    return value


def _invalid(name: str, value: object, wanted: str) -> Problem:
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, f"Invalid request.\n\nFor '/{name}', {value!r} is not a {wanted}."
    )


_REPO = "/repos/{owner}/{repo}"
_DOCS = "releases/releases#"
ROUTES = (
    Route("GET", f"{_REPO}/releases", _list, f"{_DOCS}list-releases"),
    Route("GET", f"{_REPO}/releases/latest", _latest, f"{_DOCS}get-the-latest-release"),
    Route("GET", f"{_REPO}/releases/tags/{{tag}}", _by_tag, f"{_DOCS}get-a-release-by-tag-name"),
    Route("GET", f"{_REPO}/releases/{{release_id}}", _one, f"{_DOCS}get-a-release"),
    Route("POST", f"{_REPO}/releases", _create, f"{_DOCS}create-a-release", Access.CONTENTS),
    Route("PATCH", f"{_REPO}/releases/{{release_id}}", _update, f"{_DOCS}update-a-release", Access.CONTENTS),
    Route("DELETE", f"{_REPO}/releases/{{release_id}}", _delete, f"{_DOCS}delete-a-release", Access.CONTENTS),
)
