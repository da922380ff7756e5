"""Who may ask, how often, in what shape, and which page."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.sandbox.twins.exchange import Request
from pytest_relgate.sandbox.twins.github import GitHubTwin
from pytest_relgate.sandbox.twins.github import rates as rates_room
from pytest_relgate.sandbox.twins.github.call import Caller
from pytest_relgate.sandbox.twins.github.rates import Rates

if TYPE_CHECKING:
    from conftest import Hub

R = "/repos/sandover/plasmite"


@pytest.mark.parametrize("spelt", ["Bearer ghp_x", "token ghp_x", "bearer github_pat_x", "Bearer gho_x"])
def test_a_persons_token_is_taken_however_it_is_spelt(hub: Hub, spelt: str) -> None:
    reply = hub.get("/user", token="", authorization=spelt)
    assert reply.json()["login"] == "sandover"
    assert reply.header("x-oauth-scopes") == "admin:org, repo, workflow"


def test_a_token_may_be_the_password_or_the_user_of_basic_authentication(hub: Hub) -> None:
    for words in (b"ada:ghp_x", b"ghp_x:"):
        spelt = f"Basic {base64.b64encode(words).decode()}"
        assert hub.get("/user", token="", authorization=spelt).status == 200


@pytest.mark.parametrize("token", ["banana", "ghx_x", "Bearer"])
def test_a_token_that_is_none_is_bad_even_where_nobody_needs_one(hub: Hub, token: str) -> None:
    reply = hub.get(f"{R}/releases", token=token)
    assert (reply.status, reply.message()) == (401, "Bad credentials")
    assert reply.json()["documentation_url"] == "https://docs.github.com/rest"


def test_basic_authentication_that_cannot_be_read_is_bad(hub: Hub) -> None:
    assert hub.get("/user", token="", authorization="Basic %%%").message() == "Bad credentials"


def test_reads_of_a_public_repository_need_no_token(hub: Hub) -> None:
    assert hub.get(R, token="").json()["private"] is False
    assert "permissions" not in hub.get(R, token="").json()
    assert hub.get("/user", token="").message() == "Requires authentication"


def test_a_runs_own_token_is_nobodys(hub: Hub) -> None:
    reply = hub.get("/user", token="ghs_run")
    assert (reply.status, reply.message()) == (403, "Resource not accessible by integration")
    assert hub.get(R, token="ghs_run").json()["permissions"]["push"] is False


SECRETS = (
    "actions/secrets",
    "actions/secrets/NPM_TOKEN",
    "actions/organization-secrets",
    "environments/release/secrets",
)


@pytest.mark.parametrize("address", [f"{R}/{rest}" for rest in SECRETS] + ["/orgs/sandover/actions/secrets"])
def test_secrets_are_closed_to_a_runs_own_token_and_to_nobody_in_particular(hub: Hub, address: str) -> None:
    refused = hub.get(address, token="ghs_run")
    assert (refused.status, refused.message()) == (403, "Resource not accessible by integration")
    assert hub.get(address, token="").status == 401


def test_secrets_stand_on_three_levels_by_name_only(hub: Hub) -> None:
    def names(rest: str) -> list[str]:
        return [one["name"] for one in hub.get(rest).json()["secrets"]]

    assert names(f"{R}/actions/secrets") == ["CARGO_REGISTRY_TOKEN", "NPM_TOKEN"]
    assert names(f"{R}/actions/organization-secrets") == ["PYPI_API_TOKEN"]
    assert names("/orgs/sandover/actions/secrets") == ["PYPI_API_TOKEN"]
    assert names(f"{R}/environments/release/secrets") == ["HOMEBREW_TAP_TOKEN"]
    assert set(hub.get(f"{R}/actions/secrets/npm_token").json()) == {"name", "created_at", "updated_at"}


def test_a_person_has_no_organisations_secrets(hub: Hub) -> None:
    secrets = [one for one in hub.store.read().secrets if one.level != "organization"]
    hub.change(secrets=tuple(secrets))
    assert hub.get("/orgs/sandover/actions/secrets").status == 404
    assert hub.get(f"{R}/actions/organization-secrets").json()["total_count"] == 0
    assert hub.get(R).json()["owner"]["type"] == "User"


def test_each_token_has_an_allowance_that_shrinks(hub: Hub) -> None:
    first, second = hub.get(R, token="ghp_a"), hub.get(R, token="ghp_a")
    assert first.header("x-ratelimit-limit") == "5000"
    assert int(first.header("x-ratelimit-remaining")) - 1 == int(second.header("x-ratelimit-remaining"))
    assert hub.get(R, token="ghs_b").header("x-ratelimit-limit") == "1000"
    assert hub.get(R, token="").header("x-ratelimit-limit") == "60"
    assert hub.get("/rate_limit", token="ghp_a").json()["rate"]["used"] == 2


def test_without_a_token_sixty_requests_are_all(hub: Hub) -> None:
    for _ in range(60):
        assert hub.get("/meta", token="").status == 200
    refused = hub.get("/meta", token="")
    assert refused.status == 403
    assert refused.message().startswith("API rate limit exceeded for ")
    assert refused.header("x-ratelimit-remaining") == "0"
    assert hub.get("/rate_limit", token="").status == 200
    assert hub.get("/meta").status == 200  # somebody else's allowance


def test_the_allowance_comes_back_with_the_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    rates, clock = Rates({Caller.USER: 1}), [1000.0]
    monkeypatch.setattr(rates_room.time, "time", lambda: clock[0])
    rates.spend("a", Caller.USER)
    assert rates.state("a", Caller.USER) == {"limit": 1, "used": 1, "remaining": 0, "reset": 4600}
    clock[0] = 4600.0
    rates.spend("a", Caller.USER)


def test_what_has_not_changed_is_304_and_free_for_who_is_signed_in(hub: Hub) -> None:
    first = hub.get(f"{R}/releases")
    second = hub.get(f"{R}/releases", if_none_match=first.header("etag"))
    assert (second.status, second.body) == (304, b"")
    assert second.header("x-ratelimit-used") == first.header("x-ratelimit-used")
    hub.change(releases=())
    assert hub.get(f"{R}/releases", if_none_match=first.header("etag")).status == 200
    open_first = hub.get(f"{R}/tags", token="")
    open_second = hub.get(f"{R}/tags", token="", if_none_match=open_first.header("etag"))
    assert int(open_second.header("x-ratelimit-used")) == int(open_first.header("x-ratelimit-used")) + 1


def test_every_answer_has_a_number_of_its_own(hub: Hub) -> None:
    numbers = {hub.get(R).header("x-github-request-id") for _ in range(3)}
    assert len(numbers) == 3


def test_a_client_without_a_name_or_with_an_unknown_version_is_refused(hub: Hub) -> None:
    assert hub.get(R, user_agent="").status == 403
    reply = hub.get(R, x_github_api_version="2099-01-01")
    assert reply.status == 400
    assert "2022-11-28" in reply.message()
    assert hub.get(R, x_github_api_version="2022-11-28").status == 200


def links(header: str) -> dict[str, str]:
    return {rel: url for url, rel in re.findall(r'<([^>]+)>; rel="(\w+)"', header)}


def test_pages_point_to_each_other_by_the_repositorys_number(hub: Hub) -> None:
    seen, reply = [], hub.get(f"{R}/tags?per_page=4")
    assert sorted(links(reply.header("link"))) == ["last", "next"]
    while True:
        seen += [tag["name"] for tag in reply.json()]
        found = links(reply.header("link"))
        if "next" not in found:
            break
        assert "/repositories/" in found["next"]
        reply = hub.get(found["next"])
    assert sorted(found) == ["first", "prev"]
    assert sorted(seen) == sorted(f"v0.1.{patch}" for patch in range(10))
    assert hub.get(f"{R}/tags?per_page=100").header("link") == ""


@pytest.mark.parametrize(("query", "count"), [("per_page=0", 10), ("per_page=x&page=-1", 10), ("page=2", 0)])
def test_a_page_that_is_none_is_the_first_and_one_behind_the_last_is_empty(
    hub: Hub, query: str, count: int
) -> None:
    assert len(hub.get(f"{R}/tags?{query}").json()) == count


def test_a_hundred_to_a_page_are_the_most(hub: Hub) -> None:
    run = hub.run(500)
    from msgspec.structs import replace

    hub.change(runs=tuple(replace(run, id=10_000 + one, jobs=(), artifacts=()) for one in range(120)))
    assert len(hub.get(f"{R}/actions/runs?per_page=500").json()["workflow_runs"]) == 100


def test_head_is_get_without_the_body(hub: Hub) -> None:
    reply = hub.ask("HEAD", f"{R}/releases/tags/v0.1.9")
    assert (reply.status, reply.body) == (200, b"")
    assert reply.header("etag") == hub.get(f"{R}/releases/tags/v0.1.9").header("etag")


def test_a_method_that_an_address_does_not_know_is_not_found(hub: Hub) -> None:
    assert hub.ask("DELETE", f"{R}/actions/runs").status == 404


def test_links_begin_where_the_client_asked(hub: Hub) -> None:
    assert hub.get(R).json()["url"] == f"{hub.base}{R}"
    below = hub.get(f"/api/v3{R}/releases/9").json()
    assert below["url"] == f"{hub.base}/api/v3{R}/releases/9"
    assert below["upload_url"].startswith(f"{hub.base}/api/uploads/repos/")
    assert below["html_url"].startswith(f"{hub.base}/sandover/")


def test_what_an_overlay_changes_is_what_is_answered(hub: Hub) -> None:
    from msgspec.structs import replace

    hub.store.overlays = (lambda world, _: replace(world, releases=()),)
    hub.store.change(lambda world: world)
    assert hub.get(f"{R}/releases").json() == []


def test_a_repository_that_is_not_on_disk_is_not_found(hub: Hub, tmp_path: object) -> None:
    twin = GitHubTwin(hub.store, hub.repository, hub.tap / "gone", lambda: "", lambda _: None)
    sent = {"user-agent": "test"}
    request = Request("GET", "/repos/sandover/homebrew-tap", {}, sent, b"", hub.base)
    assert twin.answer(request).status == 404
