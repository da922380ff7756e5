"""The pages of the browser's host that programs use: downloads of assets, and files as they are."""

from __future__ import annotations

import urllib.parse
from http import HTTPStatus
from typing import TYPE_CHECKING

from pytest_relgate.sandbox.twins.exchange import Answer
from pytest_relgate.sandbox.twins.github.assets import download
from pytest_relgate.sandbox.twins.github.call import Route, not_found
from pytest_relgate.sandbox.twins.github.contents import raw_file
from pytest_relgate.sandbox.twins.github.objects import redirect
from pytest_relgate.sandbox.twins.github.release_facts import by_tag, latest_of

if TYPE_CHECKING:
    from pytest_relgate.sandbox.twins.github.call import Call


def _download(call: Call) -> Answer:
    """An asset of a published release: no token is asked for, and none helps to see a draft."""
    release = by_tag(call.world, call.at["tag"])
    assets = release.assets if release else ()
    found = next((a for a in assets if a.name == call.at["name"] and a.state == "uploaded"), None)
    if found is None:
        raise not_found()
    return download(call, found)


def _latest_download(call: Call) -> Answer:
    release = latest_of(call.world)
    if release is None:
        raise not_found()
    tag, name = urllib.parse.quote(release.tag), urllib.parse.quote(call.at["name"])
    return redirect(f"{call.page}/releases/download/{tag}/{name}")


def _latest(call: Call) -> Answer:
    release = latest_of(call.world)
    where = f"/tag/{urllib.parse.quote(release.tag)}" if release else ""
    return redirect(f"{call.page}/releases{where}")


def _tag_page(call: Call) -> Answer:
    release = by_tag(call.world, call.at["tag"])
    if release is None:
        raise not_found()
    text = f"<!DOCTYPE html><title>Release {release.name}</title>"
    return Answer(HTTPStatus.OK, text.encode(), {"content-type": "text/html; charset=utf-8"})


WEB = "/{owner}/{repo}"
ROUTES = (
    Route("GET", f"{WEB}/releases/download/{{tag}}/{{name}}", _download, ""),
    Route("GET", f"{WEB}/releases/latest/download/{{name}}", _latest_download, ""),
    Route("GET", f"{WEB}/releases/latest", _latest, ""),
    Route("GET", f"{WEB}/releases/tag/{{tag}}", _tag_page, ""),
    Route("GET", f"{WEB}/raw/{{ref}}/{{path}}", raw_file, ""),
)
