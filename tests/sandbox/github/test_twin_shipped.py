"""The sandbox's own world through the twin: every link that it gives out leads somewhere, as described."""

from __future__ import annotations

import hashlib
import json
import os
import re
import urllib.request
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from github_contract import Watch
from github_description import description
from pytest_relgate.github.api import Api
from pytest_relgate.net.facts import Absent, Known
from pytest_relgate.net.http import Http
from pytest_relgate.net.request import Credential
from pytest_relgate.sandbox.box import Box, open_box
from pytest_relgate.sandbox.twins.github import twin as twin_room
from pytest_relgate.sandbox.twins.github.router import Router

if TYPE_CHECKING:
    from collections.abc import Iterator

REPO = "/repos/sandover/plasmite"
STARTS = ("/", REPO, *(f"{REPO}/{rest}" for rest in (
    "releases", "tags", "branches", "commits", "actions/runs", "actions/workflows", "actions/artifacts",
    "environments", "actions/secrets", "contents/", "commits/main/check-runs", "commits/main/check-suites",
)), "/repos/sandover/homebrew-tap/contents/Formula/plasmite.rb")  # fmt: skip
OF_EACH = 2
"""Addresses that are followed for each operation."""


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory, watch: Watch) -> Iterator[Box]:
    environ = {**os.environ, "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}
    made = open_box(tmp_path_factory.mktemp("checkout"), (), environ, seen=watch)
    made.aim("v0.1.10")
    yield made
    made.close()
    watch.check()


@pytest.fixture
def api(box: Box) -> Iterator[Api]:
    with Http((Credential(box.origins.github_api, "Bearer ghp_person"),)) as http:
        yield Api(http, box.origins.github_api, "sandover/plasmite")


def get(address: str) -> Any:
    headers = {"user-agent": "test", "authorization": "Bearer ghp_person"}
    opener = urllib.request.build_opener(_Stay(), urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(address, headers=headers)) as reply:
        raw = reply.read()
    return json.loads(raw) if raw.startswith((b"{", b"[")) else None


class _Stay(urllib.request.HTTPRedirectHandler):
    """Takes a redirect for an answer: storage refuses a token."""

    def http_error_302(self, _request: Any, reply: Any, *_: Any) -> Any:
        return reply


def links(document: Any) -> Iterator[str]:
    match document:
        case dict():
            for value in document.values():
                yield from links(value)
        case list():
            for value in document:
                yield from links(value)
        case str() if document.startswith("http") and "{" not in document:
            yield document


def test_every_link_leads_to_an_answer(box: Box, watch: Watch) -> None:
    base = box.origins.github_api
    router = Router(route for room in twin_room._ROOMS for route in room.ROUTES)
    ahead = [base + start for start in STARTS]
    followed: dict[str, int] = {}
    known = set(ahead)
    for address in ahead:  # it grows meanwhile
        found = router.find("GET", re.sub(r"[?#].*", "", address.removeprefix(base)))
        if found is None or followed.get(found[0].template, 0) >= OF_EACH:
            continue
        followed[found[0].template] = followed.get(found[0].template, 0) + 1
        for link in links(get(address)):
            if link.startswith(base) and link not in known:
                known.add(link)
                ahead.append(link)
    answered = {template for _, template, status in watch.seen if status in (200, 302)}
    assert len(answered) >= 30
    assert answered >= {template for template in followed if description().operation("get", template)}


def known(fact: Any) -> Any:
    assert isinstance(fact, Known), fact
    return fact.value


def test_our_own_client_finds_what_is_there(api: Api) -> None:
    assert known(api.facts()).default_branch == "main"
    commit = known(api.tag_commit("v0.1.8"))
    assert known(api.commit(commit)).sha == commit
    assert b'version = "0.1.8"' in known(api.contents("Cargo.toml", commit))
    release = known(api.release("v0.1.9"))
    assert release.tag_name == "v0.1.9"
    assert known(api.asset_bytes(release.assets[0].url, "an asset"))
    assert isinstance(api.release("v0.1.10"), Absent)
    run = known(api.runs("release.yml", known(api.tag_commit("v0.1.9"))))[0]
    jobs = known(api.jobs(run.id))
    assert {job.conclusion for job in jobs} == {"success"}
    assert known(api.job_log(jobs[0].id))
    artifacts = [one for one in known(api.artifacts(run.id)) if not one.expired]
    archive = BytesIO()
    digest = known(api.archive(artifacts[0], into=archive))
    assert archive.getvalue().startswith(b"PK")
    assert digest == artifacts[0].digest == f"sha256:{hashlib.sha256(archive.getvalue()).hexdigest()}"
    levels = api.secrets()
    assert "NPM_TOKEN" in levels.shared
    assert levels.unread == {}
