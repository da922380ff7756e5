"""Assets of releases: what they say of themselves, their bytes, and how they are uploaded."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from pytest_relgate.clock import now
from pytest_relgate.sandbox.twins.exchange import Answer
from pytest_relgate.sandbox.twins.github import release_facts
from pytest_relgate.sandbox.twins.github.call import Access, Problem, Route, not_found
from pytest_relgate.sandbox.twins.github.objects import redirect, signed
from pytest_relgate.sandbox.twins.github.pages import answer_json, list_page
from pytest_relgate.sandbox.twins.github.shapes import node_id, user
from pytest_relgate.sandbox.world import Asset, Release, World

if TYPE_CHECKING:
    from pytest_relgate.sandbox.twins.github.call import Call

_BYTES = "application/octet-stream"
_RENAMED = re.compile(r"[^A-Za-z0-9._~+@-]+")
"""GitHub puts a dot in the place of characters that it does not take in the name of an asset."""


def asset_shape(call: Call, release: Release, asset: Asset) -> dict[str, Any]:
    """One asset. ``digest`` is worked out at the upload, so that a truncated file matches its own."""
    download = f"{call.page}/releases/download/{release_facts.place(release)}/{asset.name}"
    return {
        "url": f"{call.repo}/releases/assets/{asset.id}",
        "id": asset.id,
        "node_id": node_id("RA", asset.id),
        "name": asset.name,
        "label": "",
        "uploader": user(call, call.owner),
        "content_type": asset.content_type,
        "state": asset.state,
        "size": asset.size,
        "digest": asset.digest,
        "download_count": 0,
        "created_at": asset.created_at,
        "updated_at": asset.created_at,
        "browser_download_url": download,
    }


def download(call: Call, asset: Asset) -> Answer:
    """Send the client to where the bytes are."""
    objects = call.behind.objects_url()
    return redirect(signed(objects, asset.blob, name=asset.name, kind=_BYTES, lives=3600))


def _find(call: Call) -> tuple[Release, Asset]:
    number = call.number("asset_id")
    for release in release_facts.seen(call):
        for asset in release.assets:
            if asset.id == number:
                return release, asset
    raise not_found()


def _one(call: Call) -> Answer:
    release, asset = _find(call)
    if _BYTES in call.request.headers.get("accept", ""):
        return download(call, asset)
    return answer_json(asset_shape(call, release, asset))


def _list(call: Call) -> Answer:
    release = release_facts.release_in(call)
    return list_page(call, release.assets, lambda one, asset: asset_shape(one, release, asset))


def _upload(call: Call) -> Answer:
    release = release_facts.release_in(call)
    name = _RENAMED.sub(".", call.request.asked("name"))
    if not name:
        _refuse("missing_field")
    if not call.request.body:
        raise Problem(HTTPStatus.BAD_REQUEST, "Bad Content-Length: ")
    raw, store = call.request.body, call.behind.store
    blob = store.put(raw)
    kind = call.request.headers.get("content-type", _BYTES)
    made: list[Asset] = []

    def step(world: World) -> World:
        current = next((one for one in world.releases if one.id == release.id), None)
        if current is None:
            raise not_found()
        if current.immutable:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "Cannot upload assets to an immutable release.")
        if any(asset.name == name for asset in current.assets):
            _refuse("already_exists")
        digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
        asset = Asset(world.tick + 1, name, blob, len(raw), digest, now(), "uploaded", kind)
        made.append(asset)
        changed = msgspec.structs.replace(current, assets=(*current.assets, asset))
        return msgspec.structs.replace(release_facts.with_release(world, changed), tick=world.tick + 1)

    world = store.change(step)
    return answer_json(asset_shape(replace(call, world=world), release, made[0]), HTTPStatus.CREATED)


def _delete(call: Call) -> Answer:
    release, doomed = _find(call)
    if release.immutable:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "Cannot delete asset from an immutable release")

    def step(world: World) -> World:
        current = next((one for one in world.releases if one.id == release.id), None)
        if current is None:
            raise not_found()
        kept = tuple(asset for asset in current.assets if asset.id != doomed.id)
        return release_facts.with_release(world, msgspec.structs.replace(current, assets=kept))

    call.behind.store.change(step)
    return Answer(HTTPStatus.NO_CONTENT)


def _refuse(code: str) -> NoReturn:
    errors = ({"resource": "ReleaseAsset", "code": code, "field": "name"},)
    raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "Validation Failed", errors)


_REPO = "/repos/{owner}/{repo}/releases"
_DOCS = "releases/assets#"
ROUTES = (
    Route("GET", f"{_REPO}/{{release_id}}/assets", _list, f"{_DOCS}list-release-assets"),
    Route(
        "POST", f"{_REPO}/{{release_id}}/assets", _upload, f"{_DOCS}upload-a-release-asset", Access.CONTENTS
    ),
    Route("GET", f"{_REPO}/assets/{{asset_id}}", _one, f"{_DOCS}get-a-release-asset"),
    Route(
        "DELETE", f"{_REPO}/assets/{{asset_id}}", _delete, f"{_DOCS}delete-a-release-asset", Access.CONTENTS
    ),
)
