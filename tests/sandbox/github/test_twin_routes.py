"""Every operation of the twin is one of GitHub's, and answers as it is described."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from github_contract import EXCEPTIONS, MEDIA, UNDESCRIBED
from github_description import description
from pytest_relgate.sandbox.twins.github import twin as twin_room
from pytest_relgate.sandbox.twins.github import web

if TYPE_CHECKING:
    from conftest import Hub
    from pytest_relgate.sandbox.twins.github.call import Route

ROUTES = [
    route
    for room in twin_room._ROOMS
    if room is not web
    for route in room.ROUTES
    if route.template != "/graphql"
]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.template}")
def test_an_operation_is_described_under_the_same_address(route: Route) -> None:
    operation = description()._document["paths"][route.template][route.method.lower()]
    assert operation["externalDocs"]["url"].removeprefix("https://docs.github.com/rest/") == route.docs


R = "/repos/sandover/plasmite"
READS = (
    "/",
    "/meta",
    "/user",
    "/rate_limit",
    "/orgs/sandover/actions/secrets",
    *(
        R + rest
        for rest in (
            "",
            "/releases",
            "/releases/latest",
            "/releases/tags/v0.1.9",
            "/releases/9",
            "/releases/9/assets",
            "/releases/assets/100",
            "/tags",
            "/branches",
            "/branches/main",
            "/commits",
            "/commits?path=Cargo.toml&sha=v0.1.3",
            "/commits/main",
            "/commits/v0.1.0",
            "/commits/main/check-runs",
            "/commits/main/check-suites",
            "/commits/main/status",
            "/issues",
            "/issues?labels=release-incident&state=all&per_page=1",
            "/issues/1",
            "/check-runs/501",
            "/check-runs/501/annotations",
            "/check-suites/7000000500",
            "/compare/v0.1.8...v0.1.9",
            "/contents",
            "/contents/Cargo.toml",
            "/contents/.github/workflows?ref=v0.1.9",
            "/git/ref/tags/v0.1.8",
            "/git/ref/heads/main",
            "/git/matching-refs/tags/v0.1",
            "/git/trees/main?recursive=1",
            "/actions/workflows",
            "/actions/workflows/release.yml",
            "/actions/workflows/release.yml/runs",
            "/actions/runs",
            "/actions/runs/500",
            "/actions/runs/500/attempts/1",
            "/actions/runs/500/attempts/1/jobs",
            "/actions/runs/500/jobs",
            "/actions/runs/500/artifacts",
            "/actions/runs/530/pending_deployments",
            "/actions/jobs/501",
            "/actions/jobs/523",
            "/actions/artifacts",
            "/actions/artifacts/503",
            "/actions/secrets",
            "/actions/secrets/NPM_TOKEN",
            "/actions/organization-secrets",
            "/environments",
            "/environments/release",
            "/environments/release/secrets",
        )
    ),
)


@pytest.mark.parametrize("address", READS)
def test_a_read_is_answered_as_described(hub: Hub, address: str) -> None:
    assert hub.get(address).status == 200
    assert hub.get(f"/api/v3{address}").status == 200


def test_every_read_has_been_tried(hub: Hub) -> None:
    by_other_means = {  # ids that come from git, redirects: tests of their own
        f"/repos/{{owner}}/{{repo}}/{rest}"
        for rest in (
            "git/tags/{tag_sha}",
            "git/commits/{commit_sha}",
            "git/blobs/{file_sha}",
            "actions/jobs/{job_id}/logs",
            "actions/runs/{run_id}/logs",
            "actions/runs/{run_id}/attempts/{attempt_number}/logs",
            "actions/artifacts/{artifact_id}/{archive_format}",
            "attestations/{subject_digest}",
        )
    }
    for address in READS:
        hub.get(address)
    tried = {template for method, template, status in hub.twin.seen if status == 200}
    reads = {route.template for route in ROUTES if route.method == "GET"} | {"/rate_limit"}
    assert reads - tried == by_other_means


def test_each_row_that_excuses_the_twin_is_needed(own_hub: Hub) -> None:
    hub = own_hub
    hub.get("/api/v3/meta")
    hub.get(f"{R}/attestations/sha256:{'ab' * 32}")
    hub.get(f"{R}/attestations/banana")
    hub.get(f"{R}/contents/Cargo.toml", accept="application/vnd.github.raw+json")
    hub.get(f"{R}/commits/main", accept="application/vnd.github.sha")
    for rest in ("check-runs", "check-suites", "status"):
        hub.get(f"{R}/commits/nothing/{rest}")
    hub.ask("POST", f"{R}/actions/workflows/release.yml/dispatches", body={})
    hub.ask("PATCH", f"{R}/releases/10", body={"tag_name": "v0.1.9", "draft": False})
    hub.ask("POST", f"{R}/releases/9/assets?name=a.txt", body=b"a")
    hub.ask("POST", f"{R}/releases/9/assets?name=a.txt", body=b"a")
    releases = tuple(hub.store.read().releases)
    hub.change(releases=tuple(msgspec.structs.replace(one, immutable=True) for one in releases))
    hub.ask("DELETE", f"{R}/releases/assets/100")
    assert hub.twin.excused == {*EXCEPTIONS, *MEDIA, *UNDESCRIBED}


@pytest.mark.parametrize(
    "address",
    [
        "/nothing",
        f"{R}/nothing",
        "/repos/sandover/other",
        f"{R}/releases/77",
        f"{R}/releases/tags/v9",
        f"{R}/releases/assets/77",
        f"{R}/actions/runs/77",
        f"{R}/actions/runs/banana",
        f"{R}/actions/jobs/77",
        f"{R}/actions/artifacts/77",
        f"{R}/actions/workflows/nothing.yml",
        f"{R}/branches/nothing",
        f"{R}/git/ref/tags/v9",
        f"{R}/git/tags/{'0' * 40}",
        f"{R}/git/trees/nothing",
        f"{R}/contents/nothing",
        f"{R}/contents/Cargo.toml?ref=nothing",
        f"{R}/compare/v0.1.0...nothing",
        f"{R}/environments/nothing",
        f"{R}/environments/nothing/secrets",
        f"{R}/actions/secrets/NOTHING",
        f"{R}/check-runs/77",
        f"{R}/check-suites/77",
        f"{R}/attestations/sha256:{'00' * 32}",
        "/orgs/nobody/actions/secrets",
    ],
)
def test_what_is_not_there_is_404_with_a_message_and_where_to_read(hub: Hub, address: str) -> None:
    reply = hub.get(address)
    assert reply.status == 404
    assert reply.json()["status"] == "404"
    assert reply.json()["documentation_url"].startswith("https://docs.github.com/rest")


def test_the_tap_has_its_own_git_and_none_of_the_projects_releases(hub: Hub) -> None:
    tap = "/repos/sandover/homebrew-tap"
    assert hub.get(f"{tap}/releases").json() == []
    assert hub.get(f"{tap}/actions/runs").json()["total_count"] == 0
    assert hub.get(f"{tap}/contents/Formula/plasmite.rb").json()["type"] == "file"
    assert hub.get(f"{tap}/actions/secrets").json()["secrets"] == []


def test_a_name_is_found_without_regard_to_case(hub: Hub) -> None:
    assert hub.get("/repos/Sandover/Plasmite").json()["full_name"] == "sandover/plasmite"
